import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import {
  cancel,
  type GateEvent,
  type Judged,
  merge,
  refund,
  type Step,
  scan,
  settle,
  TICKETS,
  undo,
  type Verdict,
} from './gate-model.ts'
import { deviceOf, eventOf, gateOf, type LetIn, ticketOf, type World } from './gate-world.ts'
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
      const opening = { ticket: step.ticket, scanId: randomUUID(), event: step.event }
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
    case 'undo':
      return performUndo(world, client, step)
    case 'sync':
      return performSync(world, client, step)
    case 'refund':
      return performRefund(world, client, step.ticket, step.force)
    case 'settle':
      return performSettle(world, client, step.ticket, step.succeeds)
    case 'cancel': {
      const sql = `update tickets set status = 'cancelled' where id = $1 and status = 'valid'`
      const { rowCount } = await client.query(sql, [world.ids[step.ticket]])
      return () => {
        const before = ticketOf(world, step.ticket)
        world.tickets[step.ticket] = cancel(before)
        assert.equal(rowCount, world.tickets[step.ticket] === before ? 0 : 1)
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
    event,
  }: {
    gate: number
    ticket: number
    scanId: string | undefined
    skewUs: number | undefined
    event: GateEvent
  },
): Promise<void> {
  const claimedUs = skewUs === undefined ? undefined : (await clockUs(client)) + skewUs
  gateOf(world, gate).letIn.push({ ticket, claimedUs, scanId, event, isOnlyClaimed: undefined })
}

