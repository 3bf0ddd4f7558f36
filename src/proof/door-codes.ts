import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import type { CodeKind } from '../core/codes.ts'
import { sellTickets } from './sold-tickets.ts'

/** A code of one kind that a gate must tell from all others. */
export interface DoorCode {
  /** Which kind, in one word or two. */
  readonly what: string
  readonly kind: CodeKind
  /** What it is for: an event, an offer, or a business. */
  readonly scopeId: string
  /** 32 hex digits. */
  readonly code: string
  /** How it is shown, where that is not as it should be. */
  readonly shown: 'signed' | 'typed' | 'forged' | 'by a revoked key' | 'nonsense'
  readonly bearer: 'door' | 'stranger' | 'nobody'
  /** What the gates answer that it is shown to at the same moment. */
  readonly answers: readonly string[]
  /** The ticket, claim or booking that the log names; null where the gate knows nothing of it. */
  readonly id: string | null
}

interface Door {
  /** Of the business. */
  readonly slug: string
  readonly businessId: string
  readonly scannerId: string
}

/** The house next door, whose codes are nothing here. */
export function neighbourOf(businessSlug: string): string {
  return `${businessSlug}-neighbour`
}

/** So many codes of each kind, with the events, the offers and the tables that they are for. */
export async function makeDoorCodes(client: Client, door: Door, copies: number): Promise<DoorCode[]> {
  if (copies === 0) return []
  return [
    ...(await ticketCodes(client, door, copies)),
    ...(await claimCodes(client, door.businessId, copies)),
    ...(await bookingCodes(client, door.businessId, copies)),
  ]
}

const ONCE = ['ADMITTED', 'ALREADY_USED']

async function ticketCodes(client: Client, door: Door, copies: number): Promise<DoorCode[]> {
  const open = await makeEvent(client, door.businessId, 'open')
  const neighbourId = await makeNeighbour(client, door)
  const codes: DoorCode[] = []
  const add = async (
    event: Event,
    what: string,
    answers: readonly string[],
    more: Partial<DoorCode> = {},
  ) => {
    for (const { id, qr_code } of await sellTickets(client, event.eventId, event.tierId, copies)) {
      const known = answers.every((answer) => answer !== 'UNKNOWN')
      codes.push({
        ...{ what, kind: 'ticket', scopeId: event.eventId, code: qr_code, shown: 'signed', bearer: 'door' },
        ...{ answers, id: known ? id : null },
        ...more,
      })
      const before = BEFORE[what]
      if (before !== undefined) await client.query(before, [id])
    }
  }
  await add(open, 'valid', ONCE)
  await add(open, 'typed', ONCE, { shown: 'typed' })
  await add(open, 'used', ['ALREADY_USED'])
  await add(open, 'refunded', ['REFUNDED'])
  await add(open, 'refunding', ['REFUNDING', 'REFUNDING'])
  await add(open, 'cancelled', ['CANCELLED'])
  await add(await makeEvent(client, door.businessId, 'cancelled'), 'of-a-cancelled-event', [
    'EVENT_CANCELLED',
  ])
  await add(await makeEvent(client, door.businessId, 'early'), 'too-early', ['TOO_EARLY'])
  await add(await makeEvent(client, door.businessId, 'late'), 'too-late', ['TOO_LATE'])
  await add(await makeEvent(client, neighbourId, 'open'), 'of-the-neighbour', ['UNKNOWN'])
  await add(open, 'of-another-event', ['UNKNOWN'], { scopeId: randomUUID() })
  await add(open, 'forged', ['UNKNOWN'], { shown: 'forged' })
  await add(open, 'by-a-revoked-key', ['UNKNOWN'], { shown: 'by a revoked key' })
  await add(open, 'nonsense', ['UNKNOWN'], { shown: 'nonsense' })
  await add(open, 'to-a-stranger', ['403 FORBIDDEN'], { bearer: 'stranger' })
  await add(open, 'to-nobody', ['401 UNAUTHORIZED'], { bearer: 'nobody' })
  return codes
}

/** What becomes of a ticket before it is shown. */
const BEFORE: Readonly<Record<string, string>> = {
  used: `select ticketing.admit_ticket($1, gen_random_uuid(), 'earlier', 'qr')`,
  refunded: `update tickets set status = 'refunded' where id = $1`,
  refunding: `update tickets set status = 'refunding' where id = $1`,
  cancelled: `update tickets set status = 'cancelled' where id = $1`,
}

