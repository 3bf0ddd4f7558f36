import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { BenchDatabase } from '../../src/bench/question.ts'
import { holdCall, openTiers, tierLedger } from '../../src/bench/sale.ts'
import { testDatabase } from '../support/database.ts'

const database = await testDatabase()
const slugs = ['a', 'b', 'c']
const tierOf = await openTiers(database as BenchDatabase, slugs)
const tierIds = slugs.map(tierOf)

it('holds of several tiers are asked for in turn', () => {
  const { requests } = holdCall({ anonKey: 'k' }, 'http://127.0.0.1:80', tierIds, 1)
  const asked = requests.map((request) => /"p_tier_id":"(.*?)"/.exec(request)?.[1])
  assert.deepEqual(asked, tierIds)
})

it('and counted together; one that counts too many does not make up for one that counts too few', async () => {
  const ledger = tierLedger(database as BenchDatabase, tierIds, 'holds', ['holds'])
  for (const tierId of [...tierIds, ...tierIds.slice(0, 2)])
    await database.client.query('select reserve_tickets_atomically($1, 1)', [tierId])
  assert.deepEqual(await ledger.count(), { rows: 5, counter: 5 })
  const one = tierLedger(database as BenchDatabase, tierIds.slice(2), 'holds', ['holds'])
  assert.deepEqual(await one.count(), { rows: 1, counter: 1 })

  await database.client.query('set session_replication_role = replica')
  await database.client.query('alter table ticket_tiers disable trigger all')
  for (const [tierId, by] of [
    [tierIds[0], 1],
    [tierIds[1], -1],
  ])
    await database.client.query(
      'update ticket_tiers set reserved_quantity = reserved_quantity + $2::integer where id = $1',
      [tierId, by],
    )
  const { rows, counter } = await ledger.count()
  assert.equal(rows, 5)
  assert.notEqual(counter, 5)
})
