import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { assertLawful, SERVICE } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'
import { openOfficeWithFees, openOfficeWithFeesIn } from '../support/lawful-office.ts'
import {
  completed,
  disputeOf,
  eventOf,
  expired,
  type MoneyAnswer,
  ourRefund,
  type PlacedOrder,
  paidOrder,
  placeOrder,
  refundOf,
  requestRefund,
  sessionOf,
  standOf,
} from '../support/money.ts'
import { MOMENTS, pairsOf, type Writing, writeAgain, writeLate } from '../support/older-snapshot.ts'
import { changed } from '../support/race.ts'

// Everything that moves an order's money or its tickets comes after and beside everything else, with a snapshot from before it, at
// every isolation level. Whoever is told to retry does.

type Order = PlacedOrder & { readonly tickets: readonly string[]; readonly refund?: MoneyAnswer }
type Writer = (order: Order) => Writing
const { db, eventId } = await openOfficeWithFees()

const told = (event: object): Writing => [
  SERVICE,
  `select ticketing.receive_webhook('${JSON.stringify(event)}') as answer`,
]
const asked = (sql: string): Writing => [SERVICE, `select ticketing.${sql} as answer`]
const secondPayment: Writer = (order) => told(completed(order, { payment_intent: `pi_${randomUUID()}` }))
const sentOf = (order: Order, change: object = {}) =>
  ourRefund(order, order.refund as MoneyAnswer, { id: `re_${order.orderId}`, ...change })
const giveUp: Writer = ({ orderId }) => asked(`cancel_order('${orderId}')`)

interface Stand {
  readonly open: () => Promise<Order>
  readonly writers: Readonly<Record<string, Writer>>
}

const WAITING: Stand = {
  open: async () => ({ ...(await placeOrder(db, { eventId })), tickets: [] }),
  writers: {
    'its payment arrives': (order) => told(completed(order)),
    'another payment arrives': secondPayment,
    'a payment of another amount arrives': (order) =>
      told(eventOf('checkout.session.completed', sessionOf(order, { amount_total: 1 }))),
    'its session ends': (order) => told(expired(order)),
    'its buyer gives it up': giveUp,
    'the job ends what is due': () => asked(`expire_orders(5)`),
  },
}

const PAID: Stand = {
  open: () => paidOrder(db, { eventId }),
  writers: {
    'staff sends all back': ({ orderId }) => asked(`request_refund('${orderId}')`),
    'staff sends one back': ({ orderId, tickets }) =>
      asked(`request_refund('${orderId}', array['${tickets[0]}']::uuid[])`),
    'staff voids it': ({ orderId }) => asked(`void_tickets('${orderId}', null, 'fraud')`),
    'a gate scans it': ({ tickets }) => [
      SERVICE,
      `select * from scan_ticket_atomic('${tickets[0]}', '${randomUUID()}')`,
    ],
    'a bank takes it': (order) => told(disputeOf(order, 'needs_response')),
    'a person sends it back at the provider': (order) =>
      told(eventOf('refund.created', refundOf(order, { id: `re_${order.orderId}` }))),
    'another payment arrives': secondPayment,
  },
}

/** One of its two tickets is on its way back. */
const RETURNING: Stand = {
  open: async () => {
    const order = await paidOrder(db, { eventId })
    return { ...order, refund: await requestRefund(db.client, order.orderId, order.tickets.slice(0, 1)) }
  },
  writers: {
    'its refund succeeds': (order) => told(eventOf('refund.updated', sentOf(order))),
    'its refund fails': (order) => told(eventOf('refund.failed', sentOf(order, { status: 'failed' }))),
    'staff sends the rest back': ({ orderId }) => asked(`request_refund('${orderId}')`),
    'a gate scans the other': ({ tickets }) => [
      SERVICE,
      `select * from scan_ticket_atomic('${tickets[1]}', '${randomUUID()}')`,
    ],
    'a bank takes it': (order) => told(disputeOf(order, 'needs_response')),
  },
}

const STANDS = {
  'an order that waits': WAITING,
  'a paid order': PAID,
  'an order with a refund under way': RETURNING,
}

describe('money with an older snapshot', async () => {
  const pair = [await db.connect(), await db.connect()] as const
  for (const { name, stand, first, late } of pairsOf<Writer, Stand>(STANDS))
    it(name, async () => {
      for (const moment of MOMENTS) {
        const order = await stand.open()
        const writing = late[1](order)
        const [, end] = await writeLate(db, pair, moment, first[1](order), writing)
        if (moment.level === 'read committed') assert.notEqual(end, 'retry')
        if (end === 'retry') await writeAgain(db, pair, writing)
        await assertOnce(order, `${Object.values(moment)}: ${end}`)
      }
      await assertLawful(db)
    })
})

it('an order whose row is not written: a dispute beside a refund splits the books, and the law sees it', async () => {
  const twin = await testDatabase()
  const order = await paidOrder(twin, { eventId: (await openOfficeWithFeesIn(twin)).eventId })
  await changed([
    'ticketing.note_refunds',
    'where o.id = p_order_id',
    'where o.id = p_order_id and o.status <> n.status',
  ])(twin)
  const pair = [await twin.connect(), await twin.connect()] as const
  const [refund, dispute] = [
    asked(`request_refund('${order.orderId}')`),
    told(disputeOf(order, 'needs_response')),
  ]
  const moment = { level: 'repeatable read', comes: 'after' } as const
  assert.deepEqual(await writeLate(twin, pair, moment, refund, dispute), ['written', 'written'])
  assert.deepEqual(await twin.rows('select law from ticketing.broken_laws()'), [{ law: 'books_balance' }])
})

/** No ticket both opened a gate and went back unasked. */
async function assertOnce(order: Order, when: string): Promise<void> {
  const both = await db.rows(
    `select t.id from tickets t join scan_logs s on s.ticket_id = t.id and s.scan_success
     where t.order_id = $1 and t.status in ('refunding', 'refunded')
       and not exists (select from ticketing.refunds r where r.order_id = t.order_id and r.cause = 'dashboard')`,
    [order.orderId],
  )
  assert.deepEqual(both, [], `${when}: ${JSON.stringify(await standOf(db, order))}`)
}
