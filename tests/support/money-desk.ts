import assert from 'node:assert/strict'
import type { TestDatabase } from './database.ts'
import { type MoneyAnswer, refuseRefund, requestRefund } from './money.ts'

/** What staff, a gate and the jobs do about an order's money, in one database. */
export function moneyDesk(db: TestDatabase, staffId: string) {
  const due = (verb: string) => db.value<Record<string, unknown>[]>(`select ticketing.${verb}(1000)`)
  return {
    due,
    request: (orderId: string | null, ticketIds?: readonly string[], force?: boolean) =>
      requestRefund(db.client, orderId, ticketIds, force),
    refuse: (id: string | undefined) => refuseRefund(db.client, id),
    scan: (id: string | undefined) =>
      db.value('select success from scan_ticket_atomic($1, $2)', [id, staffId]),
    /** Hours pass: the one refund that waits for its next turn is due, and is leased. */
    async soon(orderId: string): Promise<MoneyAnswer> {
      await db.rows(
        'update ticketing.refunds set ask_at = now() where order_id = $1 and ask_at is not null',
        [orderId],
      )
      const found = (await due('due_refunds')).filter((row) => row['order_id'] === orderId)
      assert.equal(found.length, 1, 'one refund is due')
      return found[0] as unknown as MoneyAnswer
    },
  }
}
