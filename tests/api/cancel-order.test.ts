import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
import { openShop, SPELLINGS } from './shop.ts'

const shop = await openShop()
const { db, house } = shop

interface Placed {
  readonly orderId: string
  readonly secret: string
  readonly tier: string
  readonly url: string
}

/** A new order of two of two tickets, by a guest or by whom the headers name. */
async function place(headers: Record<string, string> = {}, priceCents = 2500): Promise<Placed> {
  const tier = await addTier(db, house.eventId, { priceCents, total: 2 })
  const cart = SPELLINGS['create-ticket-checkout']?.(house.eventId, tier, 2)
  const { body } = await shop.call('create-ticket-checkout', cart, headers)
  const orderId = String(body['orderId'])
  const secret = await db.value<string>('select secret from orders where id = $1', [orderId])
  return { orderId, secret, tier, url: String(body['url']) }
}

const cancel = ({ orderId, secret }: Partial<Placed>, headers: Record<string, string> = {}) =>
  shop.call('cancel-order', { orderId, secret }, headers)

const standOf = ({ orderId, tier }: Placed) =>
  db.value(
    `select array[o.status, t.reserved_quantity::text, s.status] from orders o, ticket_tiers t, ticketing.checkout_sessions s
     where o.id = $1 and t.id = $2 and s.order_id = o.id`,
    [orderId, tier],
  )

const CALM = { seed: 1, duplicates: 1, delayMs: 0, lostAnswers: 0 }

describe('cancel-order', () => {
  it('is 503 PAYMENT_UNAVAILABLE where the database fails once nobody can pay any more; asked again it is done', async () => {
    const order = await place()
    await db.rows(`
      create function conflict() returns trigger language plpgsql as
        $$ begin raise exception 'conflict' using errcode = '40001'; end $$;
      create trigger conflict before update of status on ticketing.checkout_sessions
        for each row when (new.status = 'expired') execute function conflict();`)
    const first = await cancel(order)
    await db.rows('drop function conflict cascade')
    assert.deepEqual([first.status, first.body['code']], [503, 'PAYMENT_UNAVAILABLE'])
    assert.equal((await cancel(order)).status, 200)
    assert.deepEqual(await standOf(order), ['expired', '0', 'expired'])
  })

  it('gives a pending order up: its session is expired, its tickets are free at once; again is the same', async () => {
    const order = await place()
    for (let i = 0; i < 2; i++) {
      const { status, body } = await cancel(order)
      assert.deepEqual([status, body], [200, { success: true, status: 'expired', orderId: order.orderId }])
    }
    assert.deepEqual(await standOf(order), ['expired', '0', 'expired'])
    assert.notEqual((await shop.pay(order.url)).status, 'complete')
  })

  it("takes the buyer's own bearer for the secret, and nobody else's", async () => {
    const buyer = await shop.tokenOf(randomUUID())
    const { orderId, ...order } = await place(buyer)
    const stranger = await shop.tokenOf(randomUUID())
    assert.equal((await cancel({ orderId }, stranger)).body['code'], 'ORDER_NOT_FOUND')
    assert.equal((await cancel({ orderId })).status, 401)
    assert.equal((await cancel({ orderId, secret: '0'.repeat(32) }, stranger)).status, 404)
    assert.deepEqual(await standOf({ orderId, ...order }), ['pending', '2', 'open'])
    assert.equal((await cancel({ orderId }, buyer)).status, 200)
  })

  it('finds no order of nobody', async () => {
    const { status, body } = await cancel({ orderId: randomUUID(), secret: '0'.repeat(32) })
    assert.deepEqual([status, body['code']], [404, 'ORDER_NOT_FOUND'])
  })

  it('refuses what is paid, though nothing was heard of it, and issues its tickets', async () => {
    const order = await place()
    await shop.control('/chaos', { ...CALM, lostEvents: 1 })
    assert.equal((await shop.pay(order.url)).status, 'complete')
    const { status, body } = await cancel(order)
    assert.deepEqual([status, body['code']], [409, 'ORDER_PAID'])
    await shop.control('/chaos', null)
    assert.deepEqual(await standOf(order), ['paid', '0', 'complete'])
  })

  it('is 503 while the provider does not answer: nobody can pay from then on, and the next try ends it', async () => {
    const order = await place()
    await shop.control('/chaos', { ...CALM, rateLimited: 1 })
    const { status, body } = await cancel(order)
    assert.deepEqual([status, body['code']], [503, 'PAYMENT_UNAVAILABLE'])
    assert.deepEqual(await standOf(order), ['pending', '2', 'open'])
    assert.equal(
      await db.value('select expires_at <= now() from orders where id = $1', [order.orderId]),
      true,
    )
    await shop.control('/chaos', null)
    assert.equal((await cancel(order)).status, 200)
    assert.deepEqual(await standOf(order), ['expired', '0', 'expired'])
  })

  it('closes a session of which nobody knows whether it was opened', async () => {
    await shop.control('/chaos', { ...CALM, lostAnswers: 1 })
    const tier = await addTier(db, house.eventId, { priceCents: 2500, total: 2 })
    const cart = SPELLINGS['create-ticket-checkout']?.(house.eventId, tier, 2)
    const { status, body } = await shop.call('create-ticket-checkout', cart)
    await shop.control('/chaos', null)
    const orderId = String(body['order_id'])
    const secret = String(body['order_url']).split('/').at(-1) ?? ''
    assert.equal(status, 503)
    assert.equal((await cancel({ orderId, secret })).status, 200)
    assert.deepEqual(await standOf({ orderId, secret, tier, url: '' }), ['expired', '0', 'expired'])
  })

  it('refuses a free order, which has its tickets', async () => {
    const { body } = await cancel(await place({}, 0))
    assert.equal(body['code'], 'ORDER_PAID')
  })

  it('refuses while a bank confirms the payment', async () => {
    const order = await place()
    await db.rows(`update ticketing.checkout_sessions set status = 'complete' where order_id = $1`, [
      order.orderId,
    ])
    const { status, body } = await cancel(order)
    assert.deepEqual([status, body['code']], [409, 'PAYMENT_UNDER_WAY'])
    assert.equal(await db.value('select given_up_at from orders where id = $1', [order.orderId]), null)
  })

  it('keeps every law', () => assertLawful(db))
})
