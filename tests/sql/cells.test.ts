import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { ANON, SERVICE, valueAs } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'
import { openOfficeWithFeesIn } from '../support/lawful-office.ts'
import { ourRefund, paidOrder, requestRefund, settleRefund } from '../support/money.ts'
import { codeOf, sourcesOf } from '../support/source.ts'

const CELL = 0xabc
const OURS = /^[0-9a-f]{8}-[0-9a-f]{4}-7abc-8[0-9a-f]{3}-[0-9a-f]{12}$/

/** Columns of the catalogue that draw something when a row is written, and name no cell. Each says why. */
const WITHOUT_CELL: Readonly<Record<string, string>> = {
  'orders.secret': 'opens the page of an order, whose id stands beside it in every link: all of it is random',
  'tickets.qr_code':
    'a code that is signed is made of the ticket’s id; this one is the 122 random bits of it',
  'offer_claims.qr_token': 'opens a door: all of it is random, and the gate names its business',
  'reservations.qr_token': 'opens a door: all of it is random, and the gate names its business',
  'reservations.confirmation_code': 'ten letters that a guest says; the door looks it up in its own house',
  'ticketing.transaction_lives.id': 'names this life of this server, and is compared with itself only',
}

/** Where the code draws something random, and why it is no id of a row of ours. */
const DRAWN: Readonly<Record<string, string>> = {
  'sql/parts/session_id.sql': 'more random bits behind an id that has the cell',
  'sql/parts/write_uuid_v7.sql': 'where the cell is put in',
  'sql/migrations/0001_box_office.sql': 'tickets.qr_code',
  'sql/migrations/0002_offers_and_slots.sql': 'reservations.qr_token, confirmation_code',
  'sql/migrations/0004_money.sql':
    'orders.secret, and the default of refunds.id that write_uuid_v7.sql replaces',
  'sql/migrations/0005_door.sql': 'offer_claims.qr_token',
  'sql/migrations/0006_gate_lists.sql': 'transaction_lives.id',
  'sql/migrations/0010_owed_back.sql': 'the default of voids.id that write_uuid_v7.sql replaces',
  'sql/platform/auth.sql': 'users and sessions, which Supabase Auth names',
  'sql/platform/realtime.sql': 'messages to subscribers, which are gone soon',
  'src/api/auth/digests.ts': 'refresh tokens and codes',
  'src/api/auth/passwords.ts': 'salts',
  'src/api/auth/sign-in.ts': 'a user who is none',
  'src/api/realtime/channel.ts': 'a presence key',
  'src/api/realtime/presence.ts': 'a presence ref',
  'src/db/feed.ts': 'a temporary slot',
  'src/api/http.ts': 'X-Request-Id, for the log',
  'src/api/pages/buy.ts': 'an Idempotency-Key of a form: it is sent with an event’s id',
  'src/api/pages/form.ts': 'an Idempotency-Key of a form: it is sent with an event’s id',
  'src/api/rest/guards.ts': 'a mark in error messages of this process',
  'src/bench/load/request.ts': 'an Idempotency-Key of an order that is measured',
  'src/bench/questions/rivals.ts': 'sessions in a table of another design',
  'src/cli/announce.ts': 'an Idempotency-Key in a line to copy',
  'src/cli/bench-world.ts': 'keys of a server that is measured',
  'src/cli/bench.ts': 'a secret of servers that are measured',
  'src/cli/gate-codes.ts': 'a key that forges, for the proof',
  'src/cli/patroni.ts': 'passwords',
  'src/cli/pgbouncer.ts': 'a password',
  'src/cli/secrets.ts': 'keys',
  'src/cli/stand-in-server.ts': 'keys of the stand-in',
  'src/db/durability.ts': 'the mark of a trial, by which its wait is found',
  'src/embedded/binaries.ts': 'a file’s name',
  'src/embedded/data.ts': 'a password',
  'src/embedded/place.ts': 'a folder’s name',
  'src/client/key.ts': 'an Idempotency-Key: it is sent with an event’s id',
  'src/load/k6/': 'what scripts of k6 may call',
  'src/payments/smoke.ts': 'orders that nobody has, to try a provider’s account',
  'src/payments/stand-in/ids.ts': 'ids of the provider’s',
  'src/proof/faults/random-faults.ts': 'idempotency keys, which are the caller’s',
  'src/proof/faults/witness.ts': 'idempotency keys, which are the caller’s',
  'src/proof/fixtures/fixtures.ts': 'ids of users, who are the identity provider’s',
  'src/proof/fixtures/gate-codes.ts': 'ids of users, and of what there is not',
  'src/proof/fixtures/offer-and-slots.ts': 'ids of users',
  'src/proof/interleaving/': 'ids of users, and idempotency keys, which are the caller’s',
  'src/proof/sabotage/attacks/books-balance.ts': 'a ledger transaction of an attacker',
  'src/proof/sabotage/attacks/offers-and-slots-fit.ts': 'ids of users',
  'src/proof/sabotage/attacks/only-yours.ts': 'ids of users',
}

