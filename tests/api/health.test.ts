import assert from 'node:assert/strict'
import { after, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Database, openPool } from '../../src/db/pool.ts'
import { testDatabase } from '../support/database.ts'
import { openProxy } from '../support/proxy.ts'
import { ask, serve } from './scratch.ts'

const db = await testDatabase()

/** How long an answer that is kept for a second may take to be old. */
const OLD_MS_MAX = 10_000

/** One question: a new connection, a commit, and the protections. */
const CALLS = 3

/** What is kept for a second, and a busy machine. */
const KNOWN_MS_MAX = 5_000

/** A pool of one connection that counts what it is asked. */
async function counted(name: string) {
  const pool = await openPool(db.url, { max: 1, name })
  after(() => pool.close())
  let asked = 0
  const database: Database = {
    ...pool,
    tryConnect: () => {
      asked += 1
      return pool.tryConnect()
    },
    run: (text) => {
      asked += 1
      return pool.run(text)
    },
  }
  return { database, asked: () => asked }
}

it('any number of callers are one question a second, on connections that no payment needs', async () => {
  const [health, payments] = await Promise.all([counted('health-test'), counted('payments-test')])
  const options = { laneDatabases: { health: health.database, webhooks: payments.database } }
  const server = await serve(db.url, { app: options })
  after(() => server[Symbol.asyncDispose]())
  const check = () => ask(server, '/functions/v1/health-check')
  const all = await Promise.all(Array.from({ length: 60 }, check))
  assert.deepEqual(
    all.map(({ status }) => status),
    Array(60).fill(200),
  )
  assert.equal(health.asked(), CALLS)
  const startedMs = performance.now()
  while (health.asked() === CALLS) {
    assert.ok(performance.now() - startedMs < OLD_MS_MAX, 'the answer is kept for ever')
    assert.equal((await check()).status, 200)
  }
  assert.ok(performance.now() - startedMs > 500, 'the answer is not kept')
  assert.equal(payments.asked(), 0)
})

it('says that nobody takes a new connection, while all that are open still work', async () => {
  const proxy = await openProxy(db.url)
  const [health, buyers] = await Promise.all(
    ['health-test', 'buyers-test'].map((name) => openPool(proxy.through(db.url), { max: 1, name })),
  )
  assert.ok(health && buyers)
  after(() => Promise.all([health.close(), buyers.close()]))
  const server = await serve(db.url, { app: { laneDatabases: { health } } })
  after(() => server[Symbol.asyncDispose]())
  const says = async (wanted: string) => {
    for (const startedMs = performance.now(); ; await delay(100)) {
      const { status, json } = await ask(server, '/functions/v1/health-check')
      const said = `${status} ${json().code ?? ''}`.trim()
      if (said === wanted) return
      assert.ok(performance.now() - startedMs < KNOWN_MS_MAX, `health says ${said}, never ${wanted}`)
    }
  }
  await says('200')
  proxy.refuse()
  await says('503 DATABASE_UNREACHABLE')
  assert.deepEqual(await buyers.run('select 1'), [['1']])
  assert.deepEqual(await health.run('select 1'), [['1']])
  await proxy.heal()
  await says('200')
})
