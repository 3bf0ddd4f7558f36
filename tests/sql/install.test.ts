import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { installSql, migrate } from '../../src/db/migrate.ts'
import { refusalOf } from '../support/callers.ts'
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
    const broken = installSql().replace(/commit;\n$/, 'select 1 / 0;\ncommit;\n')
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

// r select, a insert, w update, d delete; a list of columns where the right is theirs only.
const EVENT =
  'category, city, country, cover_image_url, currency, description, end_at, entry_from, entry_until, fee_basis_points, fee_fixed_cents, slug, start_at, status, title, venue'
const TIER =
  'currency, max_per_order, max_per_person, name, price_cents, sale_end_at, sale_start_at, slug, status, total_quantity'
const OFFER = 'active, ends_at, one_claim_per_person, starts_at, title, total_people'
const SLOT = 'active, capacity, date, max_party_size, max_per_person, time_from, time_to, weekday'
const both = (right: string) => ({ authenticated: right, service_role: right })
const open = (insert: string, columns: string) => ({
  anon: 'r',
  ...both(`r d a(${[...insert.split(', '), ...columns.split(', ')].sort().join(', ')}) w(${columns})`),
})
const TABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'public.businesses': { anon: 'r', authenticated: 'r', service_role: 'r a w d' },
  'public.business_staff': { authenticated: 'r', service_role: 'r a w d' },
  'public.events': open('business_id, id', EVENT),
  'public.ticket_tiers': open('event_id, id', TIER),
  'public.discounts': open('business_id, id', OFFER),
  'public.slots': open('business_id, id', SLOT),
  'public.orders': both('r'),
  'public.order_items': both('r'),
  'public.ticket_holds': both('r'),
  'public.tickets': both('r'),
  'public.scan_logs': both('r'),
  'public.offer_claims': both('r'),
  'public.reservations': both('r'),
  'public.idempotency_keys': { service_role: 'r' },
  'public.webhook_events': { service_role: 'r' },
  'ticketing.slot_days': { service_role: 'r' },
  'ticketing.migrations': { service_role: 'r' },
  'ticketing.checkout_sessions': { service_role: 'r' },
  'ticketing.payments': { service_role: 'r' },
  'ticketing.refunds': { service_role: 'r' },
  'ticketing.disputes': { service_role: 'r' },
  'ticketing.ledger_entries': { service_role: 'r' },
}

const ALL = 'anon authenticated service_role'
const FUNCTIONS: Readonly<Record<string, string>> = {
  reserve_tickets_atomically: ALL,
  reserve_tickets_batch: ALL,
  release_tickets: ALL,
  extend_ticket_holds: ALL,
  release_ticket_holds: ALL,
  claim_offer_spots_atomically: ALL,
  book_slot_atomically: ALL,
  cancel_reservation: ALL,
  cancel_claim: ALL,
  release_offer_spots: 'authenticated service_role',
  atomic_ticket_checkin: 'authenticated service_role',
  scan_ticket_atomic: 'authenticated service_role',
  sync_offline_scan: 'authenticated service_role',
  double_admissions: 'authenticated service_role',
  expire_ticket_holds: 'service_role',
  claim_order_ticketing: 'service_role',
  issue_order_tickets: 'service_role',
  verify_protections: 'service_role',
}
const VAULT: Readonly<Record<string, string>> = {
  ...FUNCTIONS,
  checkout: ALL,
  checkout_session_status: ALL,
  event_page: ALL,
  events_on_sale: ALL,
  order_page: ALL,
  validate_qr: 'authenticated service_role',
  gate_list: 'authenticated service_role',
  sync_offline_scans: 'authenticated service_role',
  register_code_key: 'service_role',
  list_code_keys: 'service_role',
  revoke_code_key: 'service_role',
  request_refund: 'authenticated service_role',
  expire_orders: 'service_role',
  open_session: 'service_role',
  refuse_session: 'service_role',
  due_sessions: 'service_role',
  receive_webhook: 'service_role',
  settle_session: 'service_role',
  settle_refund: 'service_role',
  refuse_refund: 'service_role',
  due_refunds: 'service_role',
  due_payments: 'service_role',
  broken_laws: 'service_role',
  my_businesses: ALL,
  managed_businesses: 'authenticated service_role',
  managed_events: 'authenticated service_role',
  managed_offers: 'authenticated service_role',
  charge_step: ALL,
  my_events: ALL,
  my_orders: ALL,
  uuid_v7: 'authenticated service_role',
}

const NO_TIER = '00000000-0000-0000-0001-000000000099'
const ROLES = ['public', 'anon', 'authenticated', 'service_role']

