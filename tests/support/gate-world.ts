import assert from 'node:assert/strict'
import type pg from 'pg'
import { addTier, openBoxOffice } from './box-office.ts'
import type { TestDatabase } from './database.ts'
import {
  cancelled,
  FRESH,
  GATES,
  type Judged,
  merged,
  type Opening,
  refunded,
  type Step,
  scanned,
  settled,
  TICKETS,
  type Ticket,
  type Verdict,
} from './gate-model.ts'
import { applyList, doublesOf, gateList, type OfflineScan, scanOnline, sync, truth } from './gates.ts'
import { type PlacedOrder, paidOrder, refundOf } from './money.ts'
import { overlap } from './overlap.ts'

const DAY_US = 86_400_000_000
/** How old an offline scan is believed to be: ticketing.settings.offline_scan_age. */
const AGE_US = 7 * DAY_US
/** One ticket is older than that, so that this bound is met too; the others are new. */
const OLD = { ticket: 0, days: 30 }

interface LetIn {
  readonly ticket: number
  readonly claimedUs: number
  isSent: boolean
}

interface Gate {
  readonly letIn: LetIn[]
  readonly kept: Map<string, string>
  cursor: string | null
}

/** One paid order of three tickets, the gates, and what the model says that all of it must be. */
interface World {
  readonly db: TestDatabase
  readonly eventId: string
  readonly order: PlacedOrder
  readonly ids: readonly string[]
  readonly madeUs: readonly number[]
  readonly gates: readonly Gate[]
  readonly tickets: Ticket[]
  readonly refundIds: (string | undefined)[]
  readonly admittedOnline: number[]
}

/** Runs `steps` on tickets of their own and compares with the model after each. Throws an AssertionError where they differ. */
export async function live(
  db: TestDatabase,
  clients: readonly [pg.Client, pg.Client],
  steps: readonly Step[],
): Promise<void> {
  const world = await openWorld(db)
  for (const step of steps) await take(world, clients, step)
  // The evening is over: every gate has network again.
  for (let gate = 0; gate < GATES; gate++)
    await take(world, clients, { do: 'sync', gate, again: true, backwards: false })
  for (let gate = 0; gate < GATES; gate++) await take(world, clients, { do: 'read list', gate })
  await assertEnd(world)
}

async function openWorld(db: TestDatabase): Promise<World> {
  const { eventId } = await openBoxOffice(db)
  const tierId = await addTier(db, eventId, { priceCents: 2000 })
  const { tickets: ids, ...order } = await paidOrder(db, { eventId, tierId, quantity: TICKETS })
  await db.rows(`update tickets set created_at = created_at - $2 * interval '1 day' where id = $1`, [
    ids[OLD.ticket],
    OLD.days,
  ])
  const rows = await db.rows<{ id: string; us: string }>(
    'select id, (extract(epoch from created_at) * 1000000)::bigint as us from tickets where order_id = $1',
    [order.orderId],
  )
  const made = new Map(rows.map(({ id, us }) => [id, Number(us)]))
  return {
    db,
    eventId,
    order,
    ids,
    madeUs: ids.map((id) => made.get(id) ?? Number.NaN),
    gates: Array.from({ length: GATES }, () => ({ letIn: [], kept: new Map(), cursor: null })),
    tickets: Array.from({ length: TICKETS }, () => FRESH),
    refundIds: [],
    admittedOnline: Array.from({ length: TICKETS }, () => 0),
  }
}

async function take(world: World, clients: readonly [pg.Client, pg.Client], step: Step): Promise<void> {
  if (step.do !== 'together') return (await perform(world, clients[0], step))()
  const { first, second } = step
  const [one, two, hasWaited] = await overlap(
    world.db,
    clients,
    (client) => perform(world, client, first),
    (client) => perform(world, client, second),
  )
  if (hasWaited) inOrder(one, two)
  else inSomeOrder(world, one, two)
  // A list beside a change may or may not have it; the next one must.
  for (const each of [first, second]) if (each.do === 'read list') (await perform(world, clients[0], each))()
}

type Check = () => void

function inOrder(first: Check, second: Check): void {
  first()
  second()
}

/** Who did not wait saw nothing of the other: it may as well have been first. */
function inSomeOrder(world: World, one: Check, two: Check): void {
  const tickets = [...world.tickets]
  const admittedOnline = [...world.admittedOnline]
  try {
    inOrder(one, two)
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) throw error
    world.tickets.splice(0, TICKETS, ...tickets)
    world.admittedOnline.splice(0, TICKETS, ...admittedOnline)
    inOrder(two, one)
  }
}

