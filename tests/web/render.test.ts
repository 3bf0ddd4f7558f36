import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encode } from 'uqr'
import { type BuyForm, eventPage, quantityField } from '../../src/api/pages/event-page.ts'
import { freshForm, readForm, withProblem } from '../../src/api/pages/form.ts'
import { homePage } from '../../src/api/pages/home-page.ts'
import type { Page } from '../../src/api/pages/layout.ts'
import { orderPage, sheetOf } from '../../src/api/pages/order-page.ts'
import { qrCode } from '../../src/api/pages/qr-code.ts'
import { qrSpelling } from '../../src/core/code-token.ts'
import type { EventView } from '../../src/desk/events.ts'
import type { OrderView } from '../../src/desk/orders.ts'
import { CODES } from '../support/codes.ts'
import { eventOf, NOW, orderOf, pendingOrder, stateOf, ticketOf, tierOf } from './examples.ts'

const text = (page: Page) => String(page.body)
const eventText = (event: EventView, form: BuyForm = freshForm()) => text(eventPage({ event, form }, NOW))
const orderPageOf = (view: OrderView, page?: number) =>
  orderPage(view, sheetOf(view, CODES, page), '/orders/x/y', NOW)
const orderText = (view: OrderView, page?: number) => text(orderPageOf(view, page))

describe('what is left', () => {
  it('is called sold out only when every ticket is sold', () => {
    const held = eventText(eventOf({ tiers: [tierOf({ availability: 'all_held', left: 0, held: 1 })] }))
    assert.ok(!/sold out/i.test(held))
    assert.match(held, /1 ticket may come back/)
    assert.match(held, /<input type="number"/)
    const sold = eventText(eventOf({ tiers: [tierOf({ availability: 'sold_out', left: 0 })] }))
    assert.match(sold, /Sold out/)
    assert.ok(!sold.includes('<form'))
  })
})

