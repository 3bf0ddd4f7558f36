import { randomUUID } from 'node:crypto'
import pg, { type Client } from 'pg'
import { type Fixture, makeFixture } from '../../fixtures/fixtures.ts'
import type { RunDatabase } from '../../run-databases.ts'
import { type AttackResult, countAttempts, type Statement } from '../attack.ts'

/** Who has no business here: a guest, another buyer, a manager of another house, and somebody who signed in as nobody. */
interface Stranger {
  readonly name: string
  readonly role: 'anon' | 'authenticated'
  readonly userId?: string
}

/**
 * Confused deputy: strangers read every table, and take and change through the verbs what is a buyer's and a house's. Whatever
 * they are shown or granted is a promise broken.
 */
export async function pry(database: RunDatabase): Promise<AttackResult> {
  const { client } = database
  const attempts = countAttempts()
  const fixture = await makeFixture(client, 'ticketing-flow', { stock: 20 })
  const owned = await openOwned(client, fixture)
  const tables = await tablesOf(client)
  for (const stranger of await strangersOf(client)) {
    await as(client, stranger, async () => {
      for (const table of tables) {
        const rows = await rowsSeen(client, table)
        if (rows > 0) attempts.addContradiction({ stranger: stranger.name, reads: table, rows })
      }
      for (const statement of takings(stranger, owned, fixture)) {
        const answer = await attempts.verb(client, ...statement)
        if (answer?.success === true)
          attempts.addContradiction({ stranger: stranger.name, may: statement, answer })
      }
    })
  }
  return attempts.result()
}

interface Owned {
  readonly buyerId: string
  readonly session: string
}

/** A hold and an order of a buyer's. */
async function openOwned(client: Client, { eventId, tierId }: Fixture): Promise<Owned> {
  const buyer = { name: 'buyer', role: 'authenticated', userId: randomUUID() } as const
  const session = `session ${buyer.userId}`
  await as(client, buyer, async () => {
    await client.query('select reserve_tickets_batch($1, $2)', [
      JSON.stringify([{ tier_id: tierId, quantity: 1 }]),
      session,
    ])
    await client.query('select ticketing.checkout($1)', [
      JSON.stringify({
        event: eventId,
        items: [{ tier: tierId, quantity: 1 }],
        customer_name: 'A',
        customer_email: 'a@b.example',
      }),
    ])
  })
  return { buyerId: buyer.userId, session }
}

async function strangersOf(client: Client): Promise<readonly Stranger[]> {
  const managerId = randomUUID()
  await client.query(
    `with b as (insert into businesses (slug, name) values ($1, 'Another house') returning id)
     insert into business_staff (business_id, user_id, role) select id, $2, 'owner' from b`,
    [`another-${managerId}`, managerId],
  )
  return [
    { name: 'a guest', role: 'anon' },
    { name: 'another buyer', role: 'authenticated', userId: randomUUID() },
    { name: "another house's owner", role: 'authenticated', userId: managerId },
    { name: 'nobody in particular', role: 'authenticated' },
  ]
}

/** What strangers ask for, and must be refused. */
function takings(
  { role }: Stranger,
  { buyerId, session }: Owned,
  { eventId, tierId }: Fixture,
): readonly Statement[] {
  const cart = JSON.stringify([{ tier_id: tierId, quantity: 1 }])
  return [
    ['select reserve_tickets_batch($1, $2) as answer', [cart, session]],
    ['select reserve_tickets_batch($1, null, $2) as answer', [cart, buyerId]],
    ['select extend_ticket_holds($1, 10) as answer', [session]],
    // A guest has no right to call it at all.
    ...(role === 'anon' ? [] : [['select ticketing.gate_list($1) as answer', [eventId]] as const]),
    ['select release_ticket_holds($1) as answer', [session]],
  ]
}

/** Tables that hold what is somebody's: all but what is for sale. */
async function tablesOf(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname in ('public', 'ticketing') order by 1`,
  )
  return rows.map(({ name }) => name).filter((name) => !FOR_SALE.has(name))
}

const FOR_SALE = new Set(
  ['businesses', 'business_staff', 'events', 'ticket_tiers', 'discounts', 'slots'].map(
    (name) => `public.${name}`,
  ),
)

const INSUFFICIENT_PRIVILEGE = '42501'

/** Rows that this role is shown; none where it is refused. Whatever else goes wrong is no refusal. */
async function rowsSeen(client: Client, table: string): Promise<number> {
  try {
    return (
      (await client.query<{ rows: number }>(`select count(*)::int as rows from ${table}`)).rows[0]?.rows ?? 0
    )
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === INSUFFICIENT_PRIVILEGE) return 0
    throw error
  }
}

/** As PostgREST sets role and claims, for the session. */
async function as(client: Client, { role, userId }: Stranger, work: () => Promise<void>): Promise<void> {
  await client.query(`select set_config('role', $1, false), set_config('request.jwt.claims', $2, false)`, [
    role,
    JSON.stringify({ role, sub: userId }),
  ])
  try {
    await work()
  } finally {
    await client.query('reset role; reset request.jwt.claims')
  }
}
