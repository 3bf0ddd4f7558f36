import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTimeline } from '../../src/load/timeline.ts'

test('answer times are kept by window, with the percentiles of all that came in it', () => {
  const timeline = openTimeline()
  for (let n = 1; n <= 100; n++) timeline.add(250, n)
  timeline.add(50, 7)
  assert.deepEqual(timeline.windows(), [
    { ms: 0, count: 1, p50: 7, p95: 7, p99: 7 },
    { ms: 200, count: 100, p50: 50, p95: 95, p99: 99 },
  ])
})

test('a long run has as many windows as a short one, and loses no answer', () => {
  const timeline = openTimeline()
  for (let ms = 0; ms < 3_600_000; ms += 500) timeline.add(ms, ms % 1_000)
  const windows = timeline.windows()
  assert.ok(windows.length > 25 && windows.length <= 60, `${windows.length}`)
  assert.equal(
    windows.reduce((sum, { count }) => sum + count, 0),
    7_200,
  )
  assert.equal(
    new Set(windows.map(({ ms }, at) => ms - (windows[at - 1]?.ms ?? Number.NaN)).slice(1)).size,
    1,
  )
})

test('windows in which nothing came are left out, also when windows are merged', () => {
  const timeline = openTimeline()
  timeline.add(0, 1)
  timeline.add(60_000, 2)
  const windows = timeline.windows()
  assert.deepEqual(
    windows.map(({ count }) => count),
    [1, 1],
  )
})
