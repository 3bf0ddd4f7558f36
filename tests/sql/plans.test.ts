import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'

// A fresh on-sale is an empty, never analyzed table that fills while connections keep the plans they made for it. So each
// connection here runs every verb once while nothing is there, then thousands of rows come, and nobody analyzes.
const db = await testDatabase()
const { businessId, eventId, staffId } = await openBoxOffice(db)
const LIVING = 3000
const ROWS_MAX = 20

const BIG = ['ticket_holds', 'tickets', 'orders', 'order_items', 'scan_logs', 'offer_claims', 'reservations']
const EVENING = '2086-01-04'
for (const table of BIG) await db.rows(`alter table ${table} set (autovacuum_enabled = off)`)

const tierId = await addTier(db, eventId, { total: 100_000 })
const small = await addTier(db, eventId, { total: 1000 })
const full = await addTier(db, eventId, { total: 0 })
const offers = {
  open: await addOffer(false),
  oncePerPerson: await addOffer(true),
}
await db.rows(
  `insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size, max_per_person)
   values ($1, 5, '19:00', '22:00', 100000, 10, 1000)`,
  [businessId],
)
const seller = await db.connect()
await sellABit(seller, 'while empty')
await fill()
const late = await db.connect()

function addOffer(once: boolean): Promise<string> {
  return db.value(
    `insert into discounts (business_id, title, total_people, one_claim_per_person) values ($1, 'Offer', 100000, $2) returning id`,
    [businessId, once],
  )
}

/** Every hot verb once, as one buyer would; gives what each read. */
async function sellABit(client: pg.Client, session: string): Promise<Map<string, Reads>> {
  const reads = new Map<string, Reads>()
  const cart = JSON.stringify([{ tier_id: tierId, quantity: 1 }])
  const order = JSON.stringify({
    event: eventId,
    items: [{ tier: small, quantity: 1 }],
    customer_name: 'A',
    customer_email: 'a@b.example',
  })
  const run = async (name: string, sql: string, values: readonly unknown[]) => {
    const before = await readsOf(client)
    const { rows } = await client.query(sql, [...values])
    const after = await readsOf(client)
    reads.set(name, { rows: after.rows - before.rows, indexes: grown(before.indexes, after.indexes) })
    return rows[0]?.answer
  }
  await client.query('begin')
  await run('reserve_tickets_batch', 'select reserve_tickets_batch($1, $2) as answer', [cart, session])
  await run('reserve_tickets_batch again', 'select reserve_tickets_batch($1, $2) as answer', [cart, session])
  await run('reserve_many', 'select answer from ticketing.reserve_many($1, $2, $3::jsonb[], $4) as answer', [
    [null, null],
    [null, null],
    [cart, cart],
    [`${session} one`, `${session} two`],
  ])
  const many = JSON.stringify([{ tier_id: full, quantity: 1 }])
  const refused = await run('a refusal', 'select reserve_tickets_batch($1, $2) as answer', [many, session])
  assert.equal(refused.error_code, 'INSUFFICIENT_TICKETS')
  await run('reserve_tickets_atomically', 'select reserve_tickets_atomically($1, 1) as answer', [tierId])
  await run('extend_ticket_holds', 'select extend_ticket_holds($1, 5) as answer', [session])
  await run('release_ticket_holds', 'select release_ticket_holds($1) as answer', [session])
  await run('checkout_many', 'select answer from ticketing.checkout_many($1::jsonb[], $2, $3) answer', [
    [order, order],
    ['anon', 'authenticated'],
    [null, randomUUID()],
  ])
  const bought = await run('checkout', 'select ticketing.checkout($1) as answer', [order])
  await run('issue_order_tickets', 'select issue_order_tickets($1) as answer', [bought.order_id])
  const scan = [bought.tickets[0].id, staffId]
  await run('scan_ticket_atomic', 'select scan_ticket_atomic($1, $2) as answer', scan)
  await run('sync_offline_scan', 'select sync_offline_scan($1, $2, now()) as answer', scan)
  await client.query(
    `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
     values ($1, $2, $3, 1, now() - interval '1 minute')`,
    [eventId, tierId, `lapsed ${session}`],
  )
  await askForTables(client, session, run)
  const expired = await run('expire_ticket_holds', 'select expire_ticket_holds() as answer', [])
  assert.equal(expired, 1)
  await client.query('commit')
  return reads
}

/** What a guest asks of the house beside tickets, under a key each, and the door of what it was given. */
async function askForTables(
  client: pg.Client,
  key: string,
  run: (name: string, sql: string, values: readonly unknown[]) => Promise<Record<string, string>>,
): Promise<void> {
  const claim = 'select ticketing.claim_offer_spots_atomically($1, 1, $2) as answer'
  const book = `select ticketing.book_slot_atomically($1, '${EVENING}', '19:30', 2, 'Ada', p_idempotency_key => $2) as answer`
  for (const [who, sub] of [
    ['a guest', randomUUID()],
    ['the service', ''],
  ] as const) {
    await client.query(`select set_config('request.jwt.claims', $1, true)`, [sub && JSON.stringify({ sub })])
    const claimed = await run(`a claim of ${who}`, claim, [offers.open, key])
    await run(`a claim of ${who} again`, claim, [offers.open, key])
    await run(`the one claim of ${who}`, claim, [offers.oncePerPerson, null])
    await run(`a second claim of ${who}`, claim, [offers.oncePerPerson, null])
    const scan = 'select ticketing.validate_qr($1) as answer'
    const shown = (code: unknown) => [{ business_id: businessId, code, presented: '0'.repeat(64) }]
    const booked = await run(`a booking of ${who}`, book, [businessId, `${key} too`])
    await run(`a booking of ${who} again`, book, [businessId, `${key} too`])
    await run(`cancel_reservation of ${who}`, 'select cancel_reservation($1) as answer', [
      booked['reservation_id'],
    ])
    await run(`release_offer_spots of ${who}`, 'select release_offer_spots($1, 1) as answer', [
      offers.oncePerPerson,
    ])
    await client.query(`select set_config('request.jwt.claims', '', true)`)
    const admitted = await run(`validate_qr of the claim of ${who}`, scan, shown(claimed['qr_token']))
    assert.equal(admitted['outcome'], 'ADMITTED')
    await run(`validate_qr of the booking of ${who}`, scan, shown(booked['qr_token']))
    await run(`validate_qr of a code that is nothing, for ${who}`, scan, shown('0'.repeat(32)))
  }
}

