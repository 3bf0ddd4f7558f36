import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MortalWorld } from '../../src/proof/faults/sudden-death.ts'
import { openTestRun, runStages, testMortals } from './support.ts'

async function prove(change: (world: MortalWorld) => MortalWorld) {
  const mortals = testMortals()
  const run = await openTestRun({
    only: ['sudden-death'],
    mortals: {
      ...mortals,
      openWorld: async () => {
        const { world, close } = await mortals.openWorld()
        return { world: change(world), close }
      },
    },
  })
  const { verdict, checks } = await runStages(run, 'faults')
  return { verdict, run, wrong: checks.filter((check) => check.verdict !== 'PASS') }
}

test('server and PostgreSQL are killed at once: all that was acknowledged is there, under the same keys', async (t) => {
  const { verdict, wrong, run } = await prove((world) => world)
  assert.deepEqual(wrong, [])
  assert.equal(verdict, 'PASS')
  assert.deepEqual(run.scenarios[0]?.guarantees, ['acknowledged-is-durable'])
  t.diagnostic(`${run.scenarios[0]?.durationMs} ms`)
})

test('where answers do not wait for the disk it is seen, with an order that is lost', async () => {
  const { verdict, wrong } = await prove(forgetful)
  assert.equal(verdict, 'FAIL')
  assert.ok(
    wrong.some(({ name, witness }) => name.includes('every acknowledged order') && witness !== undefined),
    JSON.stringify(wrong),
  )
})

/** Set behind the back of a server that would refuse to start so. */
function forgetful(world: MortalWorld): MortalWorld {
  const set = async (...statements: readonly string[]) => {
    const client = await world.connect()
    for (const statement of [...statements, 'select pg_reload_conf()']) await client.query(statement)
    await client.end()
  }
  return {
    ...world,
    startServer: async () => {
      const server = await world.startServer()
      await set(
        `alter system set wal_writer_delay = '10s'`,
        'alter database postgres set synchronous_commit = off',
        // It holds for the connections after these.
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'admit-once%'`,
      )
      return server
    },
    killDatabase: async () => {
      await world.killDatabase()
      await set('alter system reset all', 'alter database postgres reset all')
    },
  }
}