/** Does a step; what it gives compares the answer with the model and moves the model on. */
async function perform(world: World, client: pg.Client, step: Step): Promise<Check> {
  switch (step.do) {
    case 'scan':
      return performScan(world, client, step.ticket, step.gate)
    case 'let in': {
      const claimedUs = (await clockUs(client)) + step.skewUs
      world.gates[step.gate]?.letIn.push({ ticket: step.ticket, claimedUs, isSent: false })
      return () => {}
    }
    case 'sync':
      return performSync(world, client, step)
    case 'refund':
      return performRefund(world, client, step.ticket, step.force)
    case 'settle':
      return performSettle(world, client, step.ticket, step.succeeds)
    case 'cancel': {
      const cancel = `update tickets set status = 'cancelled' where id = $1 and status = 'valid'`
      await client.query(cancel, [world.ids[step.ticket]])
      return () => {
        world.tickets[step.ticket] = cancelled(ticketOf(world, step.ticket))
      }
    }
    case 'read list':
      return performRead(world, client, step.gate)
    case 'together':
      throw new Error('steps are together in twos only')
  }
}

async function performScan(world: World, client: pg.Client, ticket: number, gate: number) {
  const answer = await scanOnline(client, String(world.ids[ticket]), deviceOf(gate))
  return () => {
    const atUs = microsOf(answer.scanned_at)
    const judged = scanned(ticketOf(world, ticket), gate, atUs ?? 0)
    compare(judged, verdictOf(answer), atUs)
    world.tickets[ticket] = judged.ticket
    if (answer.success) world.admittedOnline[ticket] = (world.admittedOnline[ticket] ?? 0) + 1
  }
}

async function performSync(world: World, client: pg.Client, step: Step & { readonly do: 'sync' }) {
  const { letIn } = world.gates[step.gate] as Gate
  const sent = letIn.filter(({ isSent }) => step.again || !isSent)
  if (step.backwards) sent.reverse()
  if (sent.length === 0) return () => {}
  const device_id = deviceOf(step.gate)
  const beforeUs = await clockUs(client)
  const { results = [] } = await sync(
    client,
    sent.map(({ ticket, claimedUs }) => ({
      ticket_id: world.ids[ticket],
      scanned_at: isoOf(claimedUs),
      device_id,
    })),
  )
  const afterUs = await clockUs(client)
  const kept = await client.query<{ ticket_id: string; claimed: string; at: string }>(
    `select ticket_id, (extract(epoch from claimed_at) * 1000000)::bigint as claimed,
       (extract(epoch from scanned_at) * 1000000)::bigint as at
     from scan_logs where event_id = $1 and offline and device_id = $2`,
    [world.eventId, device_id],
  )
  const atOf = new Map(kept.rows.map((row) => [`${row.ticket_id} ${row.claimed}`, Number(row.at)]))
  const judgeable = sent.map((scan, place) => ({
    ...scan,
    atUs: atOf.get(`${world.ids[scan.ticket]} ${scan.claimedUs}`) ?? Number.NaN,
    result: results[place],
  }))
  for (const scan of judgeable.filter(({ isSent }) => !isSent)) assertBelieved(world, scan, beforeUs, afterUs)
  for (const scan of sent) scan.isSent = true
  return () => checkSync(world, step.gate, judgeable)
}

/** The earliest is judged first; where two clocks say the same, the one that was named first. */
function checkSync(
  world: World,
  gate: number,
  scans: readonly (LetIn & { readonly atUs: number; readonly result: OfflineScan | undefined })[],
): void {
  for (const { ticket, claimedUs, atUs, result } of scans.toSorted((a, b) => a.claimedUs - b.claimedUs)) {
    if (result === undefined) assert.fail('a scan of the list has no answer')
    const judged = merged(ticketOf(world, ticket), gate, claimedUs, atUs)
    compare(judged, verdictOf(result), microsOf(result.scanned_at))
    world.tickets[ticket] = judged.ticket
  }
}