async function performScan(
  world: World,
  client: pg.Client,
  gate: number,
  { ticket, scanId, event }: { readonly ticket: number; readonly scanId: string; readonly event: GateEvent },
) {
  const { outcome, details } = await validate(client, world.businessId, {
    code: world.codes[ticket],
    device_id: deviceOf(gate),
    scan_id: scanId,
    event: eventOf(world, event),
  })
  return () => {
    const atUs = microsOf(details['checked_in_at'])
    const before = ticketOf(world, ticket)
    const judged = scan(before, gate, scanId, atUs ?? 0, event)
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
    sent.map(({ ticket, claimedUs, scanId, event }) => ({
      ticket_id: world.ids[ticket],
      scanned_at: claimedUs === undefined ? 'half past nine' : isoOf(claimedUs),
      device_id,
      scan_id: scanId,
      event: eventOf(world, event),
    })),
  )
  const afterUs = await clockUs(client)
  const kept = await client.query<{ ticket_id: string; name: string; at: string }>(
    `select ticket_id, coalesce((extract(epoch from claimed_at) * 1000000)::bigint::text, scan_id, 'undefined') as name,
       (extract(epoch from scanned_at) * 1000000)::bigint as at
     from scan_logs where event_id = $1 and offline and device_id = $2
     order by error_code is not distinct from 'UNDONE' desc, recorded_at`,
    [world.eventId, device_id],
  )
  const atOf = new Map(kept.rows.map((row) => [`${row.ticket_id} ${row.name}`, Number(row.at)]))
  const judgeable = sent.map((scan, place) => {
    // What was admitted online keeps that time: it has no row of its own.
    const atUs = atOf.get(`${world.ids[scan.ticket]} ${scan.claimedUs ?? scan.scanId}`) ?? Number.NaN
    if (!isSent(scan) && !Number.isNaN(atUs)) assertBelieved(world, scan, atUs, beforeUs, afterUs)
    const earliestUs = Math.max(world.madeUs[scan.ticket] ?? Number.NaN, beforeUs - AGE_US)
    scan.isOnlyClaimed ??= (scan.claimedUs ?? beforeUs) < earliestUs
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
    (a, b) => Number(a.isOnlyClaimed) - Number(b.isOnlyClaimed) || timeOf(a) - timeOf(b),
  )
  for (const { ticket, claimedUs, scanId, event, isOnlyClaimed, atUs, result } of inOrder) {
    if (result === undefined) assert.fail('a scan of the list has no answer')
    const name = scanId ?? `${gate} ${claimedUs}`
    const told = {
      gate,
      name,
      atUs,
      isOnlyClaimed,
      isOnline: false,
      isElsewhere: event === 'other',
      isNameless: scanId === undefined && claimedUs === undefined,
    }
    const judged = merge(ticketOf(world, ticket), told)
    assert.deepEqual(result.disbelieved, claimedUs === undefined ? ['scanned_at'] : [])
    compare(judged, verdictOf(result), microsOf(result.scanned_at))
    world.tickets[ticket] = judged.ticket
  }
}

/** As of now, which is later than all clocks but those that are ahead. */
const timeOf = ({ claimedUs = Number.MAX_SAFE_INTEGER }: LetIn) => claimedUs

/** A clock is bounded by what can have been: the ticket's making, and now. */
function assertBelieved(
  world: World,
  { ticket, claimedUs }: LetIn,
  atUs: number,
  beforeUs: number,
  afterUs: number,
): void {
  const madeUs = world.madeUs[ticket] ?? Number.NaN
  const within = (nowUs: number) => Math.max(Math.min(claimedUs ?? nowUs, nowUs), madeUs)
  assert.ok(
    within(beforeUs) <= atUs && atUs <= within(afterUs),
    `a clock that said ${claimedUs} was taken as ${atUs}`,
  )
}

async function performUndo(world: World, client: pg.Client, step: Step & { readonly do: 'undo' }) {
  const { letIn, last } = gateOf(world, step.gate)
  const own = last?.ticket === step.ticket ? last : undefined
  const entry = letIn.findLast(({ ticket, scanId }) => ticket === step.ticket && scanId !== undefined)
  const scanId = step.isNamed ? (entry ?? own)?.scanId : undefined
  const id = world.ids[step.ticket]
  const counted = scanId === undefined ? await countedOf(client, id) : undefined
  const { rows } = await client.query<{ answer: Undone }>(
    `select ticketing.undo_scan('ticket', $1, 'a mistake', $2, $3, $4::text::timestamptz) as answer`,
    [id, scanId, counted?.device_id, scanId === undefined ? (counted?.at ?? '2026-01-01Z') : null],
  )
  const answer = rows[0]?.answer
  return () => {
    const before = ticketOf(world, step.ticket)
    const at = { gate: Number(counted?.device_id.split(' ')[1]), atUs: Number(counted?.us) }
    const { refusal, ticket } = undo(before, scanId === undefined ? at : { name: scanId })
    assert.equal(answer?.error, refusal)
    if (refusal === undefined)
      assert.deepEqual(
        [answer?.status, microsOf(answer?.counted?.scanned_at)],
        [ticket.status, ticket.counted?.atUs],
      )
    world.tickets[step.ticket] = ticket
    const gone = ticket.undone.length > before.undone.length ? ticket.undone.at(-1) : undefined
    if (gone?.isOnline) world.admittedOnline[step.ticket] = (world.admittedOnline[step.ticket] ?? 0) - 1
  }
}

/** The scan that counts, as whoever undoes it knows it. */
async function countedOf(client: pg.Client, id: string | undefined) {
  const { rows } = await client.query<{ at: string; us: string; device_id: string }>(
    `select scanned_at::text as at, (extract(epoch from scanned_at) * 1000000)::bigint as us, device_id
     from scan_logs where ticket_id = $1 and scan_success`,
    [id],
  )
  return rows[0]
}

interface Undone {
  readonly error?: string
  readonly status?: string
  readonly counted?: { readonly scanned_at: string } | null
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

const VERDICTS: Readonly<Record<string, Verdict>> = {
  ADMITTED: 'admitted',
  ALREADY_USED: 'already',
  WRONG_EVENT: 'elsewhere',
  UNDONE: 'undone',
}
const verdictOf = ({ error }: OfflineScan): Verdict => onlineVerdictOf(error ?? 'ADMITTED')

const onlineVerdictOf = (outcome: string | undefined): Verdict => VERDICTS[outcome ?? ''] ?? 'refused'
