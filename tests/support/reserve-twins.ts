import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { ANON, type Caller, rowsAs, SERVICE, signedIn, valueAs } from './callers.ts'
import type { TestDatabase } from './database.ts'

/** A request as one of the two reserving verbs takes it; tiers, callers and sessions by name. */
type Request = OneTier | Cart

interface OneTier {
  readonly by: Who
  readonly tier: string | null
  readonly quantity: number | null
}

export interface Cart {
  readonly by: Who
  readonly cart: readonly { readonly tier: string; readonly quantity: number }[]
  readonly session: string | null
  readonly user: 'ada' | 'ben' | null
  readonly minutes: number | null
}

type Who = 'guest' | 'ada' | 'ben' | 'service'

/** What stands there before: a cart whose time is over, of a session or of a stranger. */
interface Lapsed {
  readonly tier: string
  readonly session: string
  readonly user: 'ada' | null
}

export interface Story {
  readonly lapsed: readonly Lapsed[]
  readonly batches: readonly (readonly Request[])[]
}

/** Two databases with the same rows under the same ids: one is asked by batch, the other one by one. */
export interface Twins {
  readonly batched: TestDatabase
  readonly single: TestDatabase
}

type Json = Readonly<Record<string, unknown>>

const USERS = { ada: randomUUID(), ben: randomUUID() } as const
const SESSIONS = ['s1', 's2', 'service:mine', '', 'x'.repeat(201)] as const
const TIERS: Readonly<Record<string, Json>> = {
  hot: { total_quantity: 5 },
  few: { total_quantity: 3, max_per_order: 2 },
  limited: { total_quantity: 8, max_per_person: 2 },
  paused: { status: 'paused' },
  early: { sale_start_at: '2999-01-01' },
  over: { event: 'over' },
  elsewhere: { event: 'elsewhere', total_quantity: 4 },
}
const EVENTS = { open: randomUUID(), over: randomUUID(), elsewhere: randomUUID() }

/** The events of both twins. */
export async function openTwins(twins: Twins): Promise<void> {
  const [house, other] = [randomUUID(), randomUUID()]
  for (const db of [twins.batched, twins.single]) {
    await db.rows(
      `insert into businesses (id, slug, name) values ($1, 'house', 'House'), ($2, 'other', 'Other')`,
      [house, other],
    )
    await db.rows(
      `insert into events (id, business_id, slug, title, start_at, end_at, status) values
         ($1, $4, 'open', 'Open', now(), now() + interval '1 day', 'published'),
         ($2, $4, 'over', 'Over', now() - interval '2 days', now() - interval '1 day', 'published'),
         ($3, $5, 'elsewhere', 'Elsewhere', now(), now() + interval '1 day', 'published')`,
      [EVENTS.open, EVENTS.over, EVENTS.elsewhere, house, other],
    )
  }
}

/** Random batches, the fewest requests first where one is wrong. */
export function stories(): fc.Arbitrary<Story> {
  const by = fc.constantFrom<Who>('guest', 'guest', 'ada', 'ben', 'service')
  const tier = fc.constantFrom('hot', 'hot', 'hot', ...Object.keys(TIERS), 'unknown')
  const quantity = fc.constantFrom(1, 1, 1, 2, 3, 4, 0, -1, 1001)
  const amount = fc.oneof({ weight: 9, arbitrary: quantity }, { weight: 1, arbitrary: fc.constant(1.5) })
  const one = fc.record<OneTier>({
    by,
    tier: fc.option(tier, { freq: 20 }),
    quantity: fc.option(quantity, { freq: 20 }),
  })
  const cart = fc.record<Cart>({
    by,
    cart: fc.oneof(
      fc.array(fc.record({ tier, quantity: amount }), { minLength: 1, maxLength: 1 }),
      fc.array(fc.record({ tier, quantity: amount }), { maxLength: 3 }),
    ),
    session: fc.option(fc.constantFrom('s1', 's1', ...SESSIONS)),
    user: fc.option(fc.constantFrom('ada', 'ben')),
    minutes: fc.constantFrom(15, 5, 60, 0, 61, null),
  })
  const request = fc.oneof({ weight: 3, arbitrary: one }, { weight: 2, arbitrary: cart })
  const lapsed = fc.record<Lapsed>({
    tier: fc.constantFrom('hot', 'few', 'limited'),
    session: fc.constantFrom('s1', 's2', 'stranger'),
    user: fc.option(fc.constant('ada' as const)),
  })
  return fc.record({
    lapsed: fc.uniqueArray(lapsed, { maxLength: 3, selector: (it) => `${it.tier} ${it.session}` }),
    batches: fc.array(fc.array(request, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 3 }),
  })
}

/** Tells one story to both twins, on tiers of its own, and compares every answer and all rows. */
export async function tellBoth(twins: Twins, story: Story): Promise<void> {
  const run = randomUUID().slice(0, 8)
  const ids: Record<string, string> = { unknown: randomUUID() }
  for (const name of Object.keys(TIERS)) ids[name] = randomUUID()
  for (const db of [twins.batched, twins.single]) await setUp(db, run, ids, story.lapsed)
  const [ours, theirs] = [new Names(run, ids), new Names(run, ids)]
  for (const batch of story.batches) {
    const requests = batch.map((request) => prepare(request, run, ids))
    const answers = await askMany(twins.batched, requests)
    const expected: Json[] = []
    for (const request of requests) expected.push(await askOne(twins.single, request))
    assert.deepEqual(ours.of(answers), theirs.of(expected))
  }
  // A batch writes a tier at a time: the rows are the same, not their order.
  const sorted = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).toSorted()
  const [written, expected] = [await rowsOf(twins.batched, ids), await rowsOf(twins.single, ids)]
  assert.deepEqual(sorted(written.map((row) => ours.of(row))), sorted(expected.map((row) => theirs.of(row))))
}

