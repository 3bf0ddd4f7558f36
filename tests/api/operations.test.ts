import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { qrSpelling } from '../../src/core/code-token.ts'
import { addTier } from '../support/box-office.ts'
import { openShop, SPELLINGS } from './shop.ts'

const shop = await openShop()
const { db, house, server } = shop
const service = { authorization: `Bearer ${server.authenticator.keys.serviceRole}` }

describe('claim-offer', () => {
  const offer = (people: number | null, active = true) =>
    db.value<string>(
      `insert into discounts (business_id, title, total_people, active) values ($1, 'Half price', $2, $3) returning id`,
      [house.businessId, people, active],
    )
  const claim = async (p_discount_id: string, p_party_size: number, headers?: Record<string, string>) =>
    shop.call('claim-offer', { p_discount_id, p_party_size }, headers ?? (await shop.tokenOf(randomUUID())))

  it('claims places and says what remains, -1 where there is no end', async () => {
    const id = await offer(5)
    const { claimId, code, qr, ...first } = (await claim(id, 3)).body
    assert.equal(qr, qrSpelling(String(code)))
    assert.deepEqual(first, { success: true, remaining: 2, status: 'claimed' })
    const door = { qrData: code, businessId: house.businessId }
    const { body } = await shop.call('validate-qr', door, await shop.tokenOf(house.staffId))
    assert.deepEqual([body['success'], (body['details'] as { id: string }).id], [true, claimId])
    const other = await shop.call(
      'claim-offer',
      { discountId: id, partySize: 1 },
      await shop.tokenOf(randomUUID()),
    )
    assert.equal(other.body['remaining'], 1)
    assert.equal((await claim(await offer(null), 3)).body['remaining'], -1)
  })

  it('refuses with the code, and with what remains', async () => {
    const id = await offer(2)
    const few = await claim(id, 3)
    assert.deepEqual(
      [few.status, few.body['success'], few.body['code'], few.body['remaining']],
      [409, false, 'INSUFFICIENT_SPOTS', 2],
    )
    const cases: readonly (readonly [string, number, Record<string, string> | undefined, number, string])[] =
      [
        [id, 0, undefined, 400, 'INVALID_PARTY_SIZE'],
        [id, 1.5, undefined, 400, 'INVALID_PARTY_SIZE'],
        [id, 1, {}, 401, 'UNAUTHORIZED'],
        [randomUUID(), 1, undefined, 404, 'OFFER_NOT_FOUND'],
        [await offer(2, false), 1, undefined, 409, 'OFFER_INACTIVE'],
        ['x', 1, undefined, 400, 'INVALID_REQUEST'],
      ]
    for (const [discount, size, headers, status, code] of cases) {
      const got = await claim(discount, size, headers)
      assert.deepEqual([got.status, got.body['code']], [status, code])
    }
  })
})

describe('ticket-expiry-daemon', () => {
  it('ends due holds and unpaid orders, for the service role only', async () => {
    const tier = await addTier(db, house.eventId, { priceCents: 1000 })
    // Holds may not be shortened, so these are short from the beginning.
    await db.rows(`update ticketing.settings set hold_lifetime = '1 millisecond', hold_extension = '0',
      session_lifetime = '1 millisecond', payment_margin = '0'`)
    const { order_id } = (
      await shop.call('guest-checkout', SPELLINGS['guest-checkout']?.(house.eventId, tier, 2))
    ).body
    await db.rows(`update ticketing.settings set hold_lifetime = default, hold_extension = default,
      session_lifetime = default, payment_margin = default`)
    const run = (headers: Record<string, string>) => shop.call('ticket-expiry-daemon', {}, headers)
    const stranger = await run({})
    assert.deepEqual([stranger.status, stranger.body['code']], [401, 'UNAUTHORIZED'])
    const buyer = await run(await shop.tokenOf(randomUUID()))
    assert.deepEqual([buyer.status, buyer.body['code']], [403, 'FORBIDDEN'])
    const ended = await run(service)
    assert.deepEqual([ended.status, ended.body['success']], [200, true])
    assert.deepEqual(
      await db.rows(
        'select o.status, t.reserved_quantity from orders o, ticket_tiers t where o.id = $1 and t.id = $2',
        [order_id, tier],
      ),
      [{ status: 'expired', reserved_quantity: 0 }],
    )
    assert.deepEqual((await run(service)).body, { success: true, expired_holds: 0, expired_orders: 0 })
  })
})

describe('health-check', () => {
  it('says that payments go to the stand-in, and no secret', async () => {
    const got = await shop.call('health-check', {})
    assert.deepEqual([got.status, got.body['payments']], [200, { mode: 'stand-in' }])
    assert.doesNotMatch(got.text, /sk_|whsec_|postgres:/)
  })
})
