import assert from 'node:assert/strict'
import type { LedgerRow, Operation, RowOf } from '../../src/proof/history/format.ts'
import type { DatabaseHistory } from '../../src/proof/history/read.ts'
import { all, at, changing, first, type Mutation, swapped } from './history-mutations.ts'

type Party = RowOf<'claim' | 'booking'>

/** What can be wrong with offers and slots, and with what opens a gate beside tickets. */
export const PARTY_MUTATIONS: readonly Mutation[] = [
  {
    what: 'an acknowledged claim is lost',
    mutate: (history) => without(history, standing(history, 'claim')),
    by: 'acknowledged-once',
    witness: /the claim was acknowledged, and is not there.*claim by offer-rush\/\d+/,
  },
  {
    what: 'an acknowledged booking is lost',
    mutate: (history) => without(history, standing(history, 'booking')),
    by: 'acknowledged-once',
    witness: /the booking was acknowledged, and is not there.*book by slot-rush\/\d+/,
  },
  {
    what: 'a claim is there twice under its key',
    mutate: (history) => {
      const claim = standing(history, 'claim')
      return withRow(history, { ...claim, id: 'another', sequence: claim.sequence + 0.5, party: 0 })
    },
    by: 'acknowledged-once',
    witness: /is there several times.*claim another/,
  },
  {
    what: 'a claim is for fewer people than were told',
    mutate: (history) => {
      const claim = standing(history, 'claim')
      return changingRow(history, claim, { ...claim, party: claim.party - 1 })
    },
    by: 'acknowledged-once',
    witness: /the claim is not for the party that it was asked for/,
  },
  {
    what: 'a claim that was given back is claimed still',
    mutate: (history) => {
      const claim = givenBack(history, 'release', 'claim')
      return unwatched(changingRow(history, claim, { ...claim, status: 'claimed' }), 'offer-rush')
    },
    by: 'acknowledged-once',
    witness: /the release was acknowledged, and the claim is not released/,
  },
  {
    what: 'a booking that was cancelled stands still',
    mutate: (history) => {
      const booking = givenBack(history, 'cancel', 'booking')
      return unwatched(changingRow(history, booking, { ...booking, status: 'confirmed' }), 'slot-rush')
    },
    by: 'acknowledged-once',
    witness: /the cancellation was acknowledged, and is not done.*booking /,
  },
  {
    what: 'an order that was given up is paid',
    mutate: (history) => {
      const checkout = first(all(history, 'checkout', 'ok'))
      const { order } = checkout.answered
      assert.ok(order)
      return withOperation(history, { ...checkout, operation: 'cancel', asked: { order }, answered: {} })
    },
    by: 'acknowledged-once',
    witness: /the cancellation was acknowledged, and is not done.*order .*status paid/,
  },
  {
    what: 'a gate opened for a claim that is not redeemed',
    mutate: (history) => withScan(history, standing(history, 'claim').id),
    by: 'acknowledged-once',
    witness: /the gate opened, and no scan is there/,
  },
  {
    what: 'a refused claim is there',
    mutate: (history) => phantom(history, told(history, 'INSUFFICIENT_SPOTS'), standing(history, 'claim')),
    by: 'refused-absent',
    witness: /it was refused, and the ledger has the claim under its key.*claim phantom/,
  },
  {
    what: 'a refused booking is there',
    mutate: (history) => phantom(history, told(history, 'SLOT_FULL'), standing(history, 'booking')),
    by: 'refused-absent',
    witness: /it was refused, and the ledger has the booking under its key.*booking phantom/,
  },
  {
    what: 'an unknown claim has no key',
    mutate: (history) => unknown(history, makerOf(history, standing(history, 'claim'))),
    by: 'unknown-resolved',
    verdict: 'INCONCLUSIVE',
    witness: /nothing says whether it was done.*claim by offer-rush/,
  },
  {
    what: 'two claims are in a sequence in which they cannot have happened',
    mutate: (history) => inWrongOrder(history, 'claim'),
    by: 'real-time-order',
    witness: /the second one had ended before the first one began.*claim by offer-rush/,
  },
  {
    what: 'two bookings are in a sequence in which they cannot have happened',
    mutate: (history) => inWrongOrder(history, 'booking'),
    by: 'real-time-order',
    witness: /the second one had ended before the first one began.*book by slot-rush/,
  },
  {
    what: '"no place is left" is told while the offer has enough',
    mutate: (history) => changing(history, told(history, 'INSUFFICIENT_SPOTS'), at(1, 2)),
    by: 'sold-out-true',
    witness: /told \\"sold out\\", and 50 of 50 places were free.*offer /,
  },
  {
    what: '"full" is told while a slot at that time has enough',
    mutate: (history) => changing(history, told(history, 'SLOT_FULL'), at(1, 2)),
    by: 'sold-out-true',
    witness: /told \\"sold out\\", and 30 of 30 places were free.*slot /,
  },
  {
    what: 'the counter of an offer is read above what was asked for',
    mutate: (history) => reading(history, 'offer', 0, 1_000_000),
    by: 'counters-bounded',
    witness: /1000000 places were read as taken, and there were 0 to \d+.*offer /,
  },
  {
    what: 'the counter of a slot is read below what was acknowledged',
    mutate: (history) => reading(history, 'slot', -1, 0),
    by: 'counters-bounded',
    witness: / ?0 places were read as taken, and there were [1-9]\d* to.*slot /,
  },
  {
    what: 'two guests are given one claim',
    mutate: (history) => {
      const given = returnedOf(history, 'claim')
      const [one, other] = all(history, 'claim', 'ok').filter(({ answered }) => !given.has(answered.claim))
      assert.ok(one && other)
      const lost = history.rows.filter((row) => row.id !== other.answered.claim)
      const shared = changing({ ...history, rows: lost }, other, (operation) => {
        return { ...operation, answered: one.answered }
      })
      return unwatched(shared, 'offer-rush')
    },
    by: 'unique-ids',
    // A place of the lost claim was free only where somebody was refused while it stood.
    perhaps: ['sold-out-true'],
    witness: /two who asked by themselves were given the same/,
  },
  {
    what: 'two gates open for one claim',
    mutate: (history) => {
      const claim = standing(history, 'claim')
      const redeemed = changingRow(history, claim, { ...claim, status: 'redeemed' })
      return withScan(withScan(redeemed, claim.id), claim.id)
    },
    by: 'admitted-once',
    witness: /one code opened the gates several times/,
  },
]

