import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { addTier } from './box-office.ts'
import { SERVICE, valueAs } from './callers.ts'
import type { TestDatabase } from './database.ts'

/** What the verbs of payments and refunds answer. */
export interface MoneyAnswer {
  readonly success: boolean
  readonly error?: string
  readonly outcome?: string
  readonly reason?: string
  readonly order_id?: string | null
  readonly duplicate?: boolean
  readonly refund_id?: string
  readonly refund_ids?: readonly string[]
  readonly status?: string
  readonly amount_cents?: number
  readonly ticket_ids?: readonly string[]
  readonly payment_id?: string | null
}

/** An order that waits for its payment, and what the provider will call its session and its payment. */
export interface PlacedOrder {
  readonly orderId: string
  readonly eventId: string
  readonly tierId: string
  readonly totalCents: number
  readonly currency: string
  readonly sessionId: string
  readonly paymentId: string
}

export interface OrderOptions {
  readonly eventId: string
  /** A tier of 10 at 20.00 where none is named. */
  readonly tierId?: string
  readonly quantity?: number
  readonly email?: string | null
  readonly livemode?: boolean
  /** The provider's answer about the session is stored: it has its id. */
  readonly opened?: boolean
}

/** Puts tickets that cost something into an order, by the checkout itself. */
export async function placeOrder(db: TestDatabase, options: OrderOptions): Promise<PlacedOrder> {
  const tierId = options.tierId ?? (await addTier(db, options.eventId, { priceCents: 2000 }))
  const answer = await db.value<{
    success: boolean
    order_id: string
    total_cents: number
    currency: string
  }>('select ticketing.checkout($1)', [
    {
      endpoint: 'test',
      event: options.eventId,
      items: [{ tier: tierId, quantity: options.quantity ?? 2 }],
      customer_name: options.email === null ? null : 'Ada Buyer',
      customer_email: options.email === undefined ? 'ada@example.org' : options.email,
      public_url: 'http://localhost',
      livemode: options.livemode ?? false,
    },
  ])
  if (!answer.success) throw new Error(`no order: ${JSON.stringify(answer)}`)
  const name = randomUUID().replaceAll('-', '')
  const order = {
    orderId: answer.order_id,
    eventId: options.eventId,
    tierId,
    totalCents: answer.total_cents,
    currency: answer.currency,
    sessionId: `cs_test_${name}`,
    paymentId: `pi_${name}`,
  }
  if (options.opened ?? true) await openSession(db, order)
  return order
}

/** The provider has opened an order's session, and its answer is stored. */
export async function openSession(db: TestDatabase, order: PlacedOrder): Promise<void> {
  const opened = await db.value<{ success: boolean }>('select ticketing.open_session($1, 1, $2)', [
    order.orderId,
    sessionOf(order, { status: 'open', payment_status: 'unpaid', url: 'https://pay.example.org/x' }),
  ])
  assert.equal(opened.success, true)
}

/** The provider's object of an order's session; paid, where `change` says nothing else. */
export function sessionOf(order: PlacedOrder, change: object = {}): Record<string, unknown> {
  return {
    id: order.sessionId,
    object: 'checkout.session',
    mode: 'payment',
    status: 'complete',
    payment_status: 'paid',
    livemode: false,
    client_reference_id: order.orderId,
    metadata: { order_id: order.orderId, attempt: '1' },
    payment_intent: order.paymentId,
    amount_total: order.totalCents,
    currency: order.currency.toLowerCase(),
    customer_details: { email: 'grace@example.org', name: 'Grace' },
    ...change,
  }
}

/** An event of the provider, with an id of its own. */
export function eventOf(type: string, object: object, change: object = {}): Record<string, unknown> {
  return { id: `evt_${randomUUID()}`, object: 'event', type, livemode: false, data: { object }, ...change }
}

export const completed = (order: PlacedOrder, change: object = {}) =>
  eventOf('checkout.session.completed', sessionOf(order, change))

export const expired = (order: PlacedOrder) =>
  eventOf(
    'checkout.session.expired',
    sessionOf(order, { status: 'expired', payment_status: 'unpaid', payment_intent: null }),
  )

/** Books of a paid order of two tickets of 20.00 where fees are 0.30 + 2 %. */
export const PAID = { captured: 4140, tickets: -4000, fees: -140 }

/** A refund that we asked for, as the provider tells of it. */
export const ourRefund = (order: PlacedOrder, refund: MoneyAnswer, change: object = {}) =>
  refundOf(order, { amount: refund.amount_cents, metadata: { refund_id: refund.refund_id }, ...change })

/** The provider's object of a refund. */
export function refundOf(order: PlacedOrder, change: object = {}): Record<string, unknown> {
  return {
    id: `re_${randomUUID()}`,
    object: 'refund',
    status: 'succeeded',
    amount: order.totalCents,
    currency: order.currency.toLowerCase(),
    payment_intent: order.paymentId,
    metadata: {},
    ...change,
  }
}

