import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { overlap } from '../../src/proof/interleaving/overlap.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { type Caller, SERVICE, signedIn } from '../support/callers.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

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
}
type Thing = Readonly<Record<'id' | 'other', string>>
type Writer = (thing: Thing, world: World) => readonly [caller: Caller, sql: string]

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

const THINGS: Readonly<Record<string, Scarce>> = {
  'a tier': TIER,
  'an offer': OFFER,
  'an offer, one a person': ONE_EACH,
  'a slot': slot(true),
  'a slot without a party yet': slot(false),
}
const LEVELS = ['read committed', 'repeatable read', 'serializable'] as const

type End = 'written' | 'refused' | 'retry'

/** One writer's work in a transaction that is open and has its snapshot. */
async function work(client: pg.Client, [caller, sql]: readonly [Caller, string]): Promise<End> {
  const claims = JSON.stringify({ role: caller?.role, sub: caller?.userId })
  await client.query(`select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`, [
    caller?.role ?? 'none',
    claims,
  ])
  const { rows } = await client.query<{ answer?: { success: boolean } }>(sql)
  return rows[0]?.answer?.success === false ? 'refused' : 'written'
}

/** As {@link work}, and its end. */
async function write(client: pg.Client, writer: readonly [Caller, string]): Promise<End> {
  try {
    const end = await work(client, writer)
    await client.query('commit')
    return end
  } catch (error) {
    await client.query('rollback')
    const { code } = error as { code?: string }
    if (code === '40001') return 'retry'
    if (code === '23514' || code === '23505') return 'refused'
    throw error
  }
}

async function begin(client: pg.Client, level: string): Promise<void> {
  await client.query(`begin isolation level ${level}`)
  await client.query('select count(*) from ticketing.migrations')
}

async function inTurn(
  [one, two]: readonly [pg.Client, pg.Client],
  first: (client: pg.Client) => Promise<End>,
  late: (client: pg.Client) => Promise<End>,
): Promise<readonly [End, End]> {
  await one.query('begin')
  const end = await first(one)
  await one.query('commit')
  return [end, await late(two)]
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
  for (const [what, scarce] of Object.entries(THINGS))
    for (const [first, firstWriter] of Object.entries(scarce.writers))
      for (const [late, lateWriter] of Object.entries(scarce.writers))
        it(`${what}: ${first}, then ${late}`, async () => {
          for (const level of LEVELS)
            for (const comes of ['after', 'beside'] as const) {
              const thing = await scarce.open(world)
              await begin(pair[1], level)
              const lateWrite = (client: pg.Client) => write(client, lateWriter(thing, world))
              const firstWrite = (client: pg.Client) => work(client, firstWriter(thing, world))
              const ends =
                comes === 'after'
                  ? await inTurn(pair, firstWrite, lateWrite)
                  : await overlap(db, pair, firstWrite, lateWrite)
              assert.equal(ends[0], 'written', `${level}, ${comes}`)
              if (level !== 'read committed' && first !== late)
                assert.notEqual(ends[1], 'written', `${level}, ${comes}`)
              // A raw booking brings its own time, and its table's owner may: nothing but its snapshot is asked.
              const isRaw = late.startsWith('a raw') && level === 'read committed'
              await assertRight(db, isRaw ? undefined : scarce.wrong)
              await db.rows('delete from reservations')
              await db.rows('delete from slots')
            }
        })
})
