import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { Client } from 'pg'
import { connect } from '../../src/db/connection.ts'
import { startEmbedded } from '../../src/embedded/embedded.ts'
import { enableStatements, readStatements, readTables } from '../../src/proof/health/final.ts'
import { watchDatabase } from '../../src/proof/health/monitor.ts'
import type { DatabaseHealth } from '../../src/proof/measures.ts'
import { testDatabase } from '../support/database.ts'
import { checkNamed, openTestRun, runStages } from './support.ts'

/** What a monitor sees of `plant`, which has two sessions of its own. */
async function watched(plant: (one: Client, other: Client) => Promise<unknown>): Promise<DatabaseHealth> {
  const database = await testDatabase()
  const [one, other] = [await database.connect(), await database.connect()]
  const run = {
    url: database.url,
    client: database.client,
    connect: (count: number) => Promise.all(Array.from({ length: count }, () => database.connect())),
  }
  try {
    const [, health] = await watchDatabase(run, () => plant(one, other))
    return health
  } finally {
    await Promise.all([one.end(), other.end()])
  }
}

describe('a monitor sees what happens while a scenario runs', () => {
  it('the longest statement, with its text and without the comment of its request', async () => {
    const { statement } = await watched((one) => one.query('/*request=a*/ select pg_sleep(1.2)'))
    assert.ok(statement !== null && statement.ms >= 500, `${statement?.ms}`)
    assert.equal(statement.statement, 'select pg_sleep(1.2)')
  })

  it('who waits for a lock, for how long, and how many at once', async () => {
    const seen = await watched(async (one, other) => {
      await one.query('select pg_advisory_lock(1)')
      const waiting = other.query('select pg_advisory_lock(1)')
      await one.query('select pg_sleep(1.2)')
      await one.query('select pg_advisory_unlock(1)')
      await waiting
    })
    assert.ok((seen.lockWait?.ms ?? 0) >= 500, `${seen.lockWait?.ms}`)
    assert.equal(seen.lockWait?.statement, 'select pg_advisory_lock(1)')
    assert.equal(seen.lockWaitsMax, 1)
  })

  it('a transaction that stays open, and how old its snapshot is', async () => {
    const seen = await watched(async (one, other) => {
      await one.query('begin isolation level repeatable read')
      await one.query('select count(*) from events')
      for (let at = 0; at < 5; at++) await other.query('select pg_current_xact_id()')
      await other.query('select pg_sleep(1.2)')
      await one.query('commit')
    })
    assert.ok(seen.oldestTransactionMs >= 500, `${seen.oldestTransactionMs}`)
    assert.ok(seen.oldestSnapshotXids >= 5, `${seen.oldestSnapshotXids}`)
  })

  it('a deadlock', async () => {
    const seen = await watched(deadlock)
    assert.equal(seen.deadlocks, 1)
  })

  it('connections, those of pgbench apart', async () => {
    const seen = await watched(async (one) => {
      await one.query(`set application_name = 'pgbench'`)
      await one.query('select pg_sleep(0.5)')
    })
    assert.ok(seen.connectionsMax >= 3, 'the test has three')
    assert.ok(seen.generatorConnections >= 1 && seen.generatorConnections < seen.connectionsMax)
    assert.ok(seen.connectionsAllowed >= 20)
  })
})

it('a deadlock that no scenario has seen is a FAIL of the stage', async () => {
  const run = await openTestRun({ only: ['reserve-race'] })
  await runStages(run, 'database')
  const [one, other] = await run.databases.main.connect(2)
  assert.ok(one && other)
  await deadlock(one, other)
  const health = await runStages(run, 'health')
  assert.equal(checkNamed(health, 'no deadlock').verdict, 'FAIL')
  assert.equal(checkNamed(health, 'no deadlock').detail, '1 in the main database')
  assert.equal(checkNamed(health, 'no statement ran').verdict, 'PASS')
})

it('rows that are dead are counted, and when they were vacuumed', async () => {
  const { client } = await testDatabase()
  await client.query('create table heap (n int) with (autovacuum_enabled = off)')
  await client.query('insert into heap select n from generate_series(1, 1000) n')
  await client.query('delete from heap where n <= 900')
  await client.query('select pg_stat_force_next_flush()')
  const table = async () => (await readTables(client)).find(({ name }) => name === 'heap')
  assert.deepEqual(
    { ...(await table()), bytes: 0 },
    { name: 'heap', live: 100, dead: 900, lastVacuum: null, bytes: 0 },
  )
  await client.query('vacuum heap')
  await client.query('select pg_stat_force_next_flush()')
  assert.equal((await table())?.dead, 0)
  assert.match((await table())?.lastVacuum ?? '', /^\d{4}-\d\d-\d\dT/)
})

it('statements of pg_stat_statements are read where the server has loaded it, the longest first', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'admit-once-statements-'))
  const settings = { shared_preload_libraries: 'pg_stat_statements' }
  const cluster = await startEmbedded({ dataFolder: join(folder, 'data'), ephemeral: true, settings })
  after(async () => {
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  })
  const client = await connect(cluster.url)
  try {
    assert.equal(await readStatements(client), null)
    await enableStatements(client)
    await client.query('/*request=a*/ select pg_sleep(0.3)')
    const [longest] = (await readStatements(client)) ?? []
    assert.match(longest?.statement ?? '', /select pg_sleep/)
    assert.ok((longest?.maxMs ?? 0) >= 300)
  } finally {
    await client.end()
  }
})

/** One of the two is ended by PostgreSQL, which counts it. */
async function deadlock(one: Client, other: Client): Promise<void> {
  for (const session of [one, other]) await session.query(`set deadlock_timeout = '50ms'; begin`)
  await one.query('select pg_advisory_xact_lock(1)')
  await other.query('select pg_advisory_xact_lock(2)')
  const both = [one.query('select pg_advisory_xact_lock(2)'), other.query('select pg_advisory_xact_lock(1)')]
  const ends = await Promise.allSettled(both)
  assert.equal(ends.filter(({ status }) => status === 'rejected').length, 1)
  for (const session of [one, other]) await session.query('rollback; select pg_stat_force_next_flush()')
}
