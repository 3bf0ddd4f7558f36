import type { EdgeFunction } from '../api/functions/contract.ts'
import type { Log } from '../core/log.ts'
import { cancelEventsOnce, reconcileOnce, refundOnce } from '../jobs/jobs.ts'

const DAEMON = 'ticket-expiry-daemon'

/** A worker has no timers: each call of the daemon does a round of what jobs of a server do, beside ending what is due. */
export function withPaymentJobs(
  functions: ReadonlyMap<string, EdgeFunction>,
  log: Log,
): ReadonlyMap<string, EdgeFunction> {
  const daemon = functions.get(DAEMON)
  if (daemon === undefined) return functions
  const handle: EdgeFunction['handle'] = async (request, context) => {
    const reply = await daemon.handle(request, context)
    const { database, payments } = context
    await cancelEventsOnce(database)
    if (payments !== undefined) {
      await reconcileOnce(database, payments, log)
      await refundOnce(database, payments, log)
    }
    return reply
  }
  return new Map([...functions, [DAEMON, { ...daemon, handle }]])
}
