import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { guaranteeNamed } from '../proof/support.ts'
import { openBoxOffice } from './box-office.ts'
import { signedIn, valueAs } from './callers.ts'
import { CROWD, type Crowd, openCrowd } from './crowd.ts'
import { testDatabase } from './database.ts'
import { changed, type Edit, type Naive } from './race.ts'

/** A business of its own and a crowd; a naive one is the same but for what was taken out of its verbs. */
export interface House extends Crowd {
  readonly businessId: string
}

export interface Answer {
  readonly success: boolean
  readonly error?: string
}

export type Work = (client: pg.Client) => Promise<Answer>

export const EVENING = '2086-01-04'

export async function openHouse(twinOf: Naive = async () => {}): Promise<House> {
  const db = await testDatabase()
  const { businessId } = await openBoxOffice(db)
  await twinOf(db)
  return { ...(await openCrowd(db)), businessId }
}

export function naive(edits: readonly Edit[]): Naive {
  return async (db) => {
    await changed(...edits)(db)
    const refusing = guaranteeNamed('offers-and-slots-fit').protections.filter((p) => p.role === 'refuses')
    for (const protection of refusing)
      if (protection.kind !== 'decision') await takeAway(db.client, protection)
  }
}

/** The check as it is, and nothing that keeps others out between it and the act. */
export function withoutOfferLock(): readonly Edit[] {
  const claimVerb = 'ticketing.claim_offer_spots_atomically'
  return [
    [claimVerb, "perform ticketing.lock_key('offer:' || p_discount_id);", ''],
    [claimVerb, ' for no key update;', ';'],
  ]
}

export const slotsOf = (businessId: string) =>
  `select from slots where business_id = '${businessId}' for update`
export const evenings = 'select from ticketing.slot_days for update'

export const eight = (work: Work): Work[] => Array(CROWD).fill(work)
export const codesOf = (answers: readonly Answer[]) =>
  answers.map((answer) => (answer.success ? 'success' : (answer.error ?? 'no code')))

export const askAs = (client: pg.Client, user: string, sql: string, values: readonly unknown[]) =>
  valueAs<Answer>(client, signedIn(user), sql, values)

export function claim(offer: string, people: number, user?: string): Work {
  return (client) =>
    askAs(client, user ?? randomUUID(), 'select claim_offer_spots_atomically($1, $2)', [offer, people])
}

export function release(offer: string, people: number, user: string): Work {
  return async (client) => {
    await askAs(client, user, 'select release_offer_spots($1, $2)', [offer, people])
    return { success: true }
  }
}

export function book(businessId: string, people: number, user?: string): Work {
  return (client) =>
    askAs(client, user ?? randomUUID(), `select book_slot_atomically($1, '${EVENING}', '21:30', $2, 'Ada')`, [
      businessId,
      people,
    ])
}

/** Within a transaction that is open, as the service. */
export function bookAs(businessId: string, people: number): Work {
  return async (client) => {
    const sql = `select book_slot_atomically($1, '${EVENING}', '21:30', $2, 'Ada') as answer`
    return (await client.query(sql, [businessId, people])).rows[0]?.answer
  }
}

export function pair([one, two]: readonly pg.Client[]): readonly [pg.Client, pg.Client] {
  if (one === undefined || two === undefined) throw new Error('two runners are needed')
  return [one, two]
}

export function addOffer({ db, businessId }: House, total: number | null, once = false): Promise<string> {
  return db.value(
    `insert into discounts (business_id, title, total_people, one_claim_per_person) values ($1, 'Offer', $2, $3) returning id`,
    [businessId, total, once],
  )
}

/** A business of its own with a slot for each of these covers, all open at 21:30. */
export async function addSlots({ db }: Pick<House, 'db'>, ...capacities: readonly number[]): Promise<string> {
  const businessId = await db.value<string>(
    `insert into businesses (slug, name) values ('t-' || left(gen_random_uuid()::text, 8), 'T') returning id`,
  )
  await db.rows(
    `insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
     select $1, 5, time '19:00' + o * interval '1 hour', '23:00', c, 10 from unnest($2::int[]) with ordinality as u(c, o)`,
    [businessId, capacities],
  )
  return businessId
}
