import { randomBytes } from 'node:crypto'

/** An id that nobody can guess: knowing a session's is all that a buyer needs to pay it. */
export function newId(prefix: string, letters = 24): string {
  let id = prefix
  while (id.length < prefix.length + letters) {
    for (const byte of randomBytes(letters)) {
      // 62 × 4 = 248: above it, some letters would come more often.
      if (byte < 248 && id.length < prefix.length + letters) id += LETTERS[byte % 62]
    }
  }
  return id
}

/** Another object's id that belongs to this one's: a payment's charge, a refund's booking. */
export function twinId(prefix: string, id: string): string {
  return prefix + id.slice(id.indexOf('_') + 1)
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
