import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { BenchDatabase } from '../../src/bench/question.ts'
import { openTiers, ticketLedger } from '../../src/bench/sale.ts'
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
