import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { addTier } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
import { openShop, SPELLINGS, signed } from './shop.ts'

/** Nothing is delivered by itself: the tests send what they mean. */
const shop = await openShop({ webhookUrl: () => undefined })
const { db, house } = shop

async function send(body: string | Uint8Array, signature: string | null = signed(body)) {
  const response = await fetch(`${shop.server.url}/functions/v1/stripe-webhook`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(signature === null ? {} : { 'stripe-signature': signature }),
    },
    body: body as BodyInit,
  })
  const answer = (await response.json()) as Readonly<Record<string, unknown>>
  return { status: response.status, body: answer, headers: response.headers }
}

const event = (id: string, type = 'checkout.session.completed', object: object = { id: 'cs_unknown' }) =>
  JSON.stringify({ id, type, data: { object } })

const stored = () => db.value<string>('select count(*) from webhook_events')
const freshId = () => `evt_${randomUUID()}`

/** A pending order, and the event that says that it was paid. */
async function paidOrder() {
  const tier = await addTier(db, house.eventId, { priceCents: 2500 })
  const cart = SPELLINGS['create-checkout-session']?.(house.eventId, tier, 2)
  const { orderId, url, sessionId } = (await shop.call('create-checkout-session', cart)).body
  assert.equal((await shop.pay(String(url))).status, 'complete')
  const session = await shop.payments.retrieveSession(String(sessionId))
  assert.ok(session.kind === 'done')
  const ticketsOf = () => db.value<number>('select count(*)::int from tickets where order_id = $1', [orderId])
  return { orderId, body: event(freshId(), 'checkout.session.completed', session.value), ticketsOf }
}

