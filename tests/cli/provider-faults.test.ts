import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { testDatabase } from '../support/database.ts'
import { newHome, startOffice } from './support.ts'

/** How a provider dies under a call, phase by phase: what it has said when it resets the connection. */
const PHASES: readonly (readonly [name: string, said: string])[] = [
  ['as soon as it is connected', ''],
  ['within the status line', 'HTTP/1.1 20'],
  ['within the headers', 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'],
  ['before the body', 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n'],
  [
    'within the body',
    'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"id":"cs_test_1","obj',
  ],
  ['after what is no HTTP', '\u0000\u0001 gone\r\n\r\n'],
  [
    'with a page of a proxy',
    'HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\ngone',
  ],
]

let said = ''
let calls = 0
const sockets = new Set<Socket>()
const provider = createServer((socket) => {
  sockets.add(socket)
  socket.on('error', () => {})
  socket.once('data', () => {
    calls++
    if (said === '') socket.resetAndDestroy()
    else socket.write(said, () => setTimeout(() => socket.resetAndDestroy(), 20))
  })
})
provider.listen(0, '127.0.0.1')
await once(provider, 'listening')
const { port } = provider.address() as { port: number }
after(() => {
  for (const socket of sockets) socket.destroy()
  provider.close()
})

const db = await testDatabase(null)
const office = await startOffice({
  ADMIT_ONCE_HOME: newHome(),
  DATABASE_URL: db.url,
  STRIPE_SECRET_KEY: 'sk_test_c2VjcmV0',
  STRIPE_WEBHOOK_SECRET: 'whsec_c2VjcmV0',
  STRIPE_API_URL: `http://127.0.0.1:${port}`,
})
let isAlive = true
const ended = office.ended.finally(() => {
  isAlive = false
})
after(async () => {
  office.signal('SIGTERM', 'process')
  await ended
})

async function buy(): Promise<readonly [status: number, code: unknown, retry: string | null]> {
  const response = await fetch(`${office.url}/functions/v1/create-ticket-checkout`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() },
    body: JSON.stringify({
      eventId: 'summer-night',
      items: [{ tierId: 'front-row', quantity: 1 }],
      customerName: 'Ada',
      customerEmail: 'ada@example.org',
    }),
  })
  const { code } = (await response.json()) as { code?: unknown }
  return [response.status, code, response.headers.get('retry-after')]
}

for (const [name, words] of PHASES) {
  test(`the provider dies ${name}: the buyer is told to try again, the hold is kept, the server lives`, async () => {
    said = words
    const before = calls
    assert.deepEqual(await buy(), [503, 'PAYMENT_UNAVAILABLE', '5'])
    assert.ok(calls > before, 'the provider was not asked')
    assert.ok(isAlive, office.output())
  })
}

test('the provider is gone: the same; jobs that ask it end nothing, and each hold is kept', async () => {
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => provider.close(resolve))
  assert.deepEqual(await buy(), [503, 'PAYMENT_UNAVAILABLE', '5'])
  const orders = await db.value<number>(`select count(*)::int from orders where status = 'pending'`)
  assert.equal(orders, PHASES.length + 1)
  const held = await db.value<number>(`select count(*)::int from ticket_holds where status = 'active'`)
  assert.equal(held, PHASES.length + 1)
  assert.ok(isAlive, office.output())
})
