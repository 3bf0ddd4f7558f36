import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { assertKept, type FaultOffice, openFaultOffice, report } from '../support/fault-office.ts'
import { makePostgres, type Postgres } from '../support/postgres.ts'
import { admitOnce, newHome } from './support.ts'

const SETTINGS = { max_connections: '70' }
const HAPPENS_MS_MAX = 30_000
const TIMEOUT = '503 DATABASE_TIMEOUT'

const primary = await makePostgres()
await primary.start(SETTINGS)
const env = { ADMIT_ONCE_HOME: newHome(), DATABASE_URL: primary.url }
await admitOnce(['migrate'], env)
await primary.stop()
const standby = await primary.copy()
const follow = () =>
  standby.start({
    ...SETTINGS,
    primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres application_name=standby`,
  })
await primary.start(SETTINGS)
await follow()
await until(async () => (await standbysOf(primary)) === 'async')
const both = `postgres://postgres@127.0.0.1:${standby.port},127.0.0.1:${primary.port}/postgres`
const office = await openFaultOffice(both, primary.url)

describe('a primary and its standby', { concurrency: false }, () => {
  test('a standby is refused at start, by its name; verify and check read it', async () => {
    const on = { ...env, DATABASE_URL: standby.url }
    const started = await admitOnce(['start', '--port', '0'], on)
    assert.equal(started.code, 3)
    assert.match(started.stderr, /PostgreSQL at 127\.0\.0\.1:\d+ is a standby \(in recovery\)/)
    for (const command of ['verify', 'check']) {
      const ended = await admitOnce([command], on)
      assert.deepEqual([ended.code, ended.stderr], [0, ''], command)
    }
  })

  test('a standby that commits do not wait for is named at start and by health', async () => {
    assert.match(office.output(), /WARNING: A standby is attached and commits do not wait for it/)
    assert.match(await warningsOf(office), /acknowledged orders can be lost at a failover/)
    await waitForStandby(primary)
    await until(async () => (await warningsOf(office)) === '')
  })

  test('a synchronous standby that is gone: health says so within 3 s, no connection is wasted, and its return ends it', async (t) => {
    const seen = await office.during(async () => {
      await standby.stop()
      const startedMs = performance.now()
      await until(async () => (await office.healthCode()) === TIMEOUT)
      assert.ok(performance.now() - startedMs < 5_000)
      // Long enough for calls that are late, and for those after them.
      await delay(25_000)
      const [{ waiting, open } = { waiting: 0, open: 0 }] = await primary.ask<{
        waiting: number
        open: number
      }>(
        `select count(*) filter (where wait_event = 'SyncRep')::int as waiting, count(*)::int as open
           from pg_stat_activity where application_name like 'admit-once%'`,
      )
      assert.ok(waiting > 0 && open <= 40, `${waiting} wait, ${open} are open`)
      await follow()
    })
    report(t, seen)
    assert.ok(office.isAlive())
    assert.ok(seen.answers.has(TIMEOUT))
    assert.deepEqual([...seen.health], [TIMEOUT])
    assert.ok(seen.recoveryMs < 8_000, `${seen.recoveryMs} ms`)
    await assertKept(seen, primary.ask)
  })

  test('a wait that is cancelled is no success, nor is asking again while the standby is gone', async () => {
    await standby.stop()
    const key = 'cancelled-wait'
    const first = office.order(key)
    await cancelWait(primary)
    assert.deepEqual(await first, { code: '503 COMMIT_UNCONFIRMED', orderId: undefined })
    const again = office.order(key)
    const early = await Promise.race([again, delay(2_000, 'waits')])
    assert.equal(early, 'waits', 'what no standby has was acknowledged')
    await follow()
    const { code, orderId } = await again
    assert.equal(code, '200')
    await until(async () => (await standby.ask('select from orders where id = $1', [orderId])).length === 1)
  })

  test('the machine of the primary dies: the standby is promoted, all that was acknowledged is there, and it sells', async (t) => {
    const seen = await office.during(async () => {
      await primary.kill()
      await delay(1_000)
      await standby.promote()
    })
    report(t, seen)
    assert.ok(office.isAlive())
    const allowed = ['200', '503 DATABASE_UNREACHABLE', '503 COMMIT_UNCONFIRMED', '503 DATABASE_READ_ONLY']
    assert.deepEqual(
      [...seen.answers.keys()].filter((code) => !allowed.includes(code)),
      [],
    )
    assert.ok(seen.recoveryMs < 3_000, `${seen.recoveryMs} ms`)
    await assertKept(seen, standby.ask)
  })
})

async function waitForStandby({ ask }: Postgres): Promise<void> {
  await ask(`alter system set synchronous_standby_names = 'standby'`)
  await ask('select pg_reload_conf()')
  await until(async () => (await standbysOf({ ask })) === 'sync')
}

async function standbysOf({ ask }: Pick<Postgres, 'ask'>): Promise<string | undefined> {
  const rows = await ask<{ sync_state: string }>(
    `select sync_state from pg_stat_replication where state = 'streaming'`,
  )
  return rows[0]?.sync_state
}

/** Of the checkout that waits, not of health's own commit. */
async function cancelWait({ ask }: Postgres): Promise<void> {
  const cancel = `select pg_cancel_backend(pid) from pg_stat_activity
    where wait_event = 'SyncRep' and application_name = 'admit-once'`
  await until(async () => (await ask(cancel)).length > 0)
}

async function warningsOf({ url }: FaultOffice): Promise<string> {
  const response = await fetch(`${url}/functions/v1/health-check`)
  return ((await response.json()) as { warnings?: string[] }).warnings?.join() ?? ''
}

async function until(happens: () => Promise<boolean>): Promise<void> {
  for (const endMs = performance.now() + HAPPENS_MS_MAX; !(await happens()); await delay(50)) {
    assert.ok(performance.now() < endMs, `it does not come to this: ${happens}`)
  }
}
