import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import { type AwaitedOrder, awaitPayments } from './awaited-orders.ts'
import { type DoorCode, makeDoorCodes, neighbourOf } from './door-codes.ts'
import { clearTable, type LaidTable, layTable, type TableOptions } from './laid-table.ts'
import { type FixtureTicket, sellTickets } from './sold-tickets.ts'

const NOTHING = {
  tierSlug: 'general-admission',
  stock: 0,
  tickets: 0,
  priceCents: 0,
  orders: 0,
  guests: 0,
  places: 0,
  covers: 0,
  codes: 0,
}

/** What a scenario needs in the database, by scenario. Nobody's per-person limit: a load comes from one address. */
export const FIXTURES = {
  'concurrent-checkout': { ...NOTHING, stock: 50 },
  'reserve-race': { ...NOTHING, stock: 10 },
  'scanner-burst': { ...NOTHING, tickets: 200, codes: 5 },
  // Seven of ten scans show a ticket for the first time.
  'scanner-stress': { ...NOTHING, tickets: 350 },
  'offline-gates': { ...NOTHING, tickets: 200, codes: 1 },
  'offer-rush': { ...NOTHING, guests: 40, places: 50 },
  'slot-rush': { ...NOTHING, guests: 40, covers: 60 },
  'ticketing-flow': { ...NOTHING, stock: 20_000, priceCents: 2500 },
  'ticket-purchase': { ...NOTHING, stock: 20_000, priceCents: 2500 },
  'webhook-burst': { ...NOTHING, stock: 1000, priceCents: 2500, orders: 60 },
} as const satisfies Record<string, Required<Omit<FixtureOptions, 'slug'>>>

export type FixtureName = keyof typeof FIXTURES

export const TICKETS_MAX = 10_000
export const ORDERS_MAX = 1000

/** What a ticket that costs something costs beside its price: a part that is not whole, so that rounding is seen. */
const FEE = { fixedCents: 99, basisPoints: 250 }

export interface FixtureOptions extends Partial<TableOptions> {
  /** The event's slug; the scenario's name where it is left out. */
  readonly slug?: string
  readonly tierSlug?: string
  /** Places that are for sale. */
  readonly stock?: number
  /** Tickets that are sold already, for scanners. */
  readonly tickets?: number
  /** The price of a ticket; one that costs something has a fee besides. */
  readonly priceCents?: number
  /** Orders that wait for their payment, for webhooks. */
  readonly orders?: number
  /** Codes of each kind that a gate must tell apart. */
  readonly codes?: number
}

export interface Fixture extends LaidTable {
  readonly slug: string
  readonly businessId: string
  readonly eventId: string
  readonly tierId: string
  /** A member of the door staff. */
  readonly scannerId: string
  readonly buyerId: string
  readonly tickets: readonly FixtureTicket[]
  /** One more ticket, which every scanner fights for; with tickets only. */
  readonly raceTicket: FixtureTicket | undefined
  readonly priceCents: number
  /** Orders that wait for their payment. */
  readonly orders: readonly AwaitedOrder[]
  readonly doorCodes: readonly DoorCode[]
}

/** `webhook-orders.json`, as webhook scripts open it. */
export function ordersFileOf({ orders }: Fixture): string {
  return `${JSON.stringify({ orders }, null, 2)}\n`
}

