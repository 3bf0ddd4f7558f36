import assert from 'node:assert/strict'
import type { LedgerRow, Operation, RowOf } from '../../src/proof/history/format.ts'
import type { DatabaseHistory } from '../../src/proof/history/read.ts'

/** One thing that is wrong with a history that was sound. */
export interface Mutation {
  readonly what: string
  readonly mutate: (history: DatabaseHistory) => DatabaseHistory
  /** Who must see it, who sees it too, and nobody else. */
  readonly by: string
  readonly also?: readonly string[]
  /** Sees it where this run's timing lets it. */
  readonly perhaps?: readonly string[]
  readonly verdict?: 'INCONCLUSIVE'
  /** What the witness must name. */
  readonly witness: RegExp
}

type Order = RowOf<'order'>
type Made = RowOf<'order' | 'claim' | 'booking'>

export const MUTATIONS: readonly Mutation[] = [
  {
    what: 'an acknowledged order is lost, with all that was of it',
    mutate: (history) => {
      const { answered } = acknowledged(history)
      return { ...history, rows: history.rows.filter((row) => orderOf(row) !== answered.order) }
    },
    by: 'acknowledged-once',
    witness: /the order was acknowledged, and is not there.*checkout by concurrent-checkout\/\d+/,
  },
  {
    what: 'one of its tickets is lost',
    mutate: (history) => {
      const lost = history.rows.find(
        (row) => row.row === 'ticket' && row.order === acknowledged(history).answered.order,
      )
      return { ...history, rows: history.rows.filter((row) => row !== lost) }
    },
    by: 'acknowledged-once',
    // Its place was free, then.
    also: ['sold-out-true', 'counters-bounded'],
    witness: /a paid order has not the tickets/,
  },
  {
    what: 'an acknowledged order is there twice under its key',
    mutate: (history) => {
      const order = orderRow(history, acknowledged(history))
      return {
        ...history,
        rows: [...history.rows, { ...order, id: 'another', sequence: order.sequence + 0.5 }],
      }
    },
    by: 'acknowledged-once',
    witness: /is there several times.*order another/,
  },
  {
    what: 'a scan that opened the gate is not there',
    mutate: (history) => ({
      ...history,
      rows: history.rows.filter((row) => row.row !== 'scan' || row.ticket !== ticketOf(entry(history))),
    }),
    by: 'acknowledged-once',
    witness: /the gate opened, and no scan is there/,
  },
  {
    what: 'a refused checkout has an order',
    mutate: (history) => {
      const { key = null } = refused(history)
      const order = orderRow(history, acknowledged(history))
      return { ...history, rows: [...history.rows, { ...order, id: 'phantom', key, sequence: 10_000 }] }
    },
    by: 'refused-absent',
    witness: /it was refused, and the ledger has the order under its key.*order phantom/,
  },
  {
    what: 'an unknown outcome has no key',
    mutate: (history) => changing(history, unknown(history), ({ key: _, ...operation }) => operation),
    by: 'unknown-resolved',
    verdict: 'INCONCLUSIVE',
    witness: /nothing says whether it was done.*unknown \(no answer\)/,
  },
  {
    what: 'two orders are in a sequence in which they cannot have happened',
    mutate: (history) => {
      const done = all(history, 'checkout', 'ok').toSorted((one, other) => one.call - other.call)
      const [early, late] = [done.at(0), done.at(-1)]
      assert.ok(early && late && early !== late)
      // Buyers of a rush are all at it at once: the early one is made earlier still, and nobody watched.
      const operations = history.operations.filter(
        ({ operation, scenario }) => operation !== 'watch' || scenario !== early.scenario,
      )
      const apart = changing({ ...history, operations }, early, at(1, 2))
      return swapped(apart, orderRow(history, early), orderRow(history, late))
    },
    by: 'real-time-order',
    witness: /the second one had ended before the first one began/,
  },
  {
    what: '"already scanned" is told before anybody scans',
    mutate: (history) => {
      const told = history.operations.find(({ code }) => code === 'ALREADY_USED')
      assert.ok(told)
      return changing(history, told, at(1, 2))
    },
    by: 'real-time-order',
    witness: /told \\"already scanned\\" before anybody/,
  },
  {
    what: '"sold out" is told while enough is free',
    mutate: (history) => changing(history, refused(history), at(1, 2)),
    by: 'sold-out-true',
    witness: /told \\"sold out\\", and 50 of 50 places were free/,
  },
  {
    what: 'a counter is read above what was asked for',
    mutate: (history) => reading(history, 0, 1),
    by: 'counters-bounded',
    witness: /1 places were read as taken, and there were 0 to 0/,
  },
  {
    what: 'a counter is read below what was acknowledged',
    mutate: (history) => reading(history, -1, 48),
    by: 'counters-bounded',
    witness: /48 places were read as taken, and there were 49 to/,
  },
  {
    what: 'two buyers are given one order',
    mutate: (history) => {
      const [one, other] = all(history, 'checkout', 'ok')
      assert.ok(one && other)
      const rows = history.rows.filter((row) => orderOf(row) !== other.answered.order)
      return changing({ ...history, rows }, other, (operation) => ({ ...operation, answered: one.answered }))
    },
    by: 'unique-ids',
    also: ['sold-out-true', 'counters-bounded'],
    witness: /two who asked by themselves were given the same/,
  },
  {
    what: 'two rows have one id',
    mutate: (history) => {
      const ticket = history.rows.find(({ row }) => row === 'event')
      assert.ok(ticket)
      return { ...history, rows: [...history.rows, ticket] }
    },
    by: 'unique-ids',
    witness: /two rows have one id/,
  },
  {
    what: 'two gates open for one ticket',
    mutate: (history) => {
      const scan = entry(history)
      const second = { ...scan, process: 'scanner-stress/beside', asked: { ...scan.asked, device: 'beside' } }
      return { ...history, operations: [...history.operations, second] }
    },
    by: 'admitted-once',
    witness: /one code opened the gates several times.*scanner-stress\/beside/,
  },
]

