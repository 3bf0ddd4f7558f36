import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDatabase } from '../support/database.ts'
import { undone } from '../support/undone.ts'

// Everything that still stands where it stood and protects nothing: verify_protections() speaks about effect.

const db = await testDatabase()
const inDatabase = (change: string) => `do $$ begin execute format('${change}', current_database()); end $$`

/** What is done, how, and what is said of it. */
const WAYS: readonly [what: string, sql: string, said: RegExp][] = [
  [
    'this session fires no triggers',
    'set local session_replication_role = replica',
    /^session_replication_role is replica$/,
  ],
  [
    'sessions of this database fire none',
    inDatabase('alter database %I set session_replication_role = replica'),
    /^session_replication_role is replica for this database$/,
  ],
  [
    'sessions of a role fire none',
    'alter role service_role set session_replication_role = replica',
    /^session_replication_role is replica for role service_role$/,
  ],
  [
    'sessions of a role in this database fire none',
    inDatabase('alter role postgres in database %I set session_replication_role = local'),
    /^session_replication_role is local for role postgres$/,
  ],
  ['commits that wait for nothing', 'set local synchronous_commit = off', /^synchronous_commit is off$/],
  [
    "commits of the server's calls that wait for nothing",
    'alter role anon set synchronous_commit = off',
    /^synchronous_commit is off for role anon$/,
  ],
  [
    'a trigger that an import passes',
    'alter table tickets enable trigger trg_reserve_capacity',
    /^disabled$/,
  ],
  [
    'every trigger of a table, its foreign keys too',
    'alter table tickets disable trigger all',
    /constraint tickets_event_id_tier_id_fkey on public.tickets is not as it was installed/,
  ],
  [
    'a trigger that never fires',
    `create or replace trigger trg_check_slot_size before update of capacity on slots
     for each row when (false) execute function ticketing.check_slot_size()`,
    /^disabled$/,
  ],
  [
    'a trigger that never fires, in every session',
    `create or replace trigger trg_check_slot_size before update of capacity on slots
     for each row when (false) execute function ticketing.check_slot_size();
     alter table slots enable always trigger trg_check_slot_size`,
    /^changed since it was installed$/,
  ],
  [
    "another's trigger before ours",
    `create function public.swallow() returns trigger language plpgsql as 'begin return null; end';
     create trigger a_swallow before update on ticket_tiers for each row execute function public.swallow()`,
    /^trigger a_swallow on public.ticket_tiers was not installed$/,
  ],
  [
    'a rule that does nothing instead',
    'create rule quiet as on update to ticket_tiers do instead nothing',
    /^rule quiet on public.ticket_tiers was not installed$/,
  ],
  [
    'row level security off',
    'alter table orders disable row level security',
    /^row level security of public.orders is not as/,
  ],
  [
    'a policy that is gone',
    'drop policy nobody_reads on idempotency_keys',
    /^policy nobody_reads on public.idempotency_keys is missing$/,
  ],
  [
    'a policy that lets all through',
    'alter policy buyer_reads on tickets using (true)',
    /^policy buyer_reads on public.tickets is not as/,
  ],
  [
    'a policy more',
    'create policy all_of_it on orders for select to authenticated using (true)',
    /^policy all_of_it on public.orders was not/,
  ],
  [
    'a policy more, for everybody',
    'create policy all_of_it on orders using (true)',
    /^policy all_of_it on public.orders was not/,
  ],
  [
    'a role that passes every policy',
    'alter role authenticated bypassrls',
    /^role authenticated that passes every policy was not/,
  ],
  [
    'a role that is another one too',
    'grant service_role to authenticated',
    /^role authenticated as a member of service_role was not/,
  ],
  ['a right to read', 'grant select on orders to anon', /^public.orders is not as/],
  [
    'a right to read a secret',
    'grant select (secret) on orders to authenticated',
    /^public.orders is not as/,
  ],
  [
    'a right to write a counter',
    'grant update (sold_quantity) on ticket_tiers to authenticated',
    /^public.ticket_tiers is not as/,
  ],
  ['a right of everybody', 'grant delete on tickets to public', /^public.tickets is not as/],
  ['a right that is taken', 'revoke select on events from anon', /^public.events is not as/],
  [
    "a right to call the service's verb",
    'grant execute on function ticketing.expire_orders to anon',
    /^ticketing.expire_orders\(integer\) is not as/,
  ],
  [
    'a right to make functions in the vault',
    'grant create on schema ticketing to anon',
    /^schema ticketing is not as/,
  ],
  [
    'who is calling',
    `create or replace function ticketing.caller(out is_trusted boolean, out user_id uuid) language sql as 'select true, null::uuid'`,
    /^changed since/,
  ],
  [
    'who is calling, by the platform',
    `create or replace function auth.uid() returns uuid language sql as 'select null::uuid'`,
    /^changed since/,
  ],
  [
    'a helper',
    `create or replace function ticketing.outside(text) returns boolean language sql as 'select false'`,
    /^changed since/,
  ],
  [
    'a definer that is one no more',
    'alter function ticketing.checkout(jsonb) security invoker',
    /^changed since/,
  ],
  [
    'a trigger that counts as its caller',
    'alter function ticketing.check_slot_size() security invoker',
    /^changed since/,
  ],
  [
    'a search path that is anybody’s',
    'alter function ticketing.checkout(jsonb) reset search_path',
    /^changed since/,
  ],
  [
    'a function of a role that sees less',
    'alter function ticketing.check_slot_size() owner to service_role',
    /^ticketing.check_slot_size\(\) owned by service_role was not/,
  ],
  [
    'an overload that is called instead',
    `create function ticketing.lock_key(p_key name) returns void language sql as ''`,
    /^changed since/,
  ],
  [
    'a function more',
    `create function ticketing.refused(p_code name) returns jsonb language sql as $$ select '{"success": true}'::jsonb $$`,
    /^ticketing.refused\(name\) was not/,
  ],
  [
    'a foreign key that is gone',
    'alter table ticket_holds drop constraint ticket_holds_event_id_tier_id_fkey',
    /^constraint ticket_holds_event_id_tier_id_fkey on public.ticket_holds is missing$/,
  ],
  [
    'a type that lets less than nothing in',
    'alter domain ticketing.quantity drop constraint quantity_check',
    /^type ticketing.quantity is not as/,
  ],
  [
    'a column that may be empty',
    'alter table tickets alter tier_id drop not null',
    /^public.tickets.tier_id is not as/,
  ],
  [
    'a code that is always the same',
    `alter table tickets alter qr_code set default 'code'`,
    /^public.tickets.qr_code is not as/,
  ],
  [
    'a column that follows no more',
    'alter table ticket_tiers alter active drop expression',
    /^public.ticket_tiers.active is not as/,
  ],
  [
    'a unique index that is gone',
    'drop index uniq_order_secret',
    /^index public.uniq_order_secret is missing$/,
  ],
  [
    'rows that stand elsewhere',
    'create table more_tickets () inherits (tickets)',
    /^public.tickets is not as/,
  ],
  [
    'a law that sees nothing',
    `create or replace view ticketing.law_admitted_once as select * from (select id as ticket_id, event_id, status, checked_in_at,
      0::bigint as admitted, null::uuid[] as admitted_by from tickets) t where false`,
    /^ticketing.law_admitted_once is not as/,
  ],
  [
    'a law of other rights',
    'alter view ticketing.law_admitted_once reset (security_invoker)',
    /^ticketing.law_admitted_once is not as/,
  ],
]

describe('verify_protections names what protects no more', () => {
  for (const [what, sql, said] of WAYS)
    it(what, async () => {
      const inactive = () =>
        db.rows<{ detail: string }>('select detail from verify_protections() where not active')
      await undone(db, async (client) => {
        await client.query(sql)
        const details = (await inactive()).map(({ detail }) => detail)
        assert.ok(
          details.some((detail) => detail.split(', ').some((each) => said.test(each))),
          details.join('\n') || 'nothing',
        )
      })
      assert.deepEqual(await inactive(), [])
    })

  it("an operator's own column, index and constraint change nothing", async () => {
    await undone(db, async (client) => {
      await client.query(`alter table events add column house_note text; create index if not exists idx_own on tickets (status);
        alter table events add constraint own check (house_note <> ''); create role reporting;
        grant select on orders to reporting; create policy reporting_reads on orders for select to reporting using (true);
        create function public.note() returns trigger language plpgsql as 'begin return null; end';
        create trigger own_note after insert on tickets for each row execute function public.note()`)
      assert.deepEqual(
        await db.rows('select protection, detail from verify_protections() where not active'),
        [],
      )
    })
  })
})
