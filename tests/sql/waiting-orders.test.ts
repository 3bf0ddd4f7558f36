import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { it } from 'node:test'
import { ANON, SERVICE, valueAs } from '../support/callers.ts'
import { openOfficeWithFees } from '../support/lawful-office.ts'
import { completed, expired, lapse, type PlacedOrder, placeOrder, receive } from '../support/money.ts'

const { db, eventId } = await openOfficeWithFees()

const named = async ({ orderId }: PlacedOrder) => ({
  order_id: orderId,
  secret: await db.value<string>('select secret from orders where id = $1', [orderId]),
})
const waitingOf = (orders: unknown) =>
  valueAs<{ order_id: string; expires_at: string; held: Record<string, number> }[]>(
    db.client,
    ANON,
    'select ticketing.waiting_orders($1)',
    [JSON.stringify(orders)],
  )

it('gives the orders that can be paid, now or in a moment, in the order of the list', async () => {
  const open = await placeOrder(db, { eventId })
  const opening = await placeOrder(db, { eventId, opened: false, quantity: 3 })
  const waiting = await waitingOf([await named(opening), await named(open)])
  assert.deepEqual(
    waiting.map(({ order_id, held }) => [order_id, held]),
    [
      [opening.orderId, { [opening.tierId]: 3 }],
      [open.orderId, { [open.tierId]: 2 }],
    ],
  )
  assert.ok(waiting.every(({ expires_at }) => new Date(expires_at).getTime() > Date.now()))
})

const overs: readonly (readonly [what: string, end: (order: PlacedOrder) => Promise<unknown>])[] = [
  ['is paid', (order) => receive(db.client, completed(order))],
  ['has expired', (order) => receive(db.client, expired(order))],
  ['has no time left', (order) => lapse(db, order)],
  [
    'is being given up',
    ({ orderId }) => valueAs(db.client, SERVICE, 'select ticketing.cancel_order($1)', [orderId]),
  ],
]
for (const [what, end] of overs) {
  it(`leaves out one that ${what}`, async () => {
    const order = await placeOrder(db, { eventId })
    await end(order)
    assert.deepEqual(await waitingOf([await named(order)]), [])
  })
}

it('knows no order by another secret, and reads no list that is none', async () => {
  const order = await named(await placeOrder(db, { eventId }))
  const wrong = [{ ...order, secret: 'another' }, { order_id: order.order_id }, { secret: order.secret }, 1]
  for (const orders of [wrong, [{ ...order, order_id: randomUUID() }], [], {}, null, 'x'])
    assert.deepEqual(await waitingOf(orders), [])
})

it('reads the first 50 of a list', async () => {
  const order = await named(await placeOrder(db, { eventId }))
  const others = Array.from({ length: 50 }, () => ({ order_id: randomUUID(), secret: 'x' }))
  assert.deepEqual(await waitingOf([...others, order]), [])
  assert.equal((await waitingOf([...others.slice(1), order])).length, 1)
})
