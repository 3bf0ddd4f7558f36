import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, describe, it } from 'node:test'
import { openPool } from '../../src/db/pool.ts'
import { inRequest } from '../../src/db/request.ts'
import { testDatabase } from '../support/database.ts'
import { makePostgres } from '../support/postgres.ts'
import { ask, serve } from './scratch.ts'

const db = await testDatabase()
await db.rows(`create function public.wait_for_lock() returns void language plpgsql volatile as
  $$ begin perform pg_advisory_xact_lock(4711); end $$`)
const server = await serve(db.url, { app: { logLevel: 'info' } })
after(() => server[Symbol.asyncDispose]())

const STATEMENTS = `select query from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()`

/** What pg_stat_activity shows of a request while it waits, and what the log says of it afterwards. */
async function seen(headers: Readonly<Record<string, string>>) {
  await db.rows('select pg_advisory_lock(4711)')
  const answer = ask(server, '/rest/v1/rpc/wait_for_lock', { body: {}, headers })
  const endMs = performance.now() + 30_000
  let statements: { query: string }[] = []
  while (statements.length === 0) {
    assert.ok(performance.now() < endMs, 'no statement waits')
    statements = await db.rows<{ query: string }>(STATEMENTS)
  }
  await db.rows('select pg_advisory_unlock(4711)')
  const { status, headers: answered } = await answer
  assert.equal(status, 204)
  const line = JSON.parse(server.logged.at(-1) ?? '{}')
  return {
    statement: statements[0]?.query ?? '',
    logged: line.request_id,
    answered: answered.get('x-request-id'),
  }
}

describe('the request id', () => {
  it('stands before the statement that the request waits for, as in its log line', async () => {
    const id = randomUUID()
    const { statement, logged, answered } = await seen({ 'x-request-id': id })
    assert.deepEqual([logged, answered], [id, id])
    assert.ok(statement.startsWith(`/*request=${id}*/`), statement.slice(0, 100))
  })

  it('is one of ours where the caller sends none', async () => {
    const { statement, logged } = await seen({})
    assert.match(logged, /^[0-9a-f-]{36}$/)
    assert.ok(statement.startsWith(`/*request=${logged}*/`))
  })

  it('ends no comment, whatever is sent for one', async () => {
    for (const id of ['*/select pg_sleep(9);/*', "a'b", '/* /*', 'x'.repeat(129), '--', '*/']) {
      const { statement, logged } = await seen({ 'x-request-id': id })
      assert.ok(statement.startsWith(`/*request=${logged}*/`), statement.slice(0, 200))
      assert.ok(/^[\w-]{1,128}$/.test(logged) && (id === '--') === (logged === id), logged)
    }
  })

  it("is the request's own, of any that wait at once", async () => {
    await db.rows('select pg_advisory_lock(4711)')
    const ids = Array.from({ length: 3 }, () => randomUUID())
    const answers = ids.map((id) =>
      ask(server, '/rest/v1/rpc/wait_for_lock', { body: {}, headers: { 'x-request-id': id } }),
    )
    const endMs = performance.now() + 30_000
    let statements: { query: string }[] = []
    while (statements.length < ids.length) {
      assert.ok(performance.now() < endMs, 'they do not wait')
      statements = await db.rows<{ query: string }>(STATEMENTS)
    }
    await db.rows('select pg_advisory_unlock(4711)')
    await Promise.all(answers)
    const found = statements.map(({ query }) => /^\/\*request=([\w-]+)\*\//.exec(query)?.[1] ?? '')
    assert.deepEqual(found.sort(), ids.sort())
  })

  it('splits no statement of pg_stat_statements', async () => {
    const postgres = await makePostgres()
    await postgres.start({ shared_preload_libraries: 'pg_stat_statements' })
    await postgres.ask('create extension pg_stat_statements')
    const pool = await openPool(postgres.url, { max: 1, name: 'request-ids' })
    for (const id of ['one', 'two', 'three']) {
      await inRequest(id, () => pool.run(`select length('${id}') as counted_together`))
    }
    await pool.close()
    const found = await postgres.ask<{ calls: string }>(
      `select calls from pg_stat_statements where query like '%counted_together%' and query not like '%pg_stat%'`,
    )
    assert.deepEqual(found, [{ calls: '3' }])
  })
})
