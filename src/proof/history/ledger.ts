import type { Client } from 'pg'
import type { LedgerRow } from './format.ts'
import type { History } from './recorder.ts'

interface LedgerOptions {
  /** Under which name the history knows it. */
  readonly database: string
  readonly eventIds: readonly string[]
  /** The run's clock. */
  readonly now: () => number
}

/** Adds what a database has of the events that were recorded there, by a connection of its own. */
export async function exportLedger(
  history: History,
  database: string,
  connect: () => Promise<Client>,
): Promise<void> {
  const events = history.events.get(database)
  if (events === undefined) return
  const client = await connect()
  try {
    history.addRows(await readLedger(client, { database, eventIds: [...events], now: history.now }))
  } finally {
    await client.end()
  }
}

/** The rows of some events as the database has them now, kind by kind, each in the order of its ids. */
async function readLedger(client: Client, options: LedgerOptions): Promise<LedgerRow[]> {
  // All events of their businesses: a gate is shown the neighbours' tickets too.
  const events = await client.query<{ id: string }>(
    'select id from events where business_id in (select e.business_id from events e where e.id = any($1))',
    [options.eventIds],
  )
  const eventIds = events.rows.map(({ id }) => id)
  const offset = await clockOffset(client, options.now)
  const rows: LedgerRow[] = []
  for (const sql of QUERIES) {
    const found = await client.query<{ row: LedgerRow }>(sql, [
      eventIds,
      options.database,
      ...(sql.includes('$3') ? [offset] : []),
    ])
    rows.push(...found.rows.map(({ row }) => row))
  }
  return rows
}

/** Cristian's algorithm: what has to be added to the database's clock to get the run's, in milliseconds. */
async function clockOffset(client: Client, now: () => number): Promise<number> {
  const before = now()
  const { rows } = await client.query<{ at: number }>(
    'select extract(epoch from clock_timestamp())::float8 * 1000 as at',
  )
  return (before + now()) / 2 - (rows[0]?.at ?? 0)
}

/** Of the run's clock, in milliseconds. */
function time(column: string): string {
  return `round((extract(epoch from ${column}) * 1000 + $3::float8)::numeric, 3)`
}

function objects(kind: LedgerRow['row'], columns: string, from: string): string {
  return `select json_build_object('version', 1, 'row', '${kind}', 'database', $2::text, ${columns}) as row ${from}`
}

const SEQUENCE = `'sequence', row_number() over (order by x.id)`

const OF_BUSINESSES = 'x.business_id in (select e.business_id from events e where e.id = any($1))'

/** Offers and slots with what guests have of them. Of slots those that a guest meets: a date's own replace the weekday's. */
const PARTY_QUERIES: readonly string[] = [
  objects(
    'offer',
    `'id', x.id, 'total', x.total_people`,
    `from discounts x where ${OF_BUSINESSES} order by x.id`,
  ),
  objects(
    'claim',
    `'id', x.id, ${SEQUENCE}, 'offer', x.discount_id, 'key', substring(x.request_key from '[^:]*$'),
     'party', x.party_size, 'status', x.status`,
    `from offer_claims x where ${OF_BUSINESSES} order by x.id`,
  ),
  objects(
    'slot',
    `'id', concat(x.id, ' ', d.date), 'business', x.business_id, 'date', d.date, 'from', to_char(x.time_from, 'HH24:MI'),
     'to', to_char(x.time_to, 'HH24:MI'), 'total', x.capacity, 'partyMax', x.max_party_size, 'guestMax', x.max_per_person`,
    `from slots x cross join lateral (
       select x.date where x.date is not null
       union select b.date from reservations b where b.slot_id = x.id) d
     where ${OF_BUSINESSES} and x.active and (x.date = d.date or not exists (
       select from slots o where o.business_id = x.business_id and o.active and o.date = d.date)) order by x.id, d.date`,
  ),
  objects(
    'booking',
    `'id', x.id, ${SEQUENCE}, 'slot', concat(x.slot_id, ' ', x.date),
     'key', coalesce(substring(x.request_key from '[^:]*$'), x.reservation_name), 'party', x.party_size, 'status', x.status`,
    `from reservations x where ${OF_BUSINESSES} order by x.id`,
  ),
]

const QUERIES: readonly string[] = [
  objects('event', `'id', x.id, 'status', x.status`, 'from events x where x.id = any($1) order by x.id'),
  objects(
    'tier',
    `'id', x.id, 'event', x.event_id, 'total', x.total_quantity`,
    'from ticket_tiers x where x.event_id = any($1) order by x.id',
  ),
  // The key that a caller sent is the last part of the one that is stored.
  objects(
    'order',
    `'id', x.id, ${SEQUENCE}, 'event', x.event_id, 'key', substring(x.request_key from '[^:]*$'),
     'session', x.session_id, 'status', x.status`,
    'from orders x where x.event_id = any($1) order by x.id',
  ),
  objects(
    'hold',
    `'id', x.id, ${SEQUENCE}, 'tier', x.tier_id, 'order', x.order_id, 'session', x.session_id, 'quantity', x.quantity,
     'status', x.status, 'due', ${time('x.expires_at')}, 'ended', ${time('x.ended_at')}`,
    'from ticket_holds x where x.event_id = any($1) order by x.id',
  ),
  objects(
    'ticket',
    `'id', x.id, 'order', x.order_id, 'tier', x.tier_id, 'status', x.status,
     'ended', case when x.status in ('refunded', 'cancelled') then (select ${time('min(r.finished_at)')}
       from ticketing.refunds r where r.order_id = x.order_id and r.status = 'succeeded' and x.id = any (r.ticket_ids)) end`,
    'from tickets x where x.event_id = any($1) order by x.id',
  ),
  objects(
    'scan',
    `'id', x.id, ${SEQUENCE}, 'ticket', x.ticket_id, 'device', x.device_id`,
    `from scan_logs x where x.event_id = any($1) and x.scan_success and x.ticket_id is not null order by x.id`,
  ),
  objects(
    'payment',
    `'id', x.id, 'order', x.order_id, 'status', x.status`,
    'from ticketing.payments x where x.event_id = any($1) order by x.id',
  ),
  objects(
    'refund',
    `'id', x.id, 'order', x.order_id, 'status', x.status, 'tickets', to_json(x.ticket_ids)`,
    'from ticketing.refunds x where x.event_id = any($1) order by x.id',
  ),
  ...PARTY_QUERIES,
]
