import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { removals, sabotage } from '../../src/proof/sabotage/sabotage.ts'
import { openTestRun } from './support.ts'

const { databases } = await openTestRun()

describe('guarantees 2, 3 and 5', () => {
  for (const removal of removals().filter(({ guarantee }) => [2, 3, 5].includes(guarantee.number))) {
    const what = removal.kind === 'all refusing' ? 'anything that refuses' : removal.removed[0]?.name
    const end = removal.kind === 'one refusing' ? 'it holds' : 'it is seen'
    it(`${removal.guarantee.name} without ${what}: ${end}`, async () => {
      const result = await sabotage(databases, removal, 1)
      assert.equal(result.verdict, 'PASS', JSON.stringify(result, null, 1))
      assert.deepEqual(
        Object.keys(result.outcomes).filter((code) => /^raw: 42/.test(code)),
        [],
      )
    })
  }
})
