import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { ANON, type Caller, refusalOf, rowsAs, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()
const ours = await openBoxOffice(db)
const theirs = await openBoxOffice(db)
const ada = signedIn(randomUUID())
const ben = signedIn(randomUUID())
const staff = signedIn(ours.staffId)
const DOOR = randomUUID()
const door = signedIn(DOOR)
const stranger = signedIn(theirs.staffId)
const noSubject = { role: 'authenticated' }
await db.rows(`update business_staff set role = 'manager'`)
await db.rows('insert into business_staff (business_id, user_id) values ($1, $2)', [ours.businessId, DOOR])
const tierId = await addTier(db, ours.eventId)
const draft = await db.value<string>(
  `insert into events (business_id, slug, title, start_at, end_at) values ($1, 'draft', 'Draft', now(), now() + interval '1 day') returning id`,
  [ours.businessId],
)
const draftTier = await addTier(db, draft)

// One of everything, by Ada and by a guest, so that every table has something to show or to hide.
for (const caller of [ada, ANON]) {
  await valueAs(db.client, caller, 'select reserve_tickets_batch($1, $2)', [
    JSON.stringify([{ tier_id: tierId, quantity: 1 }]),
    `${caller.role}'s`,
  ])
  await valueAs(db.client, caller, 'select ticketing.checkout($1)', [
    JSON.stringify({
      event: ours.eventId,
      items: [{ tier: tierId, quantity: 1 }],
      customer_name: 'A',
      customer_email: 'a@b.example',
      idempotency_key: 'k',
    }),
  ])
}
const offer = await db.value<string>(
  `insert into discounts (business_id, title, total_people) values ($1, 'Offer', 9) returning id`,
  [ours.businessId],
)
await valueAs(db.client, ada, 'select claim_offer_spots_atomically($1, 1)', [offer])
await db.rows(
  `insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size) values ($1, 5, '19:00', '22:00', 9, 9)`,
  [ours.businessId],
)
await valueAs(db.client, ada, `select book_slot_atomically($1, '2083-01-01', '19:30', 2, 'Ada')`, [
  ours.businessId,
])
await rowsAs(db.client, SERVICE, 'select scan_ticket_atomic((select id from tickets limit 1), null)')

describe('who reads which rows', () => {
  // anon, Ada who bought, Ben who did not, our manager, our door, another's manager, a token without a subject, the service;
  // null: refused.
  const READERS: readonly Caller[] = [ANON, ada, ben, staff, door, stranger, noSubject, SERVICE]
  const seen: Readonly<Record<string, readonly (number | null)[]>> = {
    businesses: [2, 2, 2, 2, 2, 2, 2, 2],
    business_staff: [null, 0, 0, 2, 2, 1, 0, 3],
    events: [2, 2, 2, 3, 3, 2, 2, 3],
    ticket_tiers: [1, 1, 1, 2, 2, 1, 1, 2],
    discounts: [1, 1, 1, 1, 1, 1, 1, 1],
    slots: [1, 1, 1, 1, 1, 1, 1, 1],
    orders: [null, 1, 0, 2, 0, 0, 0, 2],
    order_items: [null, 1, 0, 2, 0, 0, 0, 2],
    // Who has a code gets in, and who has a session owns its holds: the manager sees orders and counters.
    tickets: [null, 1, 0, 0, 0, 0, 0, 2],
    // Ada's, which her order bought, and the guest's two.
    ticket_holds: [null, 1, 0, 0, 0, 0, 0, 3],
    scan_logs: [null, 0, 0, 1, 1, 0, 0, 1],
    offer_claims: [null, 1, 0, 1, 0, 0, 0, 1],
    reservations: [null, 1, 0, 1, 0, 0, 0, 1],
    vip_reservations: [null, 0, 0, 0, 0, 0, 0, 0],
    idempotency_keys: [null, null, null, null, null, null, null, 2],
    webhook_events: [null, null, null, null, null, null, null, 0],
    'ticketing.payments': [null, null, null, null, null, null, null, 0],
    'ticketing.ledger_entries': [null, null, null, null, null, null, null, 0],
    'ticketing.settings': [null, null, null, null, null, null, null, null],
    'ticketing.slot_days': [null, null, null, null, null, null, null, 1],
    'ticketing.protections': [null, null, null, null, null, null, null, null],
    'ticketing.law_never_oversold': [null, null, null, null, null, null, null, null],
  }
  it('covers every table of ours', async () => {
    const tables = await db.rows<{ name: string }>('select name from ticketing.tables order by name')
    for (const { name } of tables) assert.ok(name in seen, name)
  })
  for (const [table, counts] of Object.entries(seen))
    it(`${table}: ${counts.map((count) => count ?? 'refused').join(', ')}`, async () => {
      for (const [i, reader] of READERS.entries()) {
        const count = valueAs<number>(db.client, reader, `select count(*)::int from ${table}`)
        if (counts[i] === null) assert.deepEqual(await refusalOf(count), { code: '42501' })
        else assert.equal(await count, counts[i], `reader ${i}`)
      }
    })
})

describe('which columns', () => {
  const told = {
    ticket_holds: 'id, tier_id, session_id, user_id, quantity, status, expires_at',
    orders:
      'id, event_id, status, total_amount, total_cents, currency, customer_email, customer_name, created_at, paid_at',
    tickets: 'id, event_id, tier_id, order_id, status, qr_code, checked_in_at, checked_in_by',
    reservations: 'id, business_id, slot_id, date, reservation_name, party_size, confirmation_code, status',
    offer_claims: 'id, discount_id, party_size, status',
  }
  for (const [table, columns] of Object.entries(told))
    it(`${table}: whose it is reads ${columns}`, async () => {
      const rows = await rowsAs(db.client, ada, `select ${columns} from ${table}`)
      assert.ok(rows.length > 0)
    })

  const secrets = {
    orders: ['secret', 'request_key', 'session_id'],
    offer_claims: ['qr_token', 'request_key', 'request_fingerprint'],
    reservations: ['qr_token', 'request_key', 'request_fingerprint'],
  }
  for (const [table, columns] of Object.entries(secrets))
    for (const column of columns)
      it(`${table}.${column} is told by verbs alone`, async () => {
        for (const caller of [ANON, ada, staff, door, stranger])
          assert.deepEqual(await refusalOf(rowsAs(db.client, caller, `select ${column} from ${table}`)), {
            code: '42501',
          })
        assert.ok((await rowsAs(db.client, SERVICE, `select ${column} from ${table}`)).length > 0)
      })

  it('no column that could open a door is shown to staff: each name with a secret, a key, a token, a session or a code', async () => {
    const columns = await db.rows<{ table: string; column: string }>(
      `select c.relname as table, a.attname as column from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
       where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attname ~ 'secret|key|token|session|code|fingerprint'`,
    )
    assert.ok(columns.length > 5)
    const shown: string[] = []
    for (const { table, column } of columns)
      for (const caller of [ANON, staff, door, stranger]) {
        const seen = await rowsAs(
          db.client,
          caller,
          `select ${column} from ${table} where ${column} is not null`,
        ).catch(() => [])
        if (seen.length > 0) shown.push(`${table}.${column}`)
      }
    // What a guest says at the door, and why a scan was refused.
    assert.deepEqual(
      [...new Set(shown)].filter((name) => name !== 'scan_logs.error_code'),
      ['reservations.confirmation_code'],
    )
  })
})

describe('who writes which rows', () => {
  const insertEvent = (business: string) =>
    `insert into events (business_id, slug, title, start_at, end_at)
     values ('${business}', 'e-' || left(gen_random_uuid()::text, 8), 'E', now(), now() + interval '1 day') returning id`
  const insertTier = (event: string) =>
    `insert into ticket_tiers (event_id, slug, name, total_quantity)
     values ('${event}', 't-' || left(gen_random_uuid()::text, 8), 'T', 1) returning id`
  const writes: readonly [string, Caller, string, number | string][] = [
    ['staff makes an event of its house', staff, insertEvent(ours.businessId), 1],
    ["staff makes an event of another's house", staff, insertEvent(theirs.businessId), '42501'],
    ['a buyer makes an event', ada, insertEvent(ours.businessId), '42501'],
    ['a guest makes an event', ANON, insertEvent(ours.businessId), '42501'],
    [
      "the door's staff sets a price",
      door,
      `update ticket_tiers set price_cents = 0 where id = '${tierId}' returning id`,
      0,
    ],
    ["the door's staff makes an event", door, insertEvent(ours.businessId), '42501'],
    ['staff adds a tier', staff, insertTier(ours.eventId), 1],
    ["staff adds a tier to another's event", staff, insertTier(theirs.eventId), '42501'],
    [
      'staff makes a tier larger',
      staff,
      `update ticket_tiers set total_quantity = 20 where id = '${tierId}' returning id`,
      1,
    ],
    [
      'other staff changes our tier',
      stranger,
      `update ticket_tiers set total_quantity = 30 where id = '${tierId}' returning id`,
      0,
    ],
    [
      'a buyer changes a tier',
      ada,
      `update ticket_tiers set price_cents = 0 where id = '${tierId}' returning id`,
      0,
    ],
    [
      'a guest changes a tier',
      ANON,
      `update ticket_tiers set price_cents = 0 where id = '${tierId}' returning id`,
      '42501',
    ],
    [
      'staff moves an event to another house',
      staff,
      `update events set business_id = '${theirs.businessId}' returning id`,
      '42501',
    ],
    [
      'staff moves a tier to another event',
      staff,
      `update ticket_tiers set event_id = '${theirs.eventId}' returning id`,
      '42501',
    ],
    [
      'staff deletes a tier that nobody wants',
      staff,
      `delete from ticket_tiers where id = '${draftTier}' returning id`,
      1,
    ],
    ['other staff deletes our event', stranger, `delete from events where id = '${draft}' returning id`, 0],
    [
      'staff hires itself elsewhere',
      staff,
      `insert into business_staff values ('${theirs.businessId}', '${ours.staffId}')`,
      '42501',
    ],
    [
      'the service hires',
      SERVICE,
      `insert into business_staff values ('${theirs.businessId}', '${randomUUID()}') returning user_id`,
      1,
    ],
  ]
  for (const [what, caller, sql, end] of writes)
    it(`${what}: ${end === 0 ? 'there is no such row' : typeof end === 'string' ? 'refused' : 'written'}`, async () => {
      const work = rowsAs(db.client, caller, sql)
      if (typeof end === 'string') assert.deepEqual(await refusalOf(work), { code: end })
      else assert.equal((await work).length, end)
    })

  const KEPT =
    'orders order_items ticket_holds tickets scan_logs offer_claims reservations idempotency_keys'.split(' ')
  for (const table of [...KEPT, 'ticketing.slot_days', 'ticketing.protections', 'ticketing.definitions'])
    it(`${table}: no write but a verb's, not even by staff or the service`, async () => {
      for (const caller of [ANON, ada, staff, SERVICE]) {
        assert.deepEqual(await refusalOf(rowsAs(db.client, caller, `delete from ${table}`)), {
          code: '42501',
        })
        assert.deepEqual(await refusalOf(rowsAs(db.client, caller, `insert into ${table} default values`)), {
          code: '42501',
        })
      }
    })
  for (const [table, column] of [
    ['ticket_tiers', 'sold_quantity'],
    ['ticket_tiers', 'reserved_quantity'],
    ['discounts', 'claimed_people'],
    ['tickets', 'status'],
    ['ticket_holds', 'expires_at'],
  ] as const)
    it(`${table}.${column} is written by nobody`, async () => {
      for (const caller of [ANON, ada, staff, SERVICE]) {
        const work = rowsAs(db.client, caller, `update ${table} set ${column} = ${column}`)
        assert.deepEqual(await refusalOf(work), { code: '42501' })
      }
    })
})
