import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { judgeHistory } from '../../src/proof/history/checkers/index.ts'
import type { LedgerRow, Operation } from '../../src/proof/history/format.ts'

/** A tier of one place, and what became of it: who asks at `call` is told "sold out", which is true or not. */
interface Case {
  readonly what: string
  readonly operations: readonly Operation[]
  readonly rows: readonly LedgerRow[]
  readonly told: readonly [call: number, returned: number]
  readonly isTrue: boolean
}

const MAIN = { version: 1, database: 'main' } as const
const SOMEBODY = { ...MAIN, process: 'carts/1', scenario: 'carts', outcome: 'ok', code: 'success' } as const
const TIER: LedgerRow = { ...MAIN, row: 'tier', id: 'tier', event: 'event', total: 1 }

const RESERVED: Operation = {
  ...{ ...SOMEBODY, operation: 'reserve', intended: 10, call: 10, return: 20 },
  ...{ asked: { tiers: { tier: 1 }, session: 'ada' }, answered: { holds: ['hold'] } },
}
const RELEASED: Operation = {
  ...{ ...SOMEBODY, operation: 'release', intended: 50, call: 50, return: 60 },
  ...{ asked: { session: 'ada' }, answered: { released: 1 } },
}

type Hold = Extract<LedgerRow, { row: 'hold' }>

function hold(status: string, ended: number | null, due = 100_000): Hold {
  return {
    ...{ ...MAIN, row: 'hold', id: 'hold', sequence: 1, tier: 'tier', order: null },
    ...{ session: 'ada', quantity: 1, status, due, ended },
  }
}

const CASES: readonly Case[] = [
  {
    what: 'nobody had asked yet',
    operations: [RESERVED],
    rows: [hold('active', null)],
    told: [1, 5],
    isTrue: false,
  },
  {
    what: 'somebody was asking',
    operations: [RESERVED],
    rows: [hold('active', null)],
    told: [1, 11],
    isTrue: true,
  },
  {
    what: 'somebody held it',
    operations: [RESERVED],
    rows: [hold('active', null)],
    told: [500, 510],
    isTrue: true,
  },
  {
    what: 'somebody whose answer got lost may hold it',
    operations: [{ ...RESERVED, outcome: 'unknown', code: 'no answer', return: null, answered: {} }],
    rows: [],
    told: [500, 510],
    isTrue: true,
  },
  {
    what: 'it was being given back',
    operations: [RESERVED, RELEASED],
    rows: [hold('released', 55)],
    told: [56, 59],
    isTrue: true,
  },
  {
    what: 'it had been given back, and the answer to that was there',
    operations: [RESERVED, RELEASED],
    rows: [hold('released', 55)],
    told: [61, 70],
    isTrue: false,
  },
  {
    what: 'the hold was due at that moment',
    operations: [RESERVED],
    rows: [hold('expired', 1_020, 1_000)],
    told: [1_000, 1_010],
    isTrue: true,
  },
  {
    what: 'the hold had been due before, whether anybody had ended it or not',
    operations: [RESERVED],
    rows: [hold('active', null, 1_000)],
    told: [1_200, 1_210],
    isTrue: false,
  },
  {
    what: 'a ticket of before the run has it',
    operations: [],
    rows: [
      { ...MAIN, row: 'ticket', id: 'ticket', order: 'order', tier: 'tier', status: 'valid', ended: null },
    ],
    told: [1, 2],
    isTrue: true,
  },
  {
    what: 'it had been refunded long before',
    operations: [],
    rows: [
      {
        ...MAIN,
        row: 'ticket',
        id: 'ticket',
        order: 'order',
        tier: 'tier',
        status: 'refunded',
        ended: 1_000,
      },
    ],
    told: [7_000, 7_010],
    isTrue: false,
  },
  {
    what: 'its refund may not have been committed yet',
    operations: [],
    rows: [
      {
        ...MAIN,
        row: 'ticket',
        id: 'ticket',
        order: 'order',
        tier: 'tier',
        status: 'refunded',
        ended: 1_000,
      },
    ],
    told: [2_000, 2_010],
    isTrue: true,
  },
]

describe('"sold out"', () => {
  for (const { what, operations, rows, told, isTrue } of CASES)
    it(`is ${isTrue ? 'true' : 'untrue'} where ${what}`, () => {
      const [call, returned] = told
      const refusal: Operation = {
        ...{ ...SOMEBODY, operation: 'checkout', process: 'carts/2', key: 'bob' },
        ...{ intended: call, call, return: returned, outcome: 'refused', code: 'INSUFFICIENT_TICKETS' },
        ...{ asked: { event: 'event', tiers: { tier: 1 } }, answered: {} },
      }
      assert.equal(
        verdictOf('sold-out-true', [...operations, refusal], [TIER, ...rows]),
        isTrue ? 'PASS' : 'FAIL',
      )
    })
})

const READINGS: readonly (readonly [
  what: string,
  rows: readonly LedgerRow[],
  at: number,
  allowed: readonly number[],
])[] = [
  ['before anybody asks', [hold('active', null)], 1, [0]],
  ['while somebody asks', [hold('active', null)], 15, [0, 1]],
  ['after it was acknowledged', [hold('active', null)], 40, [1]],
  ['while it is given back', [hold('released', 55)], 55, [0, 1]],
  ['after that was acknowledged', [hold('released', 55)], 80, [0]],
]

describe('a counter', () => {
  for (const [what, rows, at, allowed] of READINGS)
    it(`is ${allowed.join(' or ')} ${what}`, () => {
      const seen = [0, 1].filter((taken) => {
        const reading: Operation = {
          ...{ ...SOMEBODY, operation: 'watch', intended: at, call: at, return: at + 1 },
          ...{ asked: { tier: 'tier' }, answered: { taken } },
        }
        const operations = [
          RESERVED,
          ...(rows.some((row) => row.row === 'hold' && row.status === 'released') ? [RELEASED] : []),
        ]
        return verdictOf('counters-bounded', [...operations, reading], [TIER, ...rows]) === 'PASS'
      })
      assert.deepEqual(seen, allowed)
    })
})

function verdictOf(
  name: string,
  operations: readonly Operation[],
  rows: readonly LedgerRow[],
): string | undefined {
  return judgeHistory([{ operations, rows }]).find(({ checker }) => checker.name === name)?.verdict
}
