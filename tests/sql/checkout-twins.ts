import { randomUUID } from 'node:crypto'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { ANON, type Caller, rowsAs, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const USERS = { ada: randomUUID(), ben: randomUUID() }
const CALLERS = {
  guest: ANON,
  service: SERVICE,
  ada: signedIn(USERS.ada),
  ben: signedIn(USERS.ben),
} as const
export const TIERS: Readonly<Record<string, object>> = {
  free: { total_quantity: 6 },
  few: { total_quantity: 3, max_per_order: 2 },
  paid: { total_quantity: 6, price_cents: 1_500 },
  limited: { total_quantity: 8, max_per_person: 2 },
  paused: { status: 'paused' },
}

export interface Request {
  readonly by: keyof typeof CALLERS
  readonly quantity: number
  readonly key: string | null
  readonly email: string
  readonly session: string | null
  readonly expected: number | null
  /** Names other tiers than the rest of its batch. */
  readonly strays: boolean
}

export interface Batch {
  readonly tiers: readonly string[]
  readonly requests: readonly Request[]
}

/** Two databases with the same events and tiers under the same ids. */
export interface Twins {
  readonly batched: TestDatabase
  readonly single: TestDatabase
}

export const HOUSE = randomUUID()

export async function openTwins(): Promise<Twins> {
  const twins = { batched: await testDatabase(), single: await testDatabase() }
  for (const db of Object.values(twins))
    await db.rows(`insert into businesses (id, slug, name) values ($1, 'house', 'House')`, [HOUSE])
  return twins
}

/** An event of the story's own, and holds that a guest and a user have already. */
export async function setUp(
  db: TestDatabase,
  eventId: string,
  ids: Readonly<Record<string, string>>,
): Promise<void> {
  await db.rows(
    `insert into events (id, business_id, slug, title, start_at, end_at, status)
     values ($1::uuid, $2, $1::text, 'Gala', now() + interval '1 day', now() + interval '2 days', 'published')`,
    [eventId, HOUSE],
  )
  for (const [slug, columns] of Object.entries(TIERS))
    await db.rows(
      `insert into ticket_tiers (id, event_id, slug, name, price_cents, currency, total_quantity, max_per_order, max_per_person, status)
       select $1, e.id, $3, 'Tier', coalesce(t.price_cents, 0), e.currency, coalesce(t.total_quantity, 10), t.max_per_order,
         t.max_per_person, coalesce(t.status, 'active')
       from events e, jsonb_populate_record(null::ticket_tiers, $4) t where e.id = $2`,
      [ids[slug], eventId, slug, columns],
    )
  await db.rows(
    `insert into ticket_holds (event_id, tier_id, session_id, user_id, quantity, expires_at)
     select $1::uuid, $2, s.id || ' of ' || $1::text, s.user_id, 1, now() + interval '10 minutes'
     from (values ('s1', null), ('s3', $3::uuid)) s(id, user_id)`,
    [eventId, ids['free'], USERS.ada],
  )
}

export interface Prepared {
  readonly caller: NonNullable<Caller>
  readonly strays: boolean
  readonly key: string | null
  readonly body: object
}

export function prepare(eventId: string, { tiers }: Batch, it: Request): Prepared {
  const named = it.strays ? [...tiers, 'few'] : tiers
  const body = {
    event: eventId,
    items: named.map((tier) => ({ tier, quantity: it.quantity })),
    customer_name: 'Ada',
    customer_email: it.email,
    session_id: it.session && `${it.session} of ${eventId}`,
    expected_total_cents: it.expected,
    idempotency_key: it.key && `${it.key} of ${eventId}`,
    takes_payments: true,
  }
  return { caller: CALLERS[it.by], strays: it.strays && !tiers.includes('few'), key: it.key, body }
}

export async function askMany(db: TestDatabase, asked: readonly Prepared[]): Promise<(object | null)[]> {
  const rows = await rowsAs<{ answer: object | null }>(
    db.client,
    SERVICE,
    'select answer from ticketing.checkout_many($1::jsonb[], $2, $3) answer',
    [
      asked.map(({ body }) => JSON.stringify(body)),
      asked.map(({ caller }) => caller.role),
      asked.map(({ caller }) => caller.userId ?? null),
    ],
  )
  return rows.map(({ answer }) => answer)
}

export const askOne = (db: TestDatabase, { caller, body }: Prepared) =>
  valueAs<object>(db.client, caller, 'select ticketing.checkout($1)', [JSON.stringify(body)])

/** The batch's database without a part of a function. */
export const broken = async ({ batched }: Twins, fn: string, fragment: string, replacement: string) =>
  takeAway(batched.client, {
    name: fn,
    role: 'refuses',
    kind: 'decision',
    object: '',
    without: [[`ticketing.${fn}`, fragment, replacement]],
  })

/** One ticket for a guest. */
export const ONE: Request = {
  by: 'guest',
  quantity: 1,
  key: null,
  email: 'ada@example.org',
  session: null,
  expected: null,
  strays: false,
}
