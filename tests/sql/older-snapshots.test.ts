import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { SERVICE, signedIn } from '../support/callers.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { MOMENTS, pairsOf, type Writing, writeLate } from '../support/older-snapshot.ts'

// Write skew: a check that counts rows, asked by a transaction whose snapshot is older than what was written meanwhile. Every
// writer of a scarce thing comes after every other, at every isolation level: 8 of 10 are taken, or 2 are left to take, so that
// any two of them together break the law; one of the two must be told.

interface World {
  readonly db: TestDatabase
  readonly businessId: string
  readonly eventId: string
  readonly staffId: string
}

/** A scarce thing of 10: its statement for each writer, and what is wrong beside the laws. */
interface Scarce {
  readonly open: (world: World) => Promise<Thing>
  readonly writers: Readonly<Record<string, Writer>>
  readonly wrong?: string
  /** Some of its writers go together. */
  readonly maybeBoth?: true
}
type Thing = Readonly<Record<'id' | 'other', string>>
type Writer = (thing: Thing, world: World) => Writing

const EVENING = '2086-01-04'
const staffOf = ({ staffId }: World) => signedIn(staffId)
const guest = () => signedIn(randomUUID())
const resize =
  (table: string, column: string): Writer =>
  (thing, world) => [staffOf(world), `update ${table} set ${column} = 2 where id = '${thing.id}'`]

const TIER: Scarce = {
  open: async ({ db, eventId }) => {
    const id = await addTier(db, eventId)
    return {
      id,
      other: await db.value(
        `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
         values ($1, $2, gen_random_uuid(), 1, now() + interval '1 hour') returning id`,
        [eventId, id],
      ),
    }
  },
  writers: {
    'a guest holds 8': ({ id }) => [
      { role: 'anon' },
      `select reserve_tickets_atomically('${id}', 8) as answer`,
    ],
    'a cart holds 8': ({ id }) => [
      guest(),
      `select reserve_tickets_batch('[{"tier_id": "${id}", "quantity": 8}]') as answer`,
    ],
    'an order of 8': ({ id }, { eventId }) => [
      { role: 'anon' },
      `select ticketing.checkout('{"event": "${eventId}", "items": [{"tier": "${id}", "quantity": 8}],
         "customer_name": "A", "customer_email": "a@b.example"}') as answer`,
    ],
    'a raw hold of 8': ({ id }, { eventId }) => [
      null,
      `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
       values ('${eventId}', '${id}', gen_random_uuid(), 8, now() + interval '1 hour')`,
    ],
    'a raw hold grows to 8': ({ other }) => [
      null,
      `update ticket_holds set quantity = 8 where id = '${other}'`,
    ],
    'staff lowers the total to 2': resize('ticket_tiers', 'total_quantity'),
    'the service lowers the total to 2': ({ id }) => [
      SERVICE,
      `update ticket_tiers set total_quantity = 2 where id = '${id}'`,
    ],
  },
}

const OFFER: Scarce = {
  open: async ({ db, businessId }) => ({
    id: await db.value(
      `insert into discounts (business_id, title, total_people) values ($1, 'Offer', 10) returning id`,
      [businessId],
    ),
    other: '',
  }),
  writers: {
    'a guest claims 8': ({ id }) => [guest(), `select claim_offer_spots_atomically('${id}', 8) as answer`],
    'a raw claim of 8': ({ id }) => [
      null,
      `insert into offer_claims (discount_id, user_id, party_size) values ('${id}', gen_random_uuid(), 8)`,
    ],
    'staff lowers the total to 2': resize('discounts', 'total_people'),
  },
}

const ONE_EACH: Scarce = {
  open: async ({ db, businessId }) => ({
    id: await db.value(
      `insert into discounts (business_id, title, total_people) values ($1, 'One each', 10) returning id`,
      [businessId],
    ),
    other: randomUUID(),
  }),
  writers: {
    'a guest claims 1': ({ id, other }) => [
      signedIn(other),
      `select claim_offer_spots_atomically('${id}', 1) as answer`,
    ],
    'a raw claim of the same guest': ({ id, other }) => [
      null,
      `insert into offer_claims (discount_id, user_id, party_size) values ('${id}', '${other}', 1)`,
    ],
    'staff says one a person': ({ id }, world) => [
      staffOf(world),
      `update discounts set one_claim_per_person = true where id = '${id}'`,
    ],
  },
}

