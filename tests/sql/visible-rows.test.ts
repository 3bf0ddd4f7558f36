import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { literal } from '../../src/db/call.ts'
import { openPool } from '../../src/db/pool.ts'
import { ANON } from '../../src/desk/callers.ts'
import { rightsOn } from '../../src/desk/channel-rights.ts'
import { type Look, visibleRows } from '../../src/desk/visible-rows.ts'
import { addStaff, addTier, openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()
const [ours, theirs] = [await openBoxOffice(db), await openBoxOffice(db)]
const claimsOf = (sub: string) => JSON.stringify({ sub, role: 'authenticated' })

test('each of many callers is shown its own rows, of keys of one column and of several, in one round trip', async () => {
  await using database = await openPool(db.url, { max: 1, name: 'visible-rows' })
  const tierId = await addTier(db, ours.eventId)
  const [draft] = await db.rows<{ id: string }>(
    `insert into events (business_id, slug, title, start_at, end_at, status)
     values ($1, 'draft', 'Draft', now(), now() + interval '1 day', 'draft') returning id`,
    [ours.businessId],
  )
  const hiddenId = await addTier(db, draft?.id ?? '')
  const scanner = await addStaff(db, theirs.businessId, 'door')
  const tiers = [[tierId], [hiddenId]]
  const staff = [
    [ours.businessId, ours.staffId],
    [theirs.businessId, theirs.staffId],
    [theirs.businessId, scanner],
  ]
  const uuid = (name: string) => ({ name, type: 'uuid' })
  const looks: readonly Look[] = [
    {
      role: 'authenticated',
      table: 'ticket_tiers',
      columns: [uuid('id')],
      asks: [ours.staffId, theirs.staffId, ours.staffId].map((sub) => ({
        claims: claimsOf(sub),
        keys: tiers,
      })),
    },
    {
      role: 'anon',
      table: 'ticket_tiers',
      columns: [uuid('id')],
      asks: [{ claims: '{"role":"anon"}', keys: [[hiddenId], [tierId], [randomUUID()]] }],
    },
    {
      role: 'authenticated',
      table: 'business_staff',
      columns: [uuid('business_id'), uuid('user_id')],
      asks: [ours.staffId, scanner, randomUUID()].map((sub) => ({ claims: claimsOf(sub), keys: staff })),
    },
  ]
  const sorted = (keys: readonly (readonly string[])[] | undefined) => keys?.map(String).sort()
  const answers = (await visibleRows(looks, [], database)).map(sorted)
  assert.deepEqual(answers, [
    sorted(tiers),
    [tierId],
    sorted(tiers),
    [tierId],
    sorted([staff[0] ?? []]),
    sorted(staff.slice(1)),
    [],
  ])
})

test('a login without rights of its own, which may act as the callers’ roles, may ask both', async () => {
  const login = `realtime_${randomUUID().slice(0, 8)}`
  await db.rows(
    `create role ${login} login noinherit password '${login}' in role anon, authenticated, service_role`,
  )
  const url = Object.assign(new URL(db.url), { username: login, password: login }).href
  try {
    await using database = await openPool(url, { max: 1, name: 'visible-rows' })
    const tierId = await addTier(db, ours.eventId)
    const columns = [{ name: 'id', type: 'uuid' }]
    const asks = [{ claims: '{"role":"anon"}', keys: [[tierId]] }]
    const looks = [{ role: 'anon', table: 'ticket_tiers', columns, asks }]
    assert.deepEqual(await visibleRows(looks, [], database), [[[tierId]]])
    await db.rows(
      `create policy listens on realtime.messages for select to anon using (realtime.topic() = 'a')`,
    )
    assert.equal((await rightsOn('a', ANON, database)).read_broadcast, true)
    assert.equal((await rightsOn('b', ANON, database)).read_broadcast, false)
  } finally {
    await db.rows(`drop policy if exists listens on realtime.messages`)
    await db.rows(`drop role ${login}`)
  }
})

test('a question that failed leaves nothing behind that the next one trips over', async () => {
  const client = await db.connect()
  const ask = (query: string) =>
    client.query(
      `begin; set local statement_timeout = '200ms'; select ticketing.visible_rows('{}', ${literal(
        JSON.stringify([{ role: 'authenticated', query, types: 'int', asks: [['{}', '1']] }]),
      )}); commit`,
    )
  await assert.rejects(ask('select pg_sleep(5)::text'), /statement timeout/)
  await client.query('rollback')
  const { rows } = await client.query('select from pg_prepared_statements')
  assert.equal(rows.length, 1, 'PostgreSQL keeps what was prepared')
  await ask(`select 'seen'`)
  assert.equal((await client.query('select from pg_prepared_statements')).rows.length, 0)
})

for (const isolation of ['read committed', 'repeatable read', 'serializable']) {
  test(`it waits until a commit is seen, where transactions are ${isolation} by default`, async () => {
    const url = new URL(db.url)
    url.searchParams.set('options', `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`)
    await using database = await openPool(url.href, { max: 1, name: 'visible-rows' })
    const writer = await db.connect()
    await writer.query('begin')
    const { rows } = await writer.query<{ xid: string }>('select pg_current_xact_id()::text as xid')
    const order: string[] = []
    const asking = visibleRows([], [Number(BigInt(rows[0]?.xid ?? 0) & 0xffffffffn)], database).then(() =>
      order.push('looked'),
    )
    await db.rows(`select pg_sleep(0.2)`)
    order.push('committed')
    await writer.query('commit')
    await asking
    assert.deepEqual(order, ['committed', 'looked'])
  })
}

test('a commit that nobody sees after five seconds is said, not passed over', async () => {
  await using database = await openPool(db.url, { max: 1, name: 'visible-rows' })
  const writer = await db.connect()
  await writer.query('begin')
  const { rows } = await writer.query<{ xid: string }>('select pg_current_xact_id()::text as xid')
  const xid = Number(BigInt(rows[0]?.xid ?? 0) & 0xffffffffn)
  await assert.rejects(visibleRows([], [xid], database), /not seen by others yet/)
  await writer.query('rollback')
})

test('a policy that fails for one caller shows that one nothing, and the others what is theirs', async () => {
  await using database = await openPool(db.url, { max: 1, name: 'visible-rows' })
  const tierId = await addTier(db, ours.eventId)
  const columns = [{ name: 'id', type: 'uuid' }]
  const asks = ['nobody', ours.staffId].map((sub) => ({ claims: claimsOf(sub), keys: [[tierId]] }))
  const looks = [{ role: 'authenticated', table: 'ticket_tiers', columns, asks }]
  assert.deepEqual(await visibleRows(looks, [], database), [[], [[tierId]]])
})
