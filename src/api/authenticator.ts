import type { Caller } from '../db/call.ts'
import { ANON, SERVICE } from '../desk/callers.ts'
import { type Issuer, openIssuer } from './issuer.ts'
import { type ApiKeys, deriveKeys } from './keys.ts'
import { openSigningKeys, type SigningKeys, type TokenAlgorithm } from './signing-keys.ts'
import { type TokenRefusal, type TokenRules, tokenVerifier } from './tokens.ts'

/** The roles that a token may name; the login could become others, callers may not. */
export const CALLER_ROLES: ReadonlySet<string> = new Set(['anon', 'authenticated', 'service_role'])

export type Identity =
  | { readonly kind: 'caller'; readonly caller: Caller }
  | { readonly kind: 'no-key' }
  | { readonly kind: 'wrong-key' }
  | { readonly kind: 'wrong-token'; readonly refusal: TokenRefusal }

export interface Authenticator {
  readonly keys: ApiKeys
  readonly signing: SigningKeys
  /** REST: a known key is needed; a bearer token decides over it. */
  identify(request: Request): Promise<Identity>
  /**
   * Functions: no key is needed, and an unknown one counts for nothing, as does a token that is not ours or ran out: a browser
   * that kept one is a guest. What needs a caller refuses a guest itself.
   */
  identifyLoosely(request: Request): Promise<Caller>
}

/** Keys that somebody else made, such as a Supabase project's. */
export interface KnownKeys {
  readonly anon: readonly string[]
  readonly service: readonly string[]
}

/** How users' tokens are signed, beside the secret. */
export interface Signing {
  /** Secrets before this one: what they signed still holds. */
  readonly former?: readonly string[]
  readonly algorithm?: TokenAlgorithm
  readonly issuer?: Issuer | undefined
}

interface SigningChoices extends Pick<Signing, 'former' | 'algorithm'> {
  readonly jwksUrl: string | undefined
  /** Whose tokens those keys verify; any where it is left out. */
  readonly issuer: string | undefined
}

export function signingOf({ jwksUrl, issuer, ...own }: SigningChoices): Signing {
  return { ...own, issuer: jwksUrl === undefined ? undefined : openIssuer(jwksUrl, issuer ?? null) }
}

/** Knows the keys of one secret, and who a request comes from. */
export async function openAuthenticator(
  jwtSecret: string,
  rules?: TokenRules,
  others: KnownKeys = { anon: [], service: [] },
  { former, algorithm, issuer }: Signing = {},
): Promise<Authenticator> {
  const keys = await deriveKeys(jwtSecret)
  const signing = await openSigningKeys(jwtSecret, former, algorithm)
  const verify = tokenVerifier(signing, undefined, rules, issuer)
  const known = new Map<string, Caller>([
    [keys.anon, ANON],
    [keys.publishable, ANON],
    [keys.serviceRole, SERVICE],
    [keys.secret, SERVICE],
    ...others.anon.map((key): [string, Caller] => [key, ANON]),
    ...others.service.map((key): [string, Caller] => [key, SERVICE]),
  ])

  /** Keys that the same secret signed at another time are keys too; a user's token is none. */
  const ofKey = async (key: string): Promise<Caller | undefined> => {
    const caller = known.get(key)
    if (caller !== undefined || !key.startsWith('ey')) return caller
    const verified = await verify(key)
    const isKey = !verified.refused && verified.sub === undefined && verified.role !== 'authenticated'
    return isKey ? verified : undefined
  }

  const ofBearer = async (token: string, keyCaller: Caller): Promise<Identity> => {
    if (token.startsWith('sb_')) return { kind: 'caller', caller: keyCaller }
    const caller = known.get(token)
    if (caller !== undefined) return { kind: 'caller', caller }
    const verified = await verify(token)
    return verified.refused
      ? { kind: 'wrong-token', refusal: verified }
      : { kind: 'caller', caller: verified }
  }

  const withKey = async (request: Request, keyCaller: Caller): Promise<Identity> => {
    const authorization = request.headers.get('authorization')
    if (authorization === null) return { kind: 'caller', caller: keyCaller }
    const bearer = BEARER.exec(authorization)
    return bearer === null ? { kind: 'caller', caller: ANON } : ofBearer(bearer[1] ?? '', keyCaller)
  }

  return {
    keys,
    signing,
    identify: async (request) => {
      const key = keyOf(request)
      if (key === null) return { kind: 'no-key' }
      const keyCaller = await ofKey(key)
      return keyCaller === undefined ? { kind: 'wrong-key' } : withKey(request, keyCaller)
    },
    identifyLoosely: async (request) => {
      const key = keyOf(request)
      const identity = await withKey(request, (key === null ? undefined : await ofKey(key)) ?? ANON)
      return identity.kind === 'caller' && CALLER_ROLES.has(identity.caller.role) ? identity.caller : ANON
    },
  }
}

function keyOf(request: Request): string | null {
  const header = request.headers.get('apikey')
  if (header !== null || !request.url.includes('apikey=')) return header
  return new URL(request.url).searchParams.get('apikey')
}

const BEARER = /^bearer(?:\s+(.*))?$/i