const slot = (opened: boolean): Scarce => ({
  open: async ({ db, businessId }) => {
    const id = await db.value<string>(
      `insert into slots (business_id, date, time_from, time_to, capacity, max_party_size, max_per_person)
       values ($1, '${EVENING}', '18:00', '22:00', 10, 10, 10) returning id`,
      [businessId],
    )
    // An evening that had a party already has a row to count in; one that had none has nothing that an older snapshot could see.
    if (opened)
      for (const sql of [
        `insert into reservations (business_id, slot_id, date, preferred_time, party_size, reservation_name)
         values ('${businessId}', '${id}', '${EVENING}', '19:00', 1, 'Ada')`,
        `update reservations set status = 'cancelled'`,
      ])
        await db.rows(sql)
    return { id, other: randomUUID() }
  },
  writers: {
    'a guest books 8': ({ other }, { businessId }) => [
      signedIn(other),
      `select book_slot_atomically('${businessId}', '${EVENING}', '19:00', 8, 'Ben') as answer`,
    ],
    'a raw booking of 8': ({ id, other }, { businessId }) => [
      null,
      `insert into reservations (business_id, slot_id, date, preferred_time, user_id, party_size, reservation_name)
       values ('${businessId}', '${id}', '${EVENING}', '19:00', '${other}', 8, 'Cid')`,
    ],
    'staff lowers the slot to 2': resize('slots', 'capacity'),
    'staff moves the slot to noon': ({ id }, world) => [
      staffOf(world),
      `update slots set time_from = '11:00', time_to = '14:00' where id = '${id}'`,
    ],
    'staff moves the slot to another day': ({ id }, world) => [
      staffOf(world),
      `update slots set date = '2086-01-05' where id = '${id}'`,
    ],
  },
  // A party whose slot is no longer there for it: the gate would send it away.
  wrong: `select r.id from reservations r join slots s on s.id = r.slot_id
    where r.status = 'confirmed' and not (r.date = s.date and ticketing.is_open(s.time_from, s.time_to, r.preferred_time))`,
})

/** The most that can be paid, in an event without a fee. */
const PRICE: Scarce = {
  open: async ({ db, businessId }) => {
    const id = await db.value<string>(
      `insert into events (business_id, slug, title, start_at, end_at, status)
       values ($1, 'p-' || gen_random_uuid(), 'Prices', now() + interval '1 day', now() + interval '2 days', 'published')
       returning id`,
      [businessId],
    )
    return { id, other: await addTier(db, id, { priceCents: 5000 }) }
  },
  writers: {
    'staff raises a price to the most': ({ other }, world) => [
      staffOf(world),
      `update ticket_tiers set price_cents = 99999999 where id = '${other}'`,
    ],
    'staff adds a tier at the most': ({ id }, world) => [
      staffOf(world),
      `insert into ticket_tiers (event_id, slug, name, price_cents, total_quantity) values ('${id}', 'most', 'Most', 99999999, 1)`,
    ],
    'staff takes a fee': ({ id }, world) => [
      staffOf(world),
      `update events set fee_fixed_cents = 100 where id = '${id}'`,
    ],
  },
  maybeBoth: true,
  wrong: `select t.id from ticket_tiers t join events e on e.id = t.event_id
    where t.price_cents + e.fee_fixed_cents > 99999999`,
}

const THINGS: Readonly<Record<string, Scarce>> = {
  'a tier': TIER,
  'an offer': OFFER,
  'an offer, one a person': ONE_EACH,
  'a slot': slot(true),
  'a slot without a party yet': slot(false),
  'a price': PRICE,
}
async function assertRight(db: TestDatabase, wrong: string | undefined): Promise<void> {
  assert.deepEqual(await db.rows('select law, witnesses from ticketing.broken_laws()'), [])
  if (wrong !== undefined) assert.deepEqual(await db.rows(wrong), [])
}

describe('writers with an older snapshot', async () => {
  const db = await testDatabase()
  const world = { db, ...(await openBoxOffice(db)) }
  await db.rows(`update business_staff set role = 'manager'`)
  const pair = [await db.connect(), await db.connect()] as const
  for (const { name, stand: scarce, first, late } of pairsOf<Writer, Scarce>(THINGS))
    it(name, async () => {
      for (const moment of MOMENTS) {
        const when = `${Object.values(moment)}`
        const thing = await scarce.open(world)
        const ends = await writeLate(db, pair, moment, first[1](thing, world), late[1](thing, world))
        assert.equal(ends[0], 'written', when)
        const isOlder = moment.level !== 'read committed'
        if (isOlder && first[0] !== late[0] && scarce.maybeBoth !== true)
          assert.notEqual(ends[1], 'written', when)
        // A raw booking brings its own time, and its table's owner may: nothing but its snapshot is asked.
        const isRaw = late[0].startsWith('a raw') && !isOlder
        await assertRight(db, isRaw ? undefined : scarce.wrong)
        await db.rows('delete from reservations')
        await db.rows('delete from slots')
      }
    })
})