/** A bank's dispute of an order's payment, as the provider tells of it when it begins and when it ends. */
export const disputeOf = (order: PlacedOrder, status: string, change: object = {}) =>
  eventOf(`charge.dispute.${status.endsWith('needs_response') ? 'created' : 'closed'}`, {
    id: `dp_${order.orderId}`,
    amount: order.totalCents,
    currency: order.currency.toLowerCase(),
    payment_intent: order.paymentId,
    status,
    ...change,
  })

export const receive = (client: pg.Client, event: object) =>
  valueAs<MoneyAnswer>(client, SERVICE, 'select ticketing.receive_webhook($1)', [event])

export const settle = (client: pg.Client, session: object) =>
  valueAs<MoneyAnswer>(client, SERVICE, 'select ticketing.settle_session($1)', [session])

export const settleRefund = (client: pg.Client, refund: object, refundId: string | null = null) =>
  valueAs<MoneyAnswer>(client, SERVICE, 'select ticketing.settle_refund($1, $2)', [refund, refundId])

export const refuseRefund = (client: pg.Client, refundId: string | undefined) =>
  valueAs<MoneyAnswer>(client, SERVICE, `select ticketing.refuse_refund($1, 'no such charge')`, [refundId])

export const requestRefund = (
  client: pg.Client,
  orderId: string | null,
  ticketIds: readonly string[] | null = null,
  force = false,
) =>
  valueAs<MoneyAnswer>(client, SERVICE, 'select ticketing.request_refund($1, $2, null, $3)', [
    orderId,
    ticketIds,
    force,
  ])

/** An order that was paid, and its tickets. */
export async function paidOrder(
  db: TestDatabase,
  options: OrderOptions,
): Promise<PlacedOrder & { readonly tickets: readonly string[] }> {
  const order = await placeOrder(db, options)
  assert.equal((await receive(db.client, completed(order))).outcome, 'ISSUED')
  return { ...order, tickets: await ticketsOf(db, order) }
}

export async function ticketsOf(db: TestDatabase, order: PlacedOrder): Promise<readonly string[]> {
  const rows = await db.rows<{ id: string }>(
    `select id from tickets where order_id = $1 order by tier_id, ordinal`,
    [order.orderId],
  )
  return rows.map(({ id }) => id)
}

/** The order and all that became of it, in short. */
export async function standOf(db: TestDatabase, order: PlacedOrder): Promise<Record<string, unknown>> {
  return db.value(
    `select jsonb_build_object('order', o.status,
       'tickets', (select coalesce(jsonb_object_agg(s.status, s.n), '{}') from (
          select status, count(*) as n from tickets where order_id = o.id group by status) s),
       'payments', (select coalesce(jsonb_object_agg(p.status, p.n), '{}') from (
          select concat_ws(' ', status, reason) as status, count(*) as n from ticketing.payments where order_id = o.id group by 1) p),
       'refunds', (select coalesce(jsonb_object_agg(r.status, r.n), '{}') from (
          select concat_ws(' ', status, cause) as status, sum(amount_cents) as n from ticketing.refunds where order_id = o.id group by 1) r))
     from orders o where o.id = $1`,
    [order.orderId],
  )
}

/** The balances of an order's accounts, in cents; accounts at zero are left out. */
export async function booksOf(db: TestDatabase, order: PlacedOrder): Promise<Record<string, number>> {
  return db.value(
    `select coalesce(jsonb_object_agg(account, cents), '{}') from (
       select account, sum(amount_cents) as cents from ticketing.ledger_entries where order_id = $1
       group by account having sum(amount_cents) <> 0) b`,
    [order.orderId],
  )
}

/** What a tier counts. */
export const countsOf = (db: TestDatabase, tierId: string) =>
  db.value<{ sold: number; held: number }>(
    `select jsonb_build_object('sold', sold_quantity, 'held', reserved_quantity) from ticket_tiers where id = $1`,
    [tierId],
  )

/** As if an order's time to pay were over: its holds are due, and nobody has ended them. */
export async function lapse(db: TestDatabase, order: PlacedOrder): Promise<void> {
  const holds = await db.rows<{ session_id: string; quantity: number; tier_id: string }>(
    `delete from ticket_holds where order_id = $1 and status = 'active' returning session_id, quantity, tier_id`,
    [order.orderId],
  )
  for (const hold of holds)
    await db.rows(
      `insert into ticket_holds (event_id, tier_id, session_id, order_id, quantity, expires_at)
       values ($1, $2, $3, $4, $5, now() - interval '1 minute')`,
      [order.eventId, hold.tier_id, hold.session_id, order.orderId, hold.quantity],
    )
  await db.rows(`update orders set expires_at = now() - interval '1 hour' where id = $1`, [order.orderId])
}
