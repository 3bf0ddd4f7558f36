import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { removals, sabotage } from '../../src/proof/sabotage/sabotage.ts'
import { openTestRun } from './support.ts'

const { databases } = await openTestRun()

describe('guarantees 4 and 8', () => {
  const mine = removals().filter(({ guarantee }) => guarantee.number === 4 || guarantee.number === 8)
  it('are attacked, every refusing protection alone and all of them together', () => {
    assert.deepEqual(
      mine.map(({ removed, kind }) => `${kind}: ${removed.length}`),
      [
        ...Array(6).fill('one refusing: 1'),
        'all refusing: 6',
        ...Array(3).fill('one refusing: 1'),
        'all refusing: 3',
      ],
    )
  })
  for (const removal of mine) {
    const what = removal.kind === 'all refusing' ? 'anything that refuses' : removal.removed[0]?.name
    const end = removal.kind === 'all refusing' ? 'break, and the law sees it' : 'hold'
    it(`${removal.guarantee.name} without ${what}: they ${end}`, async () => {
      const result = await sabotage(databases, removal, 1)
      assert.equal(result.verdict, 'PASS', JSON.stringify(result, null, 1))
    })
  }
})
