import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { BoxOffice } from '../box-office.ts'
import type { TestDatabase } from '../database.ts'
import type { PlacedOrder } from '../money.ts'
import { TICKET } from '../money-accounts.ts'
import { openEvent } from '../money-world.ts'
import {
  booksOf,
  heldIn,
  type Order,
  type Payment,
  PLACES,
  type Refund,
  type Sale,
  soldIn,
  TIERS,
  type Ticket,
  type TierName,
} from './sale.ts'

/** The same sale in PostgreSQL; what the model has is known there by these ids. */
export interface Real {
  readonly db: TestDatabase
  readonly staffId: string
  readonly eventId: string
  readonly tierIds: Readonly<Record<TierName, string>>
  /** Sessions are of one sale. */
  readonly sessionOf: (name: string) => string
  readonly orders: PlacedOrder[]
  readonly tickets: Map<Ticket, string>
  readonly payments: Map<Payment, string>
  readonly refunds: Map<Refund, string>
  readonly scannedAt: Map<Ticket, string>
  readonly delivered: object[]
  /** How often the calls of all sales were answered what. */
  readonly answers: Answers
}

export type Answers = Map<string, number>

export async function openReal(db: TestDatabase, box: BoxOffice, answers: Answers): Promise<Real> {
  const eventId = await openEvent(db, box)
  // By ascending id, as they are locked and judged.
  const ids = await db.value<readonly [string, string]>(
    `with made as (
       insert into ticket_tiers (id, event_id, slug, name, price_cents, total_quantity, currency)
         select t.id, e.id, t.slug, t.slug, case when t.slug = $2 then $3 else 0 end, $4, e.currency
         from events e cross join lateral unnest($5::text[], (
           select array_agg(k.id order by k.id)
           from (select ticketing.uuid_v7() as id from generate_series(1, cardinality($5))) k)) t(slug, id)
         where e.id = $1 returning id)
     select jsonb_agg(id order by id) from made`,
    [eventId, 'stalls', TICKET.price, PLACES, TIERS],
  )
  const run = randomUUID()
  return {
    db,
    staffId: box.staffId,
    eventId,
    tierIds: { floor: ids[0], stalls: ids[1] },
    sessionOf: (name) => `${run}-${name}`,
    orders: [],
    tickets: new Map(),
    payments: new Map(),
    refunds: new Map(),
    scannedAt: new Map(),
    delivered: [],
    answers,
  }
}

/** Nothing is due any more that another sale's jobs would find. */
export async function closeReal({ db, eventId }: Real): Promise<void> {
  await db.rows('select expire_ticket_holds(), ticketing.expire_orders()')
  await db.rows('update ticketing.refunds set ask_at = null where event_id = $1', [eventId])
}

interface OrderRows {
  readonly id: string
  readonly status: string
  readonly tickets: readonly { id: string; status: string }[]
  readonly payments: readonly { id: string; status: string; reason: string | null; amount: number }[]
  readonly refunds: readonly {
    id: string
    payment: string | null
    status: string
    cause: string
    amount: number
    tickets: readonly string[]
    asked: number
    isKnown: boolean
  }[]
  readonly books: Readonly<Record<string, number>>
}

interface Rows {
  readonly tiers: readonly (readonly [total: number, sold: number, held: number])[]
  readonly holds: readonly { tier: string; quantity: number; isDue: boolean; order: string | null }[]
  readonly orders: readonly OrderRows[]
}

/** Counters, holds, orders, tickets, payments, refunds and books are what the model says. */
export async function assertSame(sale: Sale, real: Real): Promise<void> {
  const rows = await read(real)
  for (const [index, { tickets }] of rows.orders.entries())
    for (const [at, ticket] of (sale.orders[index]?.tickets ?? []).entries())
      if (tickets[at] !== undefined && !real.tickets.has(ticket)) real.tickets.set(ticket, tickets[at].id)
  assert.deepEqual(
    {
      tiers: rows.tiers,
      holds: rows.holds
        .map(({ tier, quantity, isDue, order }) =>
          holdLine(
            TIERS.find((name) => real.tierIds[name] === tier),
            quantity,
            isDue,
            real.orders.findIndex(({ orderId }) => orderId === order),
          ),
        )
        .sort(),
      orders: rows.orders.map(described),
    },
    {
      tiers: TIERS.map((tier) => [sale.totals[tier], soldIn(sale, tier), heldIn(sale, tier)]),
      holds: sale.holds
        .map(({ tier, quantity, isDue, order }) => holdLine(tier, quantity, isDue, order?.index ?? -1))
        .sort(),
      orders: sale.orders.map(expected),
    },
  )
  for (const [index, order] of sale.orders.entries()) nameRefunds(order, rows.orders[index], real)
}

