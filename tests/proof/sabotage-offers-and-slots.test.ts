import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { removals, sabotage } from '../../src/proof/sabotage/sabotage.ts'
import { openTestRun } from './support.ts'

const { databases } = await openTestRun()

describe('guarantee 6', () => {
  const mine = removals().filter(({ guarantee }) => guarantee.number === 6)
  it('is attacked, every refusing protection alone, every counting trigger alone, and all that refuse together', () => {
    assert.deepEqual(
      mine.map(({ removed, kind }) => `${kind}: ${removed.length}`),
      [...Array(9).fill('one refusing: 1'), ...Array(7).fill('one counting: 1'), 'all refusing: 9'],
    )
  })
  for (const removal of mine) {
    const what = removal.kind === 'all refusing' ? 'anything that refuses' : removal.removed[0]?.name
    const end = removal.kind === 'one refusing' ? 'it holds' : 'the law sees it'
    it(`without ${what}: ${end}`, async () => {
      const result = await sabotage(databases, removal, 1)
      assert.equal(result.verdict, 'PASS', JSON.stringify(result, null, 1))
      // A raw write that PostgreSQL cannot even read attacks nothing.
      const others = Object.keys(result.outcomes).filter((code) => /^raw: 42/.test(code))
      assert.deepEqual(others, [])
    })
  }
})