const db = await testDatabase()
await db.rows('update ticketing.settings set cell = $1', [CELL])
const { eventId, businessId } = await openOfficeWithFeesIn(db)

/** Every uuid column that has a default or is a primary key of its own, of both schemas. */
const DRAWS = `select case n.nspname when 'public' then '' else n.nspname || '.' end || c.relname || '.' || a.attname as name,
    pg_get_expr(d.adbin, d.adrelid) as made
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where c.relkind in ('r', 'p') and n.nspname in ('public', 'ticketing')
    and (pg_get_expr(d.adbin, d.adrelid) ~ 'uuid\\w*\\(|random' or a.atttypid = 'uuid'::regtype and (d.oid is not null
      or exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and i.indkey::text = a.attnum::text
        and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'f' and k.conkey = array[a.attnum]))))`

const withoutCell = async () =>
  (await db.rows<{ name: string; made: string | null }>(DRAWS))
    .filter(({ made }) => made !== 'ticketing.uuid_v7()')
    .map(({ name }) => name)
    .toSorted()

describe('every id of ours names its cell', () => {
  it('by the default of its column, in tables that are not made yet too', async () => {
    assert.deepEqual(await withoutCell(), Object.keys(WITHOUT_CELL).toSorted())
    await db.rows(
      'create table ticketing.naive (id uuid primary key, other uuid default gen_random_uuid(), n text default random()::text)',
    )
    const found = (await withoutCell()).filter((name) => name.startsWith('ticketing.naive'))
    await db.rows('drop table ticketing.naive')
    assert.deepEqual(found, ['ticketing.naive.id', 'ticketing.naive.n', 'ticketing.naive.other'])
  })

  it('and nothing in the code draws one by itself', () => {
    const drawing = /gen_random_uuid|gen_random_bytes|randomUUID|randomBytes|\bcrypto\.getRandomValues/
    const found = sourcesOf('{sql,src}/**/*.{sql,ts}').filter((source) => drawing.test(codeOf(source)))
    const names = Object.keys(DRAWN)
    // A name with a slash at its end is a folder's.
    const told = found.map(
      ({ file }) => names.find((name) => name.endsWith('/') && file.startsWith(name)) ?? file,
    )
    assert.deepEqual([...new Set(told)].toSorted(), names.toSorted())
  })

  it('in what is sold, paid, refunded and scanned', async () => {
    const tierId = await addTier(db, eventId, { priceCents: 0 })
    const paid = await paidOrder(db, { eventId })
    const refund = await requestRefund(db.client, paid.orderId)
    await settleRefund(db.client, ourRefund(paid, refund))
    const held = await valueAs<{ hold_id: string; session_id: string }>(
      db.client,
      ANON,
      'select reserve_tickets_atomically($1, 1)',
      [tierId],
    )
    const own = await valueAs<{ session_id: string }>(
      db.client,
      SERVICE,
      'select reserve_tickets_atomically($1, 1)',
      [tierId],
    )
    const free = await db.value<{ checkout_session_id: string; order_id: string }>(
      'select ticketing.checkout($1)',
      [{ event: eventId, items: [{ tier: tierId, quantity: 1 }], customer_email: 'a@b.example' }],
    )
    const [, order] = free.checkout_session_id.split('_')
    assert.equal(order, free.order_id)
    for (const { session_id } of [held, own])
      assert.match(session_id.replace(/^(session|service):/, '').slice(0, 36), OURS)
    const made = await db.rows<{ what: string; id: string }>(
      `select 'business' as what, id from businesses union all select 'event', id from events where id = $1
       union all select 'tier', id from ticket_tiers union all select 'order', id from orders
       union all select 'item', id from order_items union all select 'hold', id from ticket_holds
       union all select 'ticket', id from tickets union all select 'refund', id from ticketing.refunds
       union all select 'transaction', transaction_id from ticketing.ledger_entries`,
      [eventId],
    )
    const kinds = new Set(made.map(({ what }) => what))
    assert.equal(kinds.size, 9, [...kinds].join(' '))
    assert.deepEqual(
      made.filter(({ id }) => !OURS.test(id)),
      [],
    )
  })
})