interface Reads {
  /** Rows that scans of any kind fetched from the big tables. */
  readonly rows: number
  /** Scans of each index of theirs. */
  readonly indexes: Readonly<Record<string, number>>
}

async function readsOf(client: pg.Client): Promise<Reads> {
  const { rows } = await client.query<Reads>(
    `select (select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int from pg_stat_xact_user_tables where relname = any ($1)) as rows,
            (select jsonb_object_agg(i.indexrelid::regclass, pg_stat_get_xact_numscans(i.indexrelid)) from pg_index i
             join pg_class c on c.oid = i.indrelid where c.relname = any ($1)) as indexes`,
    [BIG],
  )
  return rows[0] as Reads
}

function grown(before: Reads['indexes'], after: Reads['indexes']): Reads['indexes'] {
  return Object.fromEntries(Object.entries(after).filter(([index, scans]) => scans > (before[index] ?? 0)))
}

/** Living holds, orders, tickets, scans, claims and bookings by the thousand. */
async function fill(): Promise<void> {
  await db.rows('update ticket_tiers set total_quantity = $2 where id = $1', [full, LIVING])
  await db.rows(
    `insert into offer_claims (discount_id, user_id, party_size)
     select d, u, 1 from unnest($1::uuid[]) d, generate_series(1, $2) n, lateral (select gen_random_uuid() where n > 0) g(u)`,
    [Object.values(offers), LIVING],
  )
  // Nobody's, of another offer, as many.
  await db.rows(
    'insert into offer_claims (discount_id, party_size) select $1, 1 from generate_series(1, $2)',
    [await addOffer(false), LIVING],
  )
  // Of one slot, on a hundred evenings.
  await db.rows(
    `insert into reservations (business_id, slot_id, date, preferred_time, party_size, reservation_name, user_id)
     select $1, s.id, date '2080-01-05' + 7 * (n % 100), '19:30', 1, 'Ada', gen_random_uuid()
     from slots s, generate_series(1, $2) n where s.business_id = $1`,
    [businessId, LIVING],
  )
  await db.rows(
    `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
     select $1, t, 'living ' || n, 1, now() + interval '1 hour' from unnest($2::uuid[]) t, generate_series(1, $3) n`,
    [eventId, [tierId, full], LIVING],
  )
  await db.rows(
    `with o as (insert into orders (event_id, session_id, status, currency, total_cents, customer_email, customer_name, tickets_issued_at)
                select $1, 's', 'paid', 'EUR', 0, 'a@b', 'A', now() from generate_series(1, $3) returning id),
          i as (insert into order_items (order_id, event_id, tier_id, quantity, unit_price_cents)
                select id, $1, $2::uuid, 1, 0 from o returning id, order_id),
          t as (insert into tickets (event_id, tier_id, order_id, order_item_id, ordinal, status, checked_in_at)
                select $1, $2, order_id, id, 1, 'used', now() from i returning id)
     insert into scan_logs (event_id, ticket_id, scan_method, scan_success, scanned_at) select $1, id, 'qr', true, now() from t`,
    [eventId, tierId, LIVING],
  )
}

describe(`beside ${LIVING} living holds, never analyzed`, async () => {
  for (const [who, client] of [
    ['a connection that planned while the tables were empty', seller],
    ['a new connection', late],
  ] as const) {
    const reads = await sellABit(client, who)
    for (const [verb, { rows }] of reads)
      it(`${verb} on ${who} reads its own rows, not everybody's`, () => {
        assert.ok(rows <= ROWS_MAX, `${rows} rows read, at most ${ROWS_MAX} expected`)
      })
    for (const [verb, index] of [
      ['reserve_tickets_batch again', 'uniq_active_hold_session_tier'],
      ['reserve_many', 'uniq_active_hold_session_tier'],
      ['release_ticket_holds', 'uniq_active_hold_session_tier'],
      ['expire_ticket_holds', 'idx_ticket_holds_tier_active'],
      ['checkout', 'idx_ticket_holds_order'],
      ['issue_order_tickets', 'idx_tickets_order'],
      ['a claim of a guest again', 'uniq_claim_request_key'],
      ['a booking of a guest again', 'uniq_booking_request_key'],
      ['validate_qr of the claim of a guest', 'uniq_claim_code'],
    ] as const)
      it(`${verb} on ${who} uses ${index}`, () => {
        assert.ok(index in (reads.get(verb)?.indexes ?? {}), JSON.stringify(reads.get(verb)))
      })
  }

  it('was never analyzed, so this shows what a fresh on-sale does', async () => {
    assert.equal(await db.value(`select count(*)::int from pg_stats where tablename = any ($1)`, [BIG]), 0)
  })

  it('sees a verb that reads through the living', async () => {
    await seller.query('begin')
    const before = await readsOf(seller)
    await seller.query(`select count(*) from ticket_holds where status = 'active' and session_id || '' = 'x'`)
    assert.ok((await readsOf(seller)).rows - before.rows > LIVING)
    await seller.query('rollback')
  })
})
