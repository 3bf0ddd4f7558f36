import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { placesOf } from '../support/limits.ts'
import { browserAt, keyIn, locationOf, post, shownIn } from './forms.ts'
import { openHouse } from './open-house.ts'

const house = await openHouse()
const { get, heldNow } = browserAt(house)

describe('the pages over HTTP', () => {
  it('list what is on sale, and nothing else', async () => {
    const onSale = await house.event()
    const draft = await house.event()
    const closed = await house.event({ status: 'closed' })
    await house.db.rows(`update events set status = 'draft' where slug = $1`, [draft.slug])
    const home = await (await get('/')).text()
    const listed = [onSale, draft, closed].map(({ slug }) => home.includes(`/events/${slug}`))
    assert.deepEqual(listed, [true, false, false])
  })

  it('charge no other price than the page had shown, without a word', async () => {
    for (const change of [
      'update ticket_tiers set price_cents = 9900 where id = $1',
      'update events set fee_fixed_cents = 100 where id = (select event_id from ticket_tiers where id = $1)',
      `update events set currency = 'GBP' where id = (select event_id from ticket_tiers where id = $1)`,
    ]) {
      const event = await house.event()
      const page = await (await fetch(event.url)).text()
      await house.db.rows(change, [event.tierId])
      const late = await post({ ...event, shown: shownIn(page) })
      const again = await late.text()
      assert.equal(late.status, 409, change)
      assert.match(again, /The price has changed since you opened this page/)
      assert.equal(await heldNow(event.tierId), 0)
      const bought = await post({ ...event, key: keyIn(again) ?? '', shown: shownIn(again) })
      assert.equal(bought.status, 303, 'the same button buys at the new price')
    }
  })

  it("tell times by the house's own clock, and name its zone", async () => {
    const { url, slug } = await house.event()
    await house.db.rows(`update businesses set time_zone = 'Asia/Kolkata'`)
    await house.db.rows(
      `update events set start_at = '2086-01-04 18:30Z', end_at = '2086-01-04 21:00Z' where slug = $1`,
      [slug],
    )
    assert.match(await (await get(url)).text(), /Saturday 5 January 2086.*00:00 to 02:30 GMT\+5:30/s)
    await house.db.rows(`update businesses set time_zone = 'UTC'`)
  })

  it('are kept by nobody, framed by nobody, run no script and tell no other site where they were', async () => {
    const { url } = await house.event()
    const { headers } = await get(url)
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('referrer-policy'), 'same-origin')
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.equal(headers.get('access-control-allow-origin'), null)
    const policy = headers.get('content-security-policy') ?? ''
    assert.match(policy, /^default-src 'none'; style-src 'sha256-[^']+'; /)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.ok(!policy.includes('unsafe'))
  })

  const missing = [
    '/events/no-such-event',
    '/events/No%20Slug',
    '/events/%00',
    '/orders/019f0000-0000-7000-8000-000000000000',
    `/orders/019f0000-0000-7000-8000-000000000000/${'0'.repeat(32)}`,
    `/orders/not-an-id/${'0'.repeat(32)}`,
    '/orders/019f0000-0000-7000-8000-000000000000/%27',
    '/nothing',
  ]
  for (const path of missing) {
    it(`answer ${path} by a page that says that there is nothing`, async () => {
      const response = await get(path)
      assert.equal(response.status, 404)
      assert.match(response.headers.get('content-type') ?? '', /^text\/html/)
      assert.match(await response.text(), /There is nothing here/)
    })
  }

  it('answer HEAD without a body', async () => {
    const { status, headers } = await fetch(house.url, { method: 'HEAD' })
    assert.deepEqual([status, headers.get('content-type')], [200, 'text/html; charset=utf-8'])
  })

  it('leave the API, and what asks for no page, to JSON', async () => {
    const ofScript = await fetch(`${house.url}/nothing`, { headers: { accept: 'application/json' } })
    for (const response of [ofScript, await get('/functions/v1/nothing'), await get('/functions/v1/a/b')]) {
      assert.equal(response.status, 404)
      assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
    }
  })
})

