import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { openShop, SPELLINGS } from './shop.ts'

const shop = await openShop({}, { clientAddressHeader: 'x-forwarded-for' })
const { db, house } = shop
/** A cart in which nobody is named. */
const nameless = (tierId: string) => ({
  eventId: house.eventId,
  ticketSelections: [{ tierId, quantity: 1 }],
})
const from = (address: string, key: string) => ({ 'idempotency-key': key, 'x-forwarded-for': address })
const orderOf = (body: Readonly<Record<string, unknown>>) => body['order_id'] ?? body['orderId']

for (const priceCents of [0, 1000]) {
  it(`two strangers, one key and one cart for ${priceCents}: neither learns of the other's order`, async () => {
    const tier = await addTier(db, house.eventId, { priceCents, total: 10 })
    const key = `k-${randomUUID()}`
    const first = await shop.call('enhanced-checkout', nameless(tier), from('203.0.113.1', key))
    assert.equal(first.status, 200, first.text)
    const other = await shop.call('enhanced-checkout', nameless(tier), from('203.0.113.2', key))
    assert.deepEqual([other.status, other.headers.get('x-idempotent-replay')], [200, null])
    assert.notEqual(orderOf(other.body), orderOf(first.body))
    const { secret } =
      (
        await db.rows<{ secret: string }>('select secret from orders where id = $1', [orderOf(first.body)])
      )[0] ?? {}
    assert.ok(secret && !other.text.includes(secret))
    const again = await shop.call('enhanced-checkout', nameless(tier), from('203.0.113.1', key))
    assert.deepEqual(
      [orderOf(again.body), again.headers.get('x-idempotent-replay')],
      [orderOf(first.body), 'true'],
    )
  })
}

it('who names itself is known by that, from wherever it asks', async () => {
  const tier = await addTier(db, house.eventId, { total: 10 })
  const key = `k-${randomUUID()}`
  const cart = SPELLINGS['guest-checkout']?.(house.eventId, tier, 1)
  const first = await shop.call('guest-checkout', cart, from('203.0.113.1', key))
  const roaming = await shop.call('guest-checkout', cart, from('203.0.113.2', key))
  assert.deepEqual(
    [orderOf(roaming.body), roaming.headers.get('x-idempotent-replay')],
    [orderOf(first.body), 'true'],
  )
})

it('a /64 of IPv6 is one caller, whose addresses change by themselves', async () => {
  const tier = await addTier(db, house.eventId, { total: 10 })
  const key = `k-${randomUUID()}`
  const cart = nameless(tier)
  const first = await shop.call('enhanced-checkout', cart, from('2001:db8:1:2::1', key))
  const next = await shop.call('enhanced-checkout', cart, from('2001:db8:1:2:3:4:5:6', key))
  assert.equal(orderOf(next.body), orderOf(first.body))
})