describe('the pages', () => {
  const evil = `"><script>alert('&')</script>`
  const event = eventOf({
    title: evil,
    description: evil,
    organiser: evil,
    venue: evil,
    city: evil,
    tiers: [tierOf({ name: evil }), tierOf({ name: evil, availability: 'closed' })],
  })
  const form = withProblem(
    { ...freshForm(), name: evil, email: evil, quantities: new Map([[event.tiers[0]?.id ?? '', evil]]) },
    evil,
    400,
    new Map([['name', evil]]),
  )
  const pages: Readonly<Record<string, string>> = {
    home: text(homePage([event])),
    event: eventText(event, form),
    order: orderText(
      orderOf(
        { customer_name: evil },
        {
          event: { ...orderOf().event, title: evil, venue: evil },
          items: [{ tier_id: '', tier_name: evil, quantity: 1, unit_price_cents: 1, unit_fee_cents: 0 }],
          tickets: [ticketOf({ tier_name: evil })],
        },
      ),
    ),
  }
  for (const [name, page] of Object.entries(pages)) {
    it(`${name}: nothing that somebody wrote becomes markup`, () => {
      assert.ok(page.includes('&lt;script&gt;'))
      assert.ok(!page.includes('<script'))
    })

    it(`${name}: has a language, a title and one heading, no script and nothing from elsewhere`, () => {
      assert.match(page, /<html lang="en">/)
      assert.match(page, /<title>[^<]+<\/title>/)
      assert.equal(page.match(/<h1/g)?.length, 1)
      assert.ok(!/(src|href|url)\s*[=(]\s*["']?(https?:)?\/\//.test(page.replaceAll(/xmlns="[^"]+"/g, '')))
      assert.ok(!/ (style|on\w+)="/.test(page))
    })
  }

  it('say it quietly when nothing is on sale', () => {
    assert.match(text(homePage([])), /Nothing is on sale/)
  })

  it('name the least price, or why there is none', () => {
    const home = (...tiers: EventView['tiers']) => text(homePage([eventOf({ tiers })]))
    assert.match(home(tierOf(), tierOf({ price_cents: 1000, fee_cents: 80 })), /from <b>€10\.80<\/b>/)
    const free = tierOf({ price_cents: 0, fee_cents: 0 })
    assert.match(home(free, free), /"price"><b>Free<\/b>/)
    assert.match(home(free, tierOf({ fee_cents: 0 }), tierOf()), /free and from <b>€25\.00<\/b>/)
    assert.match(home(tierOf({ fee_cents: 0 })), /"price"><b>€25\.00<\/b>/)
    assert.match(home(tierOf({ availability: 'sold_out', left: 0 })), /Sold out/)
    assert.match(
      home(tierOf({ availability: 'opens', opens_at: '2026-11-25T09:00:00Z' })),
      /on sale from 25 Nov, 11:00 EET/,
    )
  })
})

describe('the form', () => {
  const event = eventOf({ tiers: [tierOf(), tierOf({ max_per_order: 4 })] })
  const [first, second] = event.tiers.map(({ id }) => quantityField(id)) as [string, string]
  const body = (fields: Readonly<Record<string, string>>) => new URLSearchParams(fields).toString()
  const good = { [first]: '2', name: 'Ada', email: 'ada@example.org', key: freshForm().key }

  it('labels every field, and describes it by what is on the page', () => {
    const page = eventText(event, readForm(body({ [first]: 'two' }), event))
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    assert.equal(new Set(ids).size, ids.length)
    const inputs = [...page.matchAll(/<input type="(?!hidden)[^>]+>/g)].map(([input]) => input)
    assert.equal(inputs.length, 4)
    for (const input of inputs) {
      const id = / id="([^"]+)"/.exec(input)?.[1] ?? ''
      assert.ok(page.includes(`<label for="${id}"`), id)
      for (const about of / aria-describedby="([^"]+)"/.exec(input)?.[1]?.split(' ') ?? []) {
        assert.ok(ids.includes(about), `${id} is described by ${about}`)
      }
    }
  })

  it('takes what is right', () => {
    assert.equal(readForm(body(good), event).problem, undefined)
  })

  const wrong = [
    ['no ticket', { [first]: '0' }, undefined],
    ['half a ticket', { [first]: '0.5' }, first],
    ['less than none', { [second]: '-1' }, second],
    ['no name', { name: ' ' }, 'name'],
    ['a name that is too long', { name: 'a'.repeat(201) }, 'name'],
    ['no address', { email: 'ada' }, 'email'],
    ['an address that no provider takes', { email: 'ada@box' }, 'email'],
    ['an address with a NUL', { email: '\0' }, 'email'],
  ] as const
  for (const [name, fields, field] of wrong) {
    it(`asks again for ${name}, and keeps what was typed`, () => {
      const form = readForm(body({ ...good, ...fields }), event)
      assert.equal(form.status, 400)
      assert.deepEqual([...(form.wrong?.keys() ?? [])], field === undefined ? [] : [field])
      const page = eventText(event, form)
      assert.match(page, /role="alert"/)
      assert.ok(page.includes(`value="${form.email}"`))
      assert.equal(form.key, good.key)
    })
  }

  it('gets a key of its own for each view, and a new one for one that is none', () => {
    assert.notEqual(freshForm().key, freshForm().key)
    assert.match(readForm(body({ ...good, key: 'mine' }), event).key, /^[\da-f-]{36}$/)
  })
})

