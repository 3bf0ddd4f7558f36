import { LRUCache } from 'lru-cache'
import { AuthError } from './errors.ts'

const ADDRESSES_MAX = 10_000

/** Between two mails to one address, whether or not somebody has it: a pause kept for users alone would say who is one. */
export interface MailPauses {
  /** Throws while the last request is too recent. */
  begin(address: string): void
}

export function openPauses(seconds: number): MailPauses {
  const asked = new LRUCache<string, true>({ max: ADDRESSES_MAX, ttl: Math.max(1, seconds * 1000) })
  return {
    begin: (address) => {
      if (seconds === 0) return
      if (asked.has(address)) throw tooSoon(Math.ceil(asked.getRemainingTTL(address) / 1000))
      asked.set(address, true)
    },
  }
}

function tooSoon(seconds: number): AuthError {
  return new AuthError(
    'over_email_send_rate_limit',
    `For security purposes, you can only request this after ${seconds} seconds.`,
  )
}
