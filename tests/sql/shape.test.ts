import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDatabase } from '../support/database.ts'

const NO_TIER = '00000000-0000-0000-0001-000000000099'

describe('the shape of the SQL', async () => {
  const db = await testDatabase()
  const none = (sql: string) => async () => assert.deepEqual(await db.rows(sql), [])

  it(
    'every function pins its search_path, temporary objects last; but for what is inlined (cells.test.ts)',
    none(`select oid::regprocedure from pg_proc where pronamespace::regnamespace::text in ('public', 'ticketing')
      and not coalesce('search_path=pg_catalog, pg_temp' = any (proconfig), false) and proname not in ('uuid_v7', 'session_id')`),
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
    'every verb that clients call waits five seconds at most, verify_protections thirty',
    none(`select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'ticketing'::regnamespace and p.prosecdef and p.provolatile = 'v'
      and not 'lock_timeout=' || case p.proname when 'verify_protections' then '30s' else '5s' end = any (p.proconfig)`),
  )

  // Torn reads: a volatile function has a snapshot for each of its statements, whoever calls it.
  const torn = `select p.proname as reads, v.proname as by from pg_proc p
    join pg_proc v on v.pronamespace in ('ticketing'::regnamespace, 'public'::regnamespace) and v.provolatile = 'v'
      and regexp_replace(p.prosrc, '--.*$', '', 'gn') ~ ('\\m(ticketing|public)\\.' || v.proname || '\\s*\\(')
    where p.pronamespace = 'ticketing'::regnamespace and p.provolatile <> 'v'`
  it('what reads in one snapshot calls nothing that takes another', none(torn))

  it('sees who calls something that does', async () => {
    const client = await db.connect()
    await client.query('begin')
    await client.query('alter function ticketing.order_money(uuid) volatile')
    assert.deepEqual((await client.query(torn)).rows, [{ reads: 'order_state', by: 'order_money' }])
    await client.query('rollback')
  })

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
        select from pg_index i where i.indrelid = k.conrelid
          -- A null refers to nothing.
          and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = '(' || (
            select a.attname from pg_attribute a where a.attrelid = k.conrelid and a.attnum = k.conkey[1]) || ' IS NOT NULL)')
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
