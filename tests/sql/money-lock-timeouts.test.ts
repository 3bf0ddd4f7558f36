import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { assertLawful, refusalOf, SERVICE, valueAs } from '../support/callers.ts'
import { whileLocked } from '../support/crowd.ts'
import {
  completed,
  type MoneyAnswer,
  type PlacedOrder,
  paidOrder,
  placeOrder,
  receive,
  refundOf,
  refuseRefund,
  requestRefund,
  sessionOf,
  settle,
  settleRefund,
  standOf,
} from '../support/money.ts'
import { openHouse, orderOf, tierOf } from '../support/money-races.ts'

const house = await openHouse()

type Work = (client: pg.Client) => Promise<MoneyAnswer>

const cancelOrder = (client: pg.Client, order: PlacedOrder) =>
  valueAs<MoneyAnswer>(client, SERVICE, 'select ticketing.cancel_order($1)', [order.orderId])

describe('a lock that does not come', () => {
  for (const [where, lockOf] of [
    ['the order', orderOf],
    ['a tier', tierOf],
  ] as const) {
    it(`at ${where}: an event raises 55P03, keeps nothing, and has its effect when it is sent again`, async () => {
      const order = await placeOrder(house.db, { eventId: house.box.eventId })
      const event = completed(order)
      const told = refusalOf(whileLocked(house, lockOf(order), (client) => receive(client, event)))
      assert.deepEqual(await told, { code: '55P03' })
      const again = await receive(house.db.client, event)
      assert.deepEqual([again.duplicate, again.outcome], [false, 'ISSUED'])
    })

    it(`at ${where}: the verbs of payments and refunds answer LOCK_TIMEOUT`, async () => {
      const order = await placeOrder(house.db, { eventId: house.box.eventId })
      const paid = await paidOrder(house.db, { eventId: house.box.eventId })
      const refund = await requestRefund(house.db.client, paid.orderId)
      const told = refundOf(paid, { metadata: { refund_id: refund.refund_id } })
      const calls: readonly (readonly [PlacedOrder, Work])[] = [
        [order, (client) => settle(client, sessionOf(order))],
        [paid, (client) => requestRefund(client, paid.orderId)],
        [paid, (client) => settleRefund(client, told)],
        [paid, (client) => refuseRefund(client, refund.refund_id)],
        ...(where === 'the order'
          ? [[order, (client: pg.Client) => cancelOrder(client, order)] as const]
          : []),
      ]
      for (const [locked, call] of calls)
        assert.equal((await whileLocked(house, lockOf(locked), call)).error, 'LOCK_TIMEOUT')
      assert.deepEqual((await standOf(house.db, paid))['tickets'], { refunding: 2 })
      await assertLawful(house.db)
    })
  }
})
