import type { Random } from '../../src/core/random.ts'

/**
 * What gates, the box office and the provider should be told about an order's tickets, as a pure function: no database, no clock. Times
 * are whole microseconds; the few that only the database knows (when it admitted) are given with a step as it was seen.
 */
export type Step =
  | { readonly do: 'scan'; readonly ticket: number; readonly gate: number; readonly event: GateEvent }
  /** The last scan's answer never came: it is sent again, or let in without network, under the same id. */
  | { readonly do: 'scan again'; readonly gate: number }
  | { readonly do: 'fall back'; readonly gate: number; readonly skewUs: number }
  | {
      readonly do: 'let in'
      readonly ticket: number
      readonly gate: number
      /** Undefined: no time that can be read. */
      readonly skewUs: number | undefined
      readonly isNamed: boolean
      readonly event: GateEvent
    }
  /** Staff takes back a scan: the one that counts, or the gate's last one by its id. */
  | { readonly do: 'undo'; readonly ticket: number; readonly gate: number; readonly isNamed: boolean }
  | { readonly do: 'sync'; readonly gate: number; readonly again: boolean; readonly backwards: boolean }
  | { readonly do: 'refund'; readonly ticket: number; readonly force: boolean }
  | { readonly do: 'settle'; readonly ticket: number; readonly succeeds: boolean }
  | { readonly do: 'cancel'; readonly ticket: number }
  | { readonly do: 'read list'; readonly gate: number }
  | { readonly do: 'together'; readonly first: Step; readonly second: Step }

/** At which event a gate says that it is. */
export type GateEvent = 'none' | 'own' | 'other'

export const TICKETS = 3
export const GATES = 3
const STEPS_MAX = 14
const HOUR_US = 3_600_000_000
/** What a gate's clock may be off: much too late, right, and too early, even before the tickets were made. */
const SKEWS_US = [-240 * HOUR_US, -HOUR_US, -1_000_000, 0, 0, 0, HOUR_US]
const EVENTS: readonly GateEvent[] = ['none', 'none', 'own', 'own', 'other']

/** A list of steps that a seed repeats. */
export function stepsFrom(random: Random): Step[] {
  const steps = Array.from({ length: 2 + random.below(STEPS_MAX - 1) }, () => stepFrom(random))
  if (random.below(2) === 0) steps.splice(random.below(steps.length), 0, ...seldom(random))
  return steps
}

/**
 * What chance finds seldom: a scan that is undone is sent again, and so is its undoing, when somebody else was let in; a gate tells of an entry while the money is on its way, and it does not go; or while another scans, or
 * undoes; or tells of it once more when it was undone.
 */
function seldom(random: Random): Step[] {
  const [ticket, gate] = [random.below(TICKETS), random.below(GATES)]
  const event = EVENTS[random.below(EVENTS.length)] ?? 'none'
  const skewUs = random.below(3) === 0 ? undefined : 0
  const letIn: Step = { do: 'let in', ticket, gate, skewUs, isNamed: random.below(3) > 0, event }
  const sync: Step = { do: 'sync', gate, again: false, backwards: false }
  const scan: Step = { do: 'scan', ticket, gate: random.below(GATES), event: 'own' }
  const undo: Step = { do: 'undo', ticket, gate, isNamed: random.below(2) === 0 }
  const kind = random.below(6)
  const named: Step = { do: 'undo', ticket, gate, isNamed: true }
  if (kind === 5)
    return [
      { ...scan, gate },
      named,
      { do: 'scan again', gate },
      { ...scan, gate: (gate + 1) % GATES },
      named,
    ]
  if (kind === 0) return [letIn, { do: 'together', first: scan, second: sync }]
  if (kind === 1) return [letIn, sync, undo, { ...sync, again: true }]
  if (kind === 2) return [scan, letIn, sync, undo]
  if (kind === 3) return [letIn, sync, { do: 'together', first: undo, second: scan }]
  return [{ do: 'refund', ticket, force: false }, letIn, sync, { do: 'settle', ticket, succeeds: false }]
}

function stepFrom(random: Random): Step {
  if (random.below(5) > 0) return plainStep(random)
  // Nobody can be let in together with something: that needs no database.
  const [first, second] = [plainStep(random), plainStep(random)]
  const isTold = ({ do: kind }: Step) => kind !== 'let in' && kind !== 'fall back'
  return isTold(first) && isTold(second) ? { do: 'together', first, second } : first
}

