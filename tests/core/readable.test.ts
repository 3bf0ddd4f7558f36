import assert from 'node:assert/strict'
import { it } from 'node:test'
import { readable } from '../../src/core/readable.ts'

for (const [what, value, kept] of [
  ['what is plain', { a: [1, null, true, 'é 🎟'] }, { a: [1, null, true, 'é 🎟'] }],
  ['a NUL', { 'k\0': 'a\0b' }, { 'k\uFFFD': 'a\uFFFDb' }],
  ['half a character', ['\ud83c', 'x\udc00'], ['\uFFFD', 'x\uFFFD']],
  ['a number that JSON cannot write', 1e308, 1e308],
] as const)
  it(`keeps ${what} as the database can`, () => assert.deepEqual(readable(value), kept))

it('leaves out what lies too deep', () => {
  const deep: unknown = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`)
  assert.equal(JSON.stringify(readable(deep)), `${'['.repeat(100)}null${']'.repeat(100)}`)
})
