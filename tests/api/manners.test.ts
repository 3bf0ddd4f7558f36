import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { Hono } from 'hono'
import { buildApp } from '../../src/api/app.ts'
import { openAuthenticator } from '../../src/api/authenticator.ts'
import { readJson } from '../../src/api/functions/contract.ts'
import { json } from '../../src/api/http.ts'
import { listen } from '../../src/api/listen.ts'
import { openPool } from '../../src/db/pool.ts'
import { CODES } from '../support/codes.ts'
import { placesOf } from '../support/limits.ts'
import { UNTOLD } from '../support/told.ts'
import { ask, JWT_SECRET, makeScratch, type ServeOptions, startServer } from './scratch.ts'

/** A server whose function `slow` answers when it is told to, and whose `broken` has a bug. */
async function slowServer(options: ServeOptions['app'] = {}) {
  const scratch = await makeScratch()
  const started = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const slow = async () => {
    started.resolve()
    await finish.promise
    return json(200, { success: true })
  }
  const broken = async () => {
    throw new Error('a bug')
  }
  const functions = new Map([
    ['slow', { ...UNTOLD, methods: ['POST'], handle: slow }],
    ['quick', { ...UNTOLD, methods: ['POST', 'GET'], handle: async () => json(200, { success: true }) }],
    ['broken', { ...UNTOLD, methods: ['POST'], handle: broken }],
    ['odd', { ...UNTOLD, methods: ['POST'], handle: async () => json(200, {}, { 'X-Odd': 'a\nb' }) }],
    [
      'hook',
      {
        ...UNTOLD,
        methods: ['POST'],
        lane: 'webhooks' as const,
        handle: async () => json(200, { received: true }),
      },
    ],
    [
      'health-check',
      {
        ...UNTOLD,
        methods: ['GET'],
        lane: 'health' as const,
        handle: async () => json(200, { status: 'ok' }),
      },
    ],
  ])
  const server = await startServer(scratch, { app: { functions, ...options } })
  return {
    ...server,
    started: started.promise,
    finish: finish.resolve,
    lines: () => server.logged.map((line) => JSON.parse(line) as Record<string, unknown>),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await scratch[Symbol.asyncDispose]()
    },
  }
}

describe('overload', () => {
  it('is 503 with Retry-After for buyers at once, while webhooks and the health check go on', async () => {
    await using server = await slowServer({ limits: placesOf({ buyers: 1 }) })
    const slow = ask(server, '/functions/v1/slow', { body: {} })
    await server.started
    for (const path of ['/functions/v1/quick', '/rest/v1/rpc/add']) {
      const got = await ask(server, path, { body: {} })
      assert.deepEqual(
        [got.status, got.json().code, got.headers.get('retry-after')],
        [503, 'SERVER_BUSY', '1'],
      )
      assert.equal(got.headers.get('access-control-allow-origin'), '*')
    }
    assert.equal((await ask(server, '/nowhere', { body: {} })).status, 404, 'needs no place')
    assert.equal((await ask(server, '/functions/v1/hook', { body: {} })).status, 200)
    assert.equal((await ask(server, '/functions/v1/health-check')).status, 200)
    server.finish()
    assert.equal((await slow).status, 200)
    assert.equal((await ask(server, '/functions/v1/quick', { body: {} })).status, 200)
  })

  it('is said once a second, not once a request', async () => {
    await using server = await slowServer({ limits: placesOf({ buyers: 0 }) })
    for (let n = 0; n < 5; n++) await ask(server, '/functions/v1/quick', { body: {} })
    assert.equal(server.lines().length, 1)
    assert.deepEqual([server.lines()[0]?.['level'], server.lines()[0]?.['message']], ['warn', 'SERVER_BUSY'])
  })

  it('of one client is 429 with Retry-After, where clients of this machine are limited', async () => {
    await using server = await slowServer({ limits: { perSecond: 0.001, burst: 1, limitLoopback: true } })
    const quick = (headers = {}) => ask(server, '/functions/v1/quick', { body: {}, headers })
    assert.equal((await quick()).status, 200)
    const limited = await quick()
    assert.deepEqual(
      [limited.status, limited.json().code, limited.headers.get('retry-after')],
      [429, 'TOO_MANY_REQUESTS', '1'],
    )
    assert.equal((await quick({ 'x-forwarded-for': '203.0.113.1' })).status, 429)
    assert.equal((await ask(server, '/functions/v1/hook', { body: {} })).status, 200)
  })

  it('believes a proxy about who the client is, only where it is told to', async () => {
    await using server = await slowServer({
      limits: { perSecond: 0.001, burst: 1 },
      clientAddressHeader: 'x-forwarded-for',
    })
    const from = async (address: string) =>
      (await ask(server, '/functions/v1/quick', { body: {}, headers: { 'x-forwarded-for': address } })).status
    assert.deepEqual(
      [await from('203.0.113.1'), await from('203.0.113.1'), await from('203.0.113.2')],
      [200, 429, 200],
    )
    assert.equal(await from('198.51.100.9, 203.0.113.2'), 429)
    assert.deepEqual([await from('203.0.113.3:1'), await from('203.0.113.3:2')], [200, 429])
  })
})

