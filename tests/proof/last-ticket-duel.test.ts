import assert from 'node:assert/strict'
import { test } from 'node:test'
import { removeFixture } from '../../src/proof/fixtures/fixtures.ts'
import { chooseScenarios } from '../../src/proof/stages/http.ts'
import { changed, checkNamed, openTestRun, runStages, withoutRefusals } from './support.ts'

const only = ['last-ticket-duel']

test('last-ticket-duel is a PASS: one wins and one is refused, in every round', async () => {
  const run = await openTestRun({ only })
  const http = await runStages(run, 'http')
  assert.equal(http.verdict, 'PASS', JSON.stringify(http.checks, null, 1))
  assert.match(checkNamed(http, 'who was told "sold"').detail, /^20 were told so, 20 tickets exist, 20 were/)
  assert.ok(await removeFixture(run.databases.main.client, 'last-ticket-duel'))
})

test('both with the last ticket is a FAIL, with the round as witness', async () => {
  const run = await openTestRun({ only, change: withoutRefusals('never-oversold') })
  const http = await runStages(run, 'http')
  const both = checkNamed(http, 'in no round both')
  assert.equal(both.verdict, 'FAIL')
  assert.equal((both.witness as { readonly tickets: number }).tickets, 2)
  assert.match(checkNamed(http, 'every threshold').detail, /both_won/)
})

test('neither with the last ticket is a FAIL', async () => {
  const run = await openTestRun({
    only,
    change: changed(
      'ticketing.judge_tier',
      'p_tier.available < p_quantity',
      'p_tier.available <= p_quantity',
    ),
  })
  const http = await runStages(run, 'http')
  assert.equal(checkNamed(http, 'in no round neither').verdict, 'FAIL', JSON.stringify(http.checks, null, 1))
  assert.match(checkNamed(http, 'every threshold').detail, /neither_won/)
})

test('a run without time leaves it out and says so; a whole one does not', async () => {
  const leftOutOf = async (isWhole: boolean) =>
    (await chooseScenarios(await openTestRun({ profile: { isWhole } }))).leftOut
  const short = await leftOutOf(false)
  assert.deepEqual(
    short.map(({ name }) => name),
    [
      'last-ticket-duel',
      'abandoned-carts',
      'pay-at-the-last-second',
      'refund-and-resell',
      'cancel-the-event',
    ],
  )
  assert.match(short[0]?.why ?? '', /has no time for it/)
  assert.deepEqual(await leftOutOf(true), [])
})
