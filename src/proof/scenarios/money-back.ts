import type { Fixture } from '../fixtures/fixtures.ts'
import type { Run } from '../run.ts'
import type { ProviderPayment } from '../stand-in.ts'
import { rowsOf } from './scenario.ts'

/** What the provider took for the fixture's event, when no webhook and no refund is on its way any more, or at the deadline. */
export async function paymentsOf(
  run: Run,
  { eventId }: Pick<Fixture, 'eventId'>,
  refundMsMax = REFUND_MS_MAX,
): Promise<readonly ProviderPayment[]> {
  await run.provider.settled()
  const deadlineMs = performance.now() + refundMsMax
  while (performance.now() < deadlineMs) {
    const [waiting] = await rowsOf<{ refunds: number }>(run, WAITING, eventId)
    if (waiting?.refunds === 0) break
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    run.signal.throwIfAborted()
  }
  const orders = await rowsOf<{ id: string }>(run, 'select id from orders where event_id = $1', eventId)
  const ours = new Set(orders.map(({ id }) => id))
  const { payments } = await run.provider.ledger()
  return payments.filter(
    ({ status, client_reference_id: id }) => status === 'succeeded' && id !== null && ours.has(id),
  )
}

/** A job sends refunds every two seconds. */
const REFUND_MS_MAX = 120_000
const LOOK_MS = 500

const WAITING = `select count(*)::int as refunds from ticketing.refunds r
  join ticketing.payments p on p.id = r.payment_id where p.event_id = $1 and r.status in ('queued', 'pending')`

/** Minor units. */
export function moneyOf(payments: readonly ProviderPayment[]): { taken: number; back: number } {
  return {
    taken: payments.reduce((sum, { amount }) => sum + amount, 0),
    back: payments.reduce((sum, { amount_refunded: amount }) => sum + amount, 0),
  }
}