describe('the log', () => {
  it('has a line for each request, without bodies, queries, keys or persons', async () => {
    await using server = await slowServer({ logLevel: 'info' })
    const headers = {
      authorization: `Bearer ${server.authenticator.keys.serviceRole}`,
      'x-request-id': 'mine',
    }
    await ask(server, '/functions/v1/quick?e=ann@example.org', { body: { name: 'Ann' }, headers })
    await ask(server, '/functions/v1/ann@example.org', { body: {} })
    await ask(server, '/rest/v1/rpc/add?select=&p_left=1&p_right=2')
    await ask(server, '/rest/v1/rpc/ann', { body: {} })
    await ask(server, '/rest/v1/people?email=eq.ann@example.org')
    await ask(server, '/ann@example.org')
    assert.deepEqual(
      server.lines().map(({ level, method, path, status }) => [level, method, path, status]),
      [
        ['info', 'POST', '/functions/v1/quick', 200],
        ['info', 'POST', '/functions/v1/:name', 404],
        ['info', 'GET', '/rest/v1/rpc/add', 200],
        ['info', 'POST', '/rest/v1/rpc/:name', 404],
        ['info', 'GET', '/rest/v1/:table', 404],
        ['info', 'GET', '*', 404],
      ],
    )
    const [first] = server.lines()
    assert.equal(first?.['request_id'], 'mine')
    assert.equal(typeof first?.['ms'], 'number')
    assert.doesNotMatch(server.logged.join('\n'), /ann@|Ann|eyJ|apikey|127\.0\.0\.1/)
  })

  it('says nothing of an ordinary day unless told to, and a bug with its stack', async () => {
    await using server = await slowServer()
    await ask(server, '/functions/v1/quick', { body: {} })
    await ask(server, '/functions/v1/nothing', { body: {} })
    assert.deepEqual(server.logged, [])
    await ask(server, '/functions/v1/broken', { body: {} })
    const [line] = server.lines()
    assert.deepEqual(
      [line?.['level'], line?.['path'], line?.['status']],
      ['error', '/functions/v1/broken', 500],
    )
    assert.match(String(line?.['error']), /a bug\n +at /)
  })

  it('has a bug of the server itself too, and its answer is JSON as every other', async () => {
    await using server = await slowServer()
    const got = await ask(server, '/functions/v1/odd', { body: {} })
    assert.deepEqual([got.status, got.json().code], [500, 'INTERNAL_ERROR'])
    assert.match(String(server.lines()[0]?.['error']), /TypeError/)
  })
})

describe('headers', () => {
  it('keep answers out of caches, frames and type guessing', async () => {
    await using server = await slowServer()
    for (const path of ['/functions/v1/quick', '/functions/v1/none', '/rest/v1/rpc/add', '/nowhere']) {
      const { headers } = await ask(server, path, { body: {} })
      assert.deepEqual(
        ['cache-control', 'x-content-type-options', 'referrer-policy'].map((name) => headers.get(name)),
        ['no-store', 'nosniff', 'no-referrer'],
        path,
      )
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'; frame-ancestors 'none'/)
    }
  })

  it('answer a preflight with the methods of the route, and the headers that a page names', async () => {
    await using server = await slowServer({ limits: placesOf({ buyers: 0 }) })
    const preflight = async (path: string, headers: Record<string, string> = {}) => {
      const response = await fetch(server.url + path, {
        method: 'OPTIONS',
        headers: { origin: 'https://a.example', 'access-control-request-method': 'POST', ...headers },
      })
      assert.deepEqual([response.status, await response.text()], [204, ''], path)
      return response.headers
    }
    const methods = async (path: string) => (await preflight(path)).get('access-control-allow-methods')
    assert.equal(await methods('/functions/v1/slow'), 'POST, OPTIONS')
    assert.equal(await methods('/functions/v1/health-check'), 'GET, OPTIONS')
    assert.equal(await methods('/rest/v1/rpc/add'), 'GET, HEAD, POST, OPTIONS')
    assert.match((await methods('/rest/v1/events')) ?? '', /PATCH/)
    const own = await preflight('/rest/v1/rpc/add', { 'access-control-request-headers': 'x-my-app,apikey' })
    assert.match(own.get('access-control-allow-headers') ?? '', /authorization.*x-my-app,apikey$/)
    const odd = await preflight('/rest/v1/rpc/add', { 'access-control-request-headers': 'x my;app' })
    assert.doesNotMatch(odd.get('access-control-allow-headers') ?? '', /my/)
  })
})

