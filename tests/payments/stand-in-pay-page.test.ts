import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Stripe } from 'stripe'
import { noBrowser, openBrowser, overflowOf, paleTextsOf } from '../support/browser.ts'
import { cart, jsonOf, line, openScene, payAt, type Scene } from './stand-in-support.ts'

let scene: Scene
before(async () => {
  scene = await openScene()
})
after(() => scene[Symbol.asyncDispose]())

const CARDS: readonly (readonly [string, number, RegExp | null])[] = [
  ['4242424242424242', 200, null],
  ['4242 4242 4242 4242', 200, null],
  ['4000000000000002', 402, /^Your card was declined\.$/],
  ['4000-0000-0000-9995', 402, /insufficient funds/],
  ['4539578763621486', 402, /no card for tests/],
  ['4242424242424241', 402, /number is incorrect/],
  ['', 402, /number is incorrect/],
]

for (const [card, expected, message] of CARDS) {
  test(`card "${card}" is answered ${expected}`, async () => {
    const session = await create()
    const { status, body } = await scene.pay(session, { card })
    assert.equal(status, expected)
    assert.equal(body['status'], expected === 200 ? 'complete' : 'open')
    assert.match(String(body['message']), message ?? /^null$/)
    const done = `https://box.example/done?session=${session.id}`
    assert.equal(body['redirect'], expected === 200 ? done : null)
  })
}

test('a buyer who was declined may try again, and is one payment', async () => {
  const session = await create()
  await scene.pay(session, { card: '4000000000000002' })
  const tried = await scene.stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] })
  assert(typeof tried.payment_intent === 'object' && tried.payment_intent !== null)
  assert.equal(tried.payment_intent.status, 'requires_payment_method')
  assert.equal(tried.payment_intent.last_payment_error?.decline_code, 'generic_decline')
  assert.equal((await scene.pay(session, { card: '4242424242424242' })).status, 200)
  const paid = await scene.stripe.checkout.sessions.retrieve(session.id)
  assert.equal(paid.payment_intent, tried.payment_intent.id)
  await scene.delivered()
  const types = scene.events.filter(
    ({ data }) => 'id' in data.object && data.object.id === paid.payment_intent,
  )
  assert.deepEqual(types.map(({ type }) => type).toSorted(), [
    'payment_intent.payment_failed',
    'payment_intent.succeeded',
  ])
})

test('two payments of one session at once: one pays, the other is told', async () => {
  const session = await create()
  const both = await Promise.all([1, 2].map(() => scene.pay(session, { card: '4242424242424242' })))
  assert.deepEqual(both.map(({ status }) => status).toSorted(), [200, 409])
  assert(both.every(({ body }) => body['redirect'] === `https://box.example/done?session=${session.id}`))
})

test('what is not open cannot be paid, and what does not exist is not found', async () => {
  const session = await create()
  await scene.stripe.checkout.sessions.expire(session.id)
  const { status, body } = await scene.pay(session, { card: '4242424242424242' })
  assert.deepEqual([status, body['status'], body['redirect']], [410, 'expired', null])
  const gone = `${scene.url}/checkout.stripe.com/c/pay/cs_test_nobody`
  assert.equal((await payAt(gone, { card: '4242424242424242' })).status, 404)
  assert.equal((await fetch(gone)).status, 404)
})

