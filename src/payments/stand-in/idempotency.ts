import { createHash } from 'node:crypto'
import type { Clock } from './clock.ts'
import { canonical } from './form.ts'
import { invalidRequest, StripeRefusal } from './refusal.ts'
import type { KeptAnswer, Store } from './store.ts'

/** Stripe forgets a key after this long. */
const KEY_LIFE_S = 24 * 3_600
const KEY_LENGTH_MAX = 255

/** Idempotency keys of API calls: one call at a time, and the first one's answer for all that repeat it. */
export interface Keys {
  /** From a call's first byte to its last; throws 409 while another call has the key. Returns what unlocks it. */
  lock(key: string): () => void
  /** What the key's first call was answered; throws for other parameters than the first call's. */
  answerOf(key: string, fingerprint: string): KeptAnswer | undefined
}

export function openKeys(store: Store, clock: Clock): Keys {
  const locked = new Set<string>()
  const forget = () => {
    const oldest = clock.now() - clock.span(KEY_LIFE_S)
    for (const { key, at } of store.answers.values()) {
      if (at > oldest) return
      store.answers.delete(key)
    }
  }
  return {
    lock: (key) => {
      if (key.length > KEY_LENGTH_MAX)
        throw invalidRequest(`Idempotency keys have at most ${KEY_LENGTH_MAX} characters.`)
      if (locked.has(key)) throw inUse(key)
      locked.add(key)
      return () => locked.delete(key)
    },
    answerOf: (key, fingerprint) => {
      forget()
      const answer = store.answers.get(key)
      if (answer !== undefined && answer.fingerprint !== fingerprint) throw otherParameters(key)
      return answer
    },
  }
}

/** The same for the same call with the same parameters, in whatever order they are written. */
export function fingerprintOf(path: string, form: string): string {
  return createHash('sha256')
    .update(`${path}\n${canonical(form)}`)
    .digest('base64')
}

function inUse(key: string): StripeRefusal {
  return new StripeRefusal(409, {
    type: 'idempotency_error',
    code: 'idempotency_key_in_use',
    message: `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
  })
}

function otherParameters(key: string): StripeRefusal {
  return new StripeRefusal(400, {
    type: 'idempotency_error',
    message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
  })
}
