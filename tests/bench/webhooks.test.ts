import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Stripe } from 'stripe'
import { paidReport, placeOrders } from '../../src/bench/pending-orders.ts'
import type { BenchDatabase, BenchShop } from '../../src/bench/question.ts'
import { openTiers, ticketLedger } from '../../src/bench/sale.ts'
import { testDatabase } from '../support/database.ts'

const database = await testDatabase()
const tierId = (await openTiers(database as BenchDatabase, ['floor'], () => 2500))('floor')
const standIn = { url: 'http://127.0.0.1:1', secretKey: 'sk_test_x', webhookSecret: 'whsec_x' }
const shop: BenchShop = { url: 'http://127.0.0.1:80', pid: undefined, stop: async () => {}, standIn }

it('orders that were placed wait, and each is issued by its own report, once', async () => {
  const orders = await placeOrders(database as BenchDatabase, tierId, 45)
  assert.equal(new Set(orders.map(({ order_id }) => order_id)).size, 45)
  const ledger = ticketLedger(database as BenchDatabase, [tierId], 'events', ['events'])
  assert.deepEqual(await ledger.count(), { rows: 0, counter: 0 })
  for (const order of [...orders.slice(0, 3), ...orders.slice(0, 2)]) {
    const [head = '', body = ''] = paidReport(shop, order).split('\r\n\r\n')
    assert.doesNotMatch(head, /apikey|Authorization/)
    const signature = /^Stripe-Signature: (.*)$/m.exec(head)?.[1] ?? ''
    assert.ok(Stripe.webhooks.constructEvent(body, signature, standIn.webhookSecret))
    assert.throws(() => Stripe.webhooks.constructEvent(body, signature, 'whsec_of_somebody_else'))
    await database.client.query('select ticketing.receive_webhook($1)', [JSON.parse(body)])
  }
  assert.deepEqual(await ledger.count(), { rows: 3, counter: 3 })
})
