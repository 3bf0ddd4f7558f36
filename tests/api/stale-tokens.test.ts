import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { functions } from '../../src/api/functions/index.ts'
import { mintToken } from '../../src/api/keys.ts'
import { addTier } from '../support/box-office.ts'
import { JWT_SECRET } from './scratch.ts'
import { openShop, SPELLINGS } from './shop.ts'

const shop = await openShop()

const DAY_MS = 24 * 60 * 60 * 1000
const stale = await mintToken(JWT_SECRET, { sub: randomUUID() }, Date.now() - 2 * DAY_MS)
const foreign = await mintToken('the secret of another project, 32 characters', { sub: randomUUID() })
const ofStranger = await mintToken(JWT_SECRET, { sub: randomUUID(), role: 'postgres' })

/** A body that gets as far as the question who is calling. */
const bodies: Readonly<Record<string, object>> = {
  'cancel-order': { orderId: randomUUID() },
  'validate-qr': { qrData: 'x', businessId: shop.house.businessId, language: 'en' },
  'claim-offer': { discountId: randomUUID(), partySize: 1 },
}

describe('a bearer that is not ours, or no longer', () => {
  for (const [name, { methods }] of functions) {
    it(`counts for nothing: ${name} answers as to a guest`, async () => {
      const ask = async (headers: Readonly<Record<string, string>>) => {
        const method = methods[0] ?? 'POST'
        const body = method === 'GET' ? {} : { body: JSON.stringify(bodies[name] ?? {}) }
        const response = await fetch(`${shop.server.url}/functions/v1/${name}`, { method, headers, ...body })
        const { code, error_code } = (await response.json()) as Record<string, unknown>
        return [response.status, code ?? error_code]
      }
      const guest = await ask({})
      for (const token of [stale, foreign, ofStranger, 'not-a-token', ''])
        assert.deepEqual(await ask({ authorization: `Bearer ${token}` }), guest, token)
    })
  }

  it('gives no more than a guest has, though a better key stands beside it', async () => {
    const { serviceRole } = shop.server.authenticator.keys
    const headers = { apikey: serviceRole, authorization: `Bearer ${stale}` }
    assert.equal((await shop.call('ticket-expiry-daemon', {}, headers)).status, 401)
  })

  for (const [name, spell] of Object.entries(SPELLINGS)) {
    it(`does not stop a guest: ${name} sells`, async () => {
      const tier = await addTier(shop.db, shop.house.eventId, { priceCents: 2500 })
      const cart = spell(shop.house.eventId, tier, 1)
      for (const token of [stale, foreign])
        assert.equal((await shop.call(name, cart, { authorization: `Bearer ${token}` })).status, 200)
      const users = await shop.db.rows('select distinct user_id from orders o where user_id is not null')
      assert.deepEqual(users, [])
    })
  }

  it('is 401 where a caller is needed', async () => {
    const needs = [
      'process-refund',
      'ticket-expiry-daemon',
      'book-slot',
      'claim-offer',
      'validate-qr',
      'cancel-order',
    ]
    for (const name of needs) {
      const got = await shop.call(name, bodies[name] ?? {}, { authorization: `Bearer ${stale}` })
      assert.equal(got.status, 401, name)
    }
  })
})
