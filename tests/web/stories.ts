import assert from 'node:assert/strict'
import { testDatabase } from '../support/database.ts'
import {
  completed,
  disputeOf,
  eventOf,
  expired,
  ourRefund,
  type PlacedOrder,
  placeOrder,
  receive,
  refundOf,
  refuseRefund,
  requestRefund,
  sessionOf,
  settleRefund,
  ticketsOf,
} from '../support/money.ts'

/** The database of the one file that tells these. */
export const db = await testDatabase()

/** What happened to an order of two tickets of 20.00, whose payment page is open. */
export type Story = (order: PlacedOrder) => Promise<unknown>

export const all =
  (...stories: readonly Story[]): Story =>
  async (order) => {
    for (const story of stories) await story(order)
  }
export const onOrder =
  (sql: string): Story =>
  (order) =>
    db.rows(sql, [order.orderId])
const onEvent =
  (sql: string): Story =>
  (order) =>
    db.rows(sql, [order.eventId])

export const nothing: Story = async () => {}
export const pays: Story = (order) => receive(db.client, completed(order))
export const paysAgain: Story = (order) => pays({ ...order, paymentId: `${order.paymentId}again` })
const unpaid = { payment_status: 'unpaid', payment_intent: null }
export const authorisesDebit: Story = (order) => receive(db.client, completed(order, unpaid))
export const debitFails: Story = (order) =>
  receive(db.client, eventOf('checkout.session.async_payment_failed', sessionOf(order, unpaid)))
export const sessionExpires: Story = (order) => receive(db.client, expired(order))
export const timeIsOver = onOrder(`update orders set expires_at = now() - interval '1 minute' where id = $1`)
export const givesUp: Story = (order) =>
  db.value('select ticketing.cancel_order($1, (select secret from orders where id = $1))', [order.orderId])
/** As if the holds had lapsed, a week later. */
export const holdsLapse = all(timeIsOver, async (order) => {
  await db.rows('alter table ticket_holds disable trigger trg_hold_legal_change')
  await db.rows(`update ticket_holds set expires_at = now() - interval '1 second' where order_id = $1`, [
    order.orderId,
  ])
  await db.rows('alter table ticket_holds enable always trigger trg_hold_legal_change')
  await db.rows('select ticketing.expire_orders(1000)')
})
export const othersBuy: Story = async (order) => {
  const other = await placeOrder(db, {
    eventId: order.eventId,
    tierId: order.tierId,
    email: 'bob@example.org',
  })
  await pays(other)
}
export const isCancelled = onEvent(`update events set status = 'cancelled' where id = $1`)
export const isOver = onEvent(
  `update events set start_at = now() - interval '3 days', end_at = now() - interval '2 days' where id = $1`,
)
export const refund =
  (howMany: number | null, ...ends: readonly ('pending' | 'succeeded' | 'failed' | 'refused')[]): Story =>
  async (order) => {
    const tickets = howMany === null ? null : (await ticketsOf(db, order)).slice(0, howMany)
    const asked = await requestRefund(db.client, order.orderId, tickets)
    assert.equal(asked.success, true, JSON.stringify(asked))
    for (const status of ends) {
      if (status === 'refused') await refuseRefund(db.client, asked.refund_id)
      else await settleRefund(db.client, ourRefund(order, asked, { id: `re_${asked.refund_id}`, status }))
    }
  }
export const nothingIsSentAgain = onOrder(
  `delete from ticketing.refunds where order_id = $1 and status = 'queued'`,
)
export const sentFromDashboard =
  (amount: number): Story =>
  (order) =>
    receive(db.client, eventOf('refund.created', refundOf(order, { amount })))
export const returnArrives: Story = async (order) => {
  const [sent] = await db.rows<{ id: string; amount_cents: string }>(
    `select id, amount_cents from ticketing.refunds where order_id = $1 and status = 'queued'`,
    [order.orderId],
  )
  const change = { amount: Number(sent?.amount_cents), metadata: { refund_id: sent?.id } }
  await settleRefund(db.client, refundOf(order, change))
}
export const dispute =
  (status: string): Story =>
  (order) =>
    receive(db.client, disputeOf(order, status))
export const isScanned: Story = (order) =>
  db.rows(`update tickets set status = 'used', checked_in_at = now() where order_id = $1`, [order.orderId])
const areVoid =
  (howMany: number | undefined, placesFree: boolean): Story =>
  async (order) => {
    const tickets = (await ticketsOf(db, order)).slice(0, howMany)
    const answer = await db.value<{ success: boolean }>("select ticketing.void_tickets($1, $2, 'x', $3)", [
      order.orderId,
      tickets,
      placesFree,
    ])
    assert.equal(answer.success, true, JSON.stringify(answer))
  }
export const oneIsVoid = areVoid(1, false)
export const allAreVoid = areVoid(undefined, false)
export const allAreCancelled = areVoid(undefined, true)
