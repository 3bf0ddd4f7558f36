import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import { type Random, randomFrom } from '../../../core/random.ts'
import { makeFixture } from '../../fixtures/fixtures.ts'
import type { RunDatabase } from '../../run-databases.ts'
import { type AttackResult, countAttempts, type Statement } from '../attack.ts'
import { shortenDeadlockTimeout } from '../deadlock-timeout.ts'

/** Two of them are one person, so that somebody is always asking twice. */
const ATTACKERS = 4
const PERSONS = 2
const ROUNDS = 26
const PLACES = 12
const COVERS = 10

/**
 * Guests claim, book, give back and cancel through the verbs, while others write past them: claims, bookings, deletions,
 * offers and slots made smaller and larger. Every trigger of offers, claims, slots and bookings is on the way of one of these.
 */
export async function overbook(database: RunDatabase, seed: number): Promise<AttackResult> {
  const sale = await makeOfferAndSlot(database.client)
  const attempts = countAttempts()
  const clients = await database.connect(ATTACKERS)
  const persons = Array.from({ length: PERSONS }, () => randomUUID())
  await Promise.all(clients.map(shortenDeadlockTimeout))
  await Promise.all(clients.map((client, at) => signIn(client, persons[at % PERSONS])))
  const ask = async (client: Client, statement: Statement, isVerb: boolean) => {
    if (isVerb) await attempts.verb(client, ...statement)
    else await attempts.write(client, ...statement)
  }
  // Random moves may leave one out, so every change that a counter follows is made once before the rush.
  for (const change of countedChanges(sale)) await attempts.write(database.client, ...change)
  await Promise.all(
    clients.map(async (client, attacker) => {
      const random = randomFrom(seed + attacker)
      for (let round = 0; round < ROUNDS; round++) {
        const [move, isVerb] = MOVES[(attacker + round) % MOVES.length] ?? MOVES[0]
        await ask(client, move(sale, random, persons[attacker % PERSONS] ?? ''), isVerb)
      }
    }),
  )
  // At the end everybody wants all of it, so that a counter that is too low would show it.
  await Promise.all(
    clients.map(async (client) => {
      await ask(client, claim(sale.offerId, PLACES), true)
      await ask(client, book(sale, COVERS), true)
    }),
  )
  // Last, so that nothing undoes it: a slot grows, and the counter of its evening must follow.
  await attempts.write(database.client, 'update slots set capacity = capacity + 100 where id = $1', [
    sale.slotId,
  ])
  return attempts.result()
}

interface OfferAndSlot {
  readonly businessId: string
  readonly offerId: string
  /** One claim a person. */
  readonly personalOfferId: string
  readonly slotId: string
}

type Move = (sale: OfferAndSlot, random: Random, person: string) => Statement

const EVENING = '2086-01-04'

const claim = (offerId: string, people: number): Statement => [
  'select claim_offer_spots_atomically($1, $2) as answer',
  [offerId, people],
]
const book = (sale: OfferAndSlot, people: number): Statement => [
  `select book_slot_atomically($1, '${EVENING}', '23:30', $2, 'Attack') as answer`,
  [sale.businessId, people],
]

/**
 * A raw UPDATE or DELETE has its row before a trigger asks for the offer or the slot, a verb the other way round: with the
 * lock first they do not wait in a circle.
 */
const offerFirst = `with key as materialized (select pg_advisory_xact_lock(hashtextextended('offer:' || $1::text, 0)))`
const slotFirst = `with key as materialized (select pg_advisory_xact_lock(hashtextextended('slot:' || $1::text || ':${EVENING}', 0)))`

/** A claim that is given back, one that is deleted; the same of bookings. */
function countedChanges({ businessId, offerId, slotId }: OfferAndSlot): readonly Statement[] {
  const [claims, bookings] = [
    [randomUUID(), randomUUID()],
    [randomUUID(), randomUUID()],
  ]
  const insertBooking = `insert into reservations (id, business_id, slot_id, date, preferred_time, party_size, reservation_name)
    values ($1, $2, $3, '${EVENING}', '23:00', 1, 'Raw')`
  return [
    ...claims.map(
      (id): Statement => [
        'insert into offer_claims (id, discount_id, party_size) values ($1, $2, 1)',
        [id, offerId],
      ],
    ),
    [`update offer_claims set status = 'released' where id = $1`, [claims[0]]],
    ['delete from offer_claims where id = $1', [claims[1]]],
    ...bookings.map((id): Statement => [insertBooking, [id, businessId, slotId]]),
    [`update reservations set status = 'cancelled' where id = $1`, [bookings[0]]],
    ['delete from reservations where id = $1', [bookings[1]]],
  ]
}

