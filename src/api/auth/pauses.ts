import { LRUCache } from 'lru-cache'
import { AuthError } from './errors.ts'

const ADDRESSES_MAX = 10_000

/** Between two mails to one address, whether or not somebody has it: a pause kept for users alone would say who is one. */
export interface MailPauses {
  /** Throws while the last request is too recent. */
  begin(address: string): Promise<void>
}

/** Seconds that are left of the pause of an address; where 0 are, one of so many begins. */
export type Pause = (address: string, seconds: number) => number | Promise<number>

export function openPauses(seconds: number, pause: Pause = openPauseBook()): MailPauses {
  return {
    begin: async (address) => {
      const left = seconds === 0 ? 0 : await pause(address, seconds)
      if (left > 0) throw tooSoon(left)
    },
  }
}

export function openPauseBook(): (address: string, seconds: number) => number {
  const asked = new LRUCache<string, true>({ max: ADDRESSES_MAX })
  return (address, seconds) => {
    if (asked.has(address)) return Math.max(1, Math.ceil(asked.getRemainingTTL(address) / 1000))
    asked.set(address, true, { ttl: seconds * 1000 })
    return 0
  }
}

function tooSoon(seconds: number): AuthError {
  return new AuthError(
    'over_email_send_rate_limit',
    `For security purposes, you can only request this after ${seconds} seconds.`,
  )
}
