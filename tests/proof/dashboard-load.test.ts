import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseScenarios } from '../../src/proof/stages/http.ts'
import { checkNamed, openTestRun, runStages } from './support.ts'

const only = ['dashboard-load']

test('dashboard-load is a PASS, and everything that must happen does', async () => {
  const run = await openTestRun({ only })
  const http = await runStages(run, 'http')
  assert.equal(http.verdict, 'PASS', JSON.stringify(http.checks, null, 1))
  assert.match(checkNamed(http, 'every sale').detail, /^20 sales were made, 20 are .* 400 were seen on 20 /)
})

test("an order that the door's staff hears of is a FAIL", async () => {
  const run = await openTestRun({
    only,
    change: (client) => client.query('alter table orders disable row level security'),
  })
  const http = await runStages(run, 'http')
  assert.equal(checkNamed(http, 'nobody hears').verdict, 'FAIL')
  assert.equal(checkNamed(http, 'every sale').verdict, 'PASS')
})

test('a sale that no dashboard hears of is a FAIL', async () => {
  const run = await openTestRun({
    only,
    profile: { dashboard: { sales: 4, pause: 0.1, waitSeconds: 2 } },
    change: (client) => client.query(`alter publication supabase_realtime set (publish = 'delete')`),
  })
  const http = await runStages(run, 'http')
  assert.equal(checkNamed(http, 'every sale').verdict, 'FAIL', JSON.stringify(http.checks, null, 1))
  assert.equal(http.verdict, 'FAIL')
})

test('where the database gives no changes it is left out, and INCONCLUSIVE for who asks for it', async () => {
  const change = (client: { query(sql: string): Promise<unknown> }) =>
    client.query('drop publication supabase_realtime')
  const { shown, leftOut } = await chooseScenarios(await openTestRun({ change }))
  assert.ok(shown.length > 5 && shown.every(({ name }) => name !== 'dashboard-load'))
  assert.ok(leftOut.some(({ name, why }) => name === 'dashboard-load' && why.length > 0))
  const run = await openTestRun({ only, change })
  const http = await runStages(run, 'http')
  assert.equal(checkNamed(http, 'it happened: sales made').verdict, 'INCONCLUSIVE')
  assert.equal(http.verdict, 'INCONCLUSIVE')
})
