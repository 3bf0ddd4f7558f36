import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { constantArrivals, rampingArrivals, rampingSteps } from '../../../src/load/k6/runner/arrivals.ts'
import { durationMs } from '../../../src/load/k6/runner/input.ts'

describe('when iterations arrive', () => {
  it('at a constant rate: evenly, the first at once, none at the end', () => {
    assert.deepEqual([...constantArrivals(4, 1000, 1000)], [0, 250, 500, 750])
    assert.deepEqual([...constantArrivals(1, 60_000, 61_000)], [0, 60_000])
  })

  it('at a rate that stays: one period after the start, and so on', () => {
    assert.deepEqual([...rampingArrivals(4, 1000, [{ durationMs: 1000, target: 4 }])], [250, 500, 750, 1000])
  })

  it('at a rising rate: as many as the area under it', () => {
    const arrivals = [...rampingArrivals(0, 1000, [{ durationMs: 10_000, target: 2 }])]
    assert.equal(arrivals.length, 10)
    assert.deepEqual(
      arrivals.map((at) => Math.round(at)),
      [3162, 4472, 5477, 6325, 7071, 7746, 8367, 8944, 9487, 10_000],
    )
  })

  it('what a stage leaves of an arrival is carried into the next', () => {
    const stages = [
      { durationMs: 500, target: 1 },
      { durationMs: 2000, target: 1 },
      { durationMs: 0, target: 0 },
      { durationMs: 1000, target: 0 },
    ]
    assert.deepEqual([...rampingArrivals(1, 1000, stages)], [1000, 2000])
  })
})

describe('when users come and go', () => {
  it('one by one, each at its moment on the line', () => {
    const stages = [
      { durationMs: 1000, target: 3 },
      { durationMs: 0, target: 1 },
      { durationMs: 500, target: 0 },
    ]
    assert.deepEqual(rampingSteps(1, stages), [
      { atMs: 0, vus: 1 },
      { atMs: 500, vus: 2 },
      { atMs: 1000, vus: 3 },
      { atMs: 1000, vus: 2 },
      { atMs: 1000, vus: 1 },
      { atMs: 1500, vus: 0 },
    ])
  })
})

describe('a duration', () => {
  for (const [given, ms] of [
    ['1m30s', 90_000],
    ['500ms', 500],
    ['1.5s', 1500],
    ['1h', 3_600_000],
    [250, 250],
    ['250', 250],
    ['0s', 0],
  ] as const) {
    it(`reads ${JSON.stringify(given)}`, () => assert.equal(durationMs(given, 'duration'), ms))
  }

  for (const given of ['', 'soon', '5 s', '-1s', '1s2', Number.NaN, null, {}]) {
    it(`refuses ${JSON.stringify(given)}`, () =>
      assert.throws(() => durationMs(given, 'duration'), /duration must be/))
  }
})
