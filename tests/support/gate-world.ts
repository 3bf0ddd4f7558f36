import assert from 'node:assert/strict'
import { addTier, openBoxOffice } from './box-office.ts'
import type { TestDatabase } from './database.ts'
import { FRESH, GATES, type GateEvent, type Opening, TICKETS, type Ticket } from './gate-model.ts'
import { doublesOf, truth } from './gates.ts'
import { microsOf } from './micros.ts'
import { type PlacedOrder, paidOrder } from './money.ts'

/** How old the tickets are: one is older than an offline scan is believed to be, so that this bound is met too. */
const AGES_DAYS = [30, 1, 0]

export interface LetIn {
  readonly ticket: number
  /** Undefined: no time that can be read. */
  readonly claimedUs: number | undefined
  readonly scanId: string | undefined
  readonly event: GateEvent
  isOnlyClaimed: boolean | undefined
}

interface Gate {
  readonly letIn: LetIn[]
  /** The scan whose answer may have been lost. */
  last: { readonly ticket: number; readonly scanId: string; readonly event: GateEvent } | undefined
  readonly kept: Map<string, string>
  cursor: string | null
}

/** One paid order of three tickets, the gates, and what the model says that all of it must be. */
export interface World {
  readonly db: TestDatabase
  readonly businessId: string
  readonly eventId: string
  /** Of the same house. */
  readonly otherEventId: string
  readonly order: PlacedOrder
  readonly ids: readonly string[]
  readonly codes: readonly string[]
  readonly madeUs: readonly number[]
  readonly gates: readonly Gate[]
  readonly tickets: Ticket[]
  readonly refundIds: (string | undefined)[]
  readonly admittedOnline: number[]
}

export async function openWorld(db: TestDatabase): Promise<World> {
  const { businessId, eventId } = await openBoxOffice(db)
  const tierId = await addTier(db, eventId, { priceCents: 2000 })
  const { tickets: ids, ...order } = await paidOrder(db, { eventId, tierId, quantity: TICKETS })
  for (const [i, days] of AGES_DAYS.entries())
    await db.rows(`update tickets set created_at = created_at - $2 * interval '1 day' where id = $1`, [
      ids[i],
      days,
    ])
  const rows = await db.rows<{ id: string; us: string; qr_code: string }>(
    'select id, qr_code, (extract(epoch from created_at) * 1000000)::bigint as us from tickets where order_id = $1',
    [order.orderId],
  )
  const rowOf = new Map(rows.map((row) => [row.id, row]))
  return {
    db,
    businessId,
    eventId,
    otherEventId: await db.value<string>(
      `insert into events (business_id, slug, title, start_at, end_at, status)
       select business_id, slug || '-other', 'Other', start_at, end_at, status from events where id = $1 returning id`,
      [eventId],
    ),
    order,
    ids,
    codes: ids.map((id) => String(rowOf.get(id)?.qr_code)),
    madeUs: ids.map((id) => Number(rowOf.get(id)?.us)),
    gates: Array.from({ length: GATES }, () => ({
      letIn: [],
      last: undefined,
      kept: new Map(),
      cursor: null,
    })),
    tickets: Array.from({ length: TICKETS }, () => FRESH),
    refundIds: [],
    admittedOnline: Array.from({ length: TICKETS }, () => 0),
  }
}

export async function assertStatuses({ db, eventId, ids, tickets }: World): Promise<void> {
  const rows = await db.rows<{ id: string; status: string }>(
    'select id, status from tickets where event_id = $1',
    [eventId],
  )
  const statuses = new Map(rows.map(({ id, status }) => [id, status]))
  assert.deepEqual(
    ids.map((id) => statuses.get(id)),
    tickets.map(({ status }) => status),
  )
}

export async function assertEnd(world: World): Promise<void> {
  const { db, eventId, ids, tickets } = world
  await assertStatuses(world)
  assert.deepEqual(
    world.admittedOnline.filter((times) => times > 1),
    [],
    'online gates admitted a ticket twice',
  )
  const lists = await truth(db, eventId)
  for (const { kept } of world.gates) assert.deepEqual(kept, lists)
  const reported = (await doublesOf(db, eventId)).map(({ ticket_id, counted, other }) =>
    [
      ids.indexOf(ticket_id),
      counted?.device_id,
      microsOf(counted?.scanned_at),
      other.device_id,
      microsOf(other.scanned_at),
    ].join(' '),
  )
  const expected = tickets.flatMap(({ counted, others, undoneDoubles }, ticket) =>
    [...others, ...undoneDoubles].map((other) =>
      [ticket, ...described(counted), ...described(other)].join(' '),
    ),
  )
  assert.deepEqual(reported.sort(), expected.sort())
}

const described = (opening: Opening | undefined) =>
  opening === undefined ? [undefined, undefined] : [deviceOf(opening.gate), opening.atUs]

/** What a gate says about its event. */
export const eventOf = ({ eventId, otherEventId }: World, event: GateEvent) =>
  ({ none: undefined, own: eventId, other: otherEventId })[event]
export const deviceOf = (gate: number) => `gate ${gate}`
export const gateOf = ({ gates }: World, gate: number) => gates[gate] as Gate
export const ticketOf = ({ tickets }: World, ticket: number) => tickets[ticket] ?? FRESH
