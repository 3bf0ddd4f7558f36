import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { migrate } from '../../src/db/migrate.ts'
import { addTier, buyTickets } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
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
