import type { LedgerRow, Operation, RowKind, RowOf } from './format.ts'
import type { DatabaseHistory } from './read.ts'

/** All requests under one key are one wish; a request without a key is one of its own. */
export interface Wish {
  readonly operations: readonly Operation[]
  /** Those that did it, or may have. */
  readonly effective: readonly Operation[]
  readonly acknowledged: readonly Operation[]
  /** When the first one began that may have done it, and when it was first told done; Infinity: never. */
  readonly call: number
  readonly return: number
}

/** What makes a row that is found by the key of the request, and the row. */
export const MADE = { checkout: 'order', claim: 'claim', book: 'booking' } as const
export type MakingVerb = keyof typeof MADE
export type MadeKind = (typeof MADE)[MakingVerb]
export const MAKING_VERBS = ['checkout', 'claim', 'book'] as const satisfies readonly MakingVerb[]

/** What was done and what is there in one database, with indexes that are built once for all checkers. */
export interface Lookup extends DatabaseHistory {
  readonly wishes: (verb: MakingVerb) => readonly Wish[]
  readonly reservations: readonly Wish[]
  /** The wish that made a row, told so or found by its key. */
  readonly wishOf: (row: RowOf<MadeKind>) => Wish | undefined
  readonly reservationOf: (hold: RowOf<'hold'>) => Wish | undefined
  /** Requests that gave a session's holds, a claim or a booking back, or may have. */
  readonly endingsOf: (row: RowOf<'hold' | 'claim' | 'booking'>) => readonly Operation[]
  readonly ledger: Ledger
}

/** Indexes over the rows of one database. */
interface Ledger {
  readonly rows: <Kind extends RowKind>(kind: Kind) => readonly RowOf<Kind>[]
  readonly byId: <Kind extends RowKind>(kind: Kind, id: string) => readonly RowOf<Kind>[]
  readonly byKey: <Kind extends MadeKind>(kind: Kind, key: string) => readonly RowOf<Kind>[]
  readonly ofOrder: <Kind extends 'hold' | 'ticket' | 'payment' | 'refund'>(
    kind: Kind,
    order: string,
  ) => readonly RowOf<Kind>[]
  readonly holdsOfSession: (session: string) => readonly RowOf<'hold'>[]
  readonly scansOfTicket: (ticket: string) => readonly RowOf<'scan'>[]
}

export function lookUp({ operations, rows }: DatabaseHistory): Lookup {
  const sessionOf = ({ asked, answered }: Operation) => asked.session ?? answered.session
  const made = {
    checkout: makersOf(operations, 'checkout'),
    claim: makersOf(operations, 'claim'),
    book: makersOf(operations, 'book'),
  }
  const makers = { order: made.checkout, claim: made.claim, booking: made.book }
  const reservations = wishesOf(operations, 'reserve', sessionOf)
  const bySession = indexOf(reservations, (wish) => wish.operations.map(sessionOf))
  const endings = Map.groupBy(
    operations.filter(({ operation, outcome }) => ENDING.has(operation) && outcome !== 'refused'),
    ({ asked }) => asked.claim ?? asked.booking ?? asked.session,
  )
  return {
    operations,
    rows,
    wishes: (verb) => made[verb].wishes,
    reservations,
    wishOf: (row) => makers[row.row].makerOf(row),
    reservationOf: ({ session }) => bySession.get(session),
    endingsOf: (row) => endings.get(row.row === 'hold' ? row.session : row.id) ?? NONE,
    ledger: ledgerOf(rows),
  }
}

const ENDING: ReadonlySet<string> = new Set<Operation['operation']>(['release', 'cancel'])

/** Wishes that make rows of one kind, and which of them made a row. */
function makersOf(operations: readonly Operation[], verb: MakingVerb) {
  const wishes = wishesOf(operations, verb, ({ key }) => key)
  const byId = indexOf(wishes, ({ acknowledged }) => acknowledged.map(({ answered }) => answered[MADE[verb]]))
  const byKey = indexOf(wishes, (wish) => [wish.operations[0]?.key])
  return {
    wishes,
    makerOf: ({ id, key }: RowOf<MadeKind>) => byId.get(id) ?? (key === null ? undefined : byKey.get(key)),
  }
}

function wishesOf(
  all: readonly Operation[],
  verb: Operation['operation'],
  nameOf: (operation: Operation) => string | undefined,
): readonly Wish[] {
  const operations = all.filter(({ operation }) => operation === verb)
  const grouped = Map.groupBy(operations, (operation) => nameOf(operation) ?? operation)
  return [...grouped.values()].map(wishFrom)
}

function wishFrom(operations: readonly Operation[]): Wish {
  const effective = sharing(operations, ({ outcome }) => outcome !== 'refused')
  const acknowledged = sharing(effective, ({ outcome }) => outcome === 'ok')
  return {
    operations,
    effective,
    acknowledged,
    call: Math.min(...effective.map(({ call }) => call)),
    return: Math.min(...acknowledged.map(returnOf)),
  }
}

/** The same list where all of it is meant: of a million wishes most are one request with one answer. */
function sharing(
  all: readonly Operation[],
  isMeant: (operation: Operation) => boolean,
): readonly Operation[] {
  if (all.every(isMeant)) return all
  return all.some(isMeant) ? all.filter(isMeant) : NONE
}

const NONE: readonly Operation[] = []

/** When its answer was there; Infinity where none came: it may still be under way. */
export function returnOf({ return: returned }: Operation): number {
  return returned ?? Number.POSITIVE_INFINITY
}

/** What a scan was of, once that is known: a ticket, a claim or a booking. */
export function passOf({ asked, answered }: Operation): string | undefined {
  return answered.ticket ?? asked.ticket ?? answered.claim ?? answered.booking
}

function indexOf(
  wishes: readonly Wish[],
  namesOf: (wish: Wish) => readonly (string | undefined)[],
): ReadonlyMap<string, Wish> {
  const index = new Map<string, Wish>()
  for (const wish of wishes) for (const name of namesOf(wish)) if (name !== undefined) index.set(name, wish)
  return index
}

function ledgerOf(all: readonly LedgerRow[]): Ledger {
  const kinds = Map.groupBy(all, ({ row }) => row)
  const isOf =
    <Kind extends RowKind>(kind: Kind) =>
    (row: LedgerRow): row is RowOf<Kind> =>
      row.row === kind
  const rows = <Kind extends RowKind>(kind: Kind) => (kinds.get(kind) ?? []).filter(isOf(kind))
  const indexes = new Map<string, ReadonlyMap<unknown, readonly LedgerRow[]>>()
  const found = <Kind extends RowKind>(kind: Kind, field: string, value: string) => {
    const name = `${kind} ${field}`
    const index = indexes.get(name) ?? Map.groupBy(rows(kind), (row) => Reflect.get(row, field))
    indexes.set(name, index)
    return (index.get(value) ?? []).filter(isOf(kind))
  }
  return {
    rows,
    byId: (kind, id) => found(kind, 'id', id),
    byKey: (kind, key) => found(kind, 'key', key),
    ofOrder: (kind, order) => found(kind, 'order', order),
    holdsOfSession: (session) => found('hold', 'session', session),
    scansOfTicket: (ticket) => found('scan', 'ticket', ticket),
  }
}