/** A clock is believed between what can have been: the ticket's making, the oldest scan that counts, and now. */
function assertBelieved(
  world: World,
  { ticket, claimedUs, atUs }: { ticket: number; claimedUs: number; atUs: number },
  beforeUs: number,
  afterUs: number,
): void {
  const madeUs = world.madeUs[ticket] ?? Number.NaN
  const within = (nowUs: number) => Math.max(Math.min(claimedUs, nowUs), madeUs, nowUs - AGE_US)
  assert.ok(
    within(beforeUs) <= atUs && atUs <= within(afterUs),
    `a clock that said ${isoOf(claimedUs)} was taken as ${atUs}`,
  )
}

async function performRefund(world: World, client: pg.Client, ticket: number, force: boolean) {
  const { rows } = await client.query<{ answer: { success: boolean; error?: string; refund_id?: string } }>(
    'select ticketing.request_refund($1, array[$2::uuid], null, $3) as answer',
    [world.order.orderId, world.ids[ticket], force],
  )
  const answer = rows[0]?.answer
  return () => {
    // The provider is asked after the commit.
    if (answer?.refund_id !== undefined) world.refundIds[ticket] = answer.refund_id
    const { refusal, ticket: after } = refunded(ticketOf(world, ticket), force)
    assert.equal(answer?.error, refusal)
    world.tickets[ticket] = after
  }
}

async function performSettle(world: World, client: pg.Client, ticket: number, succeeds: boolean) {
  const id = world.refundIds[ticket]
  if (id === undefined) return () => {}
  world.refundIds[ticket] = undefined
  const refund = refundOf(world.order, {
    amount: world.order.totalCents / TICKETS,
    metadata: { refund_id: id },
  })
  if (succeeds) await client.query('select ticketing.settle_refund($1, $2)', [refund, id])
  else await client.query(`select ticketing.refuse_refund($1, 'no')`, [id])
  return () => {
    world.tickets[ticket] = settled(ticketOf(world, ticket), succeeds)
  }
}

async function performRead(world: World, client: pg.Client, gate: number) {
  const reader = world.gates[gate] as Gate
  const list = await gateList(client, world.eventId, reader.cursor)
  assert.equal(list.full, reader.cursor === null)
  applyList(reader.kept, list)
  reader.cursor = list.cursor
  return () => {}
}

async function assertEnd(world: World): Promise<void> {
  const { db, eventId, ids, tickets } = world
  const rows = await db.rows<{ id: string; status: string }>(
    'select id, status from tickets where event_id = $1',
    [eventId],
  )
  const statuses = new Map(rows.map(({ id, status }) => [id, status]))
  assert.deepEqual(
    ids.map((id) => statuses.get(id)),
    tickets.map(({ status }) => status),
  )
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
  const expected = tickets.flatMap(({ counted, others }, ticket) =>
    others.map((other) => [ticket, ...described(counted), ...described(other)].join(' ')),
  )
  assert.deepEqual(reported.sort(), expected.sort())
}

const described = (opening: Opening | undefined) =>
  opening === undefined ? [undefined, undefined] : [deviceOf(opening.gate), opening.atUs]

function compare(judged: Judged, verdict: Verdict, countedUs: number | undefined): void {
  assert.deepEqual({ verdict, countedUs }, { verdict: judged.verdict, countedUs: judged.countedUs })
}

const verdictOf = ({ success, already_scanned }: { success: boolean; already_scanned: boolean }): Verdict =>
  success ? 'admitted' : already_scanned ? 'already' : 'refused'

const deviceOf = (gate: number) => `gate ${gate}`
const ticketOf = ({ tickets }: World, ticket: number) => tickets[ticket] ?? FRESH

async function clockUs(client: pg.Client): Promise<number> {
  const { rows } = await client.query(
    'select (extract(epoch from clock_timestamp()) * 1000000)::bigint as us',
  )
  return Number(rows[0]?.us)
}

const SECOND_US = 1_000_000

function isoOf(us: number): string {
  const seconds = Math.floor(us / SECOND_US)
  const rest = String(us - seconds * SECOND_US).padStart(6, '0')
  return new Date(seconds * 1000).toISOString().replace('.000Z', `.${rest}Z`)
}

function microsOf(iso: string | null | undefined): number | undefined {
  const parts = /^([\d-]+T[\d:]+)(?:\.(\d+))?(Z|[+-][\d:]+)$/.exec(iso ?? '')
  if (parts === null) return undefined
  return Date.parse(`${parts[1]}${parts[3]}`) * 1000 + Number((parts[2] ?? '').padEnd(6, '0'))
}
