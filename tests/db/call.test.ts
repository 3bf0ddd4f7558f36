import assert from 'node:assert/strict'
import { connect, createServer, type Server } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type Caller, call, literal } from '../../src/db/call.ts'
import { serverProblem } from '../../src/db/check-server.ts'
import { DatabaseError, sqlErrorOf } from '../../src/db/failures.ts'
import { type Database, openPool, requireInstalled } from '../../src/db/pool.ts'
import { makeScratch, type Scratch } from '../api/scratch.ts'

const ANON: Caller = { role: 'anon', claims: '{"role":"anon"}' }
const USER: Caller = { role: 'authenticated', claims: `{"role":"authenticated","sub":"it's me"}` }

describe('a call', () => {
  let scratch: Scratch
  let database: Database
  before(async () => {
    scratch = await makeScratch()
    database = await openPool(scratch.url, { max: 1, name: 'call-test' })
  })
  after(async () => {
    await database.close()
    await scratch[Symbol.asyncDispose]()
  })

  it('runs as its caller, and leaves the session as it was', async () => {
    const rows = await call(database, { caller: USER, sql: `select current_user, ${CLAIMS}` })
    assert.deepEqual(rows, [['authenticated', USER.claims]])
    await assertClean(database)
  })

  it('leaves nothing behind when its statement fails: no role, no setting, no lock, no row', async () => {
    const sql = `select pg_advisory_xact_lock(7), public.write_then_fail('never kept')`
    const error = await call(database, { caller: ANON, sql, readOnly: false }).catch(
      (thrown: unknown) => thrown,
    )
    assert.equal(sqlErrorOf(error)?.code, 'P0001')
    await assertClean(database)
    assert.deepEqual(await database.run('select count(*) from pg_locks where locktype = $$advisory$$'), [
      ['0'],
    ])
    assert.deepEqual(await scratch.admin(`select from public.notes where note = 'never kept'`), [])
  })

  it('cannot write when it is read only', async () => {
    const failed = call(database, { caller: ANON, sql: `select public.note('x')`, readOnly: true })
    assert.equal(sqlErrorOf(await failed.catch((thrown: unknown) => thrown))?.code, '25006')
  })

  it('runs at the isolation level it asks for', async () => {
    const sql = `select current_setting('transaction_isolation')`
    assert.deepEqual(await call(database, { caller: ANON, sql, isolation: 'serializable' }), [
      ['serializable'],
    ])
    assert.deepEqual(await call(database, { caller: ANON, sql }), [['read committed']])
    assert.throws(() => call(database, { caller: ANON, sql, isolation: 'x; drop table y' }), TypeError)
  })

  it('gives the settings of its role, and a bound to statements where nobody set one', async () => {
    const [{ name } = { name: '' }] = await scratch.admin('select current_database() as name')
    await scratch.admin(`alter role anon in database ${name} set statement_timeout = '120ms'`)
    await database.refresh()
    const error = await call(database, { caller: ANON, sql: 'select pg_sleep(30)' }).catch((thrown) => thrown)
    assert.equal(sqlErrorOf(error)?.code, '57014')
    const sql = `select current_setting('statement_timeout')`
    assert.deepEqual(await call(database, { caller: USER, sql }), [['8s']])
    await scratch.admin(`alter role anon in database ${name} reset all`)
    await database.refresh()
  })

  it('is one message to the server, whatever it sets', async () => {
    const counted = await countMessages(scratch.url)
    await using through = await openPool(counted.url, { max: 1, name: 'call-test' })
    const before = counted.queries()
    await call(through, { caller: USER, sql: 'select 1', readOnly: true, settings: [['request.path', '/x']] })
    assert.equal(counted.queries() - before, 1)
    await through.close()
    counted.server.close()
  })

  it('passes any text that PostgreSQL can store, and refuses NUL', async () => {
    for (const text of ["it's", '\\', "\\'; drop table notes --", 'naïve ✓ 😀', "\\\\''", '$$', '\n\r\t']) {
      assert.deepEqual(await call(database, { caller: ANON, sql: `select ${literal(text)}` }), [[text]])
    }
    assert.throws(() => literal('a\0b'), TypeError)
  })

  it('whose connection dies fails as lost, and the next one works', async () => {
    const lost = call(database, { caller: ANON, sql: 'select public.end_session()' })
    await assert.rejects(lost, { name: 'DatabaseError', code: 'CONNECTION_LOST' })
    assert.deepEqual(await call(database, { caller: ANON, sql: 'select 1' }), [['1']])
  })

  it('waits for a free connection within a bound', async () => {
    await using small = await openPool(scratch.url, { max: 1, name: 'call-test', waitMs: 100 })
    await scratch.admin('select pg_advisory_lock(8)')
    const holding = call(small, { caller: ANON, sql: 'select public.wait_for_lock(8)' })
    const waiting = call(small, { caller: ANON, sql: 'select 1' })
    await assert.rejects(waiting, { code: 'POOL_EXHAUSTED' })
    await scratch.admin('select pg_advisory_unlock(8)')
    assert.deepEqual(await holding, [['t']])
  })
})

