import type { Guarantee } from './guarantee.ts'

/** Whose things are whose. Each refusal has a way of its own in behind it, so that each is needed. */
export const ONLY_YOURS: Guarantee = {
  number: 10,
  name: 'only-yours',
  promise: 'Nobody reads or changes what is not theirs: other buyers, other businesses, the door, guests.',
  laws: ['only_yours'],
  scenarios: ['strangers', 'scanner-burst', 'dashboard-load'],
  refusesAlone: true,
  protections: [
    {
      name: 'row level security and its policies',
      role: 'refuses',
      kind: 'schema',
      object: 'policies',
      without: `do $$ declare v_table text; begin
        for v_table in select name from ticketing.tables loop
          execute format('alter table public.%I disable row level security', v_table);
        end loop; end $$`,
    },
    {
      name: 'rights of the roles',
      role: 'refuses',
      kind: 'schema',
      object: 'rights',
      without: `grant all on all tables in schema public, ticketing to anon, authenticated;
        grant execute on all functions in schema public, ticketing to anon, authenticated`,
    },
    {
      name: 'who is calling',
      role: 'refuses',
      kind: 'decision',
      object: 'ticketing.caller',
      uses: ['ticketing.caller', 'ticketing.batched_callers', 'ticketing.may_call'],
      without: [['ticketing.is_trusted', "pg_has_role(p_role, 'service_role', 'member')", 'true']],
    },
    {
      name: 'whose it is, asked by the verbs',
      role: 'refuses',
      kind: 'decision',
      object: 'ticketing.lock_session',
      uses: [
        ...['ticketing.is_staff', 'ticketing.works_for', 'ticketing.my_businesses', 'ticketing.my_events'],
        ...['ticketing.my_orders', 'ticketing.managed_businesses', 'ticketing.managed_events'],
        ...['ticketing.managed_offers', 'auth.uid', 'ticketing.read_lines', 'ticketing.holding_sessions'],
      ],
      without: [
        ['ticketing.lock_session', 'if not v_caller.is_trusted and exists', 'if false and exists'],
        ['ticketing.judge_cart', 'if not p_caller.is_trusted and (user_id', 'if false and (user_id'],
        ['ticketing.cancel_reservation', '(v_caller.is_trusted or r.user_id', '(true or r.user_id'],
        [
          'ticketing.gate_list',
          'not v_caller.is_trusted and not ticketing.is_staff',
          'false and not ticketing.is_staff',
        ],
      ],
    },
    {
      name: 'every other function',
      role: 'guards',
      kind: 'schema',
      object: 'functions',
      without: `create or replace function ticketing.masked(p_email text) returns text language sql as 'select p_email'`,
    },
    {
      name: 'laws that see what they saw',
      role: 'guards',
      kind: 'schema',
      object: 'laws',
      without: `drop view ticketing.law_holds_hold; create view ticketing.law_holds_hold as select 1 as one where false`,
    },
  ],
}