describe('an order', () => {
  it('leads to the payment while it can be paid, and only then', () => {
    assert.match(orderText(pendingOrder('to_pay')), /href="https:\/\/pay\.example\/1">Pay €52\.50/)
    for (const state of ['opening', 'checking', 'confirming', 'event_over', 'event_cancelled'] as const)
      assert.ok(!orderText(pendingOrder(state)).includes('pay.example'), state)
    assert.equal(orderPageOf(orderOf()).headers?.['X-Robots-Tag'], 'noindex')
  })

  it('looks again by itself while something changes by itself', () => {
    const refreshes = (view: OrderView) => orderText(view).includes('http-equiv="refresh"')
    for (const state of ['opening', 'to_pay', 'checking', 'giving_up', 'confirming'] as const)
      assert.ok(refreshes(pendingOrder(state)), state)
    assert.ok(!refreshes(orderOf()))
  })

  it('looks again by itself for a while, not for ever', () => {
    const old = pendingOrder('confirming', { created_at: '2026-11-21T10:00:00Z' })
    assert.ok(!orderText(old).includes('http-equiv="refresh"'))
  })

  it('shows the code of what admits, and why the rest does not', () => {
    const tickets = [
      ticketOf(),
      ticketOf({ status: 'used', checked_in_at: '2026-11-28T18:20:00Z' }),
      ticketOf({ status: 'refunding' }),
      ticketOf({ status: 'refunded' }),
      ticketOf({ status: 'cancelled' }),
    ]
    const order = orderOf({ status: 'partially_refunded' }, { tickets })
    const page = orderText(order)
    const drawn = (code: string) => page.includes(String(qrCode(code)))
    const shown = tickets.map(({ qr_code }) =>
      drawn(qrSpelling(CODES.token('ticket', order.event.id, qr_code))),
    )
    assert.ok(!tickets.some(({ qr_code }) => drawn(qr_code)), 'never the code without a signature')
    assert.deepEqual(shown, [true, true, false, false, false])
    for (const words of [
      'Ticket 5 of 5',
      'Used 28 Nov, 20:20 EET',
      'Being refunded',
      'Refunded',
      'Not valid',
    ]) {
      assert.ok(page.includes(words), words)
    }
  })

  it('shows what went back, and what did not', () => {
    const refunds = ['queued', 'succeeded', 'failed'].map((status) => ({ amount_cents: 2625, status }))
    const page = orderText(orderOf({}, { refunds, state: stateOf({ owed_cents: 2625 }) }))
    for (const words of ['Refund on its way', 'Refunded', 'ask the organiser', '-€26.25']) {
      assert.ok(page.includes(words), words)
    }
  })

  it('speaks of no money where what was free was given back', () => {
    const free = { subtotal_cents: 0, fees_cents: 0, total_cents: 0, status: 'refunded' }
    const page = orderText(orderOf(free, { refunds: [{ amount_cents: 0, status: 'succeeded' }] }))
    assert.ok(!page.includes('€0.00'))
  })

  it('speaks of no failed refund that was sent again', () => {
    const refunds = ['failed', 'succeeded'].map((status) => ({ amount_cents: 2625, status }))
    assert.ok(!orderText(orderOf({}, { refunds })).includes('failed'))
  })

  it('warns of a cancelled event, and shows no code', () => {
    const page = orderText(orderOf({}, { state: stateOf({ state: 'event_cancelled', admits: 0 }) }))
    assert.match(page, /<h1>This event is cancelled<\/h1>/)
    assert.ok(!page.includes('class="code"') && !page.includes('Show the code'))
  })

  it('shows no code where the doors are closed', () => {
    const page = orderText(orderOf({}, { state: stateOf({ state: 'over', admits: 0 }) }))
    assert.ok(!page.includes('class="code"') && page.includes('Event over'))
  })

  it('draws the code that the gate reads, dark where it is dark', () => {
    const token = qrSpelling(CODES.token('ticket', orderOf().event.id, ticketOf().qr_code))
    const { data, size } = encode(token, { ecc: 'M', border: 3 })
    const seen = data.map((row) => row.map(() => false))
    for (const [, x, y, length] of String(qrCode(token)).matchAll(/M(\d+) (\d+)\.5h(\d+)/g)) {
      seen[Number(y)]?.fill(true, Number(x), Number(x) + Number(length))
    }
    assert.deepEqual(seen, data)
    assert.match(String(qrCode(token)), new RegExp(`viewBox="0 0 ${size} ${size}"`))
    assert.equal(qrCode(token), qrCode(token), 'it is drawn once')
  })

  it('shows 50 tickets a page, with the way to the others', () => {
    const tickets = Array.from({ length: 1020 }, () => ticketOf())
    const order = orderOf({}, { tickets })
    const numbers = (page?: number) =>
      [...orderText(order, page).matchAll(/Ticket ([\d,]+) of 1,020/g)].map(([, number]) => number)
    assert.deepEqual([numbers().length, numbers().at(-1)], [50, '50'])
    assert.deepEqual([numbers(2)[0], numbers(21).length, numbers(21).at(-1)], ['51', 20, '1,020'])
    for (const nowhere of [0, -3, Number.NaN, Number.POSITIVE_INFINITY, 22, 1e30])
      assert.deepEqual(numbers(nowhere), numbers(nowhere > 1 ? 21 : 1), String(nowhere))
    const links = (page: number) =>
      [...orderText(order, page).matchAll(/href="\?page=(\d+)"/g)].map(([, to]) => to)
    assert.deepEqual(
      [links(1), links(2), links(21)],
      [
        ['2', '2'],
        ['1', '3', '1', '3'],
        ['20', '20'],
      ],
    )
    assert.match(orderText(order, 2), /Tickets 51 to 100 of 1,020[\s\S]*print each page/)
    assert.ok(!orderText(orderOf()).includes('?page='))
  })
})
