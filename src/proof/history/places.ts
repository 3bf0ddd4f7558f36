import type { Operation, RowOf } from './format.ts'
import { type Lookup, MADE, MAKING_VERBS, type MadeKind, returnOf, type Wish } from './lookup.ts'

/**
 * Places of a tier, an offer or a slot that somebody took, with what is sure about when: not before `called`, surely by
 * `acknowledged`; not given back before `mayEnd`, surely by `ended`, and free for whoever asks from `free` on, because it was due.
 * Infinity: never.
 */
export interface Taking {
  /** How many it was at most, and how many it surely was: a hold or a claim may have become less. */
  readonly quantity: number
  readonly least: number
  readonly called: number
  readonly acknowledged: number
  readonly mayEnd: number
  readonly ended: number
  readonly free: number
}

/** The takings of each tier, offer and slot, by its id. */
type Places = ReadonlyMap<string, readonly Taking[]>
type Taken = readonly [of: string, taking: Taking]

const NEVER = Number.POSITIVE_INFINITY
const ALWAYS = Number.NEGATIVE_INFINITY

/** A time that a transaction read off the clock is true for all others once it has committed: within so long, surely. */
const COMMIT_MS_MAX = 5_000
/** Between two clocks that were set by each other. */
export const CLOCK_MS_MAX = 5

/** Worth a place: the tier counts it as sold. */
const LIVING: ReadonlySet<string> = new Set(['valid', 'used', 'refunding'])
/** Given back: the offer or the slot counts it no more. */
const GIVEN_BACK: ReadonlySet<string> = new Set(['released', 'cancelled'])

/** Built once a lookup: two checkers ask. */
export function placesOf(lookup: Lookup): Places {
  const places = known.get(lookup) ?? grouped([...tierTakings(lookup), ...partyTakings(lookup)], lookup)
  known.set(lookup, places)
  return places
}

const known = new WeakMap<Lookup, Places>()

function grouped(found: readonly Taken[], lookup: Lookup): Places {
  const wishes = [...MAKING_VERBS.flatMap(lookup.wishes), ...lookup.reservations]
  const takings = [...found, ...wishes.flatMap((wish) => withoutRow(wish, lookup))]
  const places = Map.groupBy(takings, ([of]) => of)
  return new Map([...places].map(([of, all]) => [of, all.map(([, taking]) => taking)]))
}

function tierTakings(lookup: Lookup): readonly Taken[] {
  const { ledger } = lookup
  const takings: Taken[] = []
  const converted = new Map<string, number>()
  for (const hold of ledger.rows('hold')) {
    if (hold.status !== 'converted') takings.push([hold.tier, holdTaking(hold, lookup)])
    else {
      const name = `${hold.order} ${hold.tier}`
      converted.set(name, (converted.get(name) ?? 0) + hold.quantity)
    }
  }
  const bought = Map.groupBy(ledger.rows('ticket'), ({ order, tier }) => `${order} ${tier}`)
  for (const [name, tickets] of bought) {
    // A ticket beyond those that were held came by another way: an order before the run, or one that was rescued.
    const held = converted.get(name) ?? 0
    for (const [at, ticket] of tickets.entries()) {
      const [order] = ledger.byId('order', ticket.order)
      const wish = at < held && order !== undefined ? lookup.wishOf(order) : undefined
      takings.push([ticket.tier, ticketTaking(ticket, wish)])
    }
  }
  return takings
}

function whoTook(hold: RowOf<'hold'>, { ledger, reservationOf, wishOf }: Lookup): Wish | undefined {
  if (hold.order === null) return reservationOf(hold)
  const [order] = ledger.byId('order', hold.order)
  return order === undefined ? undefined : wishOf(order)
}

/** A hold that never became tickets. Where nobody in the history took it, it may have been there always. */
function holdTaking(hold: RowOf<'hold'>, lookup: Lookup): Taking {
  const who = whoTook(hold, lookup)
  const releases = lookup.endingsOf(hold)
  const acknowledged = releases.filter(({ outcome }) => outcome === 'ok')
  const isOver = hold.status !== 'active'
  const end = hold.ended ?? hold.due
  const ended = isOver ? Math.min(end + COMMIT_MS_MAX, ...acknowledged.map(returnOf)) : NEVER
  return {
    quantity: Math.max(hold.quantity, who?.effective[0]?.asked.tiers?.[hold.tier] ?? 0),
    least: hold.quantity,
    ...takenBy(who),
    mayEnd: isOver ? Math.min(end - CLOCK_MS_MAX, ...releases.map(({ call }) => call)) : NEVER,
    ended,
    free: Math.min(ended, hold.due + CLOCK_MS_MAX),
  }
}

function ticketTaking({ status, ended }: RowOf<'ticket'>, wish: Wish | undefined): Taking {
  const lives = LIVING.has(status)
  const surely = ended === null ? NEVER : ended + COMMIT_MS_MAX
  return {
    quantity: 1,
    least: 1,
    ...takenBy(wish),
    mayEnd: lives ? NEVER : ended === null ? ALWAYS : ended - CLOCK_MS_MAX,
    ended: surely,
    free: surely,
  }
}

