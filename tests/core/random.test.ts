import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomFrom } from '../../src/core/random.ts'

test('a seed repeats its numbers, and another seed gives others', () => {
  assert.deepEqual(draw(7, 50, 1000), draw(7, 50, 1000))
  assert.notDeepEqual(draw(7, 50, 1000), draw(8, 50, 1000))
})

test('numbers are whole, below the limit, and none is left out', () => {
  const seen = Array.from({ length: 10 }, () => 0)
  for (const number of draw(1, 10_000, 10)) seen[number] = (seen[number] ?? 0) + 1
  assert.equal(seen.length, 10)
  for (const times of seen) assert.ok(times > 800 && times < 1200, `${seen}`)
})

function draw(seed: number, count: number, limit: number): number[] {
  const random = randomFrom(seed)
  return Array.from({ length: count }, () => random.below(limit))
}
