import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { migrate } from '../../src/db/migrate.ts'
import { makeFixture } from '../../src/proof/fixtures/fixtures.ts'
import { makePostgres, setStandby } from '../support/postgres.ts'

const postgres = await makePostgres()
await postgres.start()
const client = new pg.Client({ connectionString: postgres.url })
client.on('error', () => {})
await client.connect()
await migrate(client)
const offer = await makeFixture(client, 'offer-rush', { guests: 1, places: 10 })
const scanner = await makeFixture(client, 'scanner-burst', { tickets: 1, codes: 0 })
const shop = await makeFixture(client, 'concurrent-checkout', { stock: 10 })
after(() => client.end())

const EVENT = { id: 'evt_told_again', type: 'customer.created', data: { object: {} } }

/** Every success that a verb tells again. A scan and an order lock their row, which is a write already; the others only read. */
const CALLS: readonly (readonly [what: string, sql: string, values: readonly unknown[], again: RegExp])[] = [
  [
    'a claim',
    `select ticketing.claim_offer_spots_atomically($1, 1, p_idempotency_key => 'claim') as answer`,
    [offer.offerId],
    /"replayed":true/,
  ],
  ['an event', 'select ticketing.receive_webhook($1) as answer', [EVENT], /"duplicate":true/],
  [
    'a scan',
    `select to_jsonb(s) as answer from ticketing.admit_ticket($1, $2, 'gate', 'qr', false, 'scan') s`,
    [scanner.tickets[0]?.id, scanner.scannerId],
    /"outcome":"ADMITTED"/,
  ],
  [
    'an order',
    'select ticketing.checkout($1) as answer',
    [
      {
        idempotency_key: 'order',
        endpoint: 'checkout',
        event: shop.eventId,
        items: [{ tier: shop.tierId, quantity: 1 }],
        customer_name: 'Ada',
        customer_email: 'ada@example.org',
      },
    ],
    /"replayed":true/,
  ],
]

for (const [what, sql, values, again] of CALLS) {
  test(`${what} that is told again waits for the standby, as the first time`, async () => {
    await ask(sql, values)
    const { early, answer } = await tellAgain(sql, values)
    assert.match(JSON.stringify(answer), again)
    assert.equal(early, 'waits')
  })
}

test('without that wait it is told at once', async () => {
  await client.query(`create or replace function ticketing.await_standby() returns void
    language plpgsql volatile set search_path = pg_catalog, pg_temp as $$ begin end $$`)
  for (const [what, sql, values] of CALLS.slice(0, 2)) {
    assert.equal((await tellAgain(sql, values)).early, 'told', what)
  }
})

async function tellAgain(sql: string, values: readonly unknown[]) {
  await setStandby(postgres.ask, `'none'`)
  const caller = new pg.Client({ connectionString: postgres.url })
  caller.on('error', () => {})
  await caller.connect()
  const telling = caller.query(sql, [...values])
  const early = await Promise.race([telling.then(() => 'told'), delay(WAIT_MS, 'waits')])
  await setStandby(postgres.ask, 'default')
  const answer: unknown = (await telling).rows[0]
  await caller.end()
  return { early, answer }
}

/** Longer than a call takes on a busy machine, or what is told at once is found to wait. */
const WAIT_MS = 2_000

async function ask(sql: string, values: readonly unknown[]): Promise<unknown> {
  return (await client.query<{ answer: unknown }>(sql, [...values])).rows[0]?.answer
}
