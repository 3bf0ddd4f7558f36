import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROFILES, type ProfileName } from '../../src/proof/profiles.ts'
import { STAGES, turnsOf } from '../../src/proof/stages/index.ts'
import { openTestRun, runStages } from './support.ts'

const namesOf = (name: ProfileName) =>
  turnsOf({ profile: PROFILES[name] }).map((turn) => turn.map((stage) => stage.name))

test('a quick run sabotages while faults take their time', () => {
  const together = namesOf('quick').filter((turn) => turn.length > 1)
  assert.deepEqual(together, [['faults', 'sabotage']])
})

test('in a whole run no stage has company', () => {
  assert.ok(namesOf('full').every((turn) => turn.length === 1))
})

test('each stage has one turn, and judgement comes after all load', () => {
  for (const name of ['quick', 'full'] as const) {
    const order = namesOf(name).flat()
    assert.deepEqual(order.toSorted(), STAGES.map((stage) => stage.name).toSorted())
    for (const load of ['database', 'http', 'faults'] as const)
      assert.ok(order.indexOf(load) < order.indexOf('judgement'), `${load} before judgement in ${name}`)
  }
})

test('what one stage leaves out is not told of the one at work beside it', async () => {
  const run = await openTestRun()
  run.leftOut.push({ stage: 'faults', name: 'failover', why: 'it is long' })
  assert.equal((await runStages(run, 'protections')).leftOut, undefined)
  run.leftOut.push({ stage: 'protections', name: 'a trigger', why: 'it is new' })
  assert.deepEqual((await runStages(run, 'protections')).leftOut, [{ name: 'a trigger', why: 'it is new' }])
})
