import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { after, afterEach, describe, it } from 'node:test'
import { functions } from '../../src/api/functions/index.ts'
import { VERBS } from '../../src/desk/verbs.ts'
import { addTier } from '../support/box-office.ts'
import { ask } from './scratch.ts'
import { openShop, type Shop, signed } from './shop.ts'

/** At each path; STRANGERS=1000 sends as many as a server takes by itself, which takes two minutes. */
const STRANGERS = Number(process.env['STRANGERS'] ?? 100)
/** Fewer than they are. */
const ARRIVING_MAX = Math.floor(STRANGERS * 0.6)
const CONNECTIONS_MAX = ARRIVING_MAX
/** More than a server takes by itself. */
const THOUSAND = 1_200
const ANSWER_MS_MAX = 5_000

const large = await openShop()
const shop = await openShop({}, { limits: { arrivingMax: ARRIVING_MAX } })
const crowded = await openShop({}, {}, { reading: { connectionsMax: CONNECTIONS_MAX } })

/** What stands for a parameter of a route; a route with another one has to say here what strangers put there. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  '/functions/v1/:name': [...functions.keys(), 'none'],
  '/rest/v1/rpc/:name': oneVerbALane(),
  '/events/:slug': [shop.house.eventSlug],
  '/events/:slug/checkout': [shop.house.eventSlug],
  '/orders/:id/:secret': [`${randomUUID()}/${'0'.repeat(32)}`],
  '/orders/:id/:secret/cancel': [`${randomUUID()}/${'0'.repeat(32)}`],
}

function oneVerbALane(): string[] {
  return [...new Map([...VERBS.values()].map(({ name, lane }) => [lane, name])).values(), 'none']
}

/** Every path of the router, as a stranger would write it. */
function pathsOf({ server }: Shop): string[] {
  const patterns = [...new Set(server.app.routes.map(({ path }) => path))]
  return patterns.flatMap((pattern) => {
    if (!pattern.includes(':')) return pattern.replaceAll('*', 'x')
    const values = PARAMETERS[pattern]
    assert.ok(values, `say in PARAMETERS what strangers put into ${pattern}`)
    return values.map((value) => pattern.replace(/:.*(?=\/)\/:\w+|:\w+/, value))
  })
}

const sockets: Socket[] = []
const hangUp = () => {
  for (const socket of sockets.splice(0)) socket.destroy()
}
afterEach(hangUp)
after(hangUp)

/** Nothing at all, what anybody can have, and what is forged. */
const HEADERS = [
  'X: y',
  `apikey: ${shop.server.authenticator.keys.anon}`,
  'Authorization: Bearer a.b.c',
  `Stripe-Signature: t=${Math.floor(Date.now() / 1000)},v1=${'0'.repeat(64)}`,
]

/** As many strangers, each of whom sends this and no more; resolves when the server has it. */
async function strangers(
  { server }: Shop,
  text: (header: string) => string,
  count = STRANGERS,
): Promise<void> {
  const { hostname, port } = new URL(server.url)
  const connected = Array.from({ length: count }, (_, n) => {
    const socket = connect(Number(port), hostname)
    sockets.push(socket)
    socket.on('error', () => {}).resume()
    const sent = text(HEADERS[n % HEADERS.length] ?? '')
    return new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
      socket.once('connect', () => socket.write(sent, () => resolve()))
    })
  })
  await Promise.all(connected)
  await fetch(server.url)
}

/** What each lane's own people are answered meanwhile. */
async function served({ server, house, call, member, db }: Shop): Promise<Record<string, number>> {
  const tier = await addTier(db, house.eventId, { total: 10 })
  const staff = await member('door')
  const scan = { qrData: `unknown-${randomUUID()}`, businessId: house.businessId }
  const event = JSON.stringify({ id: `evt_${randomUUID()}`, type: 'x', data: { object: {} } })
  const cart = {
    eventId: house.eventId,
    ticketSelections: [{ tierId: tier, quantity: 1 }],
    contact: { email: 'a@b.example' },
  }
  const buyer = { apikey: server.authenticator.keys.anon }
  const answers = {
    gate: call('validate-qr', scan, staff),
    offline: call(
      'sync-offline-scans',
      {
        businessId: house.businessId,
        scans: [{ code: 'x', scannedAt: new Date().toISOString(), scannedBy: house.staffId }],
      },
      staff,
    ),
    webhook: ask(server, '/functions/v1/stripe-webhook', {
      body: event,
      headers: { 'stripe-signature': signed(event) },
    }),
    buyer: call('enhanced-checkout', cart, buyer),
    page: ask(server, `/events/${house.eventSlug}`, { headers: { accept: 'text/html' } }),
    health: ask(server, '/functions/v1/health-check'),
  }
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('nobody was answered in time')), ANSWER_MS_MAX).unref()
  })
  const entries = Object.entries(answers).map(
    async ([who, answer]) => [who, (await Promise.race([answer, late])).status] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}

const ALL = { gate: 200, offline: 200, webhook: 200, buyer: 200, page: 200, health: 200 }

describe('strangers keep nobody out', () => {
  it('among them are the paths of every function and of each lane', () => {
    const paths = pathsOf(shop)
    assert.ok(paths.length > functions.size + 10)
    for (const name of functions.keys()) assert.ok(paths.includes(`/functions/v1/${name}`))
  })

  for (const path of pathsOf(shop)) {
    it(`by bodies that do not come at ${path}`, async () => {
      await strangers(
        shop,
        (header) => `POST ${path} HTTP/1.1\r\nHost: x\r\n${header}\r\nContent-Length: 1000\r\n\r\n{`,
      )
      assert.deepEqual(await served(shop), ALL)
    })
  }

  for (const name of ['validate-qr', 'stripe-webhook', 'guest-checkout', 'claim-offer']) {
    it(`at the size that a server has by itself, at ${name}`, async () => {
      const head = `POST /functions/v1/${name} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n`
      await strangers(large, (header) => `${head}${header}\r\n\r\n{`, THOUSAND)
      assert.deepEqual(await served(large), ALL)
    })
  }

  it('by bodies whose length they do not say, nor by the largest', async () => {
    for (const length of ['Transfer-Encoding: chunked', 'Content-Length: 1048576']) {
      await strangers(
        shop,
        (header) => `POST /functions/v1/stripe-webhook HTTP/1.1\r\nHost: x\r\n${header}\r\n${length}\r\n\r\n`,
      )
      assert.deepEqual(await served(shop), ALL)
    }
  })

  it('by headers that do not end, more of them than there are connections', async () => {
    await strangers(crowded, () => 'POST /functions/v1/validate-qr HTTP/1.1\r\nHost: x\r\nX: ')
    assert.deepEqual(await served(crowded), ALL)
  })

  it('by connections that say nothing, more of them than there are', async () => {
    await strangers(crowded, () => '')
    assert.deepEqual(await served(crowded), ALL)
  })
})
