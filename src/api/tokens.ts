import { compactVerify, decodeJwt, decodeProtectedHeader, errors } from 'jose'
import { LRUCache } from 'lru-cache'
import { UUID } from '../core/uuid.ts'
import type { Caller } from '../db/call.ts'
import type { Issuer } from './issuer.ts'
import type { SigningKeys } from './signing-keys.ts'

/** Clock skew: how far the signer's clock may differ from ours. */
const SKEW_SECONDS = 30

/** Verified tokens kept; one entry is about a kilobyte. */
const TOKENS_MAX = 2_000

/** A token that is not accepted: PGRST301 when it cannot be verified, PGRST303 when its claims do not hold. */
export interface TokenRefusal {
  readonly refused: true
  readonly code: 'PGRST301' | 'PGRST303'
  readonly message: string
  readonly details: string | null
}

interface VerifiedToken extends Caller {
  readonly refused: false
  /** The user's id; keys have none. */
  readonly sub: string | undefined
}

export type TokenVerifier = (token: string) => Promise<VerifiedToken | TokenRefusal>

/**
 * Verifies tokens that our keys signed (HS256, ES256), or those of an issuer. A signature is checked once and remembered; the clock
 * is asked each time, so that no token outlives its `exp`.
 */
export function tokenVerifier(
  keys: SigningKeys,
  nowMs: () => number = Date.now,
  rules: TokenRules = STRICT,
  issuer?: Issuer,
): TokenVerifier {
  const known = new LRUCache<string, Entry>({ max: TOKENS_MAX })
  return async (token) => {
    const entry = known.get(token) ?? (await verify(token, keys, issuer))
    if ('refused' in entry) return entry
    known.set(token, entry)
    return (
      refuseByClock(entry.claims, Math.floor(nowMs() / 1000)) ??
      refuseByRules(entry.claims, rules) ??
      entry.verified
    )
  }
}

/** What a token must carry beside a good signature; the operator's choice. */
export interface TokenRules {
  /** A token that says for whom it is must say this; null: it may say anything. */
  readonly audience: string | null
  /** A token without an end is good for ever, whoever finds it. */
  readonly mustEnd: boolean
}

const STRICT: TokenRules = { audience: 'authenticated', mustEnd: true }

function refuseByRules({ exp, aud }: Entry['claims'], rules: TokenRules): TokenRefusal | undefined {
  if (rules.mustEnd && typeof exp !== 'number') return refuse("The JWT has no 'exp' claim")
  const named = aud === undefined || aud === null ? [] : [aud].flat()
  if (rules.audience !== null && named.length > 0 && !named.includes(rules.audience)) {
    return refuse('JWT not in audience')
  }
  return undefined
}

interface Entry {
  readonly claims: Readonly<Record<string, unknown>>
  readonly verified: VerifiedToken
}

async function verify(
  token: string,
  keys: SigningKeys,
  issuer: Issuer | undefined,
): Promise<Entry | TokenRefusal> {
  const parts = token.split('.').length
  if (token === '') return unverified('Empty JWT is sent in Authorization header')
  if (parts !== 3) return unverified(`Expected 3 parts in JWT; got ${parts}`)
  try {
    const { alg, kid } = headerOf(token)
    const candidates = keys.verifying(alg, kid)
    const isOwn = candidates.length > 0 || issuer === undefined || !ISSUER_ALGORITHMS.includes(alg)
    const payload = isOwn ? await verifyOwn(token, alg, candidates) : await verifyOfIssuer(token, issuer)
    const claims: unknown = JSON.parse(new TextDecoder().decode(payload))
    if (!isObject(claims)) return refuse('Parsing claims failed')
    // An issuer signs users in; the service role is ours to give.
    if (!isOwn && !ISSUER_ROLES.has(claims['role']))
      return refuse('The JWT has a role that its issuer may not give')
    return entryOf(claims)
  } catch (error) {
    return refusalOf(error)
  }
}

const ISSUER_ROLES: ReadonlySet<unknown> = new Set([undefined, 'anon', 'authenticated'])
/** Never a shared secret: who knows a public key would know it. */
const ISSUER_ALGORITHMS: readonly string[] = ['ES256', 'RS256', 'EdDSA', 'Ed25519']

function headerOf(token: string): { readonly alg: string; readonly kid: string | undefined } {
  const { alg, kid } = decodeProtectedHeader(token)
  return { alg: alg ?? '', kid }
}

async function verifyOwn(
  token: string,
  alg: string,
  candidates: readonly Parameters<typeof compactVerify>[1][],
): Promise<Uint8Array> {
  let failure: unknown = ALGORITHMS.includes(alg)
    ? new errors.JWSSignatureVerificationFailed()
    : new errors.JOSEAlgNotAllowed()
  for (const key of candidates) {
    try {
      return (await compactVerify(token, key, { algorithms: [alg] })).payload
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

const ALGORITHMS: readonly string[] = ['HS256', 'ES256']

async function verifyOfIssuer(token: string, { name, key }: Issuer): Promise<Uint8Array> {
  if (name !== null && decodeJwt(token).iss !== name) throw new errors.JWSSignatureVerificationFailed()
  return (await compactVerify(token, key, { algorithms: [...ISSUER_ALGORITHMS] })).payload
}

function refusalOf(error: unknown): TokenRefusal {
  if (error instanceof errors.JOSEAlgNotAllowed) return unverified('Wrong or unsupported encoding algorithm')
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSTimeout
  ) {
    return unverified('No suitable key or wrong key type', 'None of the keys was able to decode the JWT')
  }
  if (error instanceof SyntaxError) return refuse('Parsing claims failed')
  return unverified('JWT cryptographic operation failed')
}

/** Users' ids are UUIDs: with another one the database would refuse each call as badly made, not as nobody's. */
function entryOf(claims: Readonly<Record<string, unknown>>): Entry | TokenRefusal {
  const { role: named, sub = null } = claims
  const role = typeof named === 'string' ? named : 'anon'
  if (sub !== null && !(typeof sub === 'string' && UUID.test(sub))) {
    return refuse("The JWT 'sub' claim must be a UUID")
  }
  return {
    claims,
    verified: { refused: false, role, sub: sub ?? undefined, claims: JSON.stringify({ ...claims, role }) },
  }
}

function refuseByClock(claims: Entry['claims'], now: number): TokenRefusal | undefined {
  for (const name of ['exp', 'nbf', 'iat']) {
    const value = claims[name]
    if (value !== undefined && value !== null && typeof value !== 'number') {
      return refuse(`The JWT '${name}' claim must be a number`)
    }
  }
  const { exp, nbf, iat } = claims as Readonly<Record<string, number | null | undefined>>
  if (typeof exp === 'number' && now - SKEW_SECONDS > exp) return refuse('JWT expired', now - exp)
  if (typeof nbf === 'number' && now + SKEW_SECONDS < nbf) return refuse('JWT not yet valid', nbf - now)
  if (typeof iat === 'number' && now + SKEW_SECONDS < iat) return refuse('JWT issued at future', iat - now)
  return undefined
}

function unverified(message: string, details: string | null = null): TokenRefusal {
  return { refused: true, code: 'PGRST301', message, details }
}

function refuse(message: string, seconds?: number): TokenRefusal {
  const details = seconds === undefined ? null : `Invalid by ${Math.floor(seconds)} seconds`
  return { refused: true, code: 'PGRST303', message, details }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