/** What each role may do with each table and view, as in TABLES. Asked of PostgreSQL, so inherited rights count. */
async function tableRights(db: TestDatabase): Promise<Record<string, Record<string, string>>> {
  const rows = await db.rows<{ name: string; role: string; rights: string }>(
    `select n.nspname || '.' || c.relname as name, r.role, concat_ws(' ',
       case when has_table_privilege(r.role, c.oid, 'select') then 'r' end,
       case when has_table_privilege(r.role, c.oid, 'insert') then 'a' end,
       case when has_table_privilege(r.role, c.oid, 'update') then 'w' end,
       case when has_table_privilege(r.role, c.oid, 'delete') then 'd' end,
       case when has_table_privilege(r.role, c.oid, 'truncate, references, trigger') then 'more' end,
       (select 'a(' || string_agg(a.attname, ', ' order by a.attname) || ')' from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and has_column_privilege(r.role, c.oid, a.attnum, 'insert')
          and not has_table_privilege(r.role, c.oid, 'insert')),
       (select 'w(' || string_agg(a.attname, ', ' order by a.attname) || ')' from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and has_column_privilege(r.role, c.oid, a.attnum, 'update')
          and not has_table_privilege(r.role, c.oid, 'update')),
       (select 'r(' || string_agg(a.attname, ', ' order by a.attname) || ')' from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and has_column_privilege(r.role, c.oid, a.attnum, 'select')
          and not has_table_privilege(r.role, c.oid, 'select'))) as rights
     from pg_class c join pg_namespace n on n.oid = c.relnamespace, unnest($1::text[]) as r(role)
     where c.relkind in ('r', 'v', 'm', 'p', 'S') and n.nspname in ('public', 'ticketing')`,
    [ROLES],
  )
  const rights: Record<string, Record<string, string>> = {}
  for (const row of rows.filter((each) => each.rights !== ''))
    rights[row.name] = { ...rights[row.name], [row.role]: row.rights }
  return rights
}

async function functionRights(db: TestDatabase, schema: string): Promise<Record<string, string>> {
  const rows = await db.rows<{ name: string; roles: string }>(
    `select p.proname as name, (select string_agg(r.role, ' ' order by r.role) from unnest($2::text[]) as r(role)
       where has_function_privilege(r.role, p.oid, 'execute')) as roles
     from pg_proc p where p.pronamespace = $1::regnamespace`,
    [schema, ROLES],
  )
  return Object.fromEntries(rows.filter((row) => row.roles !== null).map((row) => [row.name, row.roles]))
}

async function assertRights(db: TestDatabase): Promise<void> {
  const words = (rights: Readonly<Record<string, Readonly<Record<string, string>>>>) =>
    Object.fromEntries(
      Object.entries(rights).map(([table, roles]) => [
        table,
        Object.fromEntries(
          Object.entries(roles).map(([role, text]) => [role, text.split(/ (?![^(]*\))/).sort()]),
        ),
      ]),
    )
  assert.deepEqual(words(await tableRights(db)), words(TABLES))
  assert.deepEqual(await functionRights(db, 'public'), FUNCTIONS)
  assert.deepEqual(await functionRights(db, 'ticketing'), VAULT)
  for (const role of ROLES) {
    const may = await db.value(`select has_schema_privilege($1, 'ticketing', 'usage')`, [role])
    assert.equal(may, role !== 'public')
    assert.equal(await db.value(`select has_schema_privilege($1, 'ticketing', 'create')`, [role]), false)
  }
}

describe('the rights', () => {
  it('are the written ones where nothing is granted by default', async () => {
    await assertRights(await testDatabase())
  })

  it("are the same under Supabase's older default privileges, which grant everything by name", async () => {
    const db = await testDatabase(null)
    // The roles are the server's: the template's installation made them.
    for (const what of ['tables', 'functions', 'sequences'])
      await db.rows(
        `alter default privileges in schema public grant all on ${what} to anon, authenticated, service_role`,
      )
    await db.rows('grant all on all tables in schema public to anon, authenticated, service_role')
    await migrate(db.client)
    await assertRights(db)
    await migrate(db.client)
    await assertRights(db)
  })

  it('are taken back from who was given more', async () => {
    const db = await testDatabase()
    await db.rows('grant all on ticket_holds, tickets to anon, authenticated')
    await db.rows('grant update (sold_quantity) on ticket_tiers to authenticated')
    await db.rows('grant execute on all functions in schema ticketing to anon')
    await migrate(db.client)
    await assertRights(db)
  })
})

