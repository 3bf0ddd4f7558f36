import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { openPool } from '../../src/db/pool.ts'
import { cancelEventsOnce, reconcileOnce, refundOnce } from '../../src/jobs/jobs.ts'
import { addTier } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
import { openShop, SPELLINGS } from './shop.ts'

const shop = await openShop()
const { db, house } = shop
const owner = randomUUID()
await db.rows(`insert into business_staff (business_id, user_id, role) values ($1, $2, 'owner')`, [
  house.businessId,
  owner,
])
const headers = await shop.tokenOf(owner)
const tier = await addTier(db, house.eventId, { priceCents: 2500, total: 10 })
const cancel = (body: object, by: Record<string, string> = headers) => shop.call('cancel-event', body, by)
const order = async () =>
  (await shop.call('create-ticket-checkout', SPELLINGS['create-ticket-checkout']?.(house.eventId, tier, 2)))
    .body

describe('cancel-event', () => {
  it('refuses who may not, and what it does not know, and nothing is cancelled', async () => {
    const { eventId } = house
    const cases: readonly (readonly [object, Record<string, string>, number, string])[] = [
      [{ eventId }, {}, 401, 'UNAUTHORIZED'],
      [{ eventId }, await shop.tokenOf(randomUUID()), 404, 'EVENT_NOT_FOUND'],
      [{ eventId: randomUUID() }, headers, 404, 'EVENT_NOT_FOUND'],
      [{ eventId: 'no-such-event' }, headers, 404, 'EVENT_NOT_FOUND'],
      [{}, headers, 400, 'INVALID_REQUEST'],
      [{ eventId, Force: true }, headers, 400, 'INVALID_REQUEST'],
      [{ eventId, force: 'yes' }, headers, 400, 'INVALID_REQUEST'],
    ]
    for (const [body, by, status, code] of cases) {
      const got = await cancel(body, by)
      assert.deepEqual([got.status, got.body['code']], [status, code], JSON.stringify(body))
    }
    assert.equal(await db.value('select status from events where id = $1', [eventId]), 'published')
  })

  it('sends back what was paid and frees what waits; jobs finish it, and asked again it says so', async () => {
    const paid = await order()
    assert.equal((await shop.pay(String(paid['url']))).status, 'complete')
    await shop.delivered()
    await order()
    const { status, body } = await cancel({ eventId: house.eventId, reason: 'Storm' })
    assert.deepEqual(
      [status, body['orders'], body['left'], body['pending'], body['returning']],
      [200, 2, 0, 1, 1],
    )
    await using pool = await openPool(db.url, { max: 2, name: 'cancel-event' })
    const log = () => {}
    await cancelEventsOnce(pool)
    await reconcileOnce(pool, shop.payments, log)
    await refundOnce(pool, shop.payments, log)
    await shop.delivered()
    const end = (await cancel({ eventId: house.eventSlug })).body
    assert.deepEqual([end['done'], end['orders'], end['returned'], end['failed']], [true, 1, 1, 0])
    assert.deepEqual(
      await db.rows('select sold_quantity, reserved_quantity from ticket_tiers where id = $1', [tier]),
      [{ sold_quantity: 0, reserved_quantity: 0 }],
    )
    assert.equal(
      (
        await shop.call(
          'create-ticket-checkout',
          SPELLINGS['create-ticket-checkout']?.(house.eventId, tier, 1),
        )
      ).body['code'],
      'TIER_INACTIVE',
    )
  })

  it('leaves the laws whole', () => assertLawful(db))
})