function takenBy(wish: Wish | undefined): Pick<Taking, 'called' | 'acknowledged'> {
  return { called: wish?.call ?? ALWAYS, acknowledged: wish?.return ?? NEVER }
}

/** Claims and bookings: no row says when one was given back, and so those say it who did. */
function partyTakings(lookup: Lookup): readonly Taken[] {
  const { ledger } = lookup
  return [
    ...ledger.rows('claim').map((claim): Taken => [claim.offer, partyTaking(claim, lookup)]),
    ...ledger.rows('booking').map((booking): Taken => [booking.slot, partyTaking(booking, lookup)]),
  ]
}

function partyTaking(row: RowOf<'claim' | 'booking'>, lookup: Lookup): Taking {
  const wish = lookup.wishOf(row)
  const endings = lookup.endingsOf(row)
  const acknowledged = endings.filter(({ outcome }) => outcome === 'ok')
  const isOver = GIVEN_BACK.has(row.status)
  // Of several that gave it back nobody knows which did.
  const ended = isOver && acknowledged.length > 0 ? Math.max(...acknowledged.map(returnOf)) : NEVER
  return {
    quantity: Math.max(row.party, wish?.effective[0]?.asked.party ?? 0),
    least: row.party,
    ...takenBy(wish),
    mayEnd: isOver ? Math.min(...(endings.length === 0 ? [ALWAYS] : endings.map(({ call }) => call))) : NEVER,
    ended,
    free: ended,
  }
}

/** Acknowledged or unknown, and nothing is there: it may have taken all that it asked for, for good. */
function withoutRow({ effective, call }: Wish, lookup: Lookup): readonly Taken[] {
  const [first] = effective
  if (first === undefined || isThere(first, lookup)) return []
  const taking = (quantity: number): Taking => {
    return {
      quantity,
      least: 0,
      called: call,
      acknowledged: NEVER,
      mayEnd: ALWAYS,
      ended: NEVER,
      free: NEVER,
    }
  }
  return wantedIn(first, lookup).map(({ of, quantity }) => [of, taking(quantity)])
}

function isThere({ operation, key, answered }: Operation, { ledger }: Lookup): boolean {
  if (operation === 'reserve')
    return (answered.holds ?? []).some((hold) => ledger.byId('hold', hold).length > 0)
  const kinds: Partial<Record<Operation['operation'], MadeKind>> = MADE
  const kind = kinds[operation]
  if (kind === undefined) return false
  const id = answered[kind]
  return (
    (id !== undefined && ledger.byId(kind, id).length > 0) ||
    (key !== undefined && ledger.byKey(kind, key).length > 0)
  )
}

interface Wanted {
  /** A tier, an offer, or a slot on one evening. */
  readonly of: string
  readonly quantity: number
}

/** What an operation wants places of: all tiers of its cart, an offer, or any one of the slots at its time. */
export function wantedIn({ operation, asked }: Operation, { ledger }: Lookup): readonly Wanted[] {
  const { offer, party = 0, tiers = {} } = asked
  if (operation === 'claim') return offer === undefined ? [] : [{ of: offer, quantity: party }]
  if (operation !== 'book') return Object.entries(tiers).map(([of, quantity]) => ({ of, quantity }))
  return ledger
    .rows('slot')
    .filter((slot) => slot.business === asked.business && slot.date === asked.date)
    .filter((slot) => isOpen(slot, asked.time ?? '') && party <= slot.partyMax)
    .map(({ id }) => ({ of: id, quantity: party }))
}

/** HH:MM compares as text; a slot that ends at or before its start crosses midnight. */
function isOpen({ from, to }: RowOf<'slot'>, time: string): boolean {
  return from < to ? from <= time && time < to : from <= time || time < to
}

/** How much has a time that is not after `at`: a sum that is asked for often. */
export function sumUpTo(
  takings: readonly Taking[],
  timeOf: (taking: Taking) => number,
  quantityOf: (taking: Taking) => number = ({ quantity }) => quantity,
): (at: number) => number {
  const sorted = takings
    .map((taking) => ({ time: timeOf(taking), quantity: quantityOf(taking) }))
    .filter(({ time }) => time < NEVER)
    .toSorted((one, other) => (one.time < other.time ? -1 : 1))
  const times = Float64Array.from(sorted, ({ time }) => time)
  const sums = new Float64Array(sorted.length + 1)
  for (const [index, { quantity }] of sorted.entries()) sums[index + 1] = (sums[index] ?? 0) + quantity
  return (at) => sums[countUpTo(times, at)] ?? 0
}

/** Binary search. */
function countUpTo(times: Float64Array, at: number): number {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((times[middle] ?? NEVER) <= at) low = middle + 1
    else high = middle
  }
  return low
}
