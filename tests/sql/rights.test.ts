import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { migrate } from '../../src/db/migrate.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

// r select, a insert, w update, d delete; a list of columns where the right is theirs only.
const EVENT =
  'category, city, country, cover_image_url, currency, description, end_at, entry_from, entry_until, fee_basis_points, fee_fixed_cents, slug, start_at, status, title, venue'
const TIER =
  'currency, max_per_order, max_per_person, name, price_cents, sale_end_at, sale_start_at, slug, status, total_quantity'
const OFFER = 'active, ends_at, one_claim_per_person, starts_at, title, total_people'
const SLOT = 'active, capacity, date, max_party_size, max_per_person, time_from, time_to, weekday'
const both = (right: string) => ({ authenticated: right, service_role: right })
const open = (whose: string, columns: string) => {
  // An upsert writes ids too, as what they are.
  const written = [...whose.split(', '), ...columns.split(', ')].sort().join(', ')
  return { anon: 'r', ...both(`r d a(${written}) w(${written})`) }
}
const TABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'public.businesses': {
    anon: 'r',
    authenticated: 'r d a(id, name, slug, time_zone) w(id, name, slug, time_zone)',
    service_role: 'r a w d',
  },
  'public.business_staff': {
    authenticated: 'r d a(business_id, role, user_id) w(business_id, role, user_id)',
    service_role: 'r a w d',
  },
  'public.events': open('business_id, id', EVENT),
  'public.ticket_tiers': open('event_id, id', TIER),
  'public.discounts': open('business_id, id', OFFER),
  'public.slots': open('business_id, id', SLOT),
  'public.orders': {
    authenticated:
      'r(created_at, currency, customer_email, customer_name, event_id, expires_at, extended_at, fees_cents, id, paid_at, status, subtotal_cents, ticketing_claimed_at, tickets_issued_at, total_amount, total_cents, user_id)',
    service_role: 'r',
  },
  'public.order_items': both('r'),
  'public.ticket_holds': both('r'),
  'public.tickets': both('r'),
  'public.scan_logs': both('r'),
  'public.vip_reservations': both('r'),
  'public.offer_claims': {
    authenticated:
      'r(business_id, created_at, discount_id, id, one_per_person, party_size, redeemed_at, redeemed_by, status, user_id)',
    service_role: 'r',
  },
  'public.reservations': {
    authenticated:
      'r(business_id, checked_in_at, checked_in_by, confirmation_code, created_at, date, id, is_offer_based, party_size, phone_number, preferred_time, reservation_name, seating_preference, slot_id, special_requests, status, user_id)',
    service_role: 'r',
  },
  'public.idempotency_keys': { service_role: 'r' },
  'public.webhook_events': { service_role: 'r' },
  'ticketing.slot_days': { service_role: 'r' },
  'ticketing.migrations': { service_role: 'r' },
  'ticketing.checkout_sessions': { service_role: 'r' },
  'ticketing.payments': { service_role: 'r' },
  'ticketing.refunds': { service_role: 'r' },
  'ticketing.disputes': { service_role: 'r' },
  'ticketing.voids': { service_role: 'r' },
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
  local_time: ALL,
  release_offer_spots: 'authenticated service_role',
  atomic_ticket_checkin: 'authenticated service_role',
  scan_ticket_atomic: 'authenticated service_role',
  sync_offline_scan: 'authenticated service_role',
  double_admissions: 'authenticated service_role',
  disputed_orders: 'authenticated service_role',
  expire_ticket_holds: 'service_role',
  claim_order_ticketing: 'service_role',
  issue_order_tickets: 'service_role',
  verify_protections: 'service_role',
}
const VAULT: Readonly<Record<string, string>> = {
  ...FUNCTIONS,
  checkout: ALL,
  checkout_many: 'service_role',
  cancel_order: ALL,
  fits_without: ALL,
  checkout_session_status: ALL,
  event_page: ALL,
  events_on_sale: ALL,
  order_page: ALL,
  waiting_orders: ALL,
  validate_qr: 'authenticated service_role',
  undo_scan: 'authenticated service_role',
  gate_list: 'authenticated service_role',
  sync_offline_scans: 'authenticated service_role',
  register_code_key: 'service_role',
  list_code_keys: 'service_role',
  revoke_code_key: 'service_role',
  request_refund: 'authenticated service_role',
  void_tickets: 'authenticated service_role',
  cancel_event: 'authenticated service_role',
  continue_cancellations: 'service_role',
  reserve_many: 'service_role',
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
  sign_up: 'service_role',
  find_password: 'service_role',
  begin_sign_in: 'service_role',
  refresh_sign_in: 'service_role',
  end_sign_ins: 'service_role',
  signed_in_user: 'service_role',
  change_user: 'service_role',
  write_code: 'service_role',
  take_code: 'service_role',
  find_users: 'service_role',
  delete_user: 'service_role',
  has_own_users: 'service_role',
  forget_leftovers: 'service_role',
  operating_figures: 'service_role',
  my_businesses: ALL,
  managed_businesses: 'authenticated service_role',
  managed_events: 'authenticated service_role',
  managed_offers: 'authenticated service_role',
  owned_businesses: 'authenticated service_role',
  charge_step: ALL,
  my_events: ALL,
  my_orders: ALL,
  uuid_v7: 'authenticated service_role',
  cell_of: 'service_role',
  visible_rows: 'service_role',
  channel_rights: 'service_role',
}

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

/** Relations of the vault that nobody may touch but through verbs. */
const CLOSED = [
  'ticketing.cancellations',
  'ticketing.code_keys',
  'ticketing.definitions',
  'ticketing.installed_parts',
  'ticketing.laws',
  'ticketing.protections',
  'ticketing.settings',
  'ticketing.tables',
  'ticketing.transaction_lives',
  'ticketing.law_admitted_once',
  'ticketing.law_books_balance',
  'ticketing.law_holds_hold',
  'ticketing.law_never_oversold',
  'ticketing.law_never_undersold',
  'ticketing.law_offers_and_slots_fit',
  'ticketing.law_only_yours',
  'ticketing.law_paid_once_issued_once',
  'ticketing.law_party_admitted_once',
  'ticketing.law_same_request_same_answer',
]

/** Every relation of either schema, those without any right too. */
async function relationsOf(db: TestDatabase): Promise<string[]> {
  const rows = await db.rows<{ name: string }>(
    `select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'v', 'm', 'p', 'f', 'S') and n.nspname in ('public', 'ticketing')`,
  )
  return rows.map(({ name }) => name).sort()
}

async function functionRights(db: TestDatabase, schema: string): Promise<Record<string, string>> {
  const rows = await db.rows<{ name: string; roles: string }>(
    `select p.proname as name, (select string_agg(r.role, ' ' order by r.role) from unnest($2::text[]) as r(role)
       where has_function_privilege(r.role, p.oid, 'execute')) as roles
     from pg_proc p where p.pronamespace = $1::regnamespace`,
    [schema, ROLES],
  )
  return Object.fromEntries(
    rows.filter((row) => row.roles !== null || schema === 'public').map((row) => [row.name, row.roles]),
  )
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
  assert.deepEqual(await relationsOf(db), [...Object.keys(TABLES), ...CLOSED].sort())
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
