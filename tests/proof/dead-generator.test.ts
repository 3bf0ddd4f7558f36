import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import type { Engines } from '../../src/load/engine.ts'
import { httpWitnessOf } from '../../src/proof/sabotage/http-witness.ts'
import { removals, sabotage } from '../../src/proof/sabotage/sabotage.ts'
import { HTTP_SCENARIOS } from '../../src/proof/scenarios/index.ts'
import { paymentsOf } from '../../src/proof/scenarios/money-back.ts'
import { openOfficeWithFees } from '../support/lawful-office.ts'
import { paidOrder, requestRefund } from '../support/money.ts'
import { killedEngines, throwingEngines } from './dead-generator.ts'
import { guaranteeNamed, openTestRun, runStages } from './support.ts'

const throwing = await throwingEngines()
const deaths: readonly (readonly [string, Engines])[] = [
  ['throws at once', throwing],
  ['is killed', killedEngines(2000)],
]

/** Whoever is killed has sold something by then, and the event is not cancelled yet. */
const LONGER = { cancellation: { buyers: 60, arrivalSeconds: 6, waitSeconds: 30 } }

describe('a load generator that breaks off shows nothing: no check is a FAIL', { concurrency: 2 }, () => {
  for (const { name } of HTTP_SCENARIOS)
    for (const [death, engines] of deaths)
      it(`${name}: it ${death}`, async () => {
        const run = await openTestRun({ only: [name], engines, jobs: true, profile: LONGER })
        const { verdict, checks } = await runStages(run, 'http')
        assert.deepEqual(
          checks.filter((check) => check.verdict === 'FAIL'),
          [],
        )
        assert.equal(verdict, 'INCONCLUSIVE')
      })
})

test('what a profile leaves out is in the result of the stage with its reason, and is no check', async () => {
  const { checks, leftOut = [] } = await runStages(await openTestRun({ engines: throwing }), 'http')
  const missing = HTTP_SCENARIOS.filter(({ name }) => !checks.some((check) => check.name.startsWith(name)))
  assert.ok(missing.length > 0)
  assert.deepEqual(
    leftOut.map(({ name }) => name),
    missing.map(({ name }) => name),
  )
  assert.ok(leftOut.every(({ why }) => why.length > 0))
})

test('a witness over HTTP that breaks off has not looked: the sabotage is INCONCLUSIVE', async () => {
  const [removal] = removals([guaranteeNamed('only-yours')]).filter(({ kind }) => kind === 'one alone')
  assert.ok(removal)
  const run = await openTestRun({ engines: throwing })
  const result = await sabotage(run.databases, removal, 1, httpWitnessOf(run))
  assert.deepEqual(
    [result.seen, result.verdict, result.seenOverHttp],
    ['caught', 'INCONCLUSIVE', undefined],
    result.detail,
  )
  assert.match(result.detail, /the witness over HTTP broke off/)
})

test('a refund that never ends is waited for until the deadline, and the provider is asked once', async () => {
  let settled = 0
  const run = await openTestRun({
    provider: (provider) => ({
      ...provider,
      settled: () => {
        settled++
        return provider.settled()
      },
    }),
  })
  const { db, eventId } = await openOfficeWithFees()
  const order = await paidOrder(db, { eventId })
  assert.equal((await requestRefund(db.client, order.orderId)).status, 'queued')
  const main = { ...run.databases.main, client: db.client }
  await paymentsOf({ ...run, databases: { ...run.databases, main } }, { eventId }, 1200)
  assert.equal(settled, 1)
})
