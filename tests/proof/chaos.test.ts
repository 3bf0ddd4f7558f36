import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GUARANTEES } from '../../src/core/guarantees.ts'
import { takeAway } from '../../src/proof/sabotage.ts'
import { faultsStage } from '../../src/proof/stages/faults.ts'
import { openTestRun, runStages } from './support.ts'

test('servers die, answers and events are lost, doubled and late: every payment ends in tickets or in a refund', async () => {
  const run = await openTestRun({ profile: { chaos: { orders: 60, everything: false } } })
  const { verdict, checks } = await runStages(run, faultsStage.name)
  assert.deepEqual(
    checks.filter((check) => check.verdict !== 'PASS'),
    [],
  )
  assert.equal(verdict, 'PASS')
})

test('the same without what keeps a payment single: the faults are seen to break it', async () => {
  const protections = GUARANTEES.find(({ name }) => name === 'paid-once-issued-once')?.protections ?? []
  const run = await openTestRun({
    change: async (client) => {
      for (const protection of protections)
        if (protection.role === 'refuses') await takeAway(client, protection)
    },
    profile: { chaos: { orders: 40, everything: false, quietMsMax: 5_000 } },
  })
  const { verdict, checks } = await runStages(run, faultsStage.name)
  assert.equal(verdict, 'FAIL', JSON.stringify(checks))
})