describe('stripe-webhook', () => {
  it('issues the tickets of a paid order, without key or bearer', async () => {
    const { body, ticketsOf } = await paidOrder()
    const got = await send(body)
    assert.deepEqual(
      [got.status, got.body],
      [200, { received: true, eventType: 'checkout.session.completed' }],
    )
    assert.equal(await ticketsOf(), 2)
  })

  it('does it once, however often and at once the event comes', async () => {
    const { body, ticketsOf } = await paidOrder()
    const all = await Promise.all(Array.from({ length: 10 }, () => send(body)))
    assert.deepEqual(
      all.map(({ status }) => status),
      Array(10).fill(200),
    )
    assert.equal(all.filter((got) => got.body['duplicate'] !== true).length, 1)
    assert.equal(await ticketsOf(), 2)
  })

  it('takes the event id alone for what decides a duplicate, even with another body', async () => {
    const id = freshId()
    assert.deepEqual((await send(event(id, 'some.type'))).body, { received: true, eventType: 'some.type' })
    const again = await send(event(id, 'other.type', { id: 'else' }))
    assert.deepEqual([again.status, again.body['duplicate']], [200, true])
  })

  it('keeps an event about an order that is not ours, marked unmatched', async () => {
    const id = freshId()
    const object = {
      id: 'cs_theirs',
      object: 'checkout.session',
      client_reference_id: randomUUID(),
      payment_status: 'paid',
      status: 'complete',
      payment_intent: `pi_${randomUUID()}`,
      amount_total: 700,
      currency: 'eur',
    }
    assert.deepEqual((await send(event(id, 'checkout.session.completed', object))).body, {
      received: true,
      eventType: 'checkout.session.completed',
    })
    assert.equal(await db.value('select outcome from webhook_events where id = $1', [id]), 'UNMATCHED')
  })

  const body = event(freshId())
  const forged: readonly (readonly [what: string, signature: string | null, sent?: string])[] = [
    ['no signature', null],
    ['an empty signature', ''],
    ['something else', 'hello'],
    ['another secret', signed(body, { secret: 'whsec_other' })],
    ['an old signature', signed(body, { ageSeconds: 301 })],
    ['a body that was altered', signed(body), body.replace('completed', 'expired')],
    ['a body with a blank more', signed(body), `${body} `],
    ['a signature without time', signed(body).replace(/^t=\d+,/, '')],
    ['a signature of another scheme only', signed(body).replace('v1=', 'v0=')],
  ]
  for (const [what, signature, sent = body] of forged) {
    it(`answers ${what} with 400 {error}, and stores nothing`, async () => {
      const before = await stored()
      const got = await send(sent, signature)
      assert.deepEqual([got.status, got.body['code']], [400, 'INVALID_SIGNATURE'])
      assert.equal(typeof got.body['error'], 'string')
      assert.equal(await stored(), before)
    })
  }

  const odd: readonly (readonly [what: string, sent: string | Uint8Array, status: number, code: string])[] = [
    ['no JSON', 'hello', 400, 'INVALID_SIGNATURE'],
    ['a list', '[]', 400, 'INVALID_REQUEST'],
    ['an event without id', JSON.stringify({ type: 'x', data: { object: {} } }), 400, 'INVALID_REQUEST'],
    ['an event without object', JSON.stringify({ id: 'evt_x', type: 'x', data: {} }), 400, 'INVALID_REQUEST'],
    ['what is no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400, 'INVALID_REQUEST'],
    ['more than 1 MiB', JSON.stringify({ x: 'x'.repeat(1024 * 1024) }), 413, 'PAYLOAD_TOO_LARGE'],
  ]
  for (const [what, sent, status, code] of odd) {
    it(`answers ${what}, though signed, with ${status} ${code}`, async () => {
      const got = await send(sent)
      assert.deepEqual([got.status, got.body['code']], [status, code])
    })
  }

  const deep = `${'{"of":'.repeat(5000)}1${'}'.repeat(5000)}`
  const unreadable: readonly (readonly [what: string, change: object | string, issued: number])[] = [
    ['a NUL in a name', { customer_details: { name: 'A\0da' } }, 2],
    ['half a character in a name', { customer_details: { name: 'Ada \ud83c' } }, 2],
    ['an address of a page without end', { url: `https://${'x'.repeat(5000)}` }, 2],
    ['JSON 5,000 deep', deep, 2],
    ['less than nothing', { amount_total: -1 }, 0],
    ['an absurd number', { amount_total: 1e30 }, 0],
    ['an amount in words', { amount_total: 'much' }, 0],
  ]
  for (const [what, change, issued] of unreadable)
    it(`takes ${what}, answers 200, and does what can be read`, async () => {
      const { body, ticketsOf } = await paidOrder()
      const told = JSON.parse(body)
      const sent =
        typeof change === 'string'
          ? body.replace('"data":', `"previous":${change},"data":`)
          : JSON.stringify({ ...told, data: { object: { ...told.data.object, ...change } } })
      assert.notEqual(sent, body)
      for (const again of [false, true]) {
        const got = await send(sent)
        assert.deepEqual([got.status, got.body['duplicate'] ?? false], [200, again])
      }
      assert.equal(await ticketsOf(), issued)
      const kept = await db.value('select outcome from webhook_events where id = $1', [told.id])
      assert.equal(kept, issued === 0 ? 'UNMATCHED' : 'ISSUED')
    })

  it('keeps an event whose id has a NUL', async () => {
    const unique = randomUUID()
    assert.equal((await send(event(`evt_\0${unique}`, 'some.type'))).status, 200)
    const kept = await db.rows('select type, outcome from webhook_events where id = $1', [
      `evt_\ufffd${unique}`,
    ])
    assert.deepEqual(kept, [{ type: 'some.type', outcome: 'IGNORED' }])
  })

  it('is 503 with Retry-After while the order is locked, keeps nothing, and takes it when it comes again', async () => {
    const { orderId, body, ticketsOf } = await paidOrder()
    const holder = await db.connect()
    await holder.query('begin')
    await holder.query(`select ticketing.lock_order($1)`, [orderId])
    const before = await stored()
    const waiting = send(body)
    await untilWaiting(db, 1)
    const busy = await waiting
    assert.deepEqual(
      [busy.status, busy.body['code'], busy.headers.get('retry-after')],
      [503, 'LOCK_TIMEOUT', '1'],
    )
    assert.equal(await stored(), before)
    await holder.query('rollback')
    assert.deepEqual([(await send(body)).status, await ticketsOf()], [200, 2])
  })

  it('answers other methods with 405', async () => {
    const got = await fetch(`${shop.server.url}/functions/v1/stripe-webhook`)
    assert.deepEqual([got.status, got.headers.get('allow')], [405, 'POST'])
  })

  it('leaves the laws whole', () => assertLawful(db))
})
