import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queueBehind } from '../../src/proof/interleaving/lock-queue.ts'
import { overlap } from '../../src/proof/interleaving/overlap.ts'
import { losesRace } from '../../src/proof/interleaving/racy-twin.ts'
import { schedulesOf } from '../../src/proof/interleaving/schedules.ts'
import { shrink } from '../../src/proof/interleaving/shrink.ts'
import { type Step, stepThrough } from '../../src/proof/interleaving/step-through.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase(null)
await db.rows('create table counter as select 0 as n')

test('who overlaps waits for a row that is written, and sees nothing of one that is only read', async () => {
  const [one, two] = [await db.connect(), await db.connect()]
  const increment = 'update counter set n = n + 1 returning n'
  const [first, second, hasWaited] = await overlap(
    db,
    [one, two],
    async (client) => (await client.query(increment)).rows[0]?.n,
    async (client) => (await client.query(increment)).rows[0]?.n,
  )
  assert.deepEqual([second - first, hasWaited], [1, true])
  const [written, read, hasWaitedToRead] = await overlap(
    db,
    [one, two],
    async (client) => (await client.query(increment)).rows[0]?.n,
    async (client) => (await client.query('select n from counter')).rows[0]?.n,
  )
  assert.deepEqual([written - read, hasWaitedToRead], [1, false])
})

test('calls that queue behind an advisory lock get it in the order in which they came', async () => {
  await db.rows('create sequence arrivals')
  const lock = { sql: 'select pg_advisory_xact_lock(1)', values: [] }
  const arrive = async (): Promise<number> => {
    const client = await db.connect()
    const sql = `with l as materialized (select pg_advisory_xact_lock(1)) select nextval('arrivals')::int as place from l`
    return (await client.query<{ place: number }>(sql)).rows[0]?.place ?? 0
  }
  const places = await queueBehind<[number, number, number]>(db, await db.connect(), lock, [
    arrive,
    arrive,
    arrive,
  ])
  assert.deepEqual(places, [1, 2, 3])
})

test('a twin loses by an assertion: what cannot run has lost nothing', async () => {
  assert.equal(await losesRace(async () => {}), false)
  assert.equal(await losesRace(async () => assert.equal(1, 2)), true)
  await assert.rejects(
    losesRace(() => Promise.reject(new Error('syntax error'))),
    /syntax error/,
  )
})

test('a history shrinks to the steps that fail together', async () => {
  const history = Array.from({ length: 40 }, (_, step) => step)
  let tries = 0
  const fails = async (steps: readonly number[]) => {
    tries++
    return steps.includes(7) && steps.includes(31)
  }
  assert.deepEqual(await shrink(history, fails), [7, 31])
  assert.ok(tries < 60, `${tries} tries`)
  assert.deepEqual(await shrink(history, fails, 0), history, 'the bound of tries is kept')
})

test('every schedule keeps the order of each session, once; those with the fewest changes come first', () => {
  assert.deepEqual(schedulesOf([2, 1]), [
    [0, 0, 1],
    [1, 0, 0],
    [0, 1, 0],
  ])
  assert.equal(schedulesOf([3, 3]).length, 20)
  assert.equal(new Set(schedulesOf([2, 2, 2]).map(String)).size, 90)
})

/** Sessions of these statements, each on a connection of its own. */
async function sessionsOf(...statements: readonly (readonly string[])[]) {
  return Promise.all(
    statements.map(async (steps) => {
      const client = await db.connect()
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      await client.query(`set deadlock_timeout = '20ms'`)
      const step = (sql: string): Step => ({
        name: sql,
        run: async (on) => String((await on.query(sql)).rows[0]?.n),
      })
      return { client, pid: rows[0]?.pid ?? 0, steps: steps.map(step) }
    }),
  )
}

test('who waits for a row or an advisory lock has no next step: another session goes on, and the waiter when it wakes', async () => {
  for (const lock of ['select n from counter for update', 'select 0 as n from pg_advisory_xact_lock(2)']) {
    const sessions = await sessionsOf(['begin', lock, 'commit'], ['begin', lock, 'commit'])
    const trace = await stepThrough(db.client, sessions, [0, 0, 1, 1, 1, 0])
    assert.deepEqual(trace.stepped, [0, 0, 1, 1, 0, 1], lock)
    assert.deepEqual([trace.waits, trace.deadlocks], [1, 0], lock)
    assert.ok(trace.answers.flat().every(({ raised }) => !raised))
  }
})

test('sessions that wait in a circle are a deadlock, which one of them is told', async () => {
  const [a, b] = [
    'select 0 as n from pg_advisory_xact_lock(3)',
    'select 0 as n from pg_advisory_xact_lock(4)',
  ]
  const sessions = await sessionsOf(['begin', a, b, 'commit'], ['begin', b, a, 'commit'])
  const trace = await stepThrough(db.client, sessions, [0, 0, 1, 1, 0, 1, 0, 1])
  assert.deepEqual([trace.waits, trace.deadlocks], [2, 1])
  assert.deepEqual(
    trace.answers.flat().flatMap(({ said, raised }) => (raised ? [said] : [])),
    ['40P01'],
  )
})
