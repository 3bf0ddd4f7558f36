import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { it } from 'node:test'
import { placeOrders } from '../../src/bench/pending-orders.ts'
import type { BenchDatabase } from '../../src/bench/question.ts'
import { openTiers, paymentLedger, ticketLedger } from '../../src/bench/sale.ts'
import { paidEvent } from '../../src/proof/interleaving/races/world.ts'
import { testDatabase } from '../support/database.ts'

const database = await testDatabase()
const tierOf = await openTiers(database as BenchDatabase, ['free', 'other', 'paid'], (slug) =>
  slug === 'paid' ? 2500 : 0,
)

async function buy(slug: string): Promise<void> {
  const request = { endpoint: 'bench', event: 'bench', items: [{ tier: tierOf(slug), quantity: 1 }] }
  const buyer = { customer_name: 'Ada Buyer', customer_email: 'ada@example.org', livemode: false }
  const answer = await database.value<{ success: boolean }>('select ticketing.checkout($1)', [
    { ...request, ...buyer, takes_payments: true, success_url: null, cancel_url: null },
  ])
  assert.equal(answer.success, true, JSON.stringify(answer))
}

it('orders are counted by their tickets, by themselves and by the counter, each of which is seen to differ', async () => {
  const ledger = ticketLedger(database as BenchDatabase, [tierOf('free')], 'orders', ['free'])
  for (const slug of ['free', 'free', 'other']) await buy(slug)
  assert.deepEqual(await ledger.count(), { rows: 2, counter: 2 })
  const both = ticketLedger(database as BenchDatabase, [tierOf('free'), tierOf('other')], 'orders', [])
  assert.deepEqual(await both.count(), { rows: 3, counter: 3 })

  await database.client.query('set session_replication_role = replica')
  for (const table of ['tickets', 'ticket_tiers', 'orders'])
    await database.client.query(`alter table ${table} disable trigger all`)
  await database.client.query('update ticket_tiers set sold_quantity = 3 where id = $1', [tierOf('free')])
  assert.deepEqual(await ledger.count(), { rows: 2, counter: 3 })
  await database.client.query('update ticket_tiers set sold_quantity = 2 where id = $1', [tierOf('free')])
  await database.client.query(
    `delete from tickets where id in (select id from tickets where tier_id = $1 limit 1)`,
    [tierOf('free')],
  )
  assert.deepEqual(await ledger.count(), { rows: 1, counter: 2 })
})

it('an order that nobody has paid is no ticket', async () => {
  await buy('paid')
  const ledger = ticketLedger(database as BenchDatabase, [tierOf('paid')], 'orders', ['paid'])
  assert.deepEqual(await ledger.count(), { rows: 0, counter: 0 })
})

it('payments are counted at the provider and by us, each of which is seen to differ', async () => {
  let statuses = ['succeeded', 'requires_payment_method']
  const provider = createServer((_, response) => {
    response.end(JSON.stringify({ payments: statuses.map((status) => ({ status })) }))
  }).listen(0, '127.0.0.1')
  await once(provider, 'listening')
  const address = provider.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const standIn = { url: `http://127.0.0.1:${port}`, secretKey: 'sk', webhookSecret: 'whsec' }
  const ledger = paymentLedger(database as BenchDatabase, { standIn }, ['paid'])
  try {
    assert.deepEqual(await ledger.count(), { rows: 1, counter: 0 })
    const [order] = await placeOrders(database as BenchDatabase, tierOf('paid'), 1)
    assert.ok(order)
    const nobodys = { ...order, order_id: randomUUID(), session_id: 'cs_test_x', payment_intent: 'pi_x' }
    for (const one of [order, nobodys])
      await database.client.query('select ticketing.receive_webhook($1)', [paidEvent(one)])
    assert.deepEqual(await ledger.count(), { rows: 1, counter: 1 })
    statuses = []
    assert.deepEqual(await ledger.count(), { rows: 0, counter: 1 })
  } finally {
    provider.close()
  }
})
