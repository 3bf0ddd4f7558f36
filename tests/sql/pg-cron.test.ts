import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { migrate } from '../../src/db/migrate.ts'
import { openPool } from '../../src/db/pool.ts'
import { SERVICE } from '../../src/desk/callers.ts'
import { operatingFigures } from '../../src/desk/figures.ts'
import { startSystemServer, systemBinaries } from '../support/older-server.ts'

const binaries = await systemBinaries()
const control = `/usr/share/postgresql/${binaries?.version}/extension/pg_cron.control`
const skip = existsSync(control)
  ? false
  : `no pg_cron at ${control}: on Debian, postgresql-${binaries?.version ?? '15'}-cron`

/** pg_cron looks at the clock once a minute. */
const RUN_MS_MAX = 150_000

const JOBS = `select jobname, schedule, command from cron.job order by jobname`

describe('pg_cron, where the database has it', { skip }, () => {
  const open = async (more: readonly string[] = []) => {
    if (binaries === undefined) throw new Error('no PostgreSQL of the system')
    const url = await startSystemServer(binaries, 'cron.use_background_workers=on', ...more)
    const client = new pg.Client({ connectionString: url })
    // The server goes before it.
    client.on('error', () => {})
    await client.connect()
    return { url, client }
  }

  it('ends holds and orders without a server, under the names that are known', async () => {
    const { url, client } = await open(['shared_preload_libraries=pg_cron', 'cron.database_name=postgres'])
    await client.query('create extension pg_cron')
    await installWhileAsleep(url, client)
    assert.deepEqual((await client.query(JOBS)).rows, [
      {
        jobname: 'cleanup-expired-holds',
        schedule: '* * * * *',
        command: 'select ticketing.expire_orders(1000)',
      },
      {
        jobname: 'continue-cancellations',
        schedule: '* * * * *',
        command: 'select ticketing.continue_cancellations(500)',
      },
      {
        jobname: 'expire-ticket-holds',
        schedule: '* * * * *',
        command: 'select ticketing.expire_ticket_holds(10000)',
      },
    ])
    await client.query(DUE_HOLD)
    const held = async () =>
      Number((await client.query('select sum(reserved_quantity) as n from ticket_tiers')).rows[0].n)
    assert.equal(await held(), 2)
    const endMs = performance.now() + RUN_MS_MAX
    while ((await held()) > 0) {
      assert.ok(performance.now() < endMs, 'no job ended the hold')
      await delay(1_000)
    }
    assert.deepEqual((await client.query('select status from ticket_holds')).rows, [{ status: 'expired' }])

    await using pool = await openPool(url, { max: 1, name: 'pg-cron-test' })
    // What a job did is seen before its run is written down, and the three run one after another.
    let { jobs } = await operatingFigures(pool, SERVICE, {})
    while (jobs.some(({ seconds }) => seconds === null)) {
      assert.ok(performance.now() < endMs, `not every job has a run that succeeded: ${JSON.stringify(jobs)}`)
      await delay(1_000)
      ;({ jobs } = await operatingFigures(pool, SERVICE, {}))
    }
    assert.deepEqual(
      jobs.map(({ name, failed }) => [name, failed]),
      [
        ['cleanup-expired-holds', 0],
        ['continue-cancellations', 0],
        ['expire-ticket-holds', 0],
      ],
    )
    assert.ok(jobs.every(({ seconds }) => seconds !== null && seconds < RUN_MS_MAX / 1_000))

    // Jobs that run are left as they are: no start waits for pg_cron again.
    const versions = async () => (await client.query('select jobid, xmin from cron.job order by jobid')).rows
    const before = await versions()
    await migrate(client)
    assert.deepEqual(await versions(), before)
  })

  it("has each job of ours once, and a team's own of that name stays", async () => {
    const { client } = await open(['shared_preload_libraries=pg_cron', 'cron.database_name=postgres'])
    await client.query('create extension pg_cron')
    await migrate(client)
    const ours = (await client.query(JOBS)).rows
    await migrate(client)
    assert.deepEqual((await client.query(JOBS)).rows, ours)
    await client.query(
      `select cron.schedule('cleanup-expired-holds', '0 3 * * *', 'select cleanup_of_the_team()')`,
    )
    await migrate(client)
    const own = `select command from cron.job where jobname = 'cleanup-expired-holds'`
    assert.deepEqual((await client.query(own)).rows, [{ command: 'select cleanup_of_the_team()' }])
    await client.query(`select cron.unschedule('cleanup-expired-holds')`)
    await migrate(client)
    assert.deepEqual((await client.query(JOBS)).rows, ours)
  })

  it('is left alone where it is not in this database, and where the installer may not use it', async () => {
    const { url, client } = await open(['shared_preload_libraries=pg_cron', 'cron.database_name=postgres'])
    await client.query('create extension pg_cron')
    await client.query('create role installer login createrole')
    await client.query('create database other')
    const other = new pg.Client({ connectionString: `${url.slice(0, -'postgres'.length)}other` })
    await other.connect()
    await migrate(other)
    await other.end()
    assert.deepEqual((await client.query(JOBS)).rows, [])
    // The platform's roles are there by now; this installer owns the database, and nothing of pg_cron.
    await client.query('grant anon, authenticated, service_role to installer with admin option')
    await client.query('alter database postgres owner to installer')
    const there = new pg.Client({ connectionString: url.replace('postgres@', 'installer@') })
    await there.connect()
    await migrate(there)
    await there.end()
    assert.deepEqual((await client.query(JOBS)).rows, [])
  })
})

/** While pg_cron reads nothing of what an installation changes: it finds more than the queue keeps for it. */
async function installWhileAsleep(url: string, client: pg.Client): Promise<void> {
  const [launcher] = await backends(client, `backend_type = 'pg_cron launcher'`)
  assert.ok(launcher !== undefined)
  const observer = new pg.Client({ connectionString: url })
  await observer.connect()
  // It has read that there are no jobs.
  await delay(2_000)
  process.kill(launcher, 'SIGSTOP')
  const installed = migrate(client)
  while ((await backends(observer, `wait_event = 'PgSleep'`)).length === 0)
    assert.equal(
      await Promise.race([installed.then(() => 'installed'), delay(20, 'installing')]),
      'installing',
    )
  process.kill(launcher, 'SIGCONT')
  await installed
  await observer.end()
}

const backends = async (client: pg.Client, which: string): Promise<number[]> =>
  (await client.query<{ pid: number }>(`select pid from pg_stat_activity where ${which}`)).rows.map(
    ({ pid }) => pid,
  )

/** A hold that is due as it is made. */
const DUE_HOLD = `
  with b as (insert into businesses (slug, name) values ('house', 'House') returning id),
    e as (insert into events (business_id, slug, title, start_at, end_at, status)
      select id, 'gala', 'Gala', now() + interval '1 day', now() + interval '2 days', 'published' from b returning id),
    t as (insert into ticket_tiers (event_id, slug, name, total_quantity) select id, 'floor', 'Floor', 10 from e returning id, event_id)
  insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at) select event_id, id, 'cron', 2, now() from t`