/** The same history, in which the answer to one buyer got lost: he does not know, and the ledger does. */
export function withUnknown(history: DatabaseHistory): DatabaseHistory {
  const last = all(history, 'checkout', 'ok').at(-1)
  assert.ok(last)
  return changing(history, last, (operation) => ({
    ...operation,
    outcome: 'unknown',
    code: 'no answer',
    return: null,
    answered: {},
  }))
}

export function all(
  { operations }: DatabaseHistory,
  verb: Operation['operation'],
  outcome: Operation['outcome'],
): readonly Operation[] {
  return operations.filter((operation) => operation.operation === verb && operation.outcome === outcome)
}

export function first(operations: readonly Operation[]): Operation {
  const [found] = operations
  assert.ok(found)
  return found
}

const acknowledged = (history: DatabaseHistory) => first(all(history, 'checkout', 'ok'))
const refused = (history: DatabaseHistory) => first(all(history, 'checkout', 'refused'))
const unknown = (history: DatabaseHistory) => first(all(history, 'checkout', 'unknown'))
const entry = (history: DatabaseHistory) => first(all(history, 'scan', 'ok'))

function ticketOf({ asked, answered }: Operation): string | undefined {
  return answered.ticket ?? asked.ticket
}

function orderOf(row: LedgerRow): string | null | undefined {
  return row.row === 'order' ? row.id : 'order' in row ? row.order : undefined
}

function orderRow({ rows }: DatabaseHistory, { answered }: Operation): Order {
  const found = rows.find((row): row is Order => row.row === 'order' && row.id === answered.order)
  assert.ok(found)
  return found
}

export function changing(
  history: DatabaseHistory,
  target: Operation,
  change: (operation: Operation) => Operation,
): DatabaseHistory {
  return { ...history, operations: history.operations.map((it) => (it === target ? change(it) : it)) }
}

/** The same, at another time. */
export function at(call: number, returned: number): (operation: Operation) => Operation {
  return (operation) => ({ ...operation, intended: call, call, return: returned })
}

/** Each in the place of the other. */
export function swapped(history: DatabaseHistory, one: Made, other: Made): DatabaseHistory {
  const sequenceOf = (row: LedgerRow) =>
    row === one
      ? { ...one, sequence: other.sequence }
      : row === other
        ? { ...other, sequence: one.sequence }
        : row
  return { ...history, rows: history.rows.map(sequenceOf) }
}

/** Of the readings of the rush. */
function reading(history: DatabaseHistory, at: number, taken: number): DatabaseHistory {
  const watched = all(history, 'watch', 'ok').filter(({ scenario }) => scenario === 'concurrent-checkout')
  const target = watched.at(at)
  assert.ok(target)
  return changing(history, target, (operation) => ({ ...operation, answered: { taken } }))
}
