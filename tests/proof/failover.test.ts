import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FailoverWorld, failover } from '../../src/proof/faults/failover.ts'
import { NO_RECORDER } from '../../src/proof/history/recorder.ts'
import { witnessChecks } from '../../src/proof/stages/witness-checks.ts'
import { checkNamed, openTestRun, runStages, testMortals } from './support.ts'

test('the primary dies and its standby takes over: all that was acknowledged is there, and losses are seen where there are any', async (t) => {
  const run = await openTestRun({ only: ['failover'], mortals: testMortals() })
  const result = await runStages(run, 'faults')
  assert.deepEqual(
    result.checks.filter((check) => check.verdict !== 'PASS'),
    [],
  )
  assert.equal(result.verdict, 'PASS')
  assert.deepEqual(run.scenarios[0]?.guarantees, ['acknowledged-is-durable'])
  t.diagnostic(checkNamed(result, 'sells again').detail)
  const seen = checkNamed(result, 'orders lost where commits do not wait')
  t.diagnostic(`sabotage: ${seen.detail}`)
})

test('a standby that lacks one acknowledged order: it is named', async () => {
  const { world, close } = await testMortals().openPair({ isSynchronous: true, distanceMs: 0 })
  try {
    const result = await failover(forgetful(world), NO_RECORDER)
    const lost = checkNamed({ checks: witnessChecks(result, result.counts) }, 'every acknowledged order')
    assert.equal(lost.verdict, 'FAIL')
    assert.match(lost.detail, /acknowledged, 1 lost/)
    assert.match(JSON.stringify(lost.witness), /"order":"[0-9a-f-]{36}"/)
  } finally {
    await close()
  }
})

test('where no PostgreSQL may be killed it is left out with its reason, and no PASS if it was asked for', async () => {
  const run = await openTestRun({ only: ['failover'] })
  const { verdict, leftOut } = await runStages(run, 'faults')
  assert.equal(verdict, 'INCONCLUSIVE')
  assert.deepEqual(leftOut, [{ name: 'failover', why: 'no PostgreSQL at a DATABASE_URL is killed' }])
})

/** The tickets of one order are gone when it is promoted. */
function forgetful(world: FailoverWorld): FailoverWorld {
  return {
    ...world,
    promote: async () => {
      await world.promote()
      const client = await world.connect()
      await client.query('set session_replication_role = replica')
      const { rowCount } = await client.query(
        'delete from tickets where order_id = (select order_id from tickets limit 1)',
      )
      assert.equal(rowCount, 1)
      await client.end()
    },
  }
}
