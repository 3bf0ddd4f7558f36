import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { installSql, migrate } from '../../src/db/migrate.ts'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { assertLawful, refusalOf } from '../support/callers.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

/** Everything that installing makes, as text: what differs between two dumps differs between two databases. */
const DUMP: Readonly<Record<string, string>> = {
  functions: `select p.oid::regprocedure || ' ' || md5(pg_get_functiondef(p.oid)) || ' ' || coalesce(p.proacl::text, '') as line
    from pg_proc p where p.pronamespace::regnamespace::text in ('public', 'ticketing', 'auth')`,
  triggers: `select tgrelid::regclass || ' ' || tgenabled::text || ' ' || pg_get_triggerdef(oid) as line from pg_trigger where not tgisinternal`,
  constraints: `select conrelid::regclass || ' ' || contypid::regtype || ' ' || conname || ' ' || pg_get_constraintdef(oid) as line from pg_constraint
    where connamespace::regnamespace::text in ('public', 'ticketing')`,
  indexes: `select indexdef as line from pg_indexes where schemaname in ('public', 'ticketing')`,
  policies: `select concat_ws(' ', tablename, policyname, permissive, roles, cmd, qual, with_check) as line from pg_policies`,
  relations: `select concat_ws(' ', oid::regclass, relkind, relrowsecurity, relacl, reloptions) as line from pg_class
    where relnamespace::regnamespace::text in ('public', 'ticketing') and relkind in ('r', 'v')`,
  columns: `select concat_ws(' ', a.attrelid::regclass, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attacl,
      pg_get_expr(d.adbin, d.adrelid)) as line
    from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relnamespace::regnamespace::text in ('public', 'ticketing') and c.relkind in ('r', 'v') and a.attnum > 0`,
  views: `select viewname || ' ' || definition as line from pg_views where schemaname = 'ticketing'`,
  schemas: `select nspname || ' ' || coalesce(nspacl::text, '') as line from pg_namespace where nspname in ('ticketing', 'auth')`,
  registry: `select p::text as line from ticketing.protections p union all select d::text from ticketing.definitions d
    union all select l::text from ticketing.laws l union all select m::text from ticketing.migrations m`,
}

async function dump(db: TestDatabase): Promise<Record<string, string[]>> {
  const parts: Record<string, string[]> = {}
  for (const [name, sql] of Object.entries(DUMP))
    parts[name] = (await db.rows<{ line: string }>(sql)).map((row) => row.line).sort()
  return parts
}

const withoutTimes = (parts: Record<string, string[]>) => ({
  ...parts,
  registry: parts['registry']?.map((line) => line.replace(/,"[\d-]+ [\d:.+]+"(,|\))/, '$1')),
})

/** A column's place in its table is the order of migrations. */
const withoutPlaces = (parts: Record<string, string[]>) => ({
  ...withoutTimes(parts),
  columns: parts['columns']?.map((line) => line.replace(/^(\S+) \d+ /, '$1 ')).sort(),
})

const inPlace = async (db: TestDatabase) =>
  assert.deepEqual(await db.rows('select protection, detail from verify_protections() where not active'), [])

const nothingOfOurs = async (db: TestDatabase) =>
  assert.equal(
    await db.value(`select count(*)::int from pg_class where relnamespace = to_regnamespace('ticketing')
                    or relnamespace = 'public'::regnamespace and relname in ('ticket_tiers', 'tickets')`),
    0,
  )

