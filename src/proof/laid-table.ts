import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'

/** What a business has for its guests beside tickets. */
export interface LaidTable {
  readonly guestIds: readonly string[]
  /** An offer that a person claims once; with places only. */
  readonly offerId: string | undefined
  /** People for whom the offer is. */
  readonly places: number
  /** The evening, YYYY-MM-DD, of two slots that overlap, the later one across midnight; with covers only. */
  readonly slotDate: string | undefined
  /** Of both slots together. */
  readonly covers: number
}

export interface TableOptions {
  readonly guests: number
  /** People for whom the offer is. */
  readonly places: number
  /** Covers of both slots together. */
  readonly covers: number
}

/** Makes an offer and an evening for guests with accounts, each where it was asked for. */
export async function layTable(
  client: Client,
  businessId: string,
  { guests, places, covers }: TableOptions,
): Promise<LaidTable> {
  return {
    guestIds: Array.from({ length: guests }, () => randomUUID()),
    places,
    covers,
    offerId: places === 0 ? undefined : await makeOffer(client, businessId, places),
    slotDate: covers === 0 ? undefined : await makeSlots(client, businessId, covers),
  }
}

/** Takes it away with everything that was claimed and booked. */
export async function clearTable(client: Client, businessId: string): Promise<void> {
  for (const sql of [
    'delete from reservations where business_id = $1',
    'delete from slots where business_id = $1',
    'delete from offer_claims where discount_id in (select id from discounts where business_id = $1)',
    'delete from discounts where business_id = $1',
  ]) {
    await client.query(sql, [businessId])
  }
}

async function makeOffer(client: Client, businessId: string, places: number): Promise<string | undefined> {
  const made = await client.query<{ id: string }>(
    `insert into discounts (business_id, title, total_people, one_claim_per_person)
     values ($1, 'Fixture offer', $2, true) returning id`,
    [businessId, places],
  )
  return made.rows[0]?.id
}

async function makeSlots(client: Client, businessId: string, covers: number): Promise<string | undefined> {
  const early = Math.floor(covers / 2)
  const made = await client.query<{ date: string }>(
    `insert into slots (business_id, date, time_from, time_to, capacity, max_party_size)
     values ($1, current_date + 30, '19:00', '22:00', $2, 6), ($1, current_date + 30, '21:00', '01:00', $3, 6)
     returning date::text`,
    [businessId, early, covers - early],
  )
  return made.rows[0]?.date
}
