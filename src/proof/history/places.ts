import type { RowOf } from './format.ts'
import { type Lookup, returnOf, type Wish } from './lookup.ts'

/**
 * Places of a tier that somebody took, with what is sure about when: not before `called`, surely by `acknowledged`; not given
 * back before `mayEnd`, surely by `ended`, and free for whoever asks from `free` on, because it was due. Infinity: never.
 */
export interface Taking {
  readonly quantity: number
  readonly called: number
  readonly acknowledged: number
  readonly mayEnd: number
  readonly ended: number
  readonly free: number
}

/** The takings of each tier, by `<database> <tier>`. */
export type Places = ReadonlyMap<string, readonly Taking[]>

const NEVER = Number.POSITIVE_INFINITY
const ALWAYS = Number.NEGATIVE_INFINITY

/** A time that a transaction read off the clock is true for all others once it has committed: within so long, surely. */
const COMMIT_MS_MAX = 5_000
/** Between two clocks that were set by each other. */
export const CLOCK_MS_MAX = 5

/** Worth a place: the tier counts it as sold. */
const LIVING: ReadonlySet<string> = new Set(['valid', 'used', 'refunding'])

export function placesOf(lookup: Lookup): Places {
  const takings: [tier: string, taking: Taking][] = []
  for (const database of new Set(lookup.history.rows.map((row) => row.database))) {
    const ledger = lookup.of(database)
    const add = (tier: string, taking: Taking) => takings.push([`${database} ${tier}`, taking])
    const converted = new Map<string, number>()
    for (const hold of ledger.rows('hold')) {
      const who = whoTook(hold, lookup)
      if (hold.status !== 'converted') add(hold.tier, holdTaking(hold, who, lookup))
      else {
        const name = `${hold.order} ${hold.tier}`
        converted.set(name, (converted.get(name) ?? 0) + hold.quantity)
      }
    }
    for (const [name, tickets] of Map.groupBy(
      ledger.rows('ticket'),
      ({ order, tier }) => `${order} ${tier}`,
    )) {
      // A ticket beyond those that were held came by another way: an order before the run, or one that was rescued.
      const held = converted.get(name) ?? 0
      for (const [at, ticket] of tickets.entries()) {
        const [order] = ledger.byId('order', ticket.order)
        const wish = at < held && order !== undefined ? lookup.wishOf(order) : undefined
        add(ticket.tier, ticketTaking(ticket, wish))
      }
    }
  }
  for (const wish of [...lookup.checkouts, ...lookup.reservations]) takings.push(...withoutRow(wish, lookup))
  const places = Map.groupBy(takings, ([tier]) => tier)
  return new Map([...places].map(([tier, all]) => [tier, all.map(([, taking]) => taking)]))
}

function whoTook(hold: RowOf<'hold'>, lookup: Lookup): Wish | undefined {
  if (hold.order === null) return lookup.reservationOf(hold)
  const [order] = lookup.of(hold.database).byId('order', hold.order)
  return order === undefined ? undefined : lookup.wishOf(order)
}

/** A hold that never became tickets. Where nobody in the history took it, it may have been there always. */
function holdTaking(hold: RowOf<'hold'>, who: Wish | undefined, lookup: Lookup): Taking {
  const releases = lookup.releasesOf(hold)
  const acknowledged = releases.filter(({ outcome }) => outcome === 'ok')
  const isOver = hold.status !== 'active'
  const end = hold.ended ?? hold.due
  const ended = isOver ? Math.min(end + COMMIT_MS_MAX, ...acknowledged.map(returnOf)) : NEVER
  return {
    quantity: Math.max(hold.quantity, who?.effective[0]?.asked.tiers?.[hold.tier] ?? 0),
    called: who?.call ?? ALWAYS,
    acknowledged: who?.return ?? NEVER,
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
    called: wish?.call ?? ALWAYS,
    acknowledged: wish?.return ?? NEVER,
    mayEnd: lives ? NEVER : ended === null ? ALWAYS : ended - CLOCK_MS_MAX,
    ended: surely,
    free: surely,
  }
}

/** Acknowledged or unknown, and nothing is there: it may have taken all that it asked for, for good. */
function withoutRow({ database, effective, call }: Wish, lookup: Lookup): readonly [string, Taking][] {
  const [first] = effective
  if (first === undefined) return []
  const ledger = lookup.of(database)
  const { order, holds = [] } = first.answered
  const isThere =
    (order !== undefined && ledger.byId('order', order).length > 0) ||
    (first.key !== undefined && ledger.ordersByKey(first.key).length > 0) ||
    holds.some((hold) => ledger.byId('hold', hold).length > 0)
  if (isThere) return []
  return Object.entries(first.asked.tiers ?? {}).map(([tier, quantity]) => [
    `${database} ${tier}`,
    { quantity, called: call, acknowledged: NEVER, mayEnd: ALWAYS, ended: NEVER, free: NEVER },
  ])
}

/** How much of a tier has a time that is not after `at`: a sum that is asked for often. */
export function sumUpTo(
  takings: readonly Taking[],
  timeOf: (taking: Taking) => number,
): (at: number) => number {
  const sorted = takings
    .map((taking) => ({ time: timeOf(taking), quantity: taking.quantity }))
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
