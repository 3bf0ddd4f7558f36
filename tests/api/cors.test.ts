import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { noBrowser, openBrowser } from '../support/browser.ts'
import { openShop, SPELLINGS } from './shop.ts'

const shop = await openShop()

/** A page of somebody else's, on a port of its own, which is another origin. */
async function strangersPage(): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>theirs</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => new Promise((resolve) => server.close(resolve)))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  return `http://127.0.0.1:${address.port}/`
}

it('a page of another origin buys in a real browser, and reads what it may', {
  skip: noBrowser,
}, async () => {
  const tier = await addTier(shop.db, shop.house.eventId)
  const browser = await openBrowser()
  after(() => browser.close())
  const page = await browser.newPage()
  await page.goto(await strangersPage())
  const buy = (headers: Record<string, string>, path = 'guest-checkout') =>
    page.evaluate(
      async ({ url, body, headers }) => {
        const response = await fetch(url, { method: 'POST', headers, body })
        const read = (name: string) => response.headers.get(name)
        return {
          status: response.status,
          body: await response.json(),
          replay: read('x-idempotent-replay'),
          hasId: read('x-request-id') !== null,
          retryAfter: read('retry-after'),
        }
      },
      {
        url: `${shop.server.url}/functions/v1/${path}`,
        body: JSON.stringify(SPELLINGS['guest-checkout']?.(shop.house.eventId, tier, 1)),
        headers: { 'content-type': 'application/json', ...headers },
      },
    )
  const { anon } = shop.server.authenticator.keys
  const headers = {
    apikey: anon,
    authorization: `Bearer ${anon}`,
    'x-client-info': 'supabase-js/2',
    'idempotency-key': 'mine',
    'x-my-own': 'header',
  }
  const first = await buy(headers)
  assert.deepEqual([first.status, first.body.success, first.replay, first.hasId], [200, true, null, true])
  assert.equal((await buy(headers)).replay, 'true')
  assert.equal((await buy(headers, 'no-such-function')).status, 404)
})
