import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { migrate } from '../../src/db/migrate.ts'
import { addTier, buyTickets } from '../support/box-office.ts'
import { assertLawful, signedIn, valueAs } from '../support/callers.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { openOfficeWithFeesIn } from '../support/lawful-office.ts'
import {
  booksOf,
  disputeOf,
  ourRefund,
  paidOrder,
  placeOrder,
  receive,
  refuseRefund,
  requestRefund,
  sessionOf,
  settle,
  settleRefund,
  standOf,
} from '../support/money.ts'
import { schemaOf } from '../support/schema.ts'

/** A database as 0.1.0 made it: what its `sql` command printed. */
async function firstRelease(): Promise<TestDatabase> {
  const db = await testDatabase(null)
  const printed = await readFile(new URL('installed-by-0.1.0.sql.gz', import.meta.url))
  await db.client.query(gunzipSync(printed).toString())
  return db
}

it('a database of 0.1.0 becomes what a fresh one is, and goes on selling', async () => {
  const db = await firstRelease()
  const { eventId } = await openOfficeWithFeesIn(db)
  const tierId = await addTier(db, eventId)
  await buyTickets(db, eventId, tierId, 2)
  const paid = await paidOrder(db, { eventId })
  const open = await placeOrder(db, { eventId })
  await migrate(db.client)
  assert.deepEqual(await db.rows('select protection, detail from verify_protections() where not active'), [])
  await assertLawful(db)
  assert.equal(await schemaOf(db), await schemaOf(await testDatabase()))
  assert.equal((await settle(db.client, sessionOf(open))).outcome, 'ISSUED')
  const refund = await requestRefund(db.client, paid.orderId)
  await settleRefund(db.client, ourRefund(paid, refund))
  assert.equal((await standOf(db, paid))['order'], 'refunded')
  await buyTickets(db, eventId, tierId, 8)
  const refused = await db.value<{ error: string }>('select reserve_tickets_atomically($1, 1)', [tierId])
  assert.equal(refused.error, 'INSUFFICIENT_TICKETS')
  await assertLawful(db)
})

it('what 0.1.0 owed and did not send is sent, and its accounts are right one by one', async () => {
  const db = await firstRelease()
  const { eventId } = await openOfficeWithFeesIn(db)
  const stuck = await paidOrder(db, { eventId })
  const refund = await requestRefund(db.client, stuck.orderId)
  await settleRefund(db.client, ourRefund(stuck, refund))
  await settleRefund(db.client, ourRefund(stuck, refund, { status: 'failed' }))
  const again = await db.value<string>(`select id from ticketing.refunds where status = 'queued'`)
  await refuseRefund(db.client, again)
  const split = await paidOrder(db, { eventId, quantity: 1 })
  await receive(db.client, disputeOf(split, 'needs_response'))
  const asked = await requestRefund(db.client, split.orderId)
  await receive(db.client, disputeOf(split, 'won'))
  await settleRefund(db.client, ourRefund(split, asked))
  assert.notDeepEqual(await booksOf(db, split), { captured: 2070, refunds: -2070 })
  await migrate(db.client)
  await assertLawful(db)
  assert.deepEqual(
    await db.rows(
      `select status, amount_cents::int as cents from ticketing.refunds where order_id = $1 and status <> 'failed'`,
      [stuck.orderId],
    ),
    [{ status: 'queued', cents: stuck.totalCents }],
  )
  assert.deepEqual(await booksOf(db, split), { captured: split.totalCents, refunds: -split.totalCents })
})

it('ids of 0.1.0 go on being right, and name no cell, though their bits look as if they did', async () => {
  const db = await firstRelease()
  const { eventId } = await openOfficeWithFeesIn(db)
  const paid = await paidOrder(db, { eventId })
  const tickets = 'select id from tickets where order_id = $1'
  const before = await db.rows<{ id: string }>(tickets, [paid.orderId])
  await migrate(db.client)
  const cellOf = (id: string) => db.value<number | null>('select ticketing.cell_of($1)', [id])
  for (const { id } of [...before, { id: paid.orderId }, { id: eventId }])
    assert.equal(await cellOf(id), null)
  const later = await paidOrder(db, { eventId })
  assert.equal(await cellOf(later.orderId), 0)
  const [first] = before
  const scanned = await db.value<boolean>('select success from scan_ticket_atomic($1, gen_random_uuid())', [
    first?.id,
  ])
  assert.equal(scanned, true)
  await settleRefund(db.client, ourRefund(later, await requestRefund(db.client, later.orderId)))
  await assertLawful(db)
})

const SAYING_WHOSE = [
  'webhook_events',
  'idempotency_keys',
  'scan_logs',
  'offer_claims',
  'ticketing.checkout_sessions',
  'ticketing.disputes',
  'ticketing.payments',
  'ticketing.slot_days',
]

it('what 0.1.0 sold says whose it is, and its keys are asked again by who sent them', async () => {
  const db = await firstRelease()
  const { eventId, businessId } = await openOfficeWithFeesIn(db)
  const tier = await addTier(db, eventId)
  const caller = signedIn(randomUUID())
  await db.rows(
    `with o as (insert into discounts (business_id, title, total_people) values ($1, 'Offer', 9) returning id)
     insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
       select $1, 5, '19:00', '22:00', 9, 9 from o`,
    [businessId],
  )
  const [offer] = await db.rows<{ id: string }>('select id from discounts')
  const asks: readonly [string, readonly unknown[]][] = [
    [
      'select ticketing.checkout($1)',
      [
        {
          event: eventId,
          items: [{ tier, quantity: 1 }],
          customer_email: 'a@b.example',
          customer_name: 'A',
          idempotency_key: 'k',
        },
      ],
    ],
    ['select ticketing.claim_offer_spots_atomically($1, 2, $2)', [offer?.id, 'claim']],
    [
      `select ticketing.book_slot_atomically($1, $2, '19:30', 2, 'Ada', p_idempotency_key => 'booking')`,
      [
        businessId,
        await db.value('select (current_date + (12 - extract(dow from current_date))::int % 7 + 7)::text'),
      ],
    ],
  ]
  const ask = (sql: string, values: readonly unknown[]) =>
    valueAs<{ success: boolean; replayed?: boolean }>(db.client, caller, sql, values)
  for (const [sql, values] of asks) assert.equal((await ask(sql, values)).success, true, sql)
  const paid = await paidOrder(db, { eventId })
  await receive(db.client, disputeOf(paid, 'needs_response'))
  await db.rows('select scan_ticket_atomic(id, gen_random_uuid()) from tickets')
  await migrate(db.client)
  for (const [sql, values] of asks) {
    const again = await ask(sql, values)
    assert.deepEqual([again.success, again.replayed], [true, true], sql)
  }
  for (const table of SAYING_WHOSE)
    assert.deepEqual(
      await db.rows(`select distinct business_id from ${table}`),
      [{ business_id: businessId }],
      table,
    )
  await assertLawful(db)
})