describe('installing', () => {
  it('says that a database has the tables of another version, and changes nothing', async () => {
    const db = await testDatabase(null)
    await migrate(db.client)
    const before = await dump(db)
    for (const digest of [null, 'another']) {
      await db.rows(`update ticketing.migrations set digest = $1 where name like '0005%'`, [digest])
      await assert.rejects(migrate(db.client), {
        code: '0A000',
        message: /its migration 0005_door is not ours$/,
        hint: /install into a new database/,
      })
    }
    const { registry: _, ...kept } = await dump(db)
    const { registry: __, ...had } = before
    assert.deepEqual(kept, had)
  })

  it('fills an empty database, again without effect', async () => {
    const db = await testDatabase(null)
    await migrate(db.client)
    await inPlace(db)
    const first = await dump(db)
    for (const [name, lines] of Object.entries(first)) assert.ok(lines.length > 0, `${name} is empty`)
    await migrate(db.client)
    assert.deepEqual(await dump(db), first)
  })

  it('is the same from four connections at once', async () => {
    const db = await testDatabase(null)
    const clients = [await db.connect(), await db.connect(), await db.connect(), await db.connect()]
    await Promise.all(clients.map(migrate))
    await inPlace(db)
    const alone = await testDatabase()
    assert.deepEqual(withoutTimes(await dump(db)), withoutTimes(await dump(alone)))
  })

  it("refuses, naming them, where tables of these names are somebody else's, and leaves nothing", async () => {
    const db = await testDatabase(null)
    await db.rows('create table tickets (id integer)')
    await db.rows('create view events as select 1 as id')
    await assert.rejects(migrate(db.client), /are not Admit Once's: events, tickets/)
    assert.equal(await db.value(`select to_regnamespace('ticketing')`), null)
    assert.equal(await db.value('select count(*)::int from tickets'), 0)
  })

  it('leaves nothing behind when it fails at the end', async () => {
    const db = await testDatabase(null)
    const broken = installSql().replace(/^commit;$/m, 'select 1 / 0;\ncommit;')
    assert.deepEqual(await refusalOf(db.client.query(broken)), { code: '22012' })
    await db.client.query('rollback')
    await nothingOfOurs(db)
    await migrate(db.client)
    await inPlace(db)
  })

  it('mends a trigger that was switched off and a function that was changed; a constraint that is gone stays named', async () => {
    const db = await testDatabase()
    const before = await dump(db)
    await db.rows('alter table ticket_holds disable trigger trg_check_hold_capacity')
    await db.rows('drop trigger trg_sync_sold_quantity on tickets')
    await db.rows(
      `create or replace function ticketing.demand_capacity(p_tier_id uuid, p_more bigint, p_protection text) returns void
       language plpgsql as 'begin end'`,
    )
    await migrate(db.client)
    assert.deepEqual(await dump(db), before)
    await db.rows('alter table ticket_tiers drop constraint check_sold_lte_total')
    await migrate(db.client)
    assert.deepEqual(await db.rows('select protection, detail from verify_protections() where not active'), [
      { protection: 'check_sold_lte_total', detail: 'missing' },
    ])
  })

  it('refuses a server that is too old, before anything is made', async () => {
    const db = await testDatabase(null)
    const demanding = installSql().replace('< 150000', '< 990000')
    assert.deepEqual(await refusalOf(db.client.query(demanding)), { code: '0A000' })
    await db.client.query('rollback')
    await nothingOfOurs(db)
  })

  it('keeps what was sold', async () => {
    const db = await testDatabase()
    await db.rows(`insert into businesses (slug, name) values ('kept', 'Kept')`)
    await migrate(db.client)
    assert.equal(await db.value('select name from businesses'), 'Kept')
  })

  const FIRST_RELEASE: Readonly<Record<string, string>> = {
    '0001_box_office': '57653224d81d9c6d40766ac8fc0cf32d',
    '0002_offers_and_slots': '9f1c7dbdb54f5ba6855ffe90726e96da',
    '0003_protections': '07b8c2d824c9e7f27e6fd089e8c54cca',
    '0004_money': '96057d1cfbee5b6b2c7bf446d51c7930',
    '0005_door': '1c30384a92a2be0a080005d40dfb6ec8',
    '0006_gate_lists': '4e3004587a0dd516cc5a93eeaec8808e',
    '0007_table': '31eca64014a31fbab2b48fd8940dce52',
    '0008_scan_ids': '247eca7d22af200cbe0efc4f910f85d0',
    '0009_table_requests': '2eb6fba6ab60149d47b457b8f1071779',
  }

  it('knows the tables of 0.1.0 as its own', async () => {
    const db = await testDatabase()
    const migrations = new Map<string, string>()
    for (const { name, digest } of await db.rows<{ name: string; digest: string }>(
      'select name, digest from ticketing.migrations',
    ))
      migrations.set(name, digest)
    for (const [name, digest] of Object.entries(FIRST_RELEASE))
      assert.equal(migrations.get(name), digest, name)
  })

  it('widens the amounts of an older installation, with what it sold', async () => {
    const db = await testDatabase(null)
    const older = installSql().replace(
      /do \$migration\$ begin\nif not ticketing.begin_migration\('0012_.*?end \$migration\$;/s,
      '',
    )
    assert.notEqual(older, installSql())
    await db.client.query(
      older.replaceAll(/create or replace trigger trg_check_(tier_price|event_prices)[^;]*;/g, ''),
    )
    const { eventId } = await openBoxOffice(db)
    const tierId = await addTier(db, eventId, { priceCents: 1 })
    const free = await addTier(db, eventId)
    await buyTickets(db, eventId, free, 2)
    await migrate(db.client)
    await inPlace(db)
    await assertLawful(db)
    assert.equal(await db.value('select price_cents::int from ticket_tiers where id = $1', [tierId]), 1)
    assert.equal(await db.value('select sold_quantity from ticket_tiers where id = $1', [free]), 2)
    assert.equal(
      await db.value(`select format_type(typbasetype, -1) from pg_type where typname = 'amount'`),
      'bigint',
    )
    assert.deepEqual(withoutPlaces(await dump(db)), withoutPlaces(await dump(await testDatabase())))
  })

  it('updates: a function that nobody makes any more goes, and what is there is what a fresh database has', async () => {
    const db = await testDatabase()
    const fresh = await dump(db)
    await db.rows(`create function ticketing.sync_reserved_quantity_upd() returns trigger language plpgsql
      as 'begin return null; end'`)
    await db.rows(`create or replace trigger trg_sync_reserved_quantity_upd after update on ticket_holds
      referencing old table as old_rows new table as new_rows
      for each statement execute function ticketing.sync_reserved_quantity_upd()`)
    await db.rows(
      `create function ticketing.lock_key(p_key text, p_wait interval) returns void language sql as ''`,
    )
    await migrate(db.client)
    assert.deepEqual(await dump(db), fresh)
  })

  it("refuses an update that would take something of the operator's own along, and says what", async () => {
    const db = await testDatabase()
    await db.rows(`create function ticketing.in_the_past() returns integer language sql as 'select 1'`)
    await db.rows('create view public.report as select ticketing.in_the_past()')
    const before = await dump(db)
    await assert.rejects(migrate(db.client), {
      code: '2BP01',
      detail: 'view public.report depends on function ticketing.in_the_past()',
    })
    assert.deepEqual(await dump(db), before)
  })

  const noPsql = spawnSync('psql', ['--version']).error !== undefined && 'psql is not installed'
  const installed: readonly (readonly [string, readonly string[], string])[] = [
    ['is one file that psql installs, twice', [], installSql()],
    ['is what psql makes of the table of contents, twice', ['-f', 'sql/install.sql'], ''],
  ]
  for (const [name, args, input] of installed)
    it(name, { skip: noPsql }, async () => {
      const db = await testDatabase(null)
      for (let time = 0; time < 2; time++)
        execFileSync('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', ...args, db.url], {
          input,
          stdio: ['pipe', 'ignore', 'pipe'],
        })
      const alone = await testDatabase()
      assert.deepEqual(withoutTimes(await dump(db)), withoutTimes(await dump(alone)))
    })
})