test('what a script sends wrongly is explained', async () => {
  const session = await create()
  for (const wrong of [{}, { method: 'cash' }, { card: 1 }, { method: 'bank_debit', outcome: 'perhaps' }]) {
    const { status, body } = await scene.pay(session, wrong)
    assert.equal(status, 400)
    assert.match(String(body['message']), /^Send \{"card"/)
  }
  assert.equal((await scene.stripe.checkout.sessions.retrieve(session.id)).status, 'open')
})

test('nothing to pay is completed without a payment', async () => {
  const session = await create({ line_items: [line(0)] })
  const { body } = await scene.pay(session, { card: 'none' })
  assert.deepEqual([body['status'], body['payment_status']], ['complete', 'no_payment_required'])
  assert.equal((await scene.stripe.checkout.sessions.retrieve(session.id)).payment_intent, null)
})

test('a form without JavaScript pays and is sent on; a second click is sent to the same place', async () => {
  const session = await create()
  const submit = async (fields: Record<string, string>) => {
    const body = new URLSearchParams(fields)
    return fetch(session.url ?? '', { method: 'POST', body, redirect: 'manual' })
  }
  const declined = await submit({ card: '4000000000000002', email: '' })
  assert.equal(declined.status, 402)
  assert.match(await declined.text(), /role="alert">Your card was declined\.</)
  for (const response of [
    await submit({ card: '4242424242424242' }),
    await submit({ card: '4242424242424242' }),
  ]) {
    assert.equal(response.status, 303)
    assert.equal(response.headers.get('location'), `https://box.example/done?session=${session.id}`)
  }
})

test('the page promises no time: how long there is to pay is for the box office to say', async () => {
  const html = await (await fetch((await create()).url ?? '')).text()
  assert.doesNotMatch(html.replace(/<details>.*<\/details>/s, ''), /minute|hour|stays open/)
})

test('an e-mail address typed on the page is the buyer’s', async () => {
  const session = await create()
  await scene.pay(session, { card: '4242424242424242', email: 'ada@box.example' })
  const paid = await scene.stripe.checkout.sessions.retrieve(session.id)
  assert.equal(paid.customer_details?.email, 'ada@box.example')
})

test('nothing of a session becomes HTML', async () => {
  const nasty = `"><script>alert(1)</script><img src=x onerror=alert(2)>'&`
  const session = await create({
    customer_email: `"<b>"@box.example`.replaceAll(/["<>]/g, "'"),
    cancel_url: `https://box.example/?q="><script>`,
    line_items: [
      {
        quantity: 1,
        price_data: { currency: 'eur', unit_amount: 500, product_data: { name: nasty, description: nasty } },
      },
    ],
  })
  const response = await fetch(session.url ?? '')
  const html = await response.text()
  assert.doesNotMatch(html, /<script|<img/)
  assert.match(html, /&lt;script&gt;/)
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/)
})

test('a person pays in a browser, on a phone and at a desk, in the light and in the dark', {
  skip: noBrowser,
}, async () => {
  const browser = await openBrowser()
  try {
    for (const [width, colorScheme] of [
      [390, 'light'],
      [1280, 'dark'],
    ] as const) {
      const session = await create({ success_url: `${scene.url}/stand-in/ledger?{CHECKOUT_SESSION_ID}` })
      const page = await browser.newPage({
        viewport: { width, height: 800 },
        colorScheme,
        javaScriptEnabled: true,
      })
      await page.goto(session.url ?? '')
      assert.equal(await overflowOf(page), 0)
      assert.deepEqual(await paleTextsOf(page), [])
      await page.getByLabel('Card number').fill('4000 0000 0000 0002')
      await page.getByRole('button', { name: 'Pay €50.00' }).click()
      assert.equal(await page.getByRole('alert').textContent(), 'Your card was declined.')
      assert.deepEqual(await paleTextsOf(page), [])
      await page.getByLabel('Card number').fill('4242 4242 4242 4242')
      await page.keyboard.press('Enter')
      await page.waitForURL(new RegExp(`ledger\\?${session.id}$`))
      await page.goto(session.url ?? '')
      assert.equal(await page.getByRole('heading').textContent(), 'Already paid')
      await page.close()
    }
  } finally {
    await browser.close()
  }
})

test('a person starts a bank debit, and another turns back', { skip: noBrowser }, async () => {
  const browser = await openBrowser()
  try {
    const page = await browser.newPage({ javaScriptEnabled: false })
    const back = `${scene.url}/stand-in/back`
    const session = await create({ success_url: `${scene.url}/stand-in/done`, cancel_url: back })
    await page.goto(session.url ?? '')
    await page.getByRole('link', { name: 'Cancel' }).click()
    assert.equal(page.url(), back)
    await page.goto(session.url ?? '')
    await page.getByText('Pay by bank debit instead').click()
    await page.getByLabel('fails').check()
    await page.getByLabel('After how many seconds').fill('0')
    await page.getByRole('button', { name: 'Start the debit' }).click()
    await page.waitForURL(/done$/)
    await scene.control('clock', { advance_seconds: 1 })
    const types = await scene.delivered()
    assert(types.includes('checkout.session.async_payment_failed'))
  } finally {
    await browser.close()
  }
})

test('an answer to a script is JSON even where there is nothing', async () => {
  const response = await fetch(`${scene.url}/checkout.stripe.com/elsewhere`, {
    headers: { Accept: 'application/json' },
  })
  assert.equal(response.status, 404)
  assert.equal((await jsonOf(response))['message'], 'No such checkout session.')
})

function create(changes: Partial<Stripe.Checkout.SessionCreateParams> = {}) {
  return scene.stripe.checkout.sessions.create(cart(changes))
}