const holdLine = (tier: string | undefined, quantity: number, isDue: boolean, order: number) =>
  `${quantity} of ${tier}${isDue ? ', due' : ''}${order < 0 ? '' : `, order ${order}`}`

const refundLine = (refund: Omit<OrderRows['refunds'][number], 'id' | 'payment' | 'tickets'>) =>
  `${refund.status} ${refund.cause} ${refund.amount}, asked ${refund.asked}${refund.isKnown ? ', known' : ''}`

const refundLines = (
  refunds: OrderRows['refunds'],
  tickets: readonly string[],
  payments: readonly (string | undefined)[],
) =>
  refunds.map((refund) => {
    const its = refund.tickets.map((id) => tickets.indexOf(id)).sort()
    return `${refundLine(refund)}: payment ${payments.indexOf(refund.payment ?? '')}, tickets ${its}`
  })

function described(order: OrderRows) {
  const payments = order.payments.map(({ id }) => id)
  const tickets = order.tickets.map(({ id }) => id)
  return {
    status: order.status,
    tickets: order.tickets.map(({ status }) => status),
    payments: order.payments.map(({ status, reason, amount }) => `${reason ?? status} ${amount}`),
    refunds: refundLines(order.refunds, tickets, payments).sort(),
    books: order.books,
  }
}

function expected(order: Order) {
  return {
    status: order.status,
    tickets: order.tickets.map(({ status }) => status),
    payments: order.payments.map(({ reason, amount }) => `${reason ?? 'kept'} ${amount}`),
    refunds: linesOf(order).sort(),
    books: booksOf(order),
  }
}

const linesOf = (order: Order) =>
  order.refunds.map((refund) => {
    const its = refund.tickets.map((ticket) => order.tickets.indexOf(ticket)).sort()
    const payment = refund.payment === undefined ? -1 : order.payments.indexOf(refund.payment)
    return `${refundLine(refund)}: payment ${payment}, tickets ${its}`
  })

/** Refunds that are new are found by what they are; two that are the same in all are one as good as the other. */
function nameRefunds(order: Order, rows: OrderRows | undefined, real: Real): void {
  if (rows === undefined) return
  const lines = refundLines(
    rows.refunds,
    rows.tickets.map(({ id }) => id),
    rows.payments.map(({ id }) => id),
  )
  const names = new Set(order.refunds.map((refund) => real.refunds.get(refund)))
  for (const [at, line] of linesOf(order).entries()) {
    const refund = order.refunds[at]
    if (refund === undefined || real.refunds.has(refund)) continue
    const found = rows.refunds.find(({ id }, n) => lines[n] === line && !names.has(id))
    assert.ok(found !== undefined)
    names.add(found.id)
    real.refunds.set(refund, found.id)
  }
}

/** Prepared: after each call it is asked, and planned it costs more than run. */
async function read({ db, eventId, orders }: Real): Promise<Rows> {
  const { rows } = await db.client.query<{ rows: Rows }>({
    name: 'sale',
    text: `select jsonb_build_object(
       'tiers', (select jsonb_agg(jsonb_build_array(t.total_quantity, t.sold_quantity, t.reserved_quantity) order by t.id)
          from ticket_tiers t where t.event_id = $1),
       'holds', (select coalesce(jsonb_agg(jsonb_build_object('tier', h.tier_id, 'quantity', h.quantity,
            'isDue', h.expires_at <= clock_timestamp(), 'order', h.order_id)), '[]')
          from ticket_holds h where h.event_id = $1 and h.status = 'active'),
       'orders', (select coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'status', o.status,
            'tickets', (select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'status', t.status) order by t.tier_id, t.ordinal), '[]')
               from tickets t where t.order_id = o.id),
            'payments', (select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'status', p.status, 'reason', p.reason,
                 'amount', p.amount_cents) order by p.created_at), '[]') from ticketing.payments p where p.order_id = o.id),
            'refunds', (select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'payment', r.payment_id, 'status', r.status,
                 'cause', r.cause, 'amount', r.amount_cents, 'tickets', r.ticket_ids, 'asked', r.asked,
                 'isKnown', r.provider_refund_id is not null)), '[]') from ticketing.refunds r where r.order_id = o.id),
            'books', (select coalesce(jsonb_object_agg(b.account, b.cents), '{}') from (
               select l.account, sum(l.amount_cents) as cents from ticketing.ledger_entries l where l.order_id = o.id
               group by l.account having sum(l.amount_cents) <> 0) b)) order by array_position($2, o.id)), '[]')
          from orders o where o.event_id = $1)) as rows`,
    values: [eventId, orders.map(({ orderId }) => orderId)],
  })
  if (rows[0] === undefined) throw new Error('the sale has no rows')
  return rows[0].rows
}
