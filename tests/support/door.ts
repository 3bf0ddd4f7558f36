import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { addTier, type BoxOffice, buyTickets } from './box-office.ts'
import { signedIn, valueAs } from './callers.ts'
import type { TestDatabase } from './database.ts'

/** What is shown at a gate, and where it is kept. */
export interface Shown {
  readonly id: string
  /** 32 hex digits. */
  readonly code: string
  /** That of the event, the offer or the business. */
  readonly scopeId: string
}

/** A ticket of the house's event, of a tier of its own. */
export async function soldTicket(db: TestDatabase, { eventId }: BoxOffice, status = 'valid'): Promise<Shown> {
  const [id] = await buyTickets(db, eventId, await addTier(db, eventId), 1)
  const code = await db.value<string>('update tickets set status = $2 where id = $1 returning qr_code', [
    id,
    status,
  ])
  return { id: String(id), code, scopeId: eventId }
}

interface ClaimOptions {
  readonly userId?: string
  readonly startsAt?: string
  readonly endsAt?: string
}

/** A claim for two of an offer of the house; times are SQL. */
export async function claimedOffer(
  db: TestDatabase,
  { businessId }: BoxOffice,
  { userId = randomUUID(), startsAt = 'null', endsAt = 'null' }: ClaimOptions = {},
): Promise<Shown> {
  const offer = await db.value<string>(
    `insert into discounts (business_id, title, total_people) values ($1, 'Two for one', 10) returning id`,
    [businessId],
  )
  await valueAs(db.client, signedIn(userId), 'select claim_offer_spots_atomically($1, 2)', [offer])
  // Its times change after the claim was made: an offer gives none outside of them.
  await db.rows(`update discounts set starts_at = ${startsAt}, ends_at = ${endsAt} where id = $1`, [offer])
  const [claim] = await db.rows<{ id: string; qr_token: string }>(
    'select id, qr_token from offer_claims where discount_id = $1',
    [offer],
  )
  return { id: claim?.id ?? '', code: claim?.qr_token ?? '', scopeId: offer }
}

/**
 * A table for four, in a slot of three hours that begins so many minutes from now, by the wall clock of the house's zone: at
 * whatever hour this runs, on one evening or over midnight.
 */
export async function bookedTable(
  db: TestDatabase,
  { businessId }: BoxOffice,
  beginsInMinutes: number,
): Promise<Shown> {
  const [booking] = await db.rows<{ id: string; qr_token: string }>(
    `with t as (select (now() + make_interval(mins => $2)) at time zone b.time_zone as at from businesses b where b.id = $1),
      s as (insert into slots (business_id, date, time_from, time_to, capacity, max_party_size)
        select $1, t.at::date, t.at::time, (t.at + interval '3 hours')::time, 10, 10 from t returning id, date, time_from)
     insert into reservations (business_id, slot_id, date, preferred_time, party_size, reservation_name)
       select $1, s.id, s.date, s.time_from, 4, 'Ada Guest' from s returning id, qr_token`,
    [businessId, beginsInMinutes],
  )
  return { id: booking?.id ?? '', code: booking?.qr_token ?? '', scopeId: businessId }
}

const LET_IN = {
  claim: `with k as (update offer_claims set status = 'redeemed', redeemed_at = now() where id = $1 returning id, redeemed_at as at)
    insert into scan_logs (claim_id, scan_method, scan_success, scanned_at) select id, 'qr', true, at from k`,
  booking: `with k as (update reservations set status = 'checked_in', checked_in_at = now() where id = $1 returning id, checked_in_at as at)
    insert into scan_logs (reservation_id, scan_method, scan_success, scanned_at) select id, 'qr', true, at from k`,
}

/** Lets a party in as its gate would, on whatever evening. */
export async function letIn(
  client: pg.Client,
  kind: keyof typeof LET_IN,
  id: string | undefined,
): Promise<void> {
  await client.query(LET_IN[kind], [id])
}
