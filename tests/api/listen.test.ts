import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { Hono } from 'hono'
import { ListenError, listen } from '../../src/api/listen.ts'
import { ask, makeScratch, startServer } from './scratch.ts'

describe('listening', () => {
  it('finishes what it accepted, takes nothing more, and ends with a connection kept alive', async () => {
    const started = Promise.withResolvers<void>()
    const finish = Promise.withResolvers<Response>()
    const app = new Hono().get('/slow', () => {
      started.resolve()
      return finish.promise
    })
    app.get('/', (c) => c.text('here'))
    const listening = await listen(app)
    assert.equal(await (await fetch(listening.url)).text(), 'here')
    const slow = fetch(`${listening.url}/slow`)
    await started.promise
    const closed = listening.close()
    assert.equal(listening.close(), closed)
    await refusesConnections(listening.url)
    finish.resolve(new Response('finished'))
    assert.equal(await (await slow).text(), 'finished')
    await closed
  })

  it('says that a port is taken, and what to do', async () => {
    await using first = await listen(new Hono())
    const second = listen(new Hono(), { port: Number(new URL(first.url).port) })
    const error = await second.catch((thrown: unknown) => thrown)
    assert.ok(error instanceof ListenError)
    assert.equal(error.code, 'PORT_TAKEN')
    assert.match(error.message, /choose another port/)
  })
})

describe('a server whose database goes away', () => {
  it('answers 503 for the call that died with its connection, and then works again', async () => {
    await using scratch = await makeScratch()
    await using server = await startServer(scratch, { max: 1 })
    const died = await ask(server, '/rest/v1/rpc/end_session', { body: {} })
    assert.deepEqual([died.status, died.json().code], [503, 'PGRST001'])
    const next = await ask(server, '/rest/v1/rpc/add', { body: { p_left: 1, p_right: 1 } })
    assert.deepEqual([next.status, next.text], [200, '2'])
  })

  it('answers 503 while it cannot connect, by rest and by functions, and heals', async () => {
    await using scratch = await makeScratch()
    await using server = await startServer(scratch, { max: 1 })
    const [{ name } = { name: '' }] = await scratch.admin('select current_database() as name')
    const add = () => ask(server, '/rest/v1/rpc/add', { body: { p_left: 1, p_right: 1 } })
    assert.equal((await add()).status, 200)
    await scratch.admin(`alter role ${name} nologin;
      select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = '${name}'`)
    assert.equal((await add()).status, 503)
    const health = await ask(server, '/functions/v1/health-check')
    assert.deepEqual([health.status, health.json().code], [503, 'DATABASE_UNREACHABLE'])
    assert.deepEqual((await add()).json().code, 'PGRST000')
    await scratch.admin(`alter role ${name} login`)
    assert.equal((await add()).status, 200)
  })

  it('answers 504 PGRST003 when every connection is busy for too long', async () => {
    await using scratch = await makeScratch()
    await using server = await startServer(scratch, { max: 1, waitMs: 100 })
    await ask(server, '/rest/v1/rpc/nothing', { body: {} })
    await scratch.admin('select pg_advisory_lock(9)')
    const holding = ask(server, '/rest/v1/rpc/wait_for_lock', { body: { p_key: 9 } })
    const waiting = await ask(server, '/rest/v1/rpc/nothing', { body: {} })
    assert.deepEqual([waiting.status, waiting.json().code], [504, 'PGRST003'])
    await scratch.admin('select pg_advisory_unlock(9)')
    assert.equal((await holding).text, 'true')
  })
})

async function refusesConnections(url: string): Promise<void> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const outcome = await new Promise((resolve) => {
    socket.once('connect', () => resolve('connected'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  })
  socket.destroy()
  assert.equal(outcome, 'ECONNREFUSED')
}