/** Each with whether it is a verb, which answers where a raw write is refused. */
const MOVES: readonly [readonly [Move, boolean], ...(readonly [Move, boolean])[]] = [
  [({ offerId }, random) => claim(offerId, 1 + random.below(4)), true],
  [(sale, random) => book(sale, 1 + random.below(4)), true],
  [({ personalOfferId }) => claim(personalOfferId, 1), true],
  [
    ({ offerId }, random) => [
      'insert into offer_claims (discount_id, party_size) values ($1, $2)',
      [offerId, 1 + random.below(5)],
    ],
    false,
  ],
  [
    ({ businessId, slotId }, random) => [
      `insert into reservations (business_id, slot_id, date, preferred_time, party_size, reservation_name)
       values ($1, $2, '${EVENING}', '23:00', $3, 'Raw')`,
      [businessId, slotId, 1 + random.below(4)],
    ],
    false,
  ],
  [
    ({ personalOfferId }, _random, person) => [
      'insert into offer_claims (discount_id, user_id, party_size) values ($1, $2, 1)',
      [personalOfferId, person],
    ],
    false,
  ],
  [({ offerId }) => ['select release_offer_spots($1, 2)', [offerId]], false],
  [
    ({ slotId }, random) => [
      `select cancel_reservation(r.id) as answer from (select id from reservations
         where slot_id = $1 and status = 'confirmed' order by id limit 1 offset $2) r
       union all select '{"success": false, "error": "NONE_LEFT"}' limit 1`,
      [slotId, random.below(4)],
    ],
    true,
  ],
  [
    ({ offerId }, random) => [
      `${offerFirst} update discounts d set total_people = $2 from key where d.id = $1::uuid`,
      [offerId, random.below(2 * PLACES)],
    ],
    false,
  ],
  [
    ({ slotId }, random) => [
      `${slotFirst} update slots s set capacity = $2 from key where s.id = $1::uuid`,
      [slotId, random.below(2 * COVERS)],
    ],
    false,
  ],
  [
    ({ offerId }, random) => [
      `${offerFirst} update offer_claims set status = 'released' where id = (select c.id from offer_claims c, key
         where c.discount_id = $1::uuid and c.status = 'claimed' order by c.id limit 1 offset $2)`,
      [offerId, random.below(4)],
    ],
    false,
  ],
  [
    ({ offerId }, random) => [
      `${offerFirst} delete from offer_claims where id = (select c.id from offer_claims c, key
         where c.discount_id = $1::uuid order by c.id limit 1 offset $2)`,
      [offerId, random.below(4)],
    ],
    false,
  ],
  [
    ({ slotId }, random) => [
      `${slotFirst} delete from reservations where id = (select r.id from reservations r, key
         where r.slot_id = $1::uuid order by r.id limit 1 offset $2)`,
      [slotId, random.below(4)],
    ],
    false,
  ],
]

/** An offer for everybody, one a person, and a slot on Friday nights that crosses midnight. */
async function makeOfferAndSlot(client: Client): Promise<OfferAndSlot> {
  const { businessId } = await makeFixture(client, 'concurrent-checkout', { stock: 0 })
  await client.query(`update ticketing.settings set booking_ahead = '100 years'`)
  const made = await client.query<Omit<OfferAndSlot, 'businessId'>>(
    `with offers as (insert into discounts (business_id, title, total_people, one_claim_per_person)
       values ($1, 'Attack', $2, false), ($1, 'Attack, once', null, true) returning id, one_claim_per_person as once),
     slot as (insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
       values ($1, 5, '22:00', '02:00', $3, $3) returning id)
     select a.id as "offerId", b.id as "personalOfferId", slot.id as "slotId"
     from offers a, offers b, slot where not a.once and b.once`,
    [businessId, PLACES, COVERS],
  )
  const [row] = made.rows
  if (row === undefined) throw new Error('no offer and no slot were made')
  return { businessId, ...row }
}

/** Verbs ask the claims who is calling. */
async function signIn(client: Client, person: string | undefined): Promise<void> {
  await client.query(`select set_config('request.jwt.claims', $1, false)`, [JSON.stringify({ sub: person })])
}
