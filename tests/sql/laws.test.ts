import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { GUARANTEES } from '../../src/core/guarantees.ts'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'
import { undone } from '../support/undone.ts'

const db = await testDatabase()
const { businessId, eventId, staffId } = await openBoxOffice(db)

describe('the laws', () => {
  const offTriggers = (...tables: readonly string[]) =>
    tables.map((table) => `alter table ${table} disable trigger user`).join(';')

  const broken: readonly [string, string, (client: pg.Client) => Promise<unknown>, object][] = [
    [
      'never_oversold',
      'more tickets than the tier has',
      async (client) => {
        const tierId = await addTier(db, eventId, { total: 2 })
        await buyTickets(db, eventId, tierId, 2)
        await client.query(offTriggers('tickets'))
        await client.query(
          `insert into tickets (event_id, tier_id, order_id, order_item_id, ordinal)
           select event_id, tier_id, order_id, order_item_id, 3 from tickets where tier_id = $1 limit 1`,
          [tierId],
        )
        return tierId
      },
      { sold: 3, held: 0, total_quantity: 2, too_many: 1 },
    ],
    [
      'never_oversold',
      'more held than the tier has',
      async (client) => {
        const tierId = await addTier(db, eventId, { total: 2 })
        await client.query(offTriggers('ticket_holds'))
        await client.query(
          `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
           values ($1, $2, 'law', 5, now() + interval '1 hour')`,
          [eventId, tierId],
        )
        return tierId
      },
      { sold: 0, held: 5, total_quantity: 2, too_many: 3 },
    ],
    [
      'never_undersold',
      'a counter that hides a ticket',
      async (client) => {
        const tierId = await addTier(db, eventId, { total: 2 })
        await client.query(offTriggers('ticket_tiers'))
        await client.query('update ticket_tiers set reserved_quantity = 1 where id = $1', [tierId])
        return tierId
      },
      { reserved_quantity: 1, held: 0, hidden: 1 },
    ],
    [
      'holds_hold',
      'a hold that ended early',
      async (client) => {
        await client.query(offTriggers('ticket_holds'))
        await client.query(
          `insert into ticket_holds (event_id, tier_id, session_id, quantity, status, expires_at)
           values ($1, $2, 'early', 1, 'expired', now() + interval '1 hour')`,
          [eventId, await addTier(db, eventId)],
        )
      },
      { session_id: 'early', broken: 'expired before its end' },
    ],
    [
      'holds_hold',
      'a hold that had ended early',
      async (client) => {
        await client.query(
          `insert into ticket_holds (event_id, tier_id, session_id, quantity, status, expires_at, ended_at)
           values ($1, $2, 'was early', 1, 'expired', now() - interval '1 hour', now() - interval '2 hours')`,
          [eventId, await addTier(db, eventId)],
        )
      },
      { session_id: 'was early', broken: 'expired before its end' },
    ],
    [
      'holds_hold',
      'a session that holds a tier twice',
      async (client) => {
        await client.query('drop index uniq_active_hold_session_tier')
        await client.query(
          `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
           select $1, $2, 'twice', 1, now() + interval '1 hour' from generate_series(1, 2)`,
          [eventId, await addTier(db, eventId)],
        )
      },
      { session_id: 'twice', broken: 'held twice by one session' },
    ],
    [
      'holds_hold',
      "a hold of another event's tier",
      async (client) => {
        const elsewhere = await openBoxOffice(db)
        await client.query('alter table ticket_holds drop constraint ticket_holds_event_id_tier_id_fkey')
        await client.query(
          `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
           values ($1, $2, 'elsewhere', 1, now() + interval '1 hour')`,
          [elsewhere.eventId, await addTier(db, eventId)],
        )
      },
      { session_id: 'elsewhere', broken: 'tier of another event' },
    ],
    [
      'admitted_once',
      'a ticket that opened the gate twice',
      async (client) => {
        const [id] = await buyTickets(db, eventId, await addTier(db, eventId), 1)
        await client.query('select scan_ticket_atomic($1, $2)', [id, staffId])
        await client.query('drop index uniq_successful_scan')
        await client.query(
          `insert into scan_logs (event_id, ticket_id, scan_method, scan_success, scanned_at) values ($1, $2, 'qr', true, now())`,
          [eventId, id],
        )
      },
      { status: 'used', admitted: 2 },
    ],
    [
      'admitted_once',
      'a used ticket that no scan opened the gate for',
      async (client) => {
        const [id] = await buyTickets(db, eventId, await addTier(db, eventId), 1)
        await client.query(`update tickets set status = 'used' where id = $1`, [id])
      },
      { status: 'used', admitted: 0 },
    ],
    [
      'admitted_once',
      'a valid ticket that opened the gate',
      async (client) => {
        const [id] = await buyTickets(db, eventId, await addTier(db, eventId), 1)
        await client.query('select scan_ticket_atomic($1, $2)', [id, staffId])
        await client.query(`update tickets set status = 'valid' where id = $1`, [id])
      },
      { status: 'valid', admitted: 1 },
    ],
    [
      'admitted_once',
      'a ticket that says another time than its scan',
      async (client) => {
        const [id] = await buyTickets(db, eventId, await addTier(db, eventId), 1)
        await client.query('select scan_ticket_atomic($1, $2)', [id, staffId])
        await client.query(
          `update tickets set checked_in_at = checked_in_at - interval '1 minute' where id = $1`,
          [id],
        )
      },
      { status: 'used', admitted: 1 },
    ],
    [
      'admitted_once',
      'a valid ticket with which a gate without network let somebody in',
      async (client) => {
        const [id] = await buyTickets(db, eventId, await addTier(db, eventId), 1)
        await client.query(`update tickets set status = 'refunding' where id = $1`, [id])
        await client.query('select sync_offline_scan($1, $2, now())', [id, staffId])
        await client.query(`update tickets set status = 'valid' where id = $1`, [id])
      },
      { status: 'valid', admitted: 0 },
    ],
    [
      'party_admitted_once',
      'a claim that was redeemed by no scan',
      async (client) => {
        await client.query(
          `with d as (insert into discounts (business_id, title, total_people) values ($1, 'Law', 2) returning id)
           insert into offer_claims (discount_id, party_size, status, redeemed_at) select id, 2, 'redeemed', now() from d`,
          [businessId],
        )
      },
      { kind: 'claim', status: 'redeemed', admitted: 0 },
    ],
    [
      'party_admitted_once',
      'a party that came in at another time than its scan',
      async (client) => {
        await client.query(
          `with s as (insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
                      values ($1, 5, '19:00', '22:00', 9, 10) returning id),
             r as (insert into reservations (business_id, slot_id, date, preferred_time, party_size, reservation_name, status,
                     checked_in_at)
                   select $1, id, '2083-01-01', '19:30', 2, 'Law', 'checked_in', now() from s returning id)
           insert into scan_logs (reservation_id, scan_method, scan_success, scanned_at)
           select id, 'qr', true, now() - interval '1 minute' from r`,
          [businessId],
        )
      },
      { kind: 'booking', status: 'checked_in', admitted: 1 },
    ],
    [
      'party_admitted_once',
      'a claim whose party came in and may come again',
      async (client) => {
        await client.query(
          `with d as (insert into discounts (business_id, title, total_people) values ($1, 'Law', 2) returning id),
             c as (insert into offer_claims (discount_id, party_size) select id, 2 from d returning id)
           insert into scan_logs (claim_id, scan_method, scan_success, scanned_at) select id, 'qr', true, now() from c`,
          [businessId],
        )
      },
      { kind: 'claim', status: 'claimed', admitted: 1 },
    ],
    [
      'offers_and_slots_fit',
      'more claims than places',
      async (client) => {
        await client.query(offTriggers('offer_claims'))
        await client.query(
          `with d as (insert into discounts (business_id, title, total_people) values ($1, 'Law', 1) returning id)
           insert into offer_claims (discount_id, party_size) select id, 2 from d`.replace(
            'with d as',
            'with d as',
          ),
          [businessId],
        )
      },
      { kind: 'offer', total: 1, taken: 2 },
    ],
    [
      'offers_and_slots_fit',
      'more covers than the slot has',
      async (client) => {
        await client.query(offTriggers('reservations'))
        await client.query(
          `with s as (insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
                      values ($1, 5, '19:00', '22:00', 1, 10) returning id)
           insert into reservations (business_id, slot_id, date, preferred_time, party_size, reservation_name)
           select $1, id, '2083-01-01', '19:30', 2, 'Law' from s`,
          [businessId],
        )
      },
      { kind: 'slot', total: 1, taken: 2 },
    ],
    [
      'offers_and_slots_fit',
      'an evening that is booked out by nobody',
      async (client) => {
        await client.query(offTriggers('ticketing.slot_days'))
        await client.query(
          `with s as (insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
                      values ($1, 5, '19:00', '22:00', 9, 10) returning id)
           insert into ticketing.slot_days (slot_id, business_id, date, capacity, booked_people) select id, $1, '2083-01-01', 9, 9 from s`,
          [businessId],
        )
      },
      { kind: 'slot', taken: 0, counted: 9 },
    ],
    [
      'same_request_same_answer',
      'two orders under one key',
      async (client) => {
        await client.query('drop index uniq_order_request_key')
        await client.query(
          `insert into orders (event_id, session_id, currency, total_cents, customer_email, customer_name, request_key)
           select $1, 's', 'EUR', 0, 'a@b', 'A', 'guest:twice' from generate_series(1, 2)`,
          [eventId],
        )
      },
      { request_key: 'guest:twice', made: 2 },
    ],
    [
      'same_request_same_answer',
      'two claims under one key',
      async (client) => {
        await client.query('drop index uniq_claim_request_key')
        await client.query(
          `with d as (insert into discounts (business_id, title) values ($1, 'Twice') returning id)
           insert into offer_claims (discount_id, party_size, request_key) select id, 1, 'service:twice' from d, generate_series(1, 2)`,
          [businessId],
        )
      },
      { request_key: 'service:twice', made: 2 },
    ],
    [
      'same_request_same_answer',
      'two bookings under one key',
      async (client) => {
        await client.query('drop index uniq_booking_request_key')
        await client.query(
          `with s as (insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
                      values ($1, 5, '19:00', '22:00', 10, 10) returning id)
           insert into reservations (business_id, slot_id, date, preferred_time, party_size, reservation_name, request_key)
           select $1, id, '2083-01-01', '19:30', 1, 'Law', 'service:twice' from s, generate_series(1, 2)`,
          [businessId],
        )
      },
      { request_key: 'service:twice', made: 2 },
    ],
    [
      'same_request_same_answer',
      'a kept answer that names no order',
      async (client) => {
        await client.query(
          `insert into idempotency_keys (caller, business_id, key, fingerprint, answer)
           values ('guest', $1, 'lost', 'f', jsonb_build_object('order_id', gen_random_uuid()))`,
          [businessId],
        )
      },
      { request_key: `${businessId}:guest:lost`, made: 0 },
    ],
    [
      'only_yours',
      'a table that strangers read without row level security',
      async (client) => {
        await client.query('alter table orders disable row level security')
      },
      { object: 'public.orders', whose: 'authenticated', broken: 'without row level security' },
    ],
    [
      'only_yours',
      'a secret that a buyer may read of every order there is',
      async (client) => {
        await client.query('grant select (secret) on orders to authenticated')
      },
      { object: 'public.orders.secret', whose: 'authenticated', broken: 'a secret that can be read' },
    ],
  ]

  it('are those of the registry, and none is broken where nothing was', async () => {
    assert.deepEqual(
      [...new Set(broken.map(([law]) => law))],
      // Those of money are seen in ledger.test.ts.
      GUARANTEES.flatMap((g) => g.laws).filter(
        (law) => !['paid_once_issued_once', 'books_balance'].includes(law),
      ),
    )
    assert.deepEqual(await db.rows('select law from ticketing.broken_laws()'), [])
  })
  it('allow a hold past its end that nobody ended: it gives way before anybody is told "sold out"', async () => {
    await undone(db, async () => {
      const tierId = await addTier(db, eventId, { total: 1 })
      await db.rows(
        `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
         values ($1, $2, 'past its end', 1, now() - interval '1 day')`,
        [eventId, tierId],
      )
      assert.deepEqual(await db.rows('select law from ticketing.broken_laws()'), [])
      const held = await db.value<{ success: boolean }>('select reserve_tickets_atomically($1, 1)', [tierId])
      assert.equal(held.success, true)
      assert.deepEqual(await db.rows('select law from ticketing.broken_laws()'), [])
    })
  })
  for (const [law, what, breakIt, witness] of broken) {
    it(`${law} sees ${what}, and shows it`, async () => {
      await undone(db, async (client) => {
        await breakIt(client)
        const seen = await db.rows<{ law: string; witnesses: Record<string, unknown>[] }>(
          'select law, witnesses from ticketing.broken_laws()',
        )
        const mine = seen.find((row) => row.law === law)?.witnesses ?? []
        assert.equal(mine.length, 1)
        assert.deepEqual({ ...mine[0], ...witness }, mine[0])
      })
    })
  }
})