describe('an id of version 7', () => {
  it('is inlined, and asks no search_path for what it calls', async () => {
    for (const made of ['ticketing.uuid_v7()', `ticketing.session_id('session')`]) {
      const plan = await db.rows<{ 'QUERY PLAN': string }>(`explain (verbose) select ${made}`)
      assert.doesNotMatch(plan.map((row) => row['QUERY PLAN']).join(), /uuid_v7|session_id/)
    }
    const mallory = await db.connect()
    await mallory.query(`create schema hostile`)
    for (const args of ['text, text, integer, integer', 'text, text, integer'])
      await mallory.query(
        `create function hostile.overlay(${args}) returns text language sql as $$ select 'evil' $$`,
      )
    await mallory.query(`create domain hostile.uuid as pg_catalog.text`)
    await mallory.query(`create domain hostile.text as pg_catalog.text check (value = 'evil')`)
    await mallory.query(`set search_path = hostile, pg_catalog`)
    const { rows } = await mallory.query('select ticketing.uuid_v7()::pg_catalog.text as id')
    assert.match(rows[0].id, OURS)
  })

  it('is later than the one before it, and its time is now', async () => {
    const ids = await db.rows<{ id: string }>(
      'select ticketing.uuid_v7() as id from generate_series(1, 20000)',
    )
    const isNewest = (await db.value<number>(`select current_setting('server_version_num')::int`)) >= 180000
    // Before 18 two of one 4,096th of a millisecond stand in any order.
    const order = ids.map(({ id }) => (isNewest ? id : id.slice(0, 23)))
    assert.deepEqual(order, order.toSorted())
    assert.equal(new Set(ids.map(({ id }) => id)).size, ids.length)
    const age = Date.now() - Number.parseInt(String(ids.at(-1)?.id).replace('-', '').slice(0, 12), 16)
    assert.ok(Math.abs(age) < 60_000, String(age))
  })

  it('carries any of 4,096 cells, and a session goes on with the new one', async () => {
    const cells = [0, 1, 15, 16, 255, 256, 2748, 4095]
    const seen: number[] = []
    for (const cell of cells) {
      await db.rows('update ticketing.settings set cell = $1', [cell])
      seen.push(await db.value<number>('select ticketing.cell_of(ticketing.uuid_v7())'))
    }
    assert.deepEqual(seen, cells)
    assert.deepEqual(
      await db.rows('select protection, object, detail from verify_protections() where not active'),
      [],
    )
    for (const wrong of [-1, 4096])
      await assert.rejects(db.rows('update ticketing.settings set cell = $1', [wrong]), { code: '23514' })
    await db.rows('update ticketing.settings set cell = $1', [CELL])
  })

  it('in a plan that is cached too', async () => {
    const client = await db.connect()
    const fields = `(business_id, title, start_at, end_at, slug) values ($1, 't', now(), now() + interval '1 day', $2)`
    const add = async (slug: string) =>
      (
        await client.query({
          name: 'add',
          text: `insert into events ${fields} returning id`,
          values: [businessId, slug],
        })
      ).rows[0].id
    for (let n = 0; n < 8; n++) assert.match(await add(`cached-${n}`), OURS)
    await db.rows('update ticketing.settings set cell = 7')
    assert.match(await add('cached-after'), /-7007-/)
    await db.rows('update ticketing.settings set cell = $1', [CELL])
  })
})

describe('the cell of an id', () => {
  const cellOf = (id: string) => db.value<number | null>('select ticketing.cell_of($1)', [id])
  const old = '0190163d-8694-7abc-8000-000000000000'

  it('is nowhere to be read in one of another version', async () => {
    assert.equal(await cellOf(randomUUID()), null)
    assert.equal(await cellOf('00000000-0000-0000-0001-000000000099'), null)
  })

  it('nor in one from before the installation had cells, which may look like it', async () => {
    assert.equal(await cellOf(old), 0xabc)
    await db.rows(`update ticketing.settings set cells_since = '2024-07-01'`)
    assert.equal(await cellOf(old), null)
    assert.equal(await cellOf('01906ef0-0000-7abc-8000-000000000000'), 0xabc)
    await db.rows(`update ticketing.settings set cells_since = default`)
  })
})
