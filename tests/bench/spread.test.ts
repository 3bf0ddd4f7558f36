import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rateAfterWarmUp } from '../../src/bench/pgbench.ts'
import type { Question } from '../../src/bench/question.ts'
import { resultOf, type Sample } from '../../src/bench/result.ts'
import { isMet, ratiosOf, spreadOf, targetText } from '../../src/bench/spread.ts'

describe('a spread is the least, the middle and the most', () => {
  const cases: readonly (readonly [values: readonly number[], spread: readonly number[] | undefined])[] = [
    [[5], [5, 5, 5]],
    [
      [3, 1, 2],
      [1, 2, 3],
    ],
    // Not of the text: 10 is more than 9.
    [
      [10, 9, 100],
      [9, 10, 100],
    ],
    [
      [4, 1, 2, 3],
      [1, 2.5, 4],
    ],
    [
      [0, 0],
      [0, 0, 0],
    ],
    [[], undefined],
    [
      [Number.NaN, 7, Number.POSITIVE_INFINITY],
      [7, 7, 7],
    ],
    [[Number.NaN], undefined],
  ]
  for (const [values, spread] of cases)
    it(`of ${JSON.stringify(values)}`, () => {
      const found = spreadOf(values)
      assert.deepEqual(found === undefined ? undefined : [found.min, found.median, found.max], spread)
    })
})

describe('a ratio is of one round, and of windows in which something was answered', () => {
  it('round by round', () => assert.deepEqual(ratiosOf([10, 30], [5, 10]), [2, 3]))
  it('not of the medians: one that slows down with the other keeps its ratio', () =>
    assert.deepEqual(ratiosOf([100, 10, 50], [200, 20, 100]), [0.5, 0.5, 0.5]))
  it('none with nothing on either side, and none of what is no number', () =>
    assert.deepEqual(
      ratiosOf([1, 0, undefined, Number.NaN, 1, 2], [0, 1, 1, 1, Number.POSITIVE_INFINITY, 1]),
      [null, null, null, null, null, 2],
    ))
  it('none where a round is missing', () => assert.deepEqual(ratiosOf([1, 2], [1]), [1, null]))
})

it('a target is met by the median, at its bound too', () => {
  const spread = { min: 0.1, median: 0.5, max: 9 }
  assert.equal(isMet(spread, { atLeast: 0.5 }), true)
  assert.equal(isMet(spread, { atLeast: 0.51 }), false)
  assert.equal(isMet(spread, { atMost: 0.5 }), true)
  assert.equal(isMet(spread, { atMost: 0.49 }), false)
  assert.equal(isMet(spread, undefined), undefined)
  assert.deepEqual([targetText({ atLeast: 15 }), targetText({ atMost: 1 / 3 })], ['≥ 15', '≤ 0.33'])
})

describe('a result', () => {
  const sample = (perSecond: number, more: Partial<Sample> = {}): Sample => ({
    perSecond,
    p50Ms: undefined,
    p99Ms: undefined,
    maxMs: undefined,
    residentMiB: undefined,
    cpuMs: Number.NaN,
    cores: { load: undefined, server: undefined, postgres: undefined },
    ...more,
  })
  const question: Question = {
    name: 'q',
    asks: 'q?',
    seconds: 1,
    ratios: [
      { name: 'fast', label: 'fast', of: ['a', 'b'], target: { atLeast: 2 } },
      { name: 'slow', label: 'slow', of: ['a', 'b'], by: 'p99Ms' },
      { name: 'absent', label: 'absent', of: ['a', 'nobody'] },
    ],
    open: async () => ({ contestants: [], ledgers: [] }),
  }
  const machine = { load: { before: [], after: [] } } as never
  const rates = [
    { name: 'a', label: 'A', samples: [sample(20, { p99Ms: 3 }), sample(90, { p99Ms: 4 })] },
    { name: 'b', label: 'B', samples: [sample(10), sample(30)] },
  ]
  const result = resultOf(question, {
    version: '1',
    rounds: 2,
    seconds: 1,
    machine,
    rates,
    missing: [],
  })

  it('has the ratios that its windows have, each with its spread', () => {
    assert.deepEqual(result.ratios, {
      fast: { label: 'fast', min: 2, median: 2.5, max: 3, rounds: [2, 3], target: { atLeast: 2 } },
    })
  })
  it('has no number where nothing was measured, and none that JSON cannot say', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(result)), result)
    assert.deepEqual([result.rates['b']?.p99Ms, result.rates['b']?.cpuMs], [null, null])
    assert.deepEqual([result.rates['a']?.p99Ms, result.rates['a']?.median], [3.5, 55])
  })
})

it('the rate of pgbench is of the seconds in which its sessions are warm', () => {
  const line = (second: number, tps: number) =>
    `progress: ${second}.0 s, ${tps}.5 tps, lat 1.234 ms stddev 0.5, 0 failed`
  const lines = [line(1, 3), line(2, 50), line(3, 200), line(4, 300)]
  assert.equal(rateAfterWarmUp(lines.join('\n')), 250.5)
  assert.equal(rateAfterWarmUp(lines.slice(0, 2).join('\n')), undefined)
  assert.equal(rateAfterWarmUp('tps = 12.3'), undefined)
})
