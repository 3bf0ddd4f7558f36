import { createHmac } from 'node:crypto'
import { SignJWT } from 'jose'

/** A secret signs every token; a short one can be guessed from any token. */
const SECRET_LENGTH_MIN = 32
const TOKEN_SECONDS = 24 * 60 * 60

export interface ApiKeys {
  /** JWT keys, as older clients send them; they hold until 2033. */
  readonly anon: string
  readonly serviceRole: string
  /** The same two rights as opaque keys. */
  readonly publishable: string
  readonly secret: string
}

/** The four keys that a secret stands for: the same ones each time. Throws for a secret under 32 characters. */
export async function deriveKeys(jwtSecret: string): Promise<ApiKeys> {
  return {
    anon: await sign(jwtSecret, { role: 'anon', iss: ISSUER, iat: KEYS_FROM, exp: KEYS_UNTIL }),
    serviceRole: await sign(jwtSecret, {
      role: 'service_role',
      iss: ISSUER,
      iat: KEYS_FROM,
      exp: KEYS_UNTIL,
    }),
    publishable: `sb_publishable_${digest(jwtSecret, 'publishable')}`,
    secret: `sb_secret_${digest(jwtSecret, 'secret')}`,
  }
}

export interface TokenRequest {
  /** The user's id. */
  readonly sub: string
  readonly role?: string
  readonly email?: string
  readonly expiresInSeconds?: number
}

/** A user's token, as signing in would give it; good for 24 hours unless told otherwise. */
export function mintToken(
  jwtSecret: string,
  request: TokenRequest,
  nowMs: number = Date.now(),
): Promise<string> {
  const { sub, role = 'authenticated', email, expiresInSeconds = TOKEN_SECONDS } = request
  const iat = Math.floor(nowMs / 1000)
  return sign(jwtSecret, {
    iss: ISSUER,
    aud: 'authenticated',
    sub,
    role,
    ...(email === undefined ? {} : { email }),
    aal: 'aal1',
    is_anonymous: false,
    app_metadata: {},
    user_metadata: {},
    iat,
    exp: iat + expiresInSeconds,
  })
}

/** The bytes that sign and verify; throws for a secret that is too short. */
export function signingKey(jwtSecret: string): Uint8Array {
  if (jwtSecret.length < SECRET_LENGTH_MIN) {
    throw new RangeError(
      `the JWT secret needs ${SECRET_LENGTH_MIN} characters, this one has ${jwtSecret.length}`,
    )
  }
  return new TextEncoder().encode(jwtSecret)
}

function sign(jwtSecret: string, claims: Record<string, unknown>): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(signingKey(jwtSecret))
}

function digest(jwtSecret: string, purpose: string): string {
  return createHmac('sha256', signingKey(jwtSecret)).update(purpose).digest('base64url').slice(0, 31)
}

const ISSUER = 'supabase'
const KEYS_FROM = 1_700_000_000
const KEYS_UNTIL = 2_015_360_000
