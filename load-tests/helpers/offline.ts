import { codesIn, gateCode, type OfflineScan } from './gate.ts'
import { timeOf } from './time.ts'

export const DOORS = 5
/** Of ten tickets, one of each kind … */
export const KINDS = 10
/** … these come in through a gate with network, the second one at two of them, */
export const [SLOW_CLOCK, TWICE_ONLINE, BEFORE_ONLINE, FAST_CLOCK] = [0, 1, 5, 7]
/** these through gates without: twice at one door, at two doors, and at two at the same instant, */
const [TWICE_AT_ONE_DOOR, AT_ONE_INSTANT] = [2, 4]
export const AT_TWO_DOORS = 3
/** and these came in, or were refunded, after the list was made or before. */
export const [ENTERED_SINCE, REFUNDED_SINCE, ENTERED_BEFORE] = [6, 8, 9]

/** A ticket of the fixture, by its place in the queue. */
export interface QueuedTicket {
  readonly at: number
  readonly token: string
  /** As a gate without network reads it out of the token. */
  readonly code: string
}

/** What gates without network know. Times in microseconds, by the server's clock. */
export interface Known {
  readonly valid: string
  readonly listedAt: number
  /** Later than all that came in since the list was made. */
  readonly lostAt: number
  /** When they did, by ticket. */
  readonly entered: Readonly<Record<number, number>>
}

/** A scan that a gate made without network, and what must become of it. */
export interface OfflineEntry extends OfflineScan {
  readonly at: number
  readonly micros: number
  /** Who is inside in the end: this one, another one, whoever came back first, or nobody. */
  readonly ends: 'in' | 'beaten' | 'either' | 'refunded'
  /** When the one that beats it was made; undefined where an online gate knows. */
  readonly winner?: number
  /** Clock skew: the gate's clock says what cannot be, or nothing that can be read. */
  readonly suspect?: true
  /** What else the server must say that it did not believe. */
  readonly disbelieved?: string
}

/** At which door a ticket is shown. */
export function homeOf(at: number): number {
  return Math.floor(at / KINDS) % DOORS
}

export function nextOf(door: number): number {
  return (door + 1) % DOORS
}

/**
 * What the gate without network of a door scanned, the same each time: all that are shown to it, those that its list lets
 * in apart. Every other gate sends its newest scan first.
 */
export function scansAt(
  door: number,
  tickets: readonly QueuedTicket[],
  known: Known,
): { readonly opened: readonly OfflineEntry[]; readonly refusals: number } {
  const valid = codesIn(known.valid)
  const opens = ({ code }: QueuedTicket) => valid.has(gateCode(code))
  const entries = (of: readonly QueuedTicket[]) => of.flatMap((ticket) => entriesOf(ticket, door, known))
  const opened = entries(tickets.filter(opens))
  const refusals = entries(tickets.filter((ticket) => !opens(ticket))).length
  return { opened: door % 2 === 1 ? opened.reverse() : opened, refusals }
}

/** Works at no gate. */
const NOBODY_HERE = '00000000-0000-0000-0001-000000000099'
const MS = 1000
const HOUR = 3_600_000 * MS
/** Before the ticket was sold. */
const DAYS_SLOW = 60

function entriesOf(
  { at, token: code }: QueuedTicket,
  door: number,
  { listedAt, lostAt, entered }: Known,
): readonly OfflineEntry[] {
  const deviceId = `offline-${door}`
  const scan = (micros: number, ends: OfflineEntry['ends'], more: Partial<OfflineEntry> = {}) => {
    return { at, code, micros, scannedAt: timeOf(micros), deviceId, ends, ...more }
  }
  const after = (ms: number) => Math.round(listedAt + ms * MS)
  const [early, middle, late] = [after(0.1), after(0.5), after(0.9)]
  const kind = at % KINDS
  if (nextOf(homeOf(at)) === door) {
    if (kind === AT_TWO_DOORS) return [scan(late, 'beaten', { winner: early })]
    return kind === AT_ONE_INSTANT ? [scan(middle, 'either', { winner: middle })] : []
  }
  if (homeOf(at) !== door) return []
  switch (kind) {
    case SLOW_CLOCK:
      return [scan(listedAt - DAYS_SLOW * 24 * HOUR, 'beaten', { suspect: true })]
    case FAST_CLOCK:
      // Every other one has no time at all: as of now, like one of the future.
      if (Math.floor(at / KINDS) % 2 === 0) return [scan(listedAt + HOUR, 'beaten', { suspect: true })]
      return [scan(0, 'beaten', { suspect: true, scannedAt: 'half past nine', disbelieved: 'scannedAt' })]
    case TWICE_AT_ONE_DOOR:
      return [scan(late, 'beaten', { winner: early, deviceId: `${deviceId} beside` }), scan(early, 'in')]
    case AT_ONE_INSTANT:
      return [scan(middle, 'either', { winner: middle })]
    case ENTERED_SINCE:
      return [scan(lostAt, 'beaten', { winner: entered[at] ?? 0 })]
    case REFUNDED_SINCE:
      return [scan(early, 'refunded')]
    case TWICE_ONLINE:
      return []
    case BEFORE_ONLINE:
      return [scan(early, 'in', { scannedBy: NOBODY_HERE, disbelieved: 'scannedBy' })]
    default:
      return [scan(early, 'in')]
  }
}
