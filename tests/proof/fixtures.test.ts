import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import {
  FIXTURES,
  type FixtureName,
  makeFixture,
  ordersFileOf,
  removeFixture,
  ticketsFileOf,
} from '../../src/proof/fixtures/fixtures.ts'
import { openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()

test('each scenario gets its stock or its tickets, and everything is gone after the removal', async () => {
  const empty = await rowsInAllTables()
  for (const name of Object.keys(FIXTURES) as FixtureName[]) {
    const fixture = await makeFixture(db.client, name)
    const { stock, tickets, orders } = FIXTURES[name]
    assert.equal(fixture.slug, name)
    assert.equal(fixture.tickets.length, tickets)
    assert.equal(fixture.raceTicket !== undefined, tickets > 0)
    assert.equal(fixture.orders.length, orders)
    assert.equal(await left(fixture.tierId), stock - orders)
    await use(fixture.eventId, fixture.tierId)
    assert.notDeepEqual(await rowsInAllTables(), empty)
    assert.equal(await removeFixture(db.client, name), true)
    assert.deepEqual(await rowsInAllTables(), empty)
  }
})

test('no job asks a provider about payments that a fixture made: none knows them', async () => {
  await makeFixture(db.client, 'webhook-burst')
  // As two minutes later, and when their time is over.
  for (const later of ['3 minutes', '2 days']) {
    await db.rows('begin')
    await db.rows(
      `update ticketing.checkout_sessions set created_at = created_at - $1::interval, expires_at = expires_at - $1::interval,
         ask_at = ask_at - $1::interval`,
      [later],
    )
    assert.deepEqual(await db.value('select ticketing.due_sessions(100)'), [], later)
    await db.rows('rollback')
  }
  await removeFixture(db.client, 'webhook-burst')
})

test('a fixture of the same slug is replaced, whatever was sold of it', async () => {
  const first = await makeFixture(db.client, 'concurrent-checkout')
  await use(first.eventId, first.tierId)
  const second = await makeFixture(db.client, 'concurrent-checkout', { stock: 7 })
  assert.notEqual(second.eventId, first.eventId)
  assert.equal(await left(second.tierId), 7)
  assert.equal(await db.value('select count(*)::int from events where slug = $1', [second.slug]), 1)
  await removeFixture(db.client, second.slug)
})

test("anybody else's event is neither replaced nor removed", async () => {
  const office = await openBoxOffice(db)
  const taken = {
    code: 'SLUG_TAKEN',
    message: /is not a fixture and stays as it is: name another with --slug/,
  }
  await assert.rejects(makeFixture(db.client, 'reserve-race', { slug: office.eventSlug }), taken)
  await assert.rejects(removeFixture(db.client, office.eventSlug), taken)
  assert.equal(await db.value('select count(*)::int from events where id = $1', [office.eventId]), 1)
})

test('an event that moved into a fixture business under another slug is not removed with it', async () => {
  const fixture = await makeFixture(db.client, 'reserve-race')
  await db.rows(`update events set slug = 'moved' where id = $1`, [fixture.eventId])
  await assert.rejects(removeFixture(db.client, 'moved'), { code: 'SLUG_TAKEN' })
  await db.rows(`update events set slug = 'reserve-race' where id = $1`, [fixture.eventId])
  assert.equal(await removeFixture(db.client, 'reserve-race'), true)
})

test('there is nothing to remove: false', async () => {
  assert.equal(await removeFixture(db.client, 'never-made'), false)
})

test('slug, tier slug, stock and tickets are as asked', async () => {
  const fixture = await makeFixture(db.client, 'scanner-burst', {
    slug: 'my-event',
    tierSlug: 'balcony',
    stock: 3,
    tickets: 4,
  })
  assert.equal(fixture.slug, 'my-event')
  assert.equal(await db.value('select slug from ticket_tiers where id = $1', [fixture.tierId]), 'balcony')
  assert.equal(await left(fixture.tierId), 3)
  const file = JSON.parse(ticketsFileOf(fixture))
  assert.equal(file.tickets.length, 4)
  const [first] = fixture.tickets
  assert.deepEqual(file.tickets[0], {
    id: first?.id,
    event_id: fixture.eventId,
    order_id: first?.order_id,
    type: 'valid',
    qr_code: first?.qr_code,
  })
  assert.ok(!file.tickets.some((ticket: { id: string }) => ticket.id === file.raceTestTicket.id))
  await removeFixture(db.client, 'my-event')
})

test('an order that waits for its payment is as a webhook script needs it, and whatever came of it is removed', async () => {
  const empty = await rowsInAllTables()
  const fixture = await makeFixture(db.client, 'webhook-burst', { orders: 3 })
  const [paid, late, waiting] = JSON.parse(ordersFileOf(fixture)).orders
  assert.deepEqual([paid.amount_cents, paid.currency], [2500 + 99 + 63, 'eur'])
  await report(`evt_fixture_${fixture.eventId}_1`, paid)
  await report(`evt_fixture_${fixture.eventId}_1`, paid)
  await report('evt_of_the_provider', late)
  const nobody = {
    ...waiting,
    order_id: randomUUID(),
    session_id: `cs_fixture_${fixture.eventId}_nobody`,
    payment_intent: `pi_fixture_${fixture.eventId}_nobody`,
  }
  await report(`evt_fixture_${fixture.eventId}_2`, nobody)
  await db.rows('select ticketing.request_refund($1)', [late.order_id])
  const statuses = await db.rows('select status from orders where event_id = $1 order by status', [
    fixture.eventId,
  ])
  assert.deepEqual(statuses, [{ status: 'paid' }, { status: 'paid' }, { status: 'pending' }])
  assert.equal(await removeFixture(db.client, 'webhook-burst'), true)
  assert.deepEqual(await rowsInAllTables(), empty)
})

test('what fails half way leaves nothing behind', async () => {
  const before = await rowsInAllTables()
  await assert.rejects(makeFixture(db.client, 'reserve-race', { tierSlug: 'Not A Slug' }))
  assert.deepEqual(await rowsInAllTables(), before)
})

/** What the provider says about a session that was paid. */
function report(id: string, order: { [key: string]: unknown }): Promise<unknown> {
  const session = {
    id: order['session_id'],
    object: 'checkout.session',
    mode: 'payment',
    payment_status: 'paid',
    payment_intent: order['payment_intent'],
    amount_total: order['amount_cents'],
    currency: order['currency'],
    client_reference_id: order['order_id'],
    metadata: { order_id: order['order_id'], attempt: '1' },
  }
  return db.rows('select ticketing.receive_webhook($1)', [
    { id, type: 'checkout.session.completed', data: { object: session } },
  ])
}

/** An order with its key, a hold of somebody else, and a scan. */
async function use(eventId: string, tierId: string): Promise<void> {
  await db.rows('select ticketing.checkout($1)', [
    {
      event: eventId,
      items: [{ tier: tierId, quantity: 1 }],
      customer_name: 'Ada',
      customer_email: 'ada@example.org',
      idempotency_key: `key of ${tierId}`,
      fingerprint: 'one',
    },
  ])
  await db.rows('select reserve_tickets_atomically($1, 1)', [tierId])
  await db.rows('select scan_ticket_atomic(id, gen_random_uuid()) from tickets where tier_id = $1', [tierId])
}

function left(tierId: string): Promise<number> {
  return db.value(
    'select total_quantity - sold_quantity - reserved_quantity from ticket_tiers where id = $1',
    [tierId],
  )
}

/** Every table of both schemas with its number of rows. */
async function rowsInAllTables(): Promise<unknown> {
  return db.rows(`select c.relname, (xpath('/row/n/text()',
      query_to_xml(format('select count(*) as n from %s', c.oid::regclass), false, true, '')))[1]::text::int as rows
    from pg_class c where c.relkind = 'r' and c.relnamespace::regnamespace::text in ('public', 'ticketing') order by 1`)
}
