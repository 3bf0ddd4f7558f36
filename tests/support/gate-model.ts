import type { Random } from '../../src/proof/random.ts'

/**
 * What gates, the box office and the provider should be told about an order's tickets, as a pure function: no database, no clock. Times
 * are whole microseconds; the few that only the database knows (when it admitted) are given with a step as it was seen.
 */
export type Step =
  | { readonly do: 'scan'; readonly ticket: number; readonly gate: number }
  | { readonly do: 'let in'; readonly ticket: number; readonly gate: number; readonly skewUs: number }
  | { readonly do: 'sync'; readonly gate: number; readonly again: boolean; readonly backwards: boolean }
  | { readonly do: 'refund'; readonly ticket: number; readonly force: boolean }
  | { readonly do: 'settle'; readonly ticket: number; readonly succeeds: boolean }
  | { readonly do: 'cancel'; readonly ticket: number }
  | { readonly do: 'read list'; readonly gate: number }
  | { readonly do: 'together'; readonly first: Step; readonly second: Step }

export const TICKETS = 3
export const GATES = 3
const STEPS_MAX = 14
const HOUR_US = 3_600_000_000
/** What a gate's clock may be off: much too late, right, and too early, even before the tickets were made. */
const SKEWS_US = [-240 * HOUR_US, -HOUR_US, -1_000_000, 0, 0, 0, HOUR_US]

/** A list of steps that a seed repeats. */
export function stepsFrom(random: Random): Step[] {
  return Array.from({ length: 2 + random.below(STEPS_MAX - 1) }, () => stepFrom(random))
}

function stepFrom(random: Random): Step {
  if (random.below(5) > 0) return plainStep(random)
  // Nobody can be let in together with something: that needs no database.
  const [first, second] = [plainStep(random), plainStep(random)]
  return first.do === 'let in' || second.do === 'let in' ? first : { do: 'together', first, second }
}

function plainStep(random: Random): Step {
  const [ticket, gate] = [random.below(TICKETS), random.below(GATES)]
  const kind = random.below(14)
  if (kind < 3) return { do: 'scan', ticket, gate }
  if (kind < 6) return { do: 'let in', ticket, gate, skewUs: SKEWS_US[random.below(SKEWS_US.length)] ?? 0 }
  if (kind < 9) return { do: 'sync', gate, again: random.below(3) === 0, backwards: random.below(2) === 0 }
  if (kind < 11) return { do: 'refund', ticket, force: random.below(3) === 0 }
  if (kind < 12) return { do: 'settle', ticket, succeeds: random.below(2) === 0 }
  if (kind < 13) return { do: 'cancel', ticket }
  return { do: 'read list', gate }
}

type Status = 'valid' | 'used' | 'refunding' | 'refunded' | 'cancelled'

/** A time at which a gate opened for a ticket. */
export interface Opening {
  readonly gate: number
  readonly isOffline: boolean
  /** What the gate's clock said; for an online gate what the database's said. */
  readonly claimedUs: number
  /** What it counts as. */
  readonly atUs: number
}

export interface Ticket {
  readonly status: Status
  /** Before any opening of it. */
  readonly counted: Opening | undefined
  /** Every other opening that the database was told of. */
  readonly others: readonly Opening[]
}

export const FRESH: Ticket = { status: 'valid', counted: undefined, others: [] }

export type Verdict = 'admitted' | 'already' | 'refused'

/** What the gate is told, at which time the ticket counts as admitted then, and what the ticket is afterwards. */
export interface Judged {
  readonly verdict: Verdict
  readonly countedUs: number | undefined
  readonly ticket: Ticket
}

/** A scan at a gate with network; `atUs` is when the database admits it, if it does. */
export function scanned(ticket: Ticket, gate: number, atUs: number): Judged {
  const countedUs = ticket.counted?.atUs
  if (ticket.status === 'used') return { verdict: 'already', countedUs, ticket }
  if (ticket.status !== 'valid') return { verdict: 'refused', countedUs, ticket }
  const counted: Opening = { gate, isOffline: false, claimedUs: atUs, atUs }
  return { verdict: 'admitted', countedUs: atUs, ticket: { ...ticket, status: 'used', counted } }
}

/** A scan without network that comes in; `atUs` is the time that it counts as. */
export function merged(ticket: Ticket, gate: number, claimedUs: number, atUs: number): Judged {
  const isOwn = (opening: Opening | undefined) =>
    opening?.isOffline === true && opening.gate === gate && opening.claimedUs === claimedUs
  if (isOwn(ticket.counted)) return { verdict: 'admitted', countedUs: ticket.counted?.atUs, ticket }
  const own = ticket.others.find(isOwn) ?? { gate, isOffline: true, claimedUs, atUs }
  const others = ticket.others.filter((other) => !isOwn(other))
  const loser = { ...ticket, others: [...others, own] }
  const { status, counted } = ticket
  if (status !== 'valid' && status !== 'used')
    return { verdict: 'refused', countedUs: undefined, ticket: loser }
  if (counted !== undefined && counted.atUs <= own.atUs)
    return { verdict: 'already', countedUs: counted.atUs, ticket: loser }
  const beaten = counted === undefined ? others : [...others, counted]
  return {
    verdict: 'admitted',
    countedUs: own.atUs,
    ticket: { status: 'used', counted: own, others: beaten },
  }
}

/** The code of the refusal, undefined where the ticket goes back. */
export function refunded(ticket: Ticket, force: boolean): { refusal?: string; ticket: Ticket } {
  if (ticket.status !== 'valid' && ticket.status !== 'used') return { refusal: 'ALREADY_REFUNDED', ticket }
  if (ticket.status === 'used' && !force) return { refusal: 'TICKET_USED', ticket }
  return { ticket: { ...ticket, status: 'refunding' } }
}

export function settled(ticket: Ticket, succeeds: boolean): Ticket {
  if (ticket.status !== 'refunding') return ticket
  return { ...ticket, status: succeeds ? 'refunded' : ticket.counted === undefined ? 'valid' : 'used' }
}

export function cancelled(ticket: Ticket): Ticket {
  return ticket.status === 'valid' ? { ...ticket, status: 'cancelled' } : ticket
}
