import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { addTier } from '../support/box-office.ts'
import { ANON, valueAs } from '../support/callers.ts'
import { openOfficeWithFees } from '../support/lawful-office.ts'
import { completed, eventOf, type PlacedOrder, placeOrder, receive, sessionOf } from '../support/money.ts'

const { db, eventId } = await openOfficeWithFees()

interface Fits {
  readonly success: boolean
  readonly error?: string
  readonly fits?: boolean
  readonly order_ids?: readonly string[]
}

const named = async (order: PlacedOrder) => ({
  order_id: order.orderId,
  secret: await db.value<string>('select secret from orders where id = $1', [order.orderId]),
})
const cartOf = (tierId: string, quantity: number, change: object = {}) => ({
  event: eventId,
  items: [{ tier: tierId, quantity }],
  customer_email: 'ada@example.org',
  ...change,
})
const fits = (request: object, orders: unknown) =>
  valueAs<Fits>(db.client, ANON, 'select ticketing.fits_without($1, $2)', [request, JSON.stringify(orders)])
/** A tier of this many, of which a waiting order has two. */
const withWaiting = async (total: number) => {
  const tierId = await addTier(db, eventId, { priceCents: 2000, total })
  return { tierId, order: await placeOrder(db, { eventId, tierId }) }
}
type One = Awaited<ReturnType<typeof withWaiting>>
/** Every row that anybody has written, with the transaction that wrote it. */
const everything = () =>
  db.value(
    `select jsonb_build_object(
       'tiers', (select jsonb_agg(to_jsonb(t) order by t.id) from ticket_tiers t),
       'holds', (select jsonb_agg(to_jsonb(h) || jsonb_build_object('written', h.xmin::text) order by h.id) from ticket_holds h),
       'orders', (select jsonb_agg(to_jsonb(o) || jsonb_build_object('written', o.xmin::text) order by o.id) from orders o),
       'items', (select count(*) from order_items), 'tickets', (select count(*) from tickets),
       'keys', (select count(*) from idempotency_keys),
       'sessions', (select jsonb_agg(to_jsonb(s) order by s.order_id) from ticketing.checkout_sessions s))`,
  )

describe('fits_without', () => {
  it('says whether the cart would be held without the orders', async () => {
    const { tierId, order } = await withWaiting(3)
    const orders = [await named(order)]
    const asked = [await fits(cartOf(tierId, 3), orders), await fits(cartOf(tierId, 4), orders)]
    assert.deepEqual(
      asked.map((answer) => answer.fits),
      [true, false],
    )
    assert.deepEqual(asked[0]?.order_ids, [order.orderId])
    assert.equal((await fits(cartOf(tierId, 3), [])).fits, false)
  })

  it('leaves every row and every counter as it was, whatever it says', async () => {
    const { tierId, order } = await withWaiting(3)
    const orders = [await named(order)]
    const before = await everything()
    assert.equal((await fits(cartOf(tierId, 3, { idempotency_key: randomUUID() }), orders)).fits, true)
    assert.equal((await fits(cartOf(tierId, 4), orders)).fits, false)
    assert.deepEqual(await everything(), before)
  })

  it("counts a person's limit without what the orders hold, and with what the person has besides", async () => {
    const { tierId, order } = await withWaiting(10)
    await db.rows('update ticket_tiers set max_per_person = 4 where id = $1', [tierId])
    await receive(db.client, completed(await placeOrder(db, { eventId, tierId, quantity: 1 })))
    const orders = [await named(order)]
    assert.equal((await fits(cartOf(tierId, 3), orders)).fits, true)
    assert.equal((await fits(cartOf(tierId, 4), orders)).fits, false)
    assert.equal((await fits(cartOf(tierId, 4, { customer_email: 'bea@example.org' }), orders)).fits, true)
  })

  it('asks for all tiers of the cart, whatever else the orders hold', async () => {
    const [one, two] = [await withWaiting(2), await withWaiting(2)]
    const orders = await Promise.all([two.order, one.order].map(named))
    const items = [one, two].map(({ tierId }) => ({ tier: tierId, quantity: 2 }))
    assert.equal((await fits(cartOf(one.tierId, 1, { items }), orders)).fits, true)
    assert.equal((await fits(cartOf(one.tierId, 1, { items }), orders.slice(1))).fits, false)
    assert.equal((await fits(cartOf(one.tierId, 1), orders)).fits, true)
  })

  it('tries without no order whose secret is another one, that is paid, or that is being paid', async () => {
    const { tierId, order } = await withWaiting(2)
    const foreign = { ...(await named(order)), secret: 'another' }
    const wrong = [foreign, { order_id: 'none' }, { order_id: randomUUID(), secret: 'x' }, null, 1]
    const none = { success: true, fits: false, order_ids: [] }
    assert.deepEqual(await fits(cartOf(tierId, 1), wrong), none)
    const delayed = sessionOf(order, { payment_status: 'unpaid' })
    await receive(db.client, eventOf('checkout.session.completed', delayed))
    assert.deepEqual(await fits(cartOf(tierId, 1), [await named(order)]), none)
    const paid = await withWaiting(2)
    await receive(db.client, completed(paid.order))
    assert.deepEqual(await fits(cartOf(paid.tierId, 1), [await named(paid.order)]), none)
  })

  it('reads no list that is none', async () => {
    const { tierId } = await withWaiting(3)
    for (const orders of [null, {}, 'x']) assert.equal((await fits(cartOf(tierId, 1), orders)).fits, true)
    assert.equal((await fits(cartOf(tierId, 1, { customer_email: 'x' }), [])).error, 'INVALID_REQUEST')
    assert.equal((await fits(cartOf(tierId, 1, { event: 'none' }), [])).fits, false)
  })

  for (const what of ['order', 'tier'] as const) {
    it(`waits for the first ${what} before it takes the second, whichever is named first`, async () => {
      const both = [await withWaiting(2), await withWaiting(2)]
      const idOf = (one: (typeof both)[number]) => (what === 'order' ? one.order.orderId : one.tierId)
      const [first, second] = both.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1)) as [One, One]
      const orders = await Promise.all([second.order, first.order].map(named))
      const other = await db.connect()
      const lock = (id: string) => other.query('select ticketing.lock_key($1)', [`${what}:${id}`])
      await other.query('begin')
      await lock(idOf(first))
      const asked = fits(cartOf(second.tierId, 1), orders)
      await untilWaiting({ client: other }, 1)
      await lock(idOf(second))
      await other.query('commit')
      assert.equal((await asked).fits, true)
    })
  }
})