describe('mounts', () => {
  it('answer as they are, under their name only, whatever buyers do', async () => {
    const seen: string[] = []
    const standIn = async (request: Request) => {
      seen.push(new URL(request.url).pathname)
      return new Response('<p>theirs', { headers: { 'content-type': 'text/html', 'x-request-id': 'theirs' } })
    }
    await using server = await slowServer({
      mounts: new Map([['api.stripe.com', standIn]]),
      limits: placesOf({ buyers: 0 }),
    })
    const got = await ask(server, '/api.stripe.com/v1/refunds', { body: {} })
    assert.deepEqual([got.status, got.text, got.headers.get('x-request-id')], [200, '<p>theirs', 'theirs'])
    assert.equal(got.headers.get('access-control-allow-origin'), null)
    await ask(server, '/api.stripe.com')
    assert.equal((await ask(server, '/api.stripe.comx/v1')).status, 404)
    assert.deepEqual(seen, ['/api.stripe.com/v1/refunds', '/api.stripe.com'])
  })
})

describe('shutdown', () => {
  it('finishes what it accepted, and tells those connections to close', async () => {
    const started = Promise.withResolvers<void>()
    const finish = Promise.withResolvers<Response>()
    const app = new Hono().get('/slow', () => {
      started.resolve()
      return finish.promise
    })
    const listening = await listen(app)
    const slow = fetch(`${listening.url}/slow`)
    await started.promise
    const closed = listening.close()
    finish.resolve(new Response('finished'))
    const answer = await slow
    assert.deepEqual([answer.headers.get('connection'), await answer.text()], ['close', 'finished'])
    await closed
  })
})

describe('a client that is too slow or speaks no HTTP', () => {
  const broken: readonly (readonly [what: string, sent: string, status: number])[] = [
    ['headers that never end', 'GET / HTTP/1.1\r\nHost: x\r\n', 408],
    ['a body that never ends', 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc', 408],
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['a host that is none', 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400],
    ['headers beyond 16 KiB', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ]
  for (const [what, sent, status] of broken) {
    it(`${what} ends in ${status}, and the connection with it`, async () => {
      const app = new Hono().post('/echo', async (c) => c.text(await c.req.text()))
      // A body that ends before its end throws in whoever reads it.
      app.onError(() => new Response(null, { status: 400 }))
      await using listening = await listen(app, { reading: { headersMs: 200, requestMs: 400 } })
      const answer = await exchange(listening.url, sent)
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
      assert.match(answer, /"code":"[A-Z_]+"}$/)
    })
  }
})

describe('a client that hangs up in the middle of its body', () => {
  for (const path of ['/functions/v1/quick', '/rest/v1/rpc/add']) {
    it(`is no bug of ${path}`, async () => {
      const line = Promise.withResolvers<string>()
      await using scratch = await makeScratch()
      const database = await openPool(scratch.url, { max: 1, name: 'api-test' })
      const authenticator = await openAuthenticator(JWT_SECRET)
      const functions = new Map([
        [
          'quick',
          { ...UNTOLD, methods: ['POST'], handle: async (r: Request) => json(200, await readJson(r)) },
        ],
      ])
      const app = buildApp({
        database,
        authenticator,
        codes: CODES,
        functions,
        logLevel: 'info',
        log: line.resolve,
      })
      const listening = await listen(app)
      const { hostname, port } = new URL(listening.url)
      const headers = `Host: x\r\napikey: ${authenticator.keys.anon}\r\nContent-Type: application/json\r\nContent-Length: 99`
      const socket = connect(Number(port), hostname, () => {
        socket.write(`POST ${path} HTTP/1.1\r\n${headers}\r\n\r\n{"half":`, () => socket.destroy())
      })
      const { status, error } = JSON.parse(await line.promise)
      assert.deepEqual([status, error], [400, undefined])
      await listening.close()
      await database.close()
    })
  }
})

/** Sends bytes and gives all that comes back until the server closes. */
function exchange(url: string, sent: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(sent))
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text
    })
    socket.once('close', () => resolve(answer)).once('error', reject)
  })
}