interface Event {
  readonly eventId: string
  readonly tierId: string
}

/** Its door is open, not yet, or no longer; or the event was called off. */
async function makeEvent(
  client: Client,
  businessId: string,
  door: 'open' | 'cancelled' | 'early' | 'late',
): Promise<Event> {
  const [eventId, tierId] = [randomUUID(), randomUUID()]
  const days = { open: 0, cancelled: 0, early: 30, late: -30 }[door]
  await client.query(
    `insert into events (id, business_id, slug, title, start_at, end_at, entry_from, entry_until, status)
     select $1, $2, $5, 'Fixture, door ' || $3::text, o.at, o.at + interval '1 day', o.at, o.at + interval '1 day',
       case $3::text when 'cancelled' then 'cancelled' else 'published' end
     from (select now() + make_interval(days => $4) as at) o`,
    [eventId, businessId, door, days, `fixture-${eventId}`],
  )
  await client.query(
    `insert into ticket_tiers (id, event_id, slug, name, total_quantity) values ($1, $2, 'door', 'Door', $3)`,
    [tierId, eventId, TICKETS_OF_AN_EVENT_MAX],
  )
  return { eventId, tierId }
}

const TICKETS_OF_AN_EVENT_MAX = 10_000

/** Somebody of our door works there too: what is theirs is nothing at our door all the same. */
async function makeNeighbour(client: Client, { slug, scannerId }: Door): Promise<string> {
  const id = randomUUID()
  await client.query(`insert into businesses (id, slug, name) values ($1, $2, 'Fixture next door')`, [
    id,
    neighbourOf(slug),
  ])
  await client.query('insert into business_staff (business_id, user_id) values ($1, $2)', [id, scannerId])
  return id
}

interface Party {
  readonly id: string
  readonly code: string
  readonly scope_id: string
}

function partyCode(what: string, kind: CodeKind, answers: readonly string[]): (party: Party) => DoorCode {
  return ({ id, code, scope_id }) => {
    return { what, kind, scopeId: scope_id, code, shown: 'signed', bearer: 'door', answers, id }
  }
}

async function claimCodes(client: Client, businessId: string, copies: number): Promise<DoorCode[]> {
  const claims = async (what: string, status: string, endsIn: string, answers: readonly string[]) => {
    const { rows } = await client.query<Party>(
      `with o as (insert into discounts (business_id, title, total_people, ends_at)
                    values ($1, 'Fixture at the door', 1000, now() + $4::interval) returning id)
       insert into offer_claims (discount_id, user_id, party_size, status)
         select o.id, gen_random_uuid(), 2, $3 from o, generate_series(1, $2::integer)
         returning id, qr_token as code, discount_id as scope_id`,
      [businessId, copies, status, endsIn],
    )
    return rows.map(partyCode(what, 'claim', answers))
  }
  return [
    ...(await claims('claim', 'claimed', '1 day', ONCE)),
    ...(await claims('claim-given-back', 'released', '1 day', ['CANCELLED'])),
    ...(await claims('claim-too-late', 'claimed', '-1 day', ['TOO_LATE'])),
  ]
}

async function bookingCodes(client: Client, businessId: string, copies: number): Promise<DoorCode[]> {
  const bookings = async (what: string, status: string, days: number, answers: readonly string[]) => {
    const { rows } = await client.query<Party>(
      `with e as (select (now() at time zone b.time_zone) + make_interval(days => $4, hours => -1) as at
                  from businesses b where b.id = $1),
            s as (insert into slots (business_id, date, time_from, time_to, capacity, max_party_size)
                    select $1, e.at::date, e.at::time, (e.at + interval '4 hours')::time, 1000, 10 from e
                    returning id, date, time_from)
       insert into reservations (business_id, slot_id, date, preferred_time, party_size, reservation_name, status)
         select $1, s.id, s.date, s.time_from, 2, 'Fixture', $3 from s, generate_series(1, $2::integer)
         returning id, qr_token as code, business_id as scope_id`,
      [businessId, copies, status, days],
    )
    return rows.map(partyCode(what, 'booking', answers))
  }
  return [
    ...(await bookings('booking', 'confirmed', 0, ONCE)),
    ...(await bookings('booking-cancelled', 'cancelled', 0, ['CANCELLED'])),
    ...(await bookings('booking-too-early', 'confirmed', 30, ['TOO_EARLY'])),
    ...(await bookings('booking-too-late', 'confirmed', -30, ['TOO_LATE'])),
  ]
}
