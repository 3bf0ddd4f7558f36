import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import {
  cancel,
  type Judged,
  merge,
  refund,
  type Step,
  scan,
  settle,
  TICKETS,
  type Verdict,
} from './gate-model.ts'
import { deviceOf, gateOf, type LetIn, ticketOf, type World } from './gate-world.ts'
import { applyList, gateList, type OfflineScan, sync, validate } from './gates.ts'
import { clockUs, isoOf, microsOf } from './micros.ts'
import { refundOf } from './money.ts'

/** How old an offline scan is believed to be: ticketing.settings.offline_scan_age. */
const AGE_US = 7 * 86_400_000_000

/** Compares an answer with the model, and moves the model on. */
export type Check = () => void

/** Does a step; what it gives compares the answer with the model and moves the model on. */
export async function perform(world: World, client: pg.Client, step: Step): Promise<Check> {
  switch (step.do) {
    case 'scan': {
      const opening = { ticket: step.ticket, scanId: randomUUID() }
      gateOf(world, step.gate).last = opening
      return performScan(world, client, step.gate, opening)
    }
    case 'scan again': {
      const { last } = gateOf(world, step.gate)
      return last === undefined ? () => {} : performScan(world, client, step.gate, last)
    }
    case 'fall back': {
      const { last } = gateOf(world, step.gate)
      if (last !== undefined) await letIn(world, client, { ...step, ...last })
      return () => {}
    }
    case 'let in':
      await letIn(world, client, { ...step, scanId: step.isNamed ? randomUUID() : undefined })
      return () => {}
    case 'sync':
      return performSync(world, client, step)
    case 'refund':
      return performRefund(world, client, step.ticket, step.force)
    case 'settle':
      return performSettle(world, client, step.ticket, step.succeeds)
    case 'cancel': {
      const sql = `update tickets set status = 'cancelled' where id = $1 and status = 'valid'`
      await client.query(sql, [world.ids[step.ticket]])
      return () => {
        world.tickets[step.ticket] = cancel(ticketOf(world, step.ticket))
      }
    }
    case 'read list':
      return performRead(world, client, step.gate)
    case 'together':
      throw new Error('steps are together in twos only')
  }
}

async function letIn(
  world: World,
  client: pg.Client,
  {
    gate,
    ticket,
    scanId,
    skewUs,
  }: { gate: number; ticket: number; scanId: string | undefined; skewUs: number },
): Promise<void> {
  const claimedUs = (await clockUs(client)) + skewUs
  gateOf(world, gate).letIn.push({ ticket, claimedUs, scanId, isOnlyClaimed: undefined })
}

async function performScan(
  world: World,
  client: pg.Client,
  gate: number,
  { ticket, scanId }: { readonly ticket: number; readonly scanId: string },
) {
  const { outcome, details } = await validate(client, world.businessId, {
    code: world.codes[ticket],
    device_id: deviceOf(gate),
    scan_id: scanId,
  })
  return () => {
    const atUs = microsOf(details['checked_in_at'])
    const before = ticketOf(world, ticket)
    const judged = scan(before, gate, scanId, atUs ?? 0)
    compare(judged, onlineVerdictOf(outcome), atUs)
    world.tickets[ticket] = judged.ticket
    if (outcome === 'ALREADY_USED')
      assert.equal(details['checked_in_device'], deviceOf(before.counted?.gate ?? Number.NaN))
    if (judged.ticket !== before) world.admittedOnline[ticket] = (world.admittedOnline[ticket] ?? 0) + 1
  }
}

async function performSync(world: World, client: pg.Client, step: Step & { readonly do: 'sync' }) {
  const isSent = ({ isOnlyClaimed }: LetIn) => isOnlyClaimed !== undefined
  const sent = gateOf(world, step.gate).letIn.filter((scan) => step.again || !isSent(scan))
  if (step.backwards) sent.reverse()
  if (sent.length === 0) return () => {}
  const device_id = deviceOf(step.gate)
  const beforeUs = await clockUs(client)
  const { results = [] } = await sync(
    client,
    sent.map(({ ticket, claimedUs, scanId }) => ({
      ticket_id: world.ids[ticket],
      scanned_at: isoOf(claimedUs),
      device_id,
      scan_id: scanId,
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
  const judgeable = sent.map((scan, place) => {
    // What was admitted online keeps that time: it has no row of its own.
    const atUs = atOf.get(`${world.ids[scan.ticket]} ${scan.claimedUs}`) ?? Number.NaN
    if (!isSent(scan) && !Number.isNaN(atUs)) assertBelieved(world, scan, atUs, beforeUs, afterUs)
    const earliestUs = Math.max(world.madeUs[scan.ticket] ?? Number.NaN, beforeUs - AGE_US)
    scan.isOnlyClaimed ??= scan.claimedUs < earliestUs
    return { ...scan, isOnlyClaimed: scan.isOnlyClaimed, atUs, result: results[place] }
  })
  return () => checkSync(world, step.gate, judgeable)
}

/** The earliest is judged first, of those that are believed; where two clocks say the same, the one that was named first. */
function checkSync(
  world: World,
  gate: number,
  scans: readonly (LetIn & {
    readonly isOnlyClaimed: boolean
    readonly atUs: number
    readonly result: OfflineScan | undefined
  })[],
): void {
  const inOrder = scans.toSorted(
    (a, b) => Number(a.isOnlyClaimed) - Number(b.isOnlyClaimed) || a.claimedUs - b.claimedUs,
  )
  for (const { ticket, claimedUs, scanId, isOnlyClaimed, atUs, result } of inOrder) {
    if (result === undefined) assert.fail('a scan of the list has no answer')
    const name = scanId ?? `${gate} ${claimedUs}`
    const judged = merge(ticketOf(world, ticket), { gate, name, atUs, isOnlyClaimed })
    compare(judged, verdictOf(result), microsOf(result.scanned_at))
    world.tickets[ticket] = judged.ticket
  }
}

/** A clock is bounded by what can have been: the ticket's making, and now. */
function assertBelieved(
  world: World,
  { ticket, claimedUs }: LetIn,
  atUs: number,
  beforeUs: number,
  afterUs: number,
): void {
  const madeUs = world.madeUs[ticket] ?? Number.NaN
  const within = (nowUs: number) => Math.max(Math.min(claimedUs, nowUs), madeUs)
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
    const { refusal, ticket: after } = refund(ticketOf(world, ticket), force)
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
    world.tickets[ticket] = settle(ticketOf(world, ticket), succeeds)
  }
}

async function performRead(world: World, client: pg.Client, gate: number) {
  const reader = gateOf(world, gate)
  const list = await gateList(client, world.eventId, reader.cursor)
  assert.equal(list.full, reader.cursor === null)
  applyList(reader.kept, list)
  reader.cursor = list.cursor
  return () => {}
}

function compare(judged: Judged, verdict: Verdict, countedUs: number | undefined): void {
  assert.deepEqual({ verdict, countedUs }, { verdict: judged.verdict, countedUs: judged.countedUs })
}

const verdictOf = ({ success, already_scanned }: { success: boolean; already_scanned: boolean }): Verdict =>
  success ? 'admitted' : already_scanned ? 'already' : 'refused'

const onlineVerdictOf = (outcome: string | undefined): Verdict =>
  outcome === 'ADMITTED' ? 'admitted' : outcome === 'ALREADY_USED' ? 'already' : 'refused'