describe('the shape of the heart', async () => {
  const db = await testDatabase()
  const none = (sql: string) => async () => assert.deepEqual(await db.rows(sql), [])

  it(
    'every function pins its search_path, temporary objects last',
    none(`select oid::regprocedure from pg_proc where pronamespace::regnamespace::text in ('public', 'ticketing')
      and not coalesce('search_path=pg_catalog, pg_temp' = any (proconfig), false)`),
  )

  it('a caller who makes a type of its own runs nothing as the owner', async () => {
    const mallory = await db.connect()
    const heard: string[] = []
    mallory.on('notice', ({ message }) => heard.push(String(message)))
    await mallory.query('set role anon')
    await mallory.query(`create function pg_temp.evil() returns boolean language plpgsql as
      $$ begin raise notice 'evil runs as %', current_user; return true; end $$`)
    for (const type of ['uuid', 'jsonb', 'text', 'timestamptz', 'int4'])
      await mallory.query(`create domain pg_temp.${type} as pg_catalog.${type} check (pg_temp.evil())`)
    await mallory.query(`select null::pg_temp.uuid`)
    await mallory.query(`select public.reserve_tickets_batch('[{"tier_id":"${NO_TIER}","quantity":1}]', 's')`)
    await mallory.query(`select public.reserve_tickets_atomically('${NO_TIER}', 1)`)
    await mallory.query(`select public.release_ticket_holds('s')`)
    assert.deepEqual(heard, ['evil runs as anon'])
  })

  it(
    'a definer function is in the vault only',
    none(`select oid::regprocedure from pg_proc
    where prosecdef and pronamespace = 'public'::regnamespace`),
  )

  it(
    'every verb that clients call waits with a limit',
    none(`select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'ticketing'::regnamespace and p.prosecdef and p.provolatile = 'v'
      and not p.proconfig::text like '%lock_timeout=5s%'`),
  )

  it(
    'every public table has row level security and a policy',
    none(`select relname from pg_class c
    where relnamespace = 'public'::regnamespace and relkind = 'r'
      and not (relrowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))`),
  )

  it(
    'no table, column or function of the vault is in reach of the API by a view',
    none(`select c.oid::regclass from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm')`),
  )

  it(
    'every view judges as who asks',
    none(`select oid::regclass from pg_class
    where relkind = 'v' and relnamespace = 'ticketing'::regnamespace and not coalesce('security_invoker=true' = any (reloptions), false)`),
  )

  it(
    'every table has a primary key',
    none(`select oid::regclass from pg_class c
    where relkind = 'r' and relnamespace::regnamespace::text in ('public', 'ticketing')
      and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`),
  )

  it('the list of tables is the catalogue', async () => {
    const tables = `select relname::text as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by 1`
    assert.deepEqual(await db.rows('select name from ticketing.tables order by name'), await db.rows(tables))
  })

  it('every foreign key has an index, but that of holds to their tier, which costs a tenth of a hot sale', async () => {
    const bare = await db.rows(`select conname from pg_constraint k where contype = 'f'
      and connamespace::regnamespace::text in ('public', 'ticketing') and not exists (
        select from pg_index i where i.indrelid = k.conrelid and i.indpred is null
          and (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey)`)
    assert.deepEqual(bare, [{ conname: 'ticket_holds_event_id_tier_id_fkey' }])
  })

  it(
    'no two indexes are the same',
    none(`select array_agg(indexrelid::regclass::text) from pg_index i
    join pg_class c on c.oid = i.indrelid where c.relnamespace::regnamespace::text in ('public', 'ticketing')
    group by indrelid, indkey::text, indclass::text, coalesce(pg_get_expr(indpred, indrelid), ''), coalesce(pg_get_expr(indexprs, indrelid), '')
    having count(*) > 1`),
  )

  it(
    'a policy asks who is calling once a statement, not once a row',
    none(`select tablename, policyname from pg_policies
    where schemaname = 'public' and concat(qual, with_check) ~ 'auth\\.(uid|jwt|role)\\(\\)'
      and concat(qual, with_check) !~* 'select auth\\.(uid|jwt|role)\\(\\)'`),
  )

  it(
    'a role has one policy for one action on a table',
    none(`select tablename, cmd, role from pg_policies, unnest(roles) role
    group by tablename, cmd, role having count(*) > 1`),
  )

  it(
    'nobody writes past a policy that is always true',
    none(`select tablename, policyname from pg_policies
    where cmd <> 'SELECT' and coalesce(qual, 'true') = 'true' and coalesce(with_check, 'true') = 'true'`),
  )

  it(
    'has no sequence, whose gaps would tell how much is sold',
    none(`select oid::regclass from pg_class
    where relkind = 'S' and relnamespace::regnamespace::text in ('public', 'ticketing')`),
  )

  it(
    'every parameter of a verb has one name at the door and in the vault, which may know more',
    none(`select d.proname from pg_proc d
    join pg_proc v on v.proname = d.proname and v.pronamespace = 'ticketing'::regnamespace
    where d.pronamespace = 'public'::regnamespace and not starts_with(pg_get_function_arguments(v.oid), pg_get_function_arguments(d.oid))`),
  )
})