/** `test-tickets.json`, as scanner scripts open it. */
export function ticketsFileOf({ tickets, raceTicket }: Fixture): string {
  const file = {
    tickets: tickets.map((ticket) => ({ ...ticket, type: 'valid' })),
    raceTestTicket: { id: raceTicket?.id },
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

class FixtureError extends Error {
  readonly code = 'SLUG_TAKEN'
}

/**
 * Makes the fixture in one transaction, instead of an older one of the same slug. `client` must be the tables' owner.
 * Throws a FixtureError where the slug is an event that is no fixture.
 */
export async function makeFixture(
  client: Client,
  name: FixtureName,
  options: FixtureOptions = {},
): Promise<Fixture> {
  const asked = { ...FIXTURES[name], ...options }
  const { tierSlug, stock, tickets, priceCents, orders } = asked
  const slug = options.slug ?? name
  return inTransaction(client, async () => {
    await remove(client, slug)
    const eventId = randomUUID()
    const tierId = randomUUID()
    const businessId = randomUUID()
    const businessSlug = `${FIXTURE_PREFIX}${slug}`
    const scannerId = randomUUID()
    await client.query('insert into businesses (id, slug, name) values ($1, $2, $3)', [
      businessId,
      businessSlug,
      `Fixture ${slug}`,
    ])
    await client.query('insert into business_staff (business_id, user_id) values ($1, $2)', [
      businessId,
      scannerId,
    ])
    await client.query(
      `insert into events (id, business_id, slug, title, start_at, end_at, status, venue, city, fee_fixed_cents, fee_basis_points)
       values ($1, $2, $3, $4, now(), now() + interval '1 day', 'published', 'Test hall', 'Testville', $5, $6)`,
      [eventId, businessId, slug, `Fixture ${slug}`, FEE.fixedCents, FEE.basisPoints],
    )
    await client.query(
      `insert into ticket_tiers (id, event_id, slug, name, total_quantity, max_per_order, price_cents)
       values ($1, $2, $3, 'General admission', $4, null, $5)`,
      [tierId, eventId, tierSlug, stock + (tickets === 0 ? 0 : tickets + 1), priceCents],
    )
    const sold = tickets === 0 ? [] : await sellTickets(client, eventId, tierId, tickets + 1)
    return {
      slug,
      businessId,
      eventId,
      tierId,
      scannerId,
      buyerId: randomUUID(),
      tickets: sold.slice(1),
      raceTicket: sold[0],
      priceCents,
      orders: await awaitPayments(client, eventId, tierId, orders),
      doorCodes: await makeDoorCodes(client, { slug: businessSlug, businessId, scannerId }, asked.codes),
      ...(await layTable(client, businessId, asked)),
    }
  })
}

/** Removes the fixture with this slug and everything that was sold of it; false where there is none. */
export function removeFixture(client: Client, slug: string): Promise<boolean> {
  return inTransaction(client, () => remove(client, slug))
}

/** An event is a fixture when its business is one. */
const FIXTURE_PREFIX = 'fixture-'

async function remove(client: Client, slug: string): Promise<boolean> {
  const named = await client.query<{ id: string; business_id: string; fixture: boolean }>(
    `select e.id, e.business_id, b.slug = $2 as fixture
     from events e join businesses b on b.id = e.business_id where e.slug = $1 for update of e`,
    [slug, `${FIXTURE_PREFIX}${slug}`],
  )
  const event = named.rows[0]
  if (event === undefined) return false
  if (!event.fixture) {
    throw new FixtureError(
      `the event "${slug}" is not a fixture and stays as it is: name another with --slug`,
    )
  }
  const found = await client.query<{ business_id: string; events: string[] }>(
    `select b.id as business_id, array(
       select e.id from events e where e.business_id = b.id and (e.slug = $3 or starts_with(e.slug, $4))) as events
     from businesses b where b.id = $1 or b.slug = $2`,
    [event.business_id, neighbourOf(`${FIXTURE_PREFIX}${slug}`), slug, FIXTURE_PREFIX],
  )
  for (const { business_id, events } of found.rows) {
    for (const eventId of events) await removeEvent(client, eventId)
    await clearTable(client, business_id)
    await client.query('delete from businesses where id = $1', [business_id])
  }
  return true
}

async function removeEvent(client: Client, eventId: string): Promise<void> {
  for (const sql of [
    // A transaction of the books goes as a whole, or not at all.
    'delete from ticketing.ledger_entries where event_id = $1',
    'delete from ticketing.disputes where order_id in (select id from orders where event_id = $1)',
    'delete from ticketing.refunds where event_id = $1',
    `delete from ticketing.payments where order_id in (select id from orders where event_id = $1) or starts_with(id, 'pi_fixture_' || $1)`,
    `delete from webhook_events where order_id in (select id from orders where event_id = $1) or starts_with(id, 'evt_fixture_' || $1)`,
    'delete from scan_logs where event_id = $1 or business_id = (select business_id from events where id = $1)',
    'delete from tickets where event_id = $1',
    'delete from ticket_holds where event_id = $1',
    `delete from idempotency_keys where (answer ->> 'order_id')::uuid in (select id from orders where event_id = $1)`,
    'delete from orders where event_id = $1',
    'delete from ticket_tiers where event_id = $1',
    'delete from events where id = $1',
  ]) {
    await client.query(sql, [eventId])
  }
}

async function inTransaction<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}
