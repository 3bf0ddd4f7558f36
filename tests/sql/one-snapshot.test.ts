import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'
import {
  completed,
  disputeOf,
  eventOf,
  expired,
  type PlacedOrder,
  placeOrder,
  refundOf,
} from '../support/money.ts'

// Torn reads: what is shown of an order is what was so at one moment. A writer locks one of the tables that it wrote, until each reader
// waits for it or has answered: a reader that took a second snapshot there would show what was never so.

interface Shown extends PlacedOrder {
  readonly secret: string
  readonly slug: string
  readonly businessId: string
}
type Statement = (shown: Shown) => readonly [sql: string, ...parameters: unknown[]]

const READERS: Readonly<Record<string, Statement>> = {
  order_page: ({ orderId, secret }) => ['select ticketing.order_page($1, $2)', orderId, secret],
  waiting_orders: ({ orderId, secret }) => [
    'select ticketing.waiting_orders($1)',
    JSON.stringify([{ order_id: orderId, secret }]),
  ],
  event_page: ({ slug }) => ['select ticketing.event_page($1)', slug],
  events_on_sale: () => ['select ticketing.events_on_sale()'],
  disputed_orders: ({ businessId }) => [
    `select coalesce(jsonb_agg(d), '[]') from ticketing.disputed_orders($1) d`,
    businessId,
  ],
  double_admissions: ({ businessId }) => [
    `select coalesce(jsonb_agg(d), '[]') from ticketing.double_admissions($1) d`,
    businessId,
  ],
  broken_laws: () => [`select coalesce(jsonb_agg(b), '[]') from ticketing.broken_laws() b`],
}

const told =
  (event: (shown: Shown) => object): Statement =>
  (shown) => ['select ticketing.receive_webhook($1)', JSON.stringify(event(shown))]
const pays = told((shown) => completed(shown))
const isSentBack: Statement = ({ orderId }) => ['select ticketing.request_refund($1)', orderId]
const isDisputed = told((shown) => disputeOf(shown, 'needs_response'))

/** What is written last, after what came before it. */
const WRITERS: Readonly<Record<string, readonly Statement[]>> = {
  'it is paid': [pays],
  'another amount is paid': [told((shown) => completed(shown, { amount_total: 100 }))],
  'it is paid twice': [pays, told((shown) => completed({ ...shown, paymentId: `${shown.paymentId}again` }))],
  'a bank is to confirm a debit': [
    told((shown) => completed(shown, { payment_status: 'unpaid', payment_intent: null })),
  ],
  'its session expires': [told(expired)],
  'it is given up': [({ orderId, secret }) => ['select ticketing.cancel_order($1, $2)', orderId, secret]],
  'it is paid after its session expired': [told(expired), pays],
  'it is sent back': [pays, isSentBack],
  'a part of it is sent back in the dashboard': [
    pays,
    told((shown) => eventOf('refund.created', refundOf(shown, { amount: 500 }))),
  ],
  'its bank disputes it': [pays, isDisputed],
  'its bank takes the money back': [pays, isDisputed, told((shown) => disputeOf(shown, 'lost'))],
  'its tickets are made void': [
    pays,
    ({ orderId }) => ["select ticketing.void_tickets($1, null, 'a mistake', true)", orderId],
  ],
  'its event is cancelled': [
    pays,
    ({ slug }) => ["select ticketing.cancel_event($1, 'the singer is ill')", slug],
  ],
}

describe('whoever reads meets a writer half-way, and sees it before or after,', async () => {
  const db = await testDatabase()
  const writer = await db.connect()
  const readers = await Promise.all(
    Object.entries(READERS).map(async ([name, statement]) => ({
      name,
      statement,
      client: await db.connect(),
    })),
  )

  const ask = async (client: pg.Client, [sql, ...parameters]: ReturnType<Statement>): Promise<unknown> =>
    Object.values((await client.query(sql, parameters)).rows[0] ?? {})[0]

  const write = async (statements: readonly Statement[], about: Shown): Promise<void> => {
    for (const statement of statements) {
      const { success } = (await ask(writer, statement(about))) as { success: boolean }
      assert.equal(success, true)
    }
  }

  const shown = async (): Promise<Shown> => {
    const { eventId, eventSlug, businessId } = await openBoxOffice(db)
    const order = await placeOrder(db, { eventId })
    const secret = await db.value<string>('select secret from orders where id = $1', [order.orderId])
    return { ...order, secret, slug: eventSlug, businessId }
  }

  const readAll = (about: Shown): Promise<unknown[]> =>
    Promise.all(readers.map(({ client, statement }) => ask(client, statement(about))))

  /** Which readers saw what was so neither before nor after, where the writer keeps the table `kept`; the tables that it wrote. */
  const meet = async (statements: readonly Statement[], kept: string | undefined) => {
    const about = await shown()
    await write(statements.slice(0, -1), about)
    const before = await readAll(about)
    await writer.query('begin')
    await write(statements.slice(-1), about)
    const { rows } = await writer.query<{ name: string }>(
      `select relation::regclass::text as name from pg_locks join pg_class c on c.oid = relation
       where pid = pg_backend_pid() and mode = 'RowExclusiveLock' and relkind = 'r' order by 1`,
    )
    if (kept !== undefined) await writer.query(`lock table ${kept} in access exclusive mode`)
    let reading = readers.length
    const midst = readers.map(({ client, statement }) =>
      ask(client, statement(about)).finally(() => {
        reading -= 1
      }),
    )
    await untilWaiting(db, () => reading)
    await writer.query('commit')
    const saw = await Promise.all(midst)
    const after = await readAll(about)
    assert.notDeepEqual(before, after)
    const torn = readers.filter(
      (_, at) => !isDeepStrictEqual(saw[at], before[at]) && !isDeepStrictEqual(saw[at], after[at]),
    )
    return { torn: torn.map(({ name }) => name), tables: rows.map(({ name }) => name) }
  }

  it('and all are asked that answer buyers and staff out of one snapshot', async () => {
    const stable = await db.rows<{ proname: string }>(
      `select proname from pg_proc p where pronamespace = 'ticketing'::regnamespace and prosecdef and provolatile = 's'
         and has_function_privilege('authenticated', oid, 'execute') and proname !~ '^(my|managed|owned)_'`,
    )
    const names = stable.map(({ proname }) => proname)
    // A time in a business's zone: it is no view of a sale.
    assert.deepEqual(
      names.filter((name) => !(name in READERS)),
      ['local_time'],
    )
  })

  for (const [name, statements] of Object.entries(WRITERS)) {
    it(`where ${name}`, async () => {
      const { tables } = await meet(statements, undefined)
      assert.ok(tables.length > 1)
      for (const table of tables) assert.deepEqual((await meet(statements, table)).torn, [], table)
    })
  }

  it('and one that takes a second snapshot is seen', async () => {
    await db.rows('alter function ticketing.order_money(uuid) volatile')
    assert.deepEqual((await meet([pays], 'ticketing.payments')).torn, ['order_page'])
    await db.rows('alter function ticketing.order_money(uuid) stable')
  })
})
