import type { LedgerRow, Operation, RowKind, RowOf } from './format.ts'
import type { RecordedHistory } from './read.ts'

/** All requests under one key are one wish; a request without a key is one of its own. */
export interface Wish {
  readonly database: string
  readonly operations: readonly Operation[]
  /** Those that did it, or may have. */
  readonly effective: readonly Operation[]
  readonly acknowledged: readonly Operation[]
  /** When the first one began that may have done it, and when it was first told done; Infinity: never. */
  readonly call: number
  readonly return: number
}

/** A history with its indexes, built once for all checkers. Ids and keys are those of one database. */
export interface Lookup {
  readonly history: RecordedHistory
  readonly checkouts: readonly Wish[]
  readonly reservations: readonly Wish[]
  /** The wish that made an order, told so or found by its key. */
  readonly wishOf: (order: RowOf<'order'>) => Wish | undefined
  readonly reservationOf: (hold: RowOf<'hold'>) => Wish | undefined
  /** Requests that gave a session's holds back, or may have. */
  readonly releasesOf: (hold: RowOf<'hold'>) => readonly Operation[]
  readonly of: (database: string) => Ledger
}

/** Indexes over the rows of one database. */
export interface Ledger {
  readonly rows: <Kind extends RowKind>(kind: Kind) => readonly RowOf<Kind>[]
  readonly byId: <Kind extends RowKind>(kind: Kind, id: string) => readonly RowOf<Kind>[]
  readonly ordersByKey: (key: string) => readonly RowOf<'order'>[]
  readonly ofOrder: <Kind extends 'hold' | 'ticket' | 'payment' | 'refund'>(
    kind: Kind,
    order: string,
  ) => readonly RowOf<Kind>[]
  readonly holdsOfSession: (session: string) => readonly RowOf<'hold'>[]
  readonly scansOfTicket: (ticket: string) => readonly RowOf<'scan'>[]
}

export function lookUp(history: RecordedHistory): Lookup {
  const byDatabase = Map.groupBy(history.rows, ({ database }) => database)
  const ledgers = new Map([...byDatabase].map(([database, rows]) => [database, ledgerOf(rows)]))
  const nothing = ledgerOf([])
  const checkouts = wishesOf(history.operations, 'checkout', ({ key }) => key)
  const reservations = wishesOf(
    history.operations,
    'reserve',
    ({ asked, answered }) => asked.session ?? answered.session,
  )
  const byOrder = indexOf(checkouts, ({ acknowledged }) => acknowledged.map(({ answered }) => answered.order))
  const byKey = indexOf(checkouts, ({ operations }) => [operations[0]?.key])
  const bySession = indexOf(reservations, ({ operations }) =>
    operations.map(({ asked, answered }) => asked.session ?? answered.session),
  )
  const releases = Map.groupBy(
    history.operations.filter(({ operation, outcome }) => operation === 'release' && outcome !== 'refused'),
    ({ database, asked }) => `${database} ${asked.session}`,
  )
  return {
    history,
    checkouts,
    reservations,
    wishOf: ({ database, id, key }) =>
      byOrder.get(`${database} ${id}`) ?? (key === null ? undefined : byKey.get(`${database} ${key}`)),
    reservationOf: ({ database, session }) => bySession.get(`${database} ${session}`),
    releasesOf: ({ database, session }) => releases.get(`${database} ${session}`) ?? [],
    of: (database) => ledgers.get(database) ?? nothing,
  }
}

function wishesOf(
  all: readonly Operation[],
  verb: Operation['operation'],
  nameOf: (operation: Operation) => string | undefined,
): readonly Wish[] {
  const operations = all.filter(({ operation }) => operation === verb)
  const grouped = Map.groupBy(operations, (operation) => {
    const name = nameOf(operation)
    return name === undefined ? operation : `${operation.database} ${name}`
  })
  return [...grouped.values()].map(wishFrom)
}

function wishFrom(operations: readonly Operation[]): Wish {
  const effective = sharing(operations, ({ outcome }) => outcome !== 'refused')
  const acknowledged = sharing(effective, ({ outcome }) => outcome === 'ok')
  return {
    database: operations[0]?.database ?? '',
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

function indexOf(
  wishes: readonly Wish[],
  namesOf: (wish: Wish) => readonly (string | undefined)[],
): ReadonlyMap<string, Wish> {
  const index = new Map<string, Wish>()
  for (const wish of wishes)
    for (const name of namesOf(wish)) if (name !== undefined) index.set(`${wish.database} ${name}`, wish)
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
    ordersByKey: (key) => found('order', 'key', key),
    ofOrder: (kind, order) => found(kind, 'order', order),
    holdsOfSession: (session) => found('hold', 'session', session),
    scansOfTicket: (ticket) => found('scan', 'ticket', ticket),
  }
}