const VERBS = { claim: 'claim', booking: 'book' } as const

/** The first of a kind that was told done and that nobody gave back. */
function standing<Kind extends Party['row']>({ operations, rows }: DatabaseHistory, kind: Kind) {
  const given = returnedOf({ operations }, kind)
  const told = new Set(
    operations.filter(({ outcome }) => outcome === 'ok').map(({ answered }) => answered[kind]),
  )
  const found = rows.find(
    (row): row is RowOf<Kind> => row.row === kind && told.has(row.id) && !given.has(row.id),
  )
  assert.ok(found)
  return found
}

/** What somebody asked to give back. */
function returnedOf({ operations }: Pick<DatabaseHistory, 'operations'>, kind: Party['row']) {
  return new Set(operations.map(({ asked }) => asked[kind]))
}

function givenBack<Kind extends Party['row']>(
  history: DatabaseHistory,
  verb: 'release' | 'cancel',
  kind: Kind,
): RowOf<Kind> {
  const id = first(all(history, verb, 'ok').filter(({ asked }) => asked[kind] !== undefined)).asked[kind]
  const found = history.rows.find((row): row is RowOf<Kind> => row.row === kind && row.id === id)
  assert.ok(found)
  return found
}

function told({ operations }: DatabaseHistory, wanted: string): Operation {
  return first(operations.filter(({ code }) => code === wanted))
}

function makerOf(history: DatabaseHistory, { row, id }: Party): Operation {
  return first(all(history, VERBS[row], 'ok').filter(({ answered }) => answered[row] === id))
}

function without(history: DatabaseHistory, lost: LedgerRow): DatabaseHistory {
  return { ...history, rows: history.rows.filter((row) => row !== lost) }
}

function withRow(history: DatabaseHistory, row: LedgerRow): DatabaseHistory {
  return { ...history, rows: [...history.rows, row] }
}

function changingRow(history: DatabaseHistory, target: LedgerRow, changed: LedgerRow): DatabaseHistory {
  return { ...history, rows: history.rows.map((row) => (row === target ? changed : row)) }
}

function withOperation(history: DatabaseHistory, operation: Operation): DatabaseHistory {
  return { ...history, operations: [...history.operations, operation] }
}

/** What nobody read, no reading contradicts. */
function unwatched(history: DatabaseHistory, scenario: string): DatabaseHistory {
  const operations = history.operations.filter(
    (operation) => operation.operation !== 'watch' || operation.scenario !== scenario,
  )
  return { ...history, operations }
}

function withScan(history: DatabaseHistory, claim: string): DatabaseHistory {
  const scan = first(all(history, 'scan', 'ok'))
  return withOperation(history, { ...scan, answered: { claim } })
}

function phantom(history: DatabaseHistory, { key }: Operation, like: Party): DatabaseHistory {
  assert.ok(key)
  return withRow(history, { ...like, id: 'phantom', key, sequence: 10_000 })
}

function unknown(history: DatabaseHistory, target: Operation): DatabaseHistory {
  return changing(history, target, ({ key: _, ...operation }) => {
    return { ...operation, outcome: 'unknown', code: 'no answer', return: null, answered: {} }
  })
}

/** The first one was over before the last one began, and stands behind it. */
function inWrongOrder(history: DatabaseHistory, kind: Party['row']): DatabaseHistory {
  const done = all(history, VERBS[kind], 'ok').toSorted((one, other) => one.call - other.call)
  const [early, late] = [done.at(0), done.at(-1)]
  assert.ok(early && late && early !== late)
  const rowOf = ({ answered }: Operation) => {
    const found = history.rows.find((row): row is Party => row.row === kind && row.id === answered[kind])
    assert.ok(found)
    return found
  }
  const apart = changing(unwatched(history, early.scenario), early, at(1, 2))
  return swapped(apart, rowOf(early), rowOf(late))
}

function reading(
  history: DatabaseHistory,
  counter: 'offer' | 'slot',
  index: number,
  taken: number,
): DatabaseHistory {
  const target = all(history, 'watch', 'ok')
    .filter(({ asked }) => asked[counter] !== undefined)
    .at(index)
  assert.ok(target)
  return changing(history, target, (operation) => ({ ...operation, answered: { taken } }))
}
