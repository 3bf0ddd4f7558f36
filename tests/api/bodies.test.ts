import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { after, describe, it } from 'node:test'
import { functions } from '../../src/api/functions/index.ts'
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
  /** The status line of an answer that comes without more. */
  answer(): Promise<string>
  /** Sends what was missing, and gives the status line of the answer. */
  finish(): Promise<string>
}

/** A client that says that ten bytes will come, and sends none; resolves when its request is at work. */
async function slowly({ url }: TestServer, path: string, header = 'X: y'): Promise<Slow> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  sockets.push(socket)
  const next = statusLinesOf(socket)
  const head = `POST ${path} HTTP/1.1\r\nHost: ${hostname}\r\n${header}\r\nContent-Length: 10\r\n`
  socket.write(`${head}Expect: 100-continue\r\nConnection: close\r\n\r\n`)
  assert.match(await next(), /^HTTP\/1.1 100 /)
  return {
    answer: next,
    finish: () => {
      socket.write('0123456789')
      return next()
    },
  }
}

/** Gives the status lines of what comes, one after the other; several may come at once. */
function statusLinesOf(socket: Socket): () => Promise<string> {
  let text = ''
  let given = 0
  return () =>
    new Promise((resolve, reject) => {
      const look = (bytes: Buffer | string) => {
        text += String(bytes)
        const line = [...text.matchAll(/^HTTP\/1.1 \d{3} /gm)][given]?.[0]
        if (line === undefined) return
        given++
        socket.off('data', look)
        resolve(line)
      }
      socket.on('data', look)
      socket.once('close', () => reject(new Error(`closed after ${JSON.stringify(text)}`)))
      look('')
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

  it('are so many from one address: the one that is longest on its way makes room for the next', async () => {
    const server = await open({
      clientAddressHeader: 'x-forwarded-for',
      limits: { arrivingPerAddress: 2 },
    })
    const from = (address: string) =>
      slowly(server, '/functions/v1/guest-checkout', `X-Forwarded-For: ${address}`)
    const [first, second, other] = [
      await from('203.0.113.1'),
      await from('203.0.113.1'),
      await from('203.0.113.2'),
    ]
    const turnedAway = first.answer()
    const third = await from('203.0.113.1')
    assert.match(await turnedAway, / 503 /)
    for (const slow of [second, third, other]) assert.match(await slow.finish(), / 400 /)
  })

  it('are so many in all, apart from other lanes, and keep out none that comes', async () => {
    const server = await open({ limits: { arrivingMax: 1 } })
    const slow = await slowly(server, '/functions/v1/guest-checkout')
    const turnedAway = slow.answer()
    const got = await ask(server, '/functions/v1/guest-checkout', { body: {} })
    assert.equal(got.status, 400)
    assert.match(await turnedAway, / 503 /)
    assert.equal((await ask(server, '/', { headers: { accept: 'text/html' } })).status, 200)
    assert.equal((await webhook(server)).status, 200)
  })
})

/** Whose request a stranger may send; all others say in `needs` who may. */
const OPEN = [
  'create-ticket-checkout',
  'enhanced-checkout',
  'create-checkout-session',
  'guest-checkout',
  'checkout-session-status',
  'cancel-order',
  'stripe-webhook',
  'claim-offer',
  'ticket-keys',
  'health-check',
]

describe('a function that needs a caller', () => {
  it('is each but these', () => {
    const withoutNeed = [...functions].filter(([, { needs }]) => needs === undefined)
    assert.deepEqual(
      withoutNeed.map(([name]) => name),
      OPEN,
    )
  })

  for (const [name, { needs, methods }] of functions) {
    if (needs === undefined || !methods.includes('POST')) continue
    it(`${name} refuses a stranger before its body is here`, async () => {
      const server = await open()
      const { anon } = server.authenticator.keys
      for (const header of [
        'X: y',
        `apikey: ${anon}`,
        `Authorization: Bearer ${anon}`,
        'Authorization: Bearer a.b.c',
      ]) {
        const slow = await slowly(server, `/functions/v1/${name}`, header)
        assert.match(await slow.answer(), / 401 /)
      }
    })
  }
})

describe('a webhook that nobody signed', () => {
  for (const signature of [undefined, '', 'x', 't=1', 'v1=00', `t=1,v0=${'0'.repeat(64)}`]) {
    it(`as its head shows (${signature}) is refused before its body is read`, async () => {
      const server = await open()
      const line = signature === undefined ? 'X: y' : `Stripe-Signature: ${signature}`
      const slow = await slowly(server, '/functions/v1/stripe-webhook', line)
      assert.match(await slow.answer(), / 400 /)
    })
  }

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
