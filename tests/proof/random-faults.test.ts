import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAULTS, type Fault, planFaults } from '../../src/proof/faults/fault-plan.ts'
import { type RandomFaultsResult, randomFaults } from '../../src/proof/faults/random-faults.ts'
import type { FragileWorld } from '../../src/proof/faults/strikes.ts'
import { NO_RECORDER } from '../../src/proof/history/recorder.ts'
import { moneyChecks } from '../../src/proof/stages/webhook-chaos.ts'
import { witnessChecks } from '../../src/proof/stages/witness-checks.ts'
import { changed, FORGETS_KEYS, testMortals } from './support.ts'

test('a seed plans the same faults at the same points, others plan others, and all faults are planned by some', () => {
  assert.deepEqual(planFaults(7), planFaults(7))
  assert.notDeepEqual(planFaults(7), planFaults(8))
  const plans = Array.from({ length: 200 }, (_, seed) => planFaults(seed))
  for (const fault of FAULTS)
    assert.ok(
      plans.some(({ faults }) => faults.some((planned) => planned.fault === fault)),
      fault,
    )
  for (const { isPooled, faults } of plans) {
    const names = faults.map(({ fault }) => fault)
    assert.equal(new Set(names).size, names.length)
    assert.ok(names.includes('connections cut after a commit'))
    assert.ok(isPooled || !names.includes('kills of PgBouncer'))
  }
})

const LASTS_MS = 400
const RECORDS_NOTHING = { report: () => {}, recorder: NO_RECORDER }

async function play(faults: readonly Fault[], change = (world: FragileWorld) => world) {
  const { world, close } = await testMortals().openFragile({ seed: 1, isPooled: false, hasSmallDisk: false })
  try {
    const planned = faults.map((fault) => ({ fault, after: 5, lastsMs: LASTS_MS, seed: 1 }))
    return await randomFaults(change(world), { seed: 1, isPooled: false, faults: planned }, RECORDS_NOTHING)
  } finally {
    await close()
  }
}

function wrongWith(result: RandomFaultsResult): readonly string[] {
  const checks = [...witnessChecks(result, result.counts), ...moneyChecks([result])]
  return checks.filter(({ verdict }) => verdict !== 'PASS').map(({ name, detail }) => `${name}: ${detail}`)
}

test('answers are cut off, PostgreSQL restarts, the clock is wrong, the provider is gone: all that was told is true', async (t) => {
  const faults: readonly Fault[] = [
    'connections cut after a commit',
    'connections cut before a call',
    'immediate restarts of PostgreSQL',
    'wrong clocks of the server',
    'breaks of the provider',
  ]
  const result = await play(faults)
  assert.deepEqual(wrongWith(result), [])
  assert.equal(result.stuckAfter, undefined)
  assert.ok(result.resolved > 0, 'an outcome was unknown')
  for (const fault of faults) assert.equal(result.counts.get(fault), 1, fault)
  t.diagnostic(`${result.acknowledged} acknowledged, ${result.resolved} unknown and resolved`)
})

test('a box office that does not look at keys: a cut after a commit makes a second order, and it is seen', async () => {
  const result = await play(['connections cut after a commit'], forgetsKeys)
  assert.match(wrongWith(result).join('\n'), /no key has two orders.*: [1-9]\d* orders too many/)
})

/** Done to a server that sells already: it would not start so. */
function forgetsKeys(world: FragileWorld): FragileWorld {
  return {
    ...world,
    startServer: async () => {
      const server = await world.startServer()
      const client = await world.connect()
      for (const edit of FORGETS_KEYS) await changed(...edit)(client)
      await client.end()
      return server
    },
  }
}
