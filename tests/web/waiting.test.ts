import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { browserAt, cookieOf, keyIn, locationOf, pay, post, waysBack } from './forms.ts'
import { openHouse } from './open-house.ts'

const house = await openHouse()
const { get, heldNow } = browserAt(house)

describe('buying by a form, with an order that waits,', () => {
  it('remembers the order that waits: back on the page, the same cart is that order', async () => {
    const event = await house.event()
    const bought = await post(event)
    const cookie = cookieOf(bought)
    assert.match(
      bought.headers.get('set-cookie') ?? '',
      /; Path=\/events\/[\w-]+; Max-Age=3600; HttpOnly; SameSite=Lax$/,
    )
    const page = await (await get(event.url, { cookie })).text()
    assert.match(page, /Your tickets are held until/)
    const key = keyIn(page) ?? ''
    const again = await post({ ...event, key, cookie })
    assert.equal(locationOf(again), locationOf(bought))
    assert.equal((await house.orders(event.slug)).length, 1)
  })

  it('forgets it when it is over: a new view is a new order', async () => {
    const event = await house.event({ priceCents: 0 })
    const cookie = cookieOf(await post(event))
    const page = await (await get(event.url, { cookie })).text()
    assert.ok(!page.includes('Your tickets are held until'))
    await post({ ...event, key: keyIn(page) ?? '' })
    assert.equal((await house.orders(event.slug)).length, 2)
  })

  it('remembers the orders of two tabs, each with its own way back', async () => {
    const event = await house.event()
    const tabs = [await post(event), await post({ ...event, quantity: 2 })]
    const page = await (await get(event.url, { cookie: cookieOf(...tabs) })).text()
    assert.equal(waysBack(page).length, 2)
    assert.equal(page.match(/Your tickets are held until/g)?.length, 2)
  })

  it('lets the same browser ask for what is left and what its own order holds, and for no more than there are', async () => {
    for (const [total, left] of [
      [2, 0],
      [5, 3],
    ] as const) {
      const event = await house.event({ total })
      const cookie = cookieOf(await post({ ...event, quantity: 2 }))
      const page = await (await get(event.url, { cookie })).text()
      assert.match(page, new RegExp(`min="0" max="${total}"`), `${left} left`)
    }
  })

  it('gives the own order up that holds what is asked for: two of two, back, one', async () => {
    const event = await house.event({ total: 2 })
    const cookie = cookieOf(await post({ ...event, quantity: 2 }))
    const key = keyIn(await (await get(event.url, { cookie })).text()) ?? ''
    const second = await post({ ...event, quantity: 1, key, cookie })
    assert.equal(second.status, 303)
    assert.match(locationOf(second), /checkout\.stripe\.com/)
    const statuses = (await house.orders(event.slug)).map(({ status }) => status)
    assert.deepEqual(statuses.sort(), ['expired', 'pending'])
    assert.deepEqual(await heldNow(event.tierId), 1)
  })

  it('does the same where the limit of a person is reached by the own order', async () => {
    const event = await house.event()
    await house.db.rows('update ticket_tiers set max_per_person = 2 where id = $1', [event.tierId])
    const cookie = cookieOf(await post({ ...event, quantity: 2 }))
    assert.equal((await post({ ...event, quantity: 1 })).status, 409)
    assert.equal((await post({ ...event, quantity: 1, cookie })).status, 303)
    assert.deepEqual(await heldNow(event.tierId), 1)
  })

  it('keeps the own order where giving it up is not enough, and blames nobody else', async () => {
    const event = await house.event({ total: 3 })
    await post({ ...event, quantity: 1 })
    const cookie = cookieOf(await post({ ...event, quantity: 1 }))
    const response = await post({ ...event, quantity: 3, cookie })
    const page = await response.text()
    assert.equal(response.status, 409)
    assert.match(page, /those that your own order holds/)
    assert.match(page, /Only 1 left beside the 1 that you hold\./)
    assert.ok(!page.includes('Somebody was faster'))
    assert.equal(waysBack(page).length, 1)
    assert.deepEqual(await heldNow(event.tierId), 2)
  })

  // Without the waiting order one more would fit, and two would not.
  const notEnough: readonly (readonly [story: string, total: number, email: string, paidBy: string])[] = [
    ['the person has three of four already, paid', 10, 'ada@example.org', 'ada@example.org'],
    ['the form names another person, who has them', 10, 'bea@example.org', 'bea@example.org'],
    ['the limit of the person stands behind a shortage', 5, 'ada@example.org', 'ada@example.org'],
  ]
  for (const [story, total, email, paidBy] of notEnough) {
    it(`keeps the own order where ${story}`, async () => {
      const event = await house.event({ total })
      await house.db.rows('update ticket_tiers set max_per_person = 4 where id = $1', [event.tierId])
      await pay(await post({ ...event, quantity: 3, email: paidBy }))
      await house.delivered()
      const cookie = cookieOf(await post({ ...event, quantity: 1 }))
      const response = await post({ ...event, quantity: 2, email, cookie })
      const page = await response.text()
      assert.equal(response.status, 409)
      assert.equal(waysBack(page).length, 1)
      assert.doesNotMatch(page, /give it up/)
      assert.equal(await heldNow(event.tierId), 1)
      const statuses = (await house.orders(event.slug)).map(({ status }) => status)
      assert.deepEqual(statuses.sort(), ['paid', 'pending'])
    })
  }

  it('gives up only the orders of tiers that are short', async () => {
    const event = await house.event({ total: 2 })
    const other = await addTier(house.db, event.eventId, { priceCents: 2500 })
    const kept = await post({ ...event, tierId: other })
    const cookie = cookieOf(kept, await post({ ...event, quantity: 2 }))
    assert.equal((await post({ ...event, quantity: 1, cookie })).status, 303)
    assert.deepEqual([await heldNow(other), await heldNow(event.tierId)], [1, 1])
  })

  it('gives nothing up that was paid meanwhile', async () => {
    const event = await house.event({ total: 2 })
    const bought = await post({ ...event, quantity: 2 })
    await pay(bought)
    assert.equal((await post({ ...event, quantity: 1, cookie: cookieOf(bought) })).status, 409)
    await house.delivered()
    assert.deepEqual(
      (await house.orders(event.slug)).map(({ status }) => status),
      ['paid'],
    )
  })

  it('is given up by a button, on the order and on the event', async () => {
    const event = await house.event({ total: 2 })
    const cookie = cookieOf(await post({ ...event, quantity: 2 }))
    const [path = ''] = waysBack(await (await get(event.url, { cookie })).text())
    assert.match(await (await get(path)).text(), new RegExp(`action="${path}/cancel"`))
    const headers = { 'sec-fetch-site': 'cross-site' }
    const cancel = (init: RequestInit = {}) =>
      fetch(`${house.url}${path}/cancel`, { method: 'POST', redirect: 'manual', ...init })
    assert.equal((await cancel({ headers })).status, 403)
    assert.deepEqual([(await cancel()).status, locationOf(await cancel())], [303, path])
    assert.match(await (await get(path)).text(), /You gave this order up.*Nothing was charged/)
    assert.deepEqual(await heldNow(event.tierId), 0)
    assert.equal(locationOf(await get(`${path}/cancel`)), path)
  })
  it('meets no bug of ours on the way', () => {
    assert.deepEqual(
      house.logged.filter((line) => line.includes('"level":"error"')),
      [],
    )
  })
})
