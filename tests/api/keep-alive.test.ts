import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { Hono } from 'hono'
import { listen } from '../../src/api/listen.ts'
import { readConfig } from '../../src/config.ts'
import { noNginx, startNginx } from '../support/nginx.ts'

const app = new Hono()
  .post('/', async (c) => c.text(`got ${await c.req.text()}`))
  .get('/', (c) => c.text('here'))

/** A client's connection, and what came over it so far. */
function open(url: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text
  })
  socket.on('error', () => {})
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(answer)))
  const get = () => {
    answer = ''
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    return until(
      socket,
      () => answer.endsWith('here'),
      () => answer,
    )
  }
  return { socket, get, closed }
}

function until(socket: Socket, isDone: () => boolean, given: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.on('data', () => isDone() && resolve(given()))
    socket.once('close', () => reject(new Error(`closed after ${JSON.stringify(given())}`)))
  })
}

describe('a connection that is kept', () => {
  it('outlives what proxies keep, 60 seconds, and says so', async () => {
    const { reading } = readConfig()
    assert.ok(reading.keepAliveMs > 60_000)
    await using listening = await listen(app, { reading })
    const { get, socket } = open(listening.url)
    assert.match(await get(), new RegExp(`^Keep-Alive: timeout=${reading.keepAliveMs / 1000}\r$`, 'm'))
    socket.destroy()
  })

  it('is not cut by the limits of reading, which begin with a request', async () => {
    await using listening = await listen(app, {
      reading: { keepAliveMs: 60_000, headersMs: 200, requestMs: 200 },
    })
    const kept = open(listening.url)
    await kept.get()
    // Headers that never end are cut after their time; the other connection has been idle for as long.
    const slow = open(listening.url)
    slow.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n')
    assert.match(await slow.closed, /^HTTP\/1.1 408 /)
    assert.match(await kept.get(), /^HTTP\/1.1 200 /)
    kept.socket.destroy()
  })

  it('ends when its time is over', async () => {
    await using listening = await listen(app, { reading: { keepAliveMs: 1 } })
    const kept = open(listening.url)
    await kept.get()
    assert.match(await kept.closed, /here$/)
  })
})

describe('connections that are all taken', () => {
  it('make room for a new one: the one that waits for longest goes, also with half a header, and none at work', async () => {
    const finish = Promise.withResolvers<Response>()
    const started = Promise.withResolvers<void>()
    const slow = new Hono()
      .get('/', (c) => c.text('here'))
      .get('/slow', () => {
        started.resolve()
        return finish.promise
      })
    await using listening = await listen(slow, { reading: { connectionsMax: 4 } })
    const working = open(listening.url)
    working.socket.write('GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    await started.promise
    const half = open(listening.url)
    half.socket.write('GET / HTTP/1.1\r\nHost: loc')
    const kept = open(listening.url)
    await kept.get()
    for (let n = 0; n < 10; n++) {
      const next = open(listening.url)
      assert.match(await next.get(), /^HTTP\/1.1 200 /)
    }
    assert.equal(await half.closed, '')
    await kept.closed
    finish.resolve(new Response('finished'))
    assert.match(await working.closed, /finished$/)
  })
})

/** A network with a way of its own: bytes and ends of connections arrive `ms` later. */
async function delayed(url: string, ms: number) {
  const { hostname, port } = new URL(url)
  const later = (work: () => void) => void setTimeout(work, ms)
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => later(() => to.write(bytes)))
      from.on('end', () => later(() => to.end()))
      from.on('error', () => later(() => to.destroy()))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port: own } = server.address() as { port: number }
  let connections = 0
  server.on('connection', () => connections++)
  return {
    at: `127.0.0.1:${own}`,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

/** How the POST ends that is sent when the connection before it has been idle for a second. */
async function postAfterOneSecond(keepAliveMs: number): Promise<number> {
  await using listening = await listen(app, { reading: { keepAliveMs } })
  await using way = await delayed(listening.url, 150)
  await using proxy = await startNginx(way.at, { keepAliveSeconds: 60 })
  const post = async () => (await fetch(proxy.url, { method: 'POST', body: 'an order' })).status
  assert.equal(await post(), 200)
  await new Promise((resolve) => setTimeout(resolve, 900))
  return await post()
}

const WAVES = 8
const POSTS_A_WAVE = 25

/** Waves of POSTs while nginx ends the connections that it kept for a second: the numbers that arrived, and the statuses. */
async function postInWaves(keepAliveMs: number) {
  const arrived: string[] = []
  const counting = new Hono().post('/', async (c) => {
    arrived.push(await c.req.text())
    return c.text('taken')
  })
  await using listening = await listen(counting, { reading: { keepAliveMs } })
  await using way = await delayed(listening.url, 20)
  await using proxy = await startNginx(way.at, { keepAliveSeconds: 1 })
  const statuses: number[] = []
  for (let wave = 0; wave < WAVES; wave++) {
    const posts = Array.from({ length: POSTS_A_WAVE }, async (_, n) => {
      const body = String(wave * POSTS_A_WAVE + n)
      statuses.push((await fetch(proxy.url, { method: 'POST', body })).status)
    })
    await Promise.all(posts)
    // Before, at and after the moment at which a connection has been kept for a second.
    await new Promise((resolve) => setTimeout(resolve, 940 + 20 * wave))
  }
  return { arrived, statuses, connections: way.connections() }
}

describe('a POST behind nginx', { skip: noNginx }, () => {
  it('arrives once, whatever connections end meanwhile, and most go over one that is kept', async () => {
    const { arrived, statuses, connections } = await postInWaves(75_000)
    assert.deepEqual([...new Set(statuses)], [200])
    assert.deepEqual(
      arrived.map(Number).sort((a, b) => a - b),
      Array.from({ length: WAVES * POSTS_A_WAVE }, (_, n) => n),
    )
    assert.ok(connections < arrived.length, `${connections} connections for ${arrived.length} requests`)
  })

  it('is not lost in the end of a connection, as the proxy ends it first', async () => {
    assert.equal(await postAfterOneSecond(75_000), 200)
  })

  it('twin: is lost where the server keeps connections for a shorter time than the proxy', async () => {
    assert.equal(await postAfterOneSecond(1), 502)
  })
})

describe('a WebSocket behind nginx', { skip: noNginx }, () => {
  it('opens, and carries both ways', async () => {
    await using listening = await listen(app, {
      upgrade: (_request, socket) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
        socket.pipe(socket)
      },
    })
    await using proxy = await startNginx(new URL(listening.url).host)
    const { hostname, port } = new URL(proxy.url)
    const socket = connect(Number(port), hostname)
    let said = ''
    socket.setEncoding('utf8').on('data', (text) => {
      said += text
    })
    const given = () => said
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    assert.match(await until(socket, () => said.endsWith('\r\n\r\n'), given), /^HTTP\/1\.1 101 /)
    socket.write('both ways')
    await until(socket, () => said.endsWith('both ways'), given)
    socket.destroy()
  })
})
