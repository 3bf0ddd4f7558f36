import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openFaultOffice } from '../support/fault-office.ts'
import { makePostgres, setStandby, takeAll } from '../support/postgres.ts'
import { openProxy } from '../support/proxy.ts'
import { admitOnce, newHome } from './support.ts'

test('a server whose database hangs still ends when it is told to', async () => {
  const postgres = await makePostgres()
  await postgres.start()
  const proxy = await openProxy(postgres.url)
  const office = await openFaultOffice(proxy.through(postgres.url), postgres.url)
  proxy.blackHole(true)
  await Promise.all([office.order('hangs'), office.healthCode()])
  assert.equal(await office.healthCode(), '503 DATABASE_TIMEOUT')
  const ended = await Promise.race([office.stop(), delay(ENDS_MS_MAX, 'is alive')])
  assert.equal(ended, 0, office.output())
})

/** Requests, jobs and connections each have a bound of their own. */
const ENDS_MS_MAX = 45_000

test('strangers take the connections that are left: buyers are told, and health says so, though it has its own', async () => {
  const postgres = await makePostgres()
  await postgres.start({ max_connections: '30' })
  const office = await openFaultOffice(postgres.url, postgres.url)
  assert.equal(await office.healthCode(), '200')
  // Who comes back asks alone, and needs a connection: those who want one tier for the first time share one.
  const crowd = () => Promise.all(Array.from({ length: 60 }, (_, n) => office.order(`crowd-${n}`)))
  await crowd()
  const strangers = await takeAll(postgres)
  const codes = await crowd()
  assert.ok(codes.some(({ code }) => code === BUSY))
  assert.equal(await office.healthCode(), BUSY)
  await Promise.all(strangers.map((client) => client.end()))
  const startedMs = performance.now()
  while ((await office.healthCode()) !== '200') {
    assert.ok(performance.now() - startedMs < KNOWN_MS_MAX, 'it is never over')
    await delay(100)
  }
})

const BUSY = '503 DATABASE_BUSY'

/** Five seconds, and a busy machine. */
const KNOWN_MS_MAX = 10_000

test('a synchronous standby is gone: what would write says so within a bound, and leaves nothing that waits; what reads reads', async () => {
  const postgres = await makePostgres()
  await postgres.start()
  const env = { ADMIT_ONCE_HOME: newHome(), DATABASE_URL: postgres.url }
  await admitOnce(['migrate'], env)
  await setStandby(postgres.ask, `'gone'`)
  const writing = [
    ['start', '--port', '0'],
    ['migrate'],
    ['fixtures', 'reserve-race'],
    ['fixtures', 'reserve-race', '--remove'],
    ['prove', '--profile', 'quick', '--results', newHome('-results')],
  ]
  await Promise.all(
    writing.map(async (command) => {
      const ended = await Promise.race([admitOnce(command, env), delay(SAYS_MS_MAX, undefined)])
      assert.equal(ended?.code, 3, `${command[0]} waits`)
      assert.match(ended?.stderr ?? '', /No commit gets through in 10 s.*synchronous_standby_names/)
    }),
  )
  const left = await postgres.ask(`select query from pg_stat_activity where wait_event = 'SyncRep'`)
  assert.deepEqual(left, [])
  const made = await postgres.ask(`select datname from pg_database where datname like '%prove%'`)
  assert.deepEqual(made, [])
  for (const command of ['verify', 'check']) {
    const { code, stderr } = await admitOnce([command], env)
    assert.deepEqual([code, stderr], [0, ''])
  }
})

/** Ten seconds for the commit, three to end it, and a busy machine. */
const SAYS_MS_MAX = 25_000
