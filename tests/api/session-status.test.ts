import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { openShop, SPELLINGS } from './shop.ts'

const shop = await openShop()
const { db, house } = shop

/** A new order of two tickets at 25.00, and its session. */
async function order(priceCents = 2500): Promise<{ orderId: unknown; sessionId: unknown; url: string }> {
  const tier = await addTier(db, house.eventId, { priceCents })
  const cart = SPELLINGS['create-checkout-session']?.(house.eventId, tier, 2)
  const { orderId, sessionId, url } = (await shop.call('create-checkout-session', cart)).body
  return { orderId, sessionId, url: String(url) }
}

const status = (sessionId: unknown) => shop.call('checkout-session-status', { sessionId })
const PRICING = { subtotalCents: 5000, feesCents: 0, totalCents: 5000, currency: 'EUR' }

describe('checkout-session-status', () => {
  it('is pending until it is paid, and complete then', async () => {
    const { orderId, sessionId, url } = await order()
    const waiting = await status(sessionId)
    const { expiresAt, orderUrl, ...rest } = waiting.body
    assert.equal(waiting.status, 200)
    assert.deepEqual(rest, {
      status: 'pending',
      orderId,
      pricing: PRICING,
      canExtendHold: true,
      extended: false,
    })
    const minutes = (Date.parse(String(expiresAt)) - Date.now()) / 60_000
    assert.ok(minutes > 14 && minutes <= 15, `${minutes} minutes`)
    assert.match(String(orderUrl), /^http.*\/orders\/.*\/[0-9a-f]{32}$/)
    assert.equal((await shop.pay(url)).status, 'complete')
    await shop.delivered()
    const { status: paid, canExtendHold } = (await status(sessionId)).body
    assert.deepEqual([paid, canExtendHold], ['complete', false])
  })

  it('is complete at once for a free order', async () => {
    const { sessionId } = await order(0)
    const { body } = await status(sessionId)
    assert.deepEqual([body['status'], body['canExtendHold']], ['complete', false])
  })

  it('gives ten minutes more, once, to a buyer who has less than four', async () => {
    const { orderId, sessionId } = await order()
    const left = (interval: string) =>
      db.rows('update orders set expires_at = now() + $2::interval where id = $1', [orderId, interval])
    await left('5 minutes')
    assert.equal((await status(sessionId)).body['extended'], false)
    await left('3 minutes')
    const { body } = await status(sessionId)
    assert.deepEqual([body['extended'], body['canExtendHold']], [true, false])
    const minutes = (Date.parse(String(body['expiresAt'])) - Date.now()) / 60_000
    assert.ok(minutes > 12 && minutes <= 13, `${minutes} minutes`)
    await left('1 minute')
    assert.equal((await status(sessionId)).body['extended'], false)
  })

  it('is expired when its session has', async () => {
    const { url, sessionId } = await order()
    assert.match(url, /checkout\.stripe\.com/)
    const expired = await shop.payments.expireSession(String(sessionId))
    assert.equal(expired.kind, 'done')
    await shop.delivered()
    assert.equal((await status(sessionId)).body['status'], 'expired')
  })

  const refusals: readonly (readonly [what: string, body: unknown, status: number, code: string])[] = [
    ['an unknown session', { sessionId: 'cs_test_unknown' }, 404, 'SESSION_NOT_FOUND'],
    [
      'an unknown free order',
      { sessionId: 'free_00000000000000000000000000000000' },
      404,
      'SESSION_NOT_FOUND',
    ],
    ['a pattern', { sessionId: 'free_%' }, 404, 'SESSION_NOT_FOUND'],
    ['no session', {}, 400, 'INVALID_REQUEST'],
    ['an empty one', { sessionId: '' }, 400, 'INVALID_REQUEST'],
    ['a long one', { sessionId: 'x'.repeat(256) }, 400, 'INVALID_REQUEST'],
    ['a NUL', { sessionId: 'a\0' }, 400, 'INVALID_REQUEST'],
  ]
  for (const [what, body, expected, code] of refusals) {
    it(`answers ${what} with ${expected} ${code}, as {error, code}`, async () => {
      const got = await shop.call('checkout-session-status', body)
      assert.deepEqual([got.status, got.body['code'], got.body['success']], [expected, code, undefined])
      assert.match(String(got.body['error']), new RegExp(`^${code}: `))
    })
  }
})
