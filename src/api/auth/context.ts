import { z } from 'zod'
import { canonicalEmail } from '../../core/email.ts'
import type { Caller } from '../../db/call.ts'
import type { Database } from '../../db/pool.ts'
import { SERVICE } from '../../desk/callers.ts'
import type { User } from '../../desk/users.ts'
import { beginSignIn } from '../../desk/users.ts'
import { json, type Reply, readBody } from '../http.ts'
import type { SigningKeys } from '../signing-keys.ts'
import { digestOf, newRefreshToken } from './digests.ts'
import { AuthError, isAuthCode } from './errors.ts'
import type { Mailer } from './mailer.ts'
import type { Passwords } from './passwords.ts'
import type { MailPauses } from './pauses.ts'

/** What the operator chose. */
export interface AuthRules {
  /** Anybody may sign up. */
  readonly signUps: boolean
  /** An address counts as one's own without a code. */
  readonly autoconfirm: boolean
  readonly passwordLengthMin: number
  /** How long an access token holds. */
  readonly tokenSeconds: number
  readonly codeSeconds: number
  /** Between two mails to one address. */
  readonly mailPauseSeconds: number
}

export const AUTH_RULES: AuthRules = {
  signUps: true,
  autoconfirm: true,
  passwordLengthMin: 6,
  tokenSeconds: 3_600,
  codeSeconds: 3_600,
  mailPauseSeconds: 60,
}

export interface AuthContext {
  readonly database: Database
  readonly signing: SigningKeys
  readonly passwords: Passwords
  readonly rules: AuthRules
  /** Undefined where no mail can be sent. */
  readonly mailer: Mailer | undefined
  readonly pauses: MailPauses
  /** The part of a refresh token's successor that only the server knows. */
  readonly chainKey: Uint8Array
  /** Where people reach the server. */
  readonly publicUrl: string
}

/** One request, its body not yet read. */
export interface AuthRequest {
  readonly request: Request
  readonly query: URLSearchParams
  readonly caller: Caller
  /** What stands behind the endpoint's name. */
  readonly rest: string
}

export type Endpoint = (asking: AuthRequest, context: AuthContext) => Promise<Reply>

/** The body by its schema; what it does not have is ignored. */
export async function bodyOf<Body>({ request }: AuthRequest, schema: z.ZodType<Body>): Promise<Body> {
  const text = await readBody(request).catch(() => undefined)
  if (text === undefined) throw new AuthError('bad_json')
  const parsed = schema.safeParse(text === '' ? {} : parse(text))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new AuthError('validation_failed', `${issue?.path.join('.') || 'body'}: ${issue?.message}`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AuthError('bad_json')
  }
}

const PASSWORD_LENGTH_MAX = 1_000
/** SQL bounds what is kept; they ride in every token. */
const DATA_BYTES_MAX = 4_096

/** NUL and half a pair of surrogates, as JSON writes them. */
const UNSTORABLE = /\\u(0000|d[89a-f])/
/** No NUL: PostgreSQL has none. */
const plain = z.string().regex(/^[^\0]*$/, 'must not have a NUL character')
export const email = plain.transform((text, context) => {
  const canonical = canonicalEmail(text.trim())
  if (canonical === undefined) context.addIssue('must be an e-mail address')
  return (canonical ?? '').toLowerCase()
})
export const password = plain.max(PASSWORD_LENGTH_MAX, `must have at most ${PASSWORD_LENGTH_MAX} characters`)
export const data = z
  .record(z.string(), z.unknown())
  .nullish()
  .refine((value) => {
    const text = JSON.stringify(value ?? {})
    return Buffer.byteLength(text) <= DATA_BYTES_MAX && !UNSTORABLE.test(text)
  }, `must be an object of at most ${DATA_BYTES_MAX} bytes, of characters that PostgreSQL has`)
  .transform((value) => value ?? {})

export function demandStrong(given: string, { passwordLengthMin }: AuthRules): void {
  if (given.length >= passwordLengthMin) return
  throw new AuthError('weak_password', `Password should be at least ${passwordLengthMin} characters.`, {
    weak_password: { reasons: ['length'] },
  })
}

/** A new session of a user whose identity was shown by `method`. */
export async function signIn(
  { request }: AuthRequest,
  userId: string,
  method: string,
  context: AuthContext,
  passwordHash?: string | null,
): Promise<Reply> {
  const token = newRefreshToken()
  const begun = await beginSignIn(context.database, SERVICE, {
    user_id: userId,
    method,
    digest: digestOf(token),
    user_agent: request.headers.get('user-agent')?.replaceAll('\0', ''),
    password_hash: passwordHash ?? undefined,
  })
  if (begun.error !== undefined) throw new AuthError(isAuthCode(begun.error) ? begun.error : 'user_not_found')
  return sessionReply({ ...begun, method }, token, context)
}

interface Begun {
  readonly session_id: string
  readonly method: string
  readonly user: User
}

/** A session as Supabase Auth answers one, with the claims that its tokens have. */
export async function sessionReply(
  { session_id, method, user }: Begun,
  refreshToken: string,
  { signing, rules, publicUrl }: AuthContext,
): Promise<Reply> {
  const iat = Math.floor(Date.now() / 1000)
  const exp = iat + rules.tokenSeconds
  const claims = {
    iss: `${publicUrl}/auth/v1`,
    sub: user.id,
    aud: 'authenticated',
    exp,
    iat,
    email: user.email,
    phone: '',
    app_metadata: user.app_metadata,
    user_metadata: user.user_metadata,
    role: user.role,
    aal: 'aal1',
    amr: [{ method, timestamp: iat }],
    session_id,
    is_anonymous: false,
  }
  return json(200, {
    access_token: await signing.sign(claims),
    token_type: 'bearer',
    expires_in: rules.tokenSeconds,
    expires_at: exp,
    refresh_token: refreshToken,
    user,
  })
}