async function setUp(db: TestDatabase, run: string, ids: Json, lapsed: readonly Lapsed[]): Promise<void> {
  for (const [name, { event = 'open', ...columns }] of Object.entries(TIERS)) {
    const eventId = EVENTS[event as keyof typeof EVENTS]
    const row = { total_quantity: 10, ...columns, id: ids[name], event_id: eventId, slug: `${name}-${run}` }
    const keys = Object.keys(row)
    await db.rows(
      `insert into ticket_tiers (name, price_cents, currency, ${keys.join(', ')})
       select 'Tier', 0, e.currency, ${keys.map((key) => `t.${key}`).join(', ')}
       from jsonb_populate_record(null::ticket_tiers, $1) t join events e on e.id = t.event_id`,
      [row],
    )
  }
  for (const { tier, session, user } of lapsed)
    await db.rows(
      `insert into ticket_holds (event_id, tier_id, session_id, user_id, quantity, expires_at)
       values ($1, $2, $3, $4, 1, now() - interval '1 minute')`,
      [EVENTS.open, ids[tier], `${session}-${run}`, user && USERS[user]],
    )
}

interface Prepared {
  readonly caller: Caller
  readonly role: string | null
  readonly callerId: string | null
  readonly tierId: string | null
  readonly quantity: number | null
  readonly cart: string | null
  readonly session: string | null
  readonly userId: string | null
  readonly minutes: number | null
}

function prepare(request: Request, run: string, ids: Readonly<Record<string, string>>): Prepared {
  const { by } = request
  const isUser = by === 'ada' || by === 'ben'
  const caller = by === 'service' ? SERVICE : isUser ? signedIn(USERS[by]) : ANON
  const who = {
    caller,
    role: caller === ANON ? null : caller.role,
    callerId: isUser ? USERS[by] : null,
  }
  if (!('cart' in request)) {
    const { tier, quantity } = request
    const tierId = tier === null ? null : (ids[tier] ?? null)
    return { ...who, tierId, quantity, cart: null, session: null, userId: null, minutes: 15 }
  }
  const { session, user, minutes } = request
  return {
    ...who,
    tierId: null,
    quantity: null,
    cart: JSON.stringify(request.cart.map(({ tier, quantity }) => ({ tier_id: ids[tier], quantity }))),
    session: session === '' || session === null || session.length > 200 ? session : `${session}-${run}`,
    userId: user && USERS[user],
    minutes,
  }
}

async function askMany(db: TestDatabase, requests: readonly Prepared[]): Promise<Json[]> {
  const rows = await rowsAs<{ answer: Json }>(
    db.client,
    SERVICE,
    'select answer from ticketing.reserve_many($1, $2, $3::jsonb[], $4, $5, $6, $7, $8) answer',
    [
      requests.map((it) => it.tierId),
      requests.map((it) => it.quantity),
      requests.map((it) => it.cart),
      requests.map((it) => it.session),
      requests.map((it) => it.userId),
      requests.map((it) => it.minutes),
      requests.map((it) => it.role),
      requests.map((it) => it.callerId),
    ],
  )
  return rows.map((it) => it.answer)
}

async function askOne(db: TestDatabase, it: Prepared): Promise<Json> {
  return it.cart === null
    ? valueAs(db.client, it.caller, 'select reserve_tickets_atomically($1, $2)', [it.tierId, it.quantity])
    : valueAs(db.client, it.caller, 'select reserve_tickets_batch($1, $2, $3, $4)', [
        it.cart,
        it.session,
        it.userId,
        it.minutes,
      ])
}

async function rowsOf(db: TestDatabase, ids: Readonly<Record<string, string>>): Promise<Json[]> {
  const tiers = await rowsAs<Json>(
    db.client,
    null,
    'select id, total_quantity, sold_quantity, reserved_quantity from ticket_tiers where id = any ($1) order by id',
    [Object.values(ids)],
  )
  const holds = await rowsAs<Json>(
    db.client,
    null,
    `select id as hold_id, event_id, tier_id, session_id, user_id, order_id, quantity, status, expires_at, ended_at is null as lives
     from ticket_holds where tier_id = any ($1) order by id`,
    [Object.values(ids)],
  )
  return [...tiers, ...holds]
}

/** Normalises what two databases make for themselves: ids of holds and of new sessions by first mention, times by the minute. */
class Names {
  readonly #known = new Map<string, string>()
  readonly #run: string
  readonly #startedAt = Date.now()

  constructor(run: string, ids: Readonly<Record<string, string>>) {
    this.#run = run
    for (const [name, id] of Object.entries(ids)) this.#known.set(id, name)
  }

  of(value: unknown, key = ''): unknown {
    if (value instanceof Date || (key === 'expires_at' && typeof value === 'string'))
      return Math.round((new Date(value).getTime() - this.#startedAt) / 60_000)
    if (Array.isArray(value)) return value.map((it) => this.of(it, key === 'hold_ids' ? 'hold_id' : key))
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, this.of(it, name)]))
    if (typeof value !== 'string') return value
    if (key === 'hold_id') return this.#name(value, 'hold')
    if (key === 'session_id' && !value.endsWith(this.#run))
      return this.#name(value, value.split(':')[0] ?? '')
    return this.#known.get(value) ?? value
  }

  #name(id: string, kind: string): string {
    const name = this.#known.get(id) ?? `${kind} ${this.#known.size}`
    this.#known.set(id, name)
    return name
  }
}
