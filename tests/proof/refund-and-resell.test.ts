import assert from 'node:assert/strict'
import { test } from 'node:test'
import { removeFixture } from '../../src/proof/fixtures/fixtures.ts'
import { checkNamed, openTestRun, runStages } from './support.ts'

const only = ['refund-and-resell']

test('refund-and-resell is a PASS: each place that is given back is sold once more', async () => {
  const run = await openTestRun({ only })
  const http = await runStages(run, 'http')
  assert.equal(http.verdict, 'PASS', JSON.stringify(http.checks, null, 1))
  const judgement = await runStages(run, 'judgement')
  assert.equal(judgement.verdict, 'PASS', JSON.stringify(judgement.checks, null, 1))
  assert.ok(await removeFixture(run.databases.main.client, 'refund-and-resell'))
})

test('a place that does not come back is a FAIL', async () => {
  const run = await openTestRun({
    only,
    change: (client) => client.query('drop trigger trg_release_capacity_upd on public.tickets'),
  })
  const http = await runStages(run, 'http')
  assert.equal(checkNamed(http, 'each place that was given back').verdict, 'FAIL')
  assert.equal(checkNamed(http, 'places are sold in the end').verdict, 'FAIL')
})

test('a cent that stays with the provider is a FAIL, with the payment as witness', async () => {
  const run = await openTestRun({
    only,
    provider: (provider) => ({
      ...provider,
      ledger: async () => {
        const { payments, disagreements } = await provider.ledger()
        const short = payments.map((paid) => ({
          ...paid,
          amount_refunded: Math.max(0, paid.amount_refunded - 1),
        }))
        return { payments: short, disagreements }
      },
    }),
  })
  const money = checkNamed(await runStages(run, 'http'), 'what was paid is owed')
  assert.equal(money.verdict, 'FAIL')
  assert.ok((money.witness as { readonly halves: readonly unknown[] }).halves.length > 0)
})
