import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import pg from 'pg'
import { openRunDatabases } from '../../src/proof/run-databases.ts'
import { testDatabase } from '../support/database.ts'
import { serverUrl } from '../support/server.ts'

let runs = 0
const nextRun = () => `${process.pid}t${runs++}`
const mark = (client: pg.Client) => client.query('create table mark ()').then(() => {})

test('a clone is the installed template, whatever happened in the others, and is dropped after use', async () => {
  const run = nextRun()
  const bench = await openRunDatabases(serverUrl(), run, mark)
  await bench.main.client.query('drop table mark')
  const name = await bench.withClone(async ({ client, connect }) => {
    await client.query('table mark')
    const [more] = await connect(2)
    return (await more?.query<{ name: string }>('select current_database() as name'))?.rows[0]?.name
  })
  assert.ok(name)
  assert.ok(!(await databasesOf(run)).includes(name))
  await bench.close()
  assert.deepEqual(await databasesOf(run), [])
  await bench.close()
})

test('a clone is dropped when its experiment fails', async () => {
  const run = nextRun()
  const bench = await openRunDatabases(serverUrl(), run, mark)
  const before = await databasesOf(run)
  await assert.rejects(
    bench.withClone(() => Promise.reject(new Error('the experiment failed'))),
    /the experiment failed/,
  )
  assert.deepEqual(await databasesOf(run), before)
  await bench.close()
})

test('the databases of a killed run are dropped by the next one', async () => {
  const run = nextRun()
  const module = new URL('../../src/proof/run-databases.ts', import.meta.url).href
  const source = `import { openRunDatabases } from '${module}'
    await openRunDatabases('${serverUrl()}', '${run}', async () => {})
    console.log('open')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source])
  await once(child.stdout, 'data')
  assert.equal((await databasesOf(run)).length, 2)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await sessionsEnd(run)
  await (await openRunDatabases(serverUrl(), nextRun(), mark)).close()
  assert.deepEqual(await databasesOf(run), [])
})

test('the databases of a run that lives stay, also when the next one comes through another database', async () => {
  const run = nextRun()
  const bench = await openRunDatabases(serverUrl(), run, mark)
  const before = await databasesOf(run)
  const elsewhere = await testDatabase(null)
  await (await openRunDatabases(elsewhere.url, nextRun(), mark)).close()
  await (await openRunDatabases(`${serverUrl()}?application_name=mine`, nextRun(), mark)).close()
  assert.deepEqual(await databasesOf(run), before)
  await bench.close()
})

test('an installation that fails leaves a template that the next run drops', async () => {
  const run = nextRun()
  await assert.rejects(
    openRunDatabases(serverUrl(), run, () => Promise.reject(new Error('no rights'))),
    /no rights/,
  )
  await sessionsEnd(run)
  await (await openRunDatabases(serverUrl(), nextRun(), mark)).close()
  assert.deepEqual(await databasesOf(run), [])
})

const SESSION_END_MS_MAX = 5_000

/** PostgreSQL takes a moment to see that a client has gone. */
async function sessionsEnd(run: string): Promise<void> {
  const end = performance.now() + SESSION_END_MS_MAX
  const sessions = 'select from pg_stat_activity where application_name = $1'
  while ((await onServer(sessions, [`admit_once_prove_${run}`])).length > 0) {
    assert.ok(performance.now() < end, 'the session of the killed run did not end')
  }
}

async function databasesOf(run: string): Promise<string[]> {
  const rows = await onServer('select datname from pg_database where datname like $1 order by 1', [
    `admit\\_once\\_prove\\_${run}\\_%`,
  ])
  return rows.map(({ datname }) => datname)
}

async function onServer(sql: string, values: unknown[]): Promise<{ readonly datname: string }[]> {
  const client = new pg.Client({ connectionString: serverUrl() })
  await client.connect()
  try {
    return (await client.query(sql, values)).rows
  } finally {
    await client.end()
  }
}
