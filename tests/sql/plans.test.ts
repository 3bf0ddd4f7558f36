import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'

// A fresh on-sale is an empty, never analyzed table that fills while connections keep the plans they made for it. So each
// connection here runs every verb once while nothing is there, then thousands of rows come, and nobody analyzes.
const db = await testDatabase()
const { eventId, staffId } = await openBoxOffice(db)
const LIVING = 3000
const ROWS_MAX = 20

for (const table of ['ticket_holds', 'tickets', 'orders', 'order_items', 'scan_logs'])
  await db.rows(`alter table ${table} set (autovacuum_enabled = off)`)

const tierId = await addTier(db, eventId, { total: 100_000 })
const small = await addTier(db, eventId, { total: 1000 })
const full = await addTier(db, eventId, { total: 0 })
const seller = await db.connect()
await sellABit(seller, 'while empty')
await fill()
const late = await db.connect()

/** Every hot verb once, as one buyer would; gives what each read. */
async function sellABit(client: pg.Client, session: string): Promise<Map<string, Reads>> {
  const reads = new Map<string, Reads>()
  const cart = JSON.stringify([{ tier_id: tierId, quantity: 1 }])
  const order = JSON.stringify({
    event: eventId,
    items: [{ tier: small, quantity: 1 }],
    customer_name: 'A',
    customer_email: 'a@b',
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
  const many = JSON.stringify([{ tier_id: full, quantity: 1 }])
  const refused = await run('a refusal', 'select reserve_tickets_batch($1, $2) as answer', [many, session])
  assert.equal(refused.error_code, 'INSUFFICIENT_TICKETS')
  await run('reserve_tickets_atomically', 'select reserve_tickets_atomically($1, 1) as answer', [tierId])
  await run('extend_ticket_holds', 'select extend_ticket_holds($1, 5) as answer', [session])
  await run('release_ticket_holds', 'select release_ticket_holds($1) as answer', [session])
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
  const expired = await run('expire_ticket_holds', 'select expire_ticket_holds() as answer', [])
  assert.equal(expired, 1)
  await client.query('commit')
  return reads
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
    [['ticket_holds', 'tickets', 'orders', 'order_items', 'scan_logs']],
  )
  return rows[0] as Reads
}

function grown(before: Reads['indexes'], after: Reads['indexes']): Reads['indexes'] {
  return Object.fromEntries(Object.entries(after).filter(([index, scans]) => scans > (before[index] ?? 0)))
}

/** Living holds, orders, tickets and scans by the thousand. */
async function fill(): Promise<void> {
  await db.rows('update ticket_tiers set total_quantity = $2 where id = $1', [full, LIVING])
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
      ['release_ticket_holds', 'uniq_active_hold_session_tier'],
      ['expire_ticket_holds', 'idx_ticket_holds_tier_active'],
      ['checkout', 'idx_ticket_holds_order'],
      ['issue_order_tickets', 'idx_tickets_order'],
    ] as const)
      it(`${verb} on ${who} uses ${index}`, () => {
        assert.ok(index in (reads.get(verb)?.indexes ?? {}), JSON.stringify(reads.get(verb)))
      })
  }

  it('was never analyzed, so this shows what a fresh on-sale does', async () => {
    assert.equal(
      await db.value(`select count(*)::int from pg_stats where tablename in ('ticket_holds', 'tickets')`),
      0,
    )
  })

  it('sees a verb that reads through the living', async () => {
    await seller.query('begin')
    const before = await readsOf(seller)
    await seller.query(`select count(*) from ticket_holds where status = 'active' and session_id || '' = 'x'`)
    assert.ok((await readsOf(seller)).rows - before.rows > LIVING)
    await seller.query('rollback')
  })
})
