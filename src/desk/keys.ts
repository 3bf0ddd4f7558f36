import { integer, text } from './parameters.ts'
import { verb } from './verb.ts'

/** A public key as the database lists it: 32 bytes in base64url. */
export interface CodeKey {
  readonly kid: number
  readonly public_key: string
  readonly revoked: boolean
}

/** Gives a key that signs codes its number; the same one again keeps it. */
export const registerCodeKey = verb('register_code_key', 'gates', { public_key: text })
  .refuses('INVALID_REQUEST', 'KEY_REVOKED', 'KEYS_EXHAUSTED')
  .answers<{ readonly kid: number; readonly is_new: boolean; readonly keys: readonly CodeKey[] }>()

/** Every key that has a number. */
export const listCodeKeys = verb('list_code_keys', 'gates', {}).gives<readonly CodeKey[]>()

/** Takes a key back: what it signed admits no more, from the commit on. */
export const revokeCodeKey = verb('revoke_code_key', 'gates', { kid: integer })
  .refuses('NOT_FOUND')
  .answers<{ readonly kid: number; readonly revoked_at: string }>()

/** What a person runs to take the oldest key back, where its number is needed. */
export const REVOKE_BY_HAND = 'select ticketing.revoke_code_key(1)'
