import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { migrate } from '../../src/db/migrate.ts'
import { addStaff, addTier, openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'

// What is everybody's, beside a little that is somebody's.
const db = await testDatabase()
const TABLES = ['orders', 'order_items', 'tickets', 'scan_logs', 'offer_claims', 'reservations'] as const
// Autovacuum: what has been analyzed is decided here.
for (const table of TABLES) await db.rows(`alter table ${table} set (autovacuum_enabled = off)`)
const [ours, theirs] = [await openBoxOffice(db), await openBoxOffice(db)]
const ROWS = 20_000
const buyer = await db.value<string>('select gen_random_uuid()')
const manager = await addStaff(db, ours.businessId, 'manager')

/** Orders with a ticket each, scanned, and as many claims and bookings: one person's, or each another's. */
async function fill({ eventId, businessId }: typeof ours, rows: number, user: string | null): Promise<void> {
  const tierId = await addTier(db, eventId, { total: rows })
  await db.rows(
    `with o as (insert into orders (event_id, user_id, session_id, status, currency, total_cents, customer_email, customer_name, tickets_issued_at)
                select $1, coalesce($4::uuid, gen_random_uuid()), 's', 'paid', 'EUR', 0, 'a@b', 'A', now() from generate_series(1, $3) returning id),
          i as (insert into order_items (order_id, event_id, tier_id, quantity, unit_price_cents)
                select id, $1, $2::uuid, 1, 0 from o returning id, order_id),
          t as (insert into tickets (event_id, tier_id, order_id, order_item_id, ordinal, status, checked_in_at)
                select $1, $2, order_id, id, 1, 'used', now() from i returning id)
     insert into scan_logs (event_id, business_id, ticket_id, scan_method, scan_success, scanned_at)
       select $1, $5, id, 'qr', true, now() from t`,
    [eventId, tierId, rows, user, businessId],
  )
  await db.rows(
    `with d as (insert into discounts (business_id, title, total_people) values ($1, 'Offer', 100000) returning id)
     insert into offer_claims (discount_id, user_id, party_size)
       select d.id, coalesce($3::uuid, gen_random_uuid()), 1 from d, generate_series(1, $2)`,
    [businessId, rows, user],
  )
  await db.rows(
    `with s as (insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size) values ($1, 5, '19:00', '22:00', 100000, 10) returning id)
     insert into reservations (business_id, slot_id, date, preferred_time, party_size, reservation_name, user_id)
       select $1, s.id, date '2080-01-05' + 7 * (n % 100), '19:30', 1, 'Ada', coalesce($3::uuid, gen_random_uuid()) from s, generate_series(1, $2) n`,
    [businessId, rows, user],
  )
}

await fill(theirs, ROWS, null)
await fill(ours, 3, buyer)

/** The plan of reading all of a table that a user may see, as text, and how many rows that is. */
async function read(table: string, user: string): Promise<{ plan: string; rows: number }> {
  const client = await db.connect()
  await client.query('begin; set local role authenticated')
  await client.query(`select set_config('request.jwt.claims', $1, true)`, [
    JSON.stringify({ sub: user, role: 'authenticated' }),
  ])
  const plan = await client.query<{ 'QUERY PLAN': string }>(`explain select id from ${table}`)
  const { rows } = await client.query<{ count: string }>(`select count(id) from ${table}`)
  await client.query('rollback')
  return { plan: plan.rows.map((row) => row['QUERY PLAN']).join('\n'), rows: Number(rows[0]?.count) }
}

const NOBODYS = { buyer: new Set(['scan_logs']), manager: new Set(['tickets']) }

describe('who reads without a filter reads the own rows by an index, and not everybody’s', () => {
  for (const state of ['never analyzed', 'analyzed'])
    describe(state, () => {
      before(async () => {
        if (state === 'analyzed') await db.rows('analyze')
      })

      for (const table of TABLES)
        for (const [who, user] of [
          ['buyer', buyer],
          ['manager', manager],
        ] as const)
          it(`${table}, for a ${who}`, async () => {
            const { plan, rows } = await read(table, user)
            assert.equal(rows, NOBODYS[who].has(table) ? 0 : 3)
            assert.doesNotMatch(plan, new RegExp(`Seq Scan on ${table}\\b`))
          })
    })

  it('is so for every column that a policy compares with a list: few rows a value, or told to be taken for it', async () => {
    const columns = await db.rows<{ column: string }>(
      `select distinct p.tablename || '.' || c.name as column
       from pg_policies p, regexp_matches(p.qual, '(\\w+) = ANY', 'g') m(names), unnest(m.names) c(name)
       where p.schemaname = 'public' and c.name <> 'order_id' and not exists (
         select from pg_attribute a where a.attrelid = format('public.%I', p.tablename)::regclass and a.attname = c.name
           and array_to_string(a.attoptions, ',') like 'n_distinct=-%')`,
    )
    assert.deepEqual(columns, [])
  })

  it('is so at once where an older version had analyzed the tables', async () => {
    await db.rows('alter table orders alter column event_id reset (n_distinct)')
    await db.rows('analyze orders')
    assert.match((await read('orders', buyer)).plan, /Seq Scan on orders/)
    await db.rows(`delete from ticketing.migrations where name = '0029_row_security_estimates'`)
    await migrate(db.client)
    assert.doesNotMatch((await read('orders', buyer)).plan, /Seq Scan on orders/)
  })

  it('sees a policy that looks at every row', async () => {
    await db.rows(`alter policy buyer_reads on tickets using (order_id in (select ticketing.my_orders()))`)
    assert.match((await read('tickets', buyer)).plan, /Seq Scan on tickets/)
  })
})
