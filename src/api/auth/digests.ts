import { createHash, createHmac, randomBytes, randomInt } from 'node:crypto'

const TOKEN_BYTES = 24
const CODES = 1_000_000
const CODE_DIGITS = 6

export function newRefreshToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url')
}

/** The one token that follows: a client that lost the answer gets the same, and none is kept that could be stolen. */
export function successorOf(token: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(token).digest().subarray(0, TOKEN_BYTES).toString('base64url')
}

/** What the database keeps of a token. */
export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** Six digits, each code as likely as any other. */
export function newCode(): string {
  return String(randomInt(CODES)).padStart(CODE_DIGITS, '0')
}

/** What the database keeps of a code: a million could be tried against it, so that it takes the server's key too. */
export function codeDigest(code: string, email: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(`${email}:${code.trim()}`).digest('hex')
}
