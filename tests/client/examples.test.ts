import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openShop } from '../api/shop.ts'
import { addTier } from '../support/box-office.ts'
import { noBrowser, openBrowser } from '../support/browser.ts'
import { noDeno, startDeno } from '../support/deno.ts'
import { openNetwork } from './network.ts'
import { CLIENT } from './resolve.ts'

const root = new URL('../../', import.meta.url)
const { db, house, server, tokenOf } = await openShop()
const network = await openNetwork(server.url)
const ordersOf = (email: string) =>
  db.value<number>('select count(*)::int from orders where customer_email = $1', [email])

describe('the server action', () => {
  const form = (more: Readonly<Record<string, string>>) => {
    const filled = new FormData()
    const person = { name: 'Ada', email: 'action@example.org', key: randomUUID() }
    for (const [name, value] of Object.entries({ event: house.eventSlug, quantity: '1', ...person, ...more }))
      filled.append(name, value)
    return filled
  }

  test('makes one order of one form, though it is sent twice and an answer is lost', async () => {
    process.env['SUPABASE_URL'] = network.url
    const { buy } = await import('../../examples/client/server-action.ts')
    const tier = await addTier(db, house.eventId, { total: 1 })
    const sent = form({ tier })
    network.expect('lose')
    const [one, two] = [await buy({}, sent), await buy({}, sent)]
    assert.match(String(one.goTo), /\/orders\//)
    assert.deepEqual(two, one)
    assert.equal(await ordersOf('action@example.org'), 1)
    assert.deepEqual(await buy({}, form({ tier })), { message: 'So many are not left.' })
    network.expect('cut', 'cut', 'cut', 'cut')
    assert.deepEqual(await buy({}, form({ tier })), { message: 'Please press again: it stays one order.' })
  })
})

/** A proxy: the shop's host serves page and functions. What is lost behind it is lost before it. */
async function passOn(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // On a connection that was kept and breaks, Chromium sends a request once more by itself.
  response.shouldKeepAlive = false
  const names = ['content-type', 'idempotency-key'] as const
  const answer = await fetch(network.url + request.url, {
    method: 'POST',
    headers: names.map((name) => [name, String(request.headers[name])]),
    body: await text(request),
  }).catch(() => undefined)
  if (answer === undefined) return void request.socket.destroy()
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
}

describe('the page, by plain HTTP', { skip: noBrowser }, () => {
  const site = createServer(async (request, response) => {
    const { url = '/' } = request
    if (url.startsWith('/functions/')) return passOn(request, response)
    const path = new URL(url, 'http://shop.test').pathname.replace('/node_modules/admit-once/dist/', 'src/')
    if (path === '/') {
      response.setHeader('content-type', 'text/html')
      return response.end(await readFile(new URL('examples/client/page.html', root)))
    }
    const source = await readFile(new URL(path.replace(/\.js$/, '.ts'), root), 'utf8').catch(() => undefined)
    response.statusCode = source === undefined ? 404 : 200
    response.setHeader('content-type', 'text/javascript')
    response.end(source === undefined ? '' : stripTypeScriptTypes(source))
  })
  let port = 0
  before(async () => {
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
    port = (site.address() as { port: number }).port
  })
  after(() => {
    site.closeAllConnections()
    site.close()
  })

  test('orders once, though the first answer is lost', async () => {
    const tier = await addTier(db, house.eventId, { slug: 'general-admission' })
    await db.rows(`update events set slug = 'summer-night' where id = $1`, [house.eventId])
    const browser = await openBrowser('--host-resolver-rules=MAP shop.test 127.0.0.1')
    try {
      const page = await browser.newPage()
      const errors: string[] = []
      page.on('pageerror', (error) => errors.push(error.message))
      await page.goto(`http://shop.test:${port}/`)
      assert.equal(await page.evaluate('typeof crypto.randomUUID'), 'undefined', 'as plain HTTP has it')
      await page.fill('[name=name]', 'Ada')
      await page.fill('[name=email]', 'page@example.org')
      network.expect('lose')
      await page.click('button')
      await page.waitForURL(/\/orders\//)
      assert.deepEqual(errors, [])
      const asked = network.seen.filter(({ key }) => key !== undefined)
      assert.equal(asked.length, 2)
      assert.equal(asked[0]?.key, asked[1]?.key)
      assert.equal(await ordersOf('page@example.org'), 1)
      assert.equal(await db.value('select sold_quantity from ticket_tiers where id = $1', [tier]), 2)
    } finally {
      await browser.close()
    }
  })
})

describe('the edge function, under Deno', { skip: noDeno }, () => {
  test("holds tickets in its caller's name, tells a refusal with what it adds, and an unknown outcome", async () => {
    const imports = encodeURIComponent(JSON.stringify({ imports: { 'admit-once/client': CLIENT.href } }))
    const file = fileURLToPath(new URL('examples/client/edge-function.ts', root))
    const variables = {
      DENO_SERVE_ADDRESS: 'tcp:127.0.0.1:0',
      SUPABASE_URL: network.url,
      SUPABASE_ANON_KEY: server.authenticator.keys.anon,
    }
    const args = ['--check', `--import-map=data:application/json,${imports}`, file]
    const { port, end } = await startDeno(args, variables)
    after(end)
    const user = randomUUID()
    const headers = await tokenOf(user)
    const tierId = await addTier(db, house.eventId, { total: 3 })
    const hold = async (quantity: number) => {
      const body = JSON.stringify({ tierId, quantity, sessionId: 'cart-of-ada' })
      const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', headers, body })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    }
    assert.match(String((await hold(2)).body['heldUntil']), /^\d{4}-/)
    assert.equal(await db.value('select user_id from ticket_holds where tier_id = $1', [tierId]), user)
    const { status, body } = await hold(2)
    assert.deepEqual([status, body['code']], [409, 'INSUFFICIENT_TICKETS'])
    assert.equal((body['failed'] as { available: number }[])[0]?.available, 1)
    network.expect('lose')
    const lost = await hold(1)
    assert.deepEqual([lost.status, lost.body['outcome'], network.seen.length], [502, 'unknown', 1])
    assert.equal(await db.value('select reserved_quantity from ticket_tiers where id = $1', [tierId]), 3)
  })
})
