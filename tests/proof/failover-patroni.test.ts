import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkNamed, openTestRun, PATRONI, runStages, testMortals } from './support.ts'

test('Patroni elects the synchronous standby: all that was acknowledged is there, and losses are seen where there are any', {
  skip: 'lacks' in PATRONI ? PATRONI.lacks : false,
}, async (t) => {
  const run = await openTestRun({ only: ['failover-patroni'], mortals: testMortals() })
  const result = await runStages(run, 'faults')
  assert.deepEqual(
    result.checks.filter((check) => check.verdict !== 'PASS'),
    [],
  )
  assert.equal(result.verdict, 'PASS')
  assert.deepEqual(run.scenarios[0]?.guarantees, ['acknowledged-is-durable'])
  t.diagnostic(checkNamed(result, 'every acknowledged order').detail)
  t.diagnostic(checkNamed(result, 'sells again').detail)
  const seen = checkNamed(result, 'orders lost where commits do not wait')
  t.diagnostic(`sabotage: ${seen.detail}`)
})

test('where there is no Patroni it is left out with what to install, and no PASS if it was asked for', async () => {
  const lacks = 'there is no Patroni here: on Debian `apt-get install -y patroni`'
  const run = await openTestRun({ only: ['failover-patroni'], mortals: testMortals({ lacks }) })
  const { verdict, leftOut } = await runStages(run, 'faults')
  assert.equal(verdict, 'INCONCLUSIVE')
  assert.deepEqual(leftOut, [{ name: 'failover-patroni', why: lacks }])
})