function plainStep(random: Random): Step {
  const [ticket, gate] = [random.below(TICKETS), random.below(GATES)]
  const kind = random.below(19)
  const skewUs = SKEWS_US[random.below(SKEWS_US.length)] ?? 0
  const event = EVENTS[random.below(EVENTS.length)] ?? 'none'
  if (kind < 3) return { do: 'scan', ticket, gate, event }
  if (kind < 4) return { do: 'scan again', gate }
  if (kind < 5) return { do: 'fall back', gate, skewUs }
  if (kind < 8) {
    const noTime = random.below(6) === 0 ? { skewUs: undefined } : { skewUs }
    return { do: 'let in', ticket, gate, ...noTime, isNamed: random.below(2) === 0, event }
  }
  if (kind < 11) return { do: 'sync', gate, again: random.below(3) === 0, backwards: random.below(2) === 0 }
  if (kind < 13) return { do: 'refund', ticket, force: random.below(3) === 0 }
  if (kind < 15) return { do: 'settle', ticket, succeeds: random.below(2) === 0 }
  if (kind < 16) return { do: 'cancel', ticket }
  if (kind < 18) return { do: 'undo', ticket, gate, isNamed: random.below(2) === 0 }
  return { do: 'read list', gate }
}

type Status = 'valid' | 'used' | 'refunding' | 'refunded' | 'cancelled'

/** A time at which a gate opened for a ticket. */
export interface Opening {
  readonly gate: number
  /** Which opening it is, however often and in whatever way it is told: its scan id, or the gate's clock. */
  readonly name: string
  /** What it counts as. */
  readonly atUs: number
  /** The gate's clock claimed a time before the ticket was made, or longer ago than any is believed. */
  readonly isOnlyClaimed: boolean
  readonly isOnline: boolean
  /** At a gate of another event: it is reported, and counts for nothing. */
  readonly isElsewhere: boolean
  /** It was told without an id and without a time. */
  readonly isNameless?: boolean
}

export interface Ticket {
  readonly status: Status
  /** Before any opening of it. */
  readonly counted: Opening | undefined
  /** Every other opening that the database was told of, in that order. */
  readonly others: readonly Opening[]
  /** What staff took back. */
  readonly undone: readonly Opening[]
  /** Those of them that were an entry too many, or had one beside them: they stay reported. */
  readonly undoneDoubles: readonly Opening[]
}

export const FRESH: Ticket = {
  status: 'valid',
  counted: undefined,
  others: [],
  undone: [],
  undoneDoubles: [],
}

export type Verdict = 'admitted' | 'already' | 'refused' | 'elsewhere' | 'undone'

/** What the gate is told, at which time the ticket counts as admitted then, and what the ticket is afterwards. */
export interface Judged {
  readonly verdict: Verdict
  readonly countedUs: number | undefined
  readonly ticket: Ticket
}

/** A scan at a gate with network; `atUs` is when the database admits it, if it does. */
export function scan(ticket: Ticket, gate: number, name: string, atUs: number, event: GateEvent): Judged {
  const countedUs = ticket.counted?.atUs
  if (event === 'other') return { verdict: 'elsewhere', countedUs, ticket }
  if (ticket.counted?.name === name) return { verdict: 'admitted', countedUs, ticket }
  if (ticket.undone.some((it) => it.name === name)) return { verdict: 'undone', countedUs, ticket }
  if (ticket.status === 'used') return { verdict: 'already', countedUs, ticket }
  if (ticket.status !== 'valid') return { verdict: 'refused', countedUs, ticket }
  const counted: Opening = { gate, name, atUs, isOnlyClaimed: false, isOnline: true, isElsewhere: false }
  return { verdict: 'admitted', countedUs: atUs, ticket: { ...ticket, status: 'used', counted } }
}

