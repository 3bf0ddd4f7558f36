import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { after, describe, it } from 'node:test'
import { openStripe, type PaymentProvider } from '../../src/payments/provider.ts'
import { testDatabase } from '../support/database.ts'
import { placesOf } from '../support/limits.ts'
import { ask, type ServeOptions, serve, type TestServer } from './scratch.ts'
import { SECRET_KEY, signed, WEBHOOK_SECRET } from './shop.ts'

const db = await testDatabase()
const payments: PaymentProvider = openStripe({ secretKey: SECRET_KEY, webhookSecret: WEBHOOK_SECRET })

const servers: TestServer[] = []
const sockets: Socket[] = []
after(async () => {
  // First: a server that stops waits for what it has begun.
  for (const socket of sockets) socket.destroy()
  for (const server of servers) await server[Symbol.asyncDispose]()
})

/** A server on the installed database; gone with the file. */
async function open(app: ServeOptions['app'] = {}): Promise<TestServer> {
  const server = await serve(db.url, { max: 2, app: { payments, ...app } })
  servers.push(server)
  return server
}

interface Slow {
  /** Sends what was missing, and gives the status line of the answer. */
  finish(): Promise<string>
}

/** A client that says that ten bytes will come, and sends none; resolves when its request is at work. */
async function slowly({ url }: TestServer, path: string, header = 'X: y'): Promise<Slow> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  sockets.push(socket)
  const head = `POST ${path} HTTP/1.1\r\nHost: ${hostname}\r\n${header}\r\nContent-Length: 10\r\n`
  socket.write(`${head}Expect: 100-continue\r\nConnection: close\r\n\r\n`)
  assert.match(await next(socket), /^HTTP\/1.1 100 /)
  return {
    finish: () => {
      socket.write('0123456789')
      return next(socket)
    },
  }
}

function next(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (bytes) => resolve(String(bytes).split('\r\n')[0] ?? '')).once('error', reject)
  })
}

function webhook(server: TestServer, signature?: string) {
  const body = JSON.stringify({ id: `evt_${randomUUID()}`, type: 'x', data: { object: {} } })
  const headers = { 'stripe-signature': signature ?? signed(body) }
  return ask(server, '/functions/v1/stripe-webhook', { body, headers })
}

describe('bodies that do not come', () => {
  const standIn = async () => new Response('theirs')
  const ways = ['/functions/v1/stripe-webhook', '/api.stripe.com/v1/refunds', '/stand-in/chaos']
  for (const path of ways) {
    it(`keep no webhook out by ${path}`, async () => {
      const mounts = new Map(['api.stripe.com', 'stand-in'].map((name) => [name, standIn]))
      const server = await open({ mounts, limits: placesOf({ webhooks: 2 }) })
      for (let n = 0; n < 4; n++) await slowly(server, path)
      assert.equal((await webhook(server)).status, 200)
    })
  }

  for (const path of [
    '/functions/v1/guest-checkout',
    '/rest/v1/rpc/expire_ticket_holds',
    '/checkout.stripe.com/c',
  ]) {
    it(`keep no buyer out by ${path}`, async () => {
      const mounts = new Map([['checkout.stripe.com', standIn]])
      const server = await open({ mounts, limits: placesOf({ buyers: 2 }) })
      for (let n = 0; n < 4; n++) await slowly(server, path, `apikey: ${server.authenticator.keys.anon}`)
      assert.equal((await ask(server, '/', { headers: { accept: 'text/html' } })).status, 200)
    })
  }

  it('are so many from one address, and one more for each that came', async () => {
    const server = await open({
      clientAddressHeader: 'x-forwarded-for',
      limits: { arrivingPerAddress: 2 },
    })
    const path = '/functions/v1/stripe-webhook'
    const from = (address: string) => slowly(server, path, `X-Forwarded-For: ${address}`)
    const first = await from('203.0.113.1')
    await from('203.0.113.1')
    const send = async () =>
      (await ask(server, path, { body: {}, headers: { 'x-forwarded-for': '203.0.113.1' } })).status
    assert.equal(await send(), 429)
    await from('203.0.113.2')
    assert.match(await first.finish(), / 400 /)
    assert.equal(await send(), 400)
  })

  it('are so many in all, apart from other lanes and from what has no body', async () => {
    const server = await open({ limits: { arrivingMax: 1 } })
    await slowly(server, '/functions/v1/guest-checkout')
    const full = await ask(server, '/functions/v1/claim-offer', { body: {} })
    assert.deepEqual([full.status, full.json().code], [503, 'SERVER_BUSY'])
    assert.equal((await ask(server, '/', { headers: { accept: 'text/html' } })).status, 200)
    assert.equal((await webhook(server)).status, 200)
  })
})

describe('a webhook that nobody signed', () => {
  it('takes no place', async () => {
    const server = await open({ limits: placesOf({ webhooks: 0 }) })
    assert.equal((await webhook(server, 't=1,v1=0')).status, 400)
    assert.equal((await webhook(server)).status, 503)
  })

  it('or somebody did, is judged by that alone: no bearer and no key is looked at', async () => {
    const server = await open()
    const body = JSON.stringify({ id: `evt_${randomUUID()}`, type: 'x', data: { object: {} } })
    const headers = { authorization: 'Bearer nonsense', apikey: 'x', 'stripe-signature': signed(body) }
    assert.equal((await ask(server, '/functions/v1/stripe-webhook', { body, headers })).status, 200)
  })
})

describe('another server behind this one', () => {
  it('gets the body as it was sent, and none that is too large', async () => {
    const seen: unknown[] = []
    const standIn = async (request: Request) => {
      seen.push([request.method, request.headers.get('x-mine'), await request.text()])
      return Response.json({ theirs: true }, { status: 500 })
    }
    const server = await open({ mounts: new Map([['api.stripe.com', standIn]]) })
    const send = (body: string) =>
      ask(server, '/api.stripe.com/v1/refunds?a=b', { body, headers: { 'x-mine': 'yes' } })
    assert.equal((await send('a=é')).text, '{"theirs":true}')
    const large = await send('x'.repeat(1024 * 1024 + 1))
    assert.deepEqual([large.status, large.json().code], [413, 'PAYLOAD_TOO_LARGE'])
    assert.deepEqual(seen, [['POST', 'yes', 'a=é']])
    assert.deepEqual(server.logged, [], 'what it answers is its own')
  })

  it('gives room to payers as to buyers, and no more', async () => {
    const mounts = new Map([['checkout.stripe.com', async () => new Response('theirs')]])
    const server = await open({ mounts, limits: placesOf({ buyers: 0 }) })
    const got = await ask(server, '/checkout.stripe.com/c/pay/x')
    assert.deepEqual([got.status, got.json().code], [503, 'SERVER_BUSY'])
  })

  it('that breaks is answered for, in JSON, with its stack in the log', async () => {
    const broken = async () => {
      throw new Error('theirs broke')
    }
    const server = await open({ mounts: new Map([['stand-in', broken]]) })
    const got = await ask(server, '/stand-in/ledger')
    assert.deepEqual([got.status, got.json().code], [500, 'INTERNAL_ERROR'])
    assert.match(server.logged.join(), /"level":"error".*theirs broke\\n +at /)
  })
})