describe('buying by a form', () => {
  it('goes on to the payment, with the price of the database', async () => {
    const event = await house.event()
    const response = await post({ ...event, quantity: 2 })
    assert.equal(response.status, 303)
    assert.match(locationOf(response), /\/checkout\.stripe\.com\/c\/pay\/cs_test_/)
    assert.deepEqual(await house.orders(event.slug), [{ status: 'pending', total_cents: '5250' }])
  })

  it('goes to the tickets where nothing is to be paid, and keeps the page from search engines', async () => {
    const event = await house.event({ priceCents: 0 })
    const response = await post({ ...event, quantity: 3 })
    const order = await get(locationOf(response))
    assert.equal(order.status, 200)
    assert.equal(order.headers.get('x-robots-tag'), 'noindex')
    assert.match(await order.text(), /Ticket 3 of 3/)
  })

  it('shows an order to nobody who does not know its secret', async () => {
    const event = await house.event({ priceCents: 0 })
    const path = locationOf(await post(event))
    const other = path.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
    assert.equal((await get(path)).status, 200)
    assert.equal((await get(other)).status, 404)
  })

  it('is one order for two clicks at once, and another order for another cart', async () => {
    const event = await house.event()
    const key = crypto.randomUUID()
    const clicks = await Promise.all([post({ ...event, key }), post({ ...event, key })])
    assert.deepEqual(
      clicks.map(({ status }) => status),
      [303, 303],
    )
    assert.equal(new Set(clicks.map(locationOf)).size, 1)
    assert.equal((await house.orders(event.slug)).length, 1)
    const third = await post({ ...event, key, quantity: 2 })
    assert.notEqual(locationOf(third), locationOf(clicks[0] as Response))
    assert.equal((await house.orders(event.slug)).length, 2)
  })

  it('says in the form who was faster, how many are left, and keeps what was typed', async () => {
    const event = await house.event({ total: 3 })
    await post({ ...event, quantity: 2, name: 'Bea' })
    const key = crypto.randomUUID()
    const response = await post({ ...event, quantity: 2, name: 'Ada "Countess"', key })
    const page = await response.text()
    assert.equal(response.status, 409)
    assert.match(page, /Somebody was faster/)
    assert.match(page, /Only 1 left\./)
    assert.match(page, /value="2"/)
    assert.match(page, /value="Ada &quot;Countess&quot;"/)
    assert.equal(keyIn(page), key)
    assert.equal((await house.orders(event.slug)).length, 1)
  })

  it('says what one order may have', async () => {
    const event = await house.event({ maxPerOrder: 2 })
    const response = await post({ ...event, quantity: 3 })
    assert.deepEqual([response.status, await house.orders(event.slug)], [409, []])
    assert.match(await response.text(), /more than one order/)
  })

  it('refuses a body that is too large, without reading it as a form', async () => {
    const event = await house.event()
    assert.equal((await post({ ...event, name: 'a'.repeat(40_000) })).status, 413)
    assert.deepEqual(await house.orders(event.slug), [])
  })

  it('begins again where the answer to a form is loaded anew', async () => {
    const event = await house.event()
    const response = await get(`${event.url}/checkout`)
    assert.deepEqual([response.status, locationOf(response)], [303, `/events/${event.slug}`])
  })

  const strangers: readonly Readonly<Record<string, string>>[] = [
    { 'sec-fetch-site': 'cross-site', origin: 'https://other.example' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://other.example' },
    { origin: 'null' },
  ]
  for (const headers of strangers) {
    it(`is refused by a page where another site sent the form: ${JSON.stringify(headers)}`, async () => {
      const event = await house.event()
      const response = await post({ ...event, headers })
      assert.equal(response.status, 403)
      assert.match(response.headers.get('content-type') ?? '', /^text\/html/)
      assert.match(await response.text(), /Another site sent this form/)
      assert.deepEqual(await house.orders(event.slug), [])
    })
  }

  const own: readonly Readonly<Record<string, string>>[] = [
    { 'sec-fetch-site': 'same-origin', origin: 'null' },
    { 'sec-fetch-site': 'none' },
    { origin: house.url },
    // A proxy that ends TLS.
    { origin: house.url.replace('http:', 'https:') },
  ]
  for (const headers of own) {
    it(`goes on where our own page sent it: ${Object.keys(headers).join(' and ')}`, async () => {
      assert.equal((await post({ ...(await house.event()), headers })).status, 303)
    })
  }

  it('leads nowhere else, and is no bug, whatever an address says', async () => {
    for (const name of ['%0d%0aX', '%2F%2Fother.example', '%C3%A9', '%F0%9F', '..%5c']) {
      const response = await get(`/events/${name}/checkout`)
      assert.equal(response.status, 303)
      assert.match(locationOf(response), /^\/events\/[\w%.-]+$/)
    }
  })

  it('is told that a lot of people are here, by a page, when there is no room', async () => {
    const busy = await openHouse({ limits: placesOf({ pages: 0 }) })
    const response = await get(busy.url)
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '1'])
    assert.match(await response.text(), /A lot of people are here now/)
  })

  it('is told that it is our fault, by a page, when it is', async () => {
    const broken = await openHouse()
    const event = await broken.event({ priceCents: 0 })
    await broken.db.rows('alter function ticketing.order_page rename to no_page')
    const response = await get(locationOf(await post(event)))
    assert.equal(response.status, 500)
    assert.match(await response.text(), /It is our fault/)
    assert.match(broken.logged.join(), /order_page/)
  })

  it('meets no bug of ours on the way', () => {
    assert.deepEqual(
      house.logged.filter((line) => line.includes('"level":"error"')),
      [],
    )
  })
})
