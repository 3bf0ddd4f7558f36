import type { Caller } from '../db/call.ts'
import { callVault } from '../db/call.ts'
import type { Database } from '../db/pool.ts'

/** How often due holds are ended. A sale does not wait for it: a verb that finds too few left ends its tier's itself. */
const EXPIRE_EVERY_MS = 5_000

/** Ends due holds until `stop`; any number of servers may do so at once. A failed round is left to the next one. */
export function expireHolds(
  database: Database,
  onError: (error: unknown) => void,
): { stop(): Promise<void> } {
  let round: Promise<void> | undefined
  const timer = setInterval(() => {
    round ??= callVault<number>(database, SERVICE, 'expire_ticket_holds', {})
      .then(() => {}, onError)
      .finally(() => {
        round = undefined
      })
  }, EXPIRE_EVERY_MS)
  return {
    stop: async () => {
      clearInterval(timer)
      await round
    },
  }
}

const SERVICE: Caller = { role: 'service_role', claims: '{"role":"service_role"}' }