/** A scan without network that comes in. */
export function merge(ticket: Ticket, told: Opening): Judged {
  const { status, counted } = ticket
  const isOwn = ({ name }: Opening) => name === told.name
  if (counted !== undefined && isOwn(counted)) return { verdict: 'admitted', countedUs: counted.atUs, ticket }
  const known = ticket.others.find(isOwn)
  // Without an id and a time it is told from no other: it may be the next.
  if (known === undefined && !told.isNameless && ticket.undone.some(isOwn))
    return { verdict: 'undone', countedUs: undefined, ticket }
  const own = known ?? told
  const loser = known === undefined ? { ...ticket, others: [...ticket.others, own] } : ticket
  if (own.isElsewhere) return { verdict: 'elsewhere', countedUs: undefined, ticket: loser }
  if (status !== 'valid' && status !== 'used')
    return { verdict: 'refused', countedUs: undefined, ticket: loser }
  if (counted !== undefined && !isBefore(own, counted))
    return { verdict: 'already', countedUs: counted.atUs, ticket: loser }
  const others = loser.others.filter((other) => !isOwn(other))
  const beaten = counted === undefined ? others : [...others, counted]
  return {
    verdict: 'admitted',
    countedUs: own.atUs,
    ticket: { ...ticket, status: 'used', counted: own, others: beaten },
  }
}

/** Which opening staff means: the one of this name, or of this gate and time. */
export type Meant = { readonly name: string } | Pick<Opening, 'gate' | 'atUs'>

/**
 * Staff takes an opening back; one that was taken back already is the answer again, whatever counts now. What else opened a gate counts
 * from then on, the first of it.
 */
export function undo(ticket: Ticket, meant: Meant): { refusal?: string; ticket: Ticket } {
  const { counted, others, undone, undoneDoubles } = ticket
  const isMeant = (it: Opening) =>
    'name' in meant ? it.name === meant.name : it.gate === meant.gate && it.atUs === meant.atUs
  if (undone.some(isMeant)) return { ticket }
  if (counted !== undefined && isMeant(counted)) {
    if (ticket.status !== 'used') return { refusal: 'INVALID_STATUS', ticket }
    const beside = others.some(({ isElsewhere }) => !isElsewhere) ? [counted] : []
    return {
      ticket: firstOf({
        ...ticket,
        counted: undefined,
        undone: [...undone, counted],
        undoneDoubles: [...undoneDoubles, ...beside],
      }),
    }
  }
  const beside = others.find(isMeant)
  if (beside === undefined) return { refusal: 'NOT_SCANNED', ticket }
  return {
    ticket: {
      ...ticket,
      others: others.filter((it) => it !== beside),
      undone: [...undone, beside],
      undoneDoubles: [...undoneDoubles, beside],
    },
  }
}

/** Of all that opened a gate of its event the first counts; of two at one time the one that was counted, or told first. */
function firstOf(ticket: Ticket): Ticket {
  const openings = ticket.counted === undefined ? ticket.others : [...ticket.others, ticket.counted]
  const counted = openings
    .filter(({ isElsewhere }) => !isElsewhere)
    .reduce<Opening | undefined>(
      (first, other) => (first === undefined || isBefore(other, first) ? other : first),
      ticket.counted,
    )
  const others = openings.filter((other) => other !== counted)
  return { ...ticket, status: counted === undefined ? 'valid' : 'used', counted, others }
}

function isBefore(one: Opening, other: Opening): boolean {
  if (one.isOnlyClaimed !== other.isOnlyClaimed) return other.isOnlyClaimed
  return one.atUs < other.atUs
}

/** The code of the refusal, undefined where the ticket goes back. */
export function refund(ticket: Ticket, force: boolean): { refusal?: string; ticket: Ticket } {
  if (ticket.status !== 'valid' && ticket.status !== 'used') return { refusal: 'ALREADY_REFUNDED', ticket }
  if (ticket.status === 'used' && !force) return { refusal: 'TICKET_USED', ticket }
  return { ticket: { ...ticket, status: 'refunding' } }
}

/** Money that did not go gives the ticket back, to the first who was let in with it if anybody was. */
export function settle(ticket: Ticket, succeeds: boolean): Ticket {
  if (ticket.status !== 'refunding') return ticket
  return succeeds ? { ...ticket, status: 'refunded' } : firstOf(ticket)
}

export function cancel(ticket: Ticket): Ticket {
  return ticket.status === 'valid' ? { ...ticket, status: 'cancelled' } : ticket
}