describe('opening a pool', () => {
  const bad = [
    { title: 'a server that is not there', change: { port: '1' }, code: 'UNREACHABLE' },
    { title: 'a wrong password', change: { password: 'hunter2' }, code: 'NO_RIGHTS' },
    { title: 'a database that is not there', change: { pathname: '/no_such_database' }, code: 'NO_DATABASE' },
    {
      title: 'another meaning of literals',
      change: { search: '?options=-c%20standard_conforming_strings%3Doff' },
      code: 'WRONG_SETTING',
    },
  ] as const
  for (const { title, change, code } of bad) {
    it(`on ${title} says ${code}, what to do, and no password`, async () => {
      await using scratch = await makeScratch()
      const url = Object.assign(new URL(scratch.url), change)
      const error = await openPool(url.href, { max: 1, name: 'call-test' }).catch((thrown: unknown) => thrown)
      assert.ok(error instanceof DatabaseError)
      assert.equal(error.code, code)
      assert.match(error.message, /Correct|correct|Set /)
      assert.ok(!error.message.includes('hunter2'))
    })
  }

  it('refuses what is no URL', async () => {
    const opened = openPool('postgres://user:p@ss:word@[half', { max: 1, name: 'call-test' })
    await assert.rejects(
      opened,
      (error: DatabaseError) => error.code === 'INVALID_URL' && !/p@ss/.test(error.message),
    )
  })

  it('refuses a server older than the SQL, and takes the ones it is written for', () => {
    assert.equal(serverProblem('14.9', 'on')?.code, 'WRONG_VERSION')
    for (const version of ['15.0', '15.18 (Debian 15.18-0)', '18.4', '19beta1']) {
      assert.equal(serverProblem(version, 'on'), undefined)
    }
  })

  it('tells an installed database from one that is not, and a login that lacks a role', async () => {
    await using scratch = await makeScratch()
    await using database = await openPool(scratch.url, { max: 1, name: 'call-test' })
    await requireInstalled(database)
    const [{ user } = { user: '' }] = await scratch.admin(`select quote_ident(current_database()) as user`)
    await scratch.admin(`revoke anon from ${user}`)
    await assert.rejects(requireInstalled(database), { code: 'NO_RIGHTS', message: /may not act as anon\./ })
    await scratch.admin('drop function public.verify_protections()')
    await assert.rejects(requireInstalled(database), { code: 'NOT_INSTALLED', message: /admit-once migrate/ })
  })
})

const CLAIMS = `current_setting('request.jwt.claims', true)`

async function assertClean(database: Database): Promise<void> {
  const rows = await database.run(`
    select current_user = session_user, coalesce(${CLAIMS}, ''), current_setting('transaction_read_only')`)
  assert.deepEqual(rows, [['t', '', 'off']])
}

/** A relay in front of the server that counts the queries that pass. */
async function countMessages(url: string): Promise<{ url: string; server: Server; queries: () => number }> {
  const target = new URL(url)
  let queries = 0
  const server = createServer((socket) => {
    const upstream = connect(Number(target.port || 5432), target.hostname)
    socket.on('data', (chunk) => {
      if (chunk[0] === 'Q'.charCodeAt(0)) queries += 1
    })
    socket.pipe(upstream).pipe(socket)
    for (const end of [socket, upstream]) end.on('error', () => end.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const relayed = new URL(url)
  relayed.hostname = '127.0.0.1'
  relayed.port = typeof address === 'object' && address !== null ? String(address.port) : ''
  return { url: relayed.href, server, queries: () => queries }
}
