import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { removeFixture } from '../../src/proof/fixtures/fixtures.ts'
import { changed, checkNamed, openTestRun, runStages } from './support.ts'

const only = ['cancel-the-event']

test('cancel-the-event is a PASS: nothing is sold after, and all money goes back', async () => {
  const run = await openTestRun({ only, jobs: true })
  const http = await runStages(run, 'http')
  assert.equal(http.verdict, 'PASS', JSON.stringify(http.checks, null, 1))
  const judgement = await runStages(run, 'judgement')
  assert.equal(judgement.verdict, 'PASS', JSON.stringify(judgement.checks, null, 1))
  assert.ok(await removeFixture(run.databases.main.client, 'cancel-the-event'))
})

test('orders that end while their pay page is opened are foreseen', async () => {
  const run = await openTestRun({
    only,
    jobs: true,
    payments: (payments) => ({
      ...payments,
      createSession: async (...call) => {
        await delay(400)
        return payments.createSession(...call)
      },
    }),
  })
  const http = await runStages(run, 'http')
  assert.equal(http.verdict, 'PASS', JSON.stringify(http.checks, null, 1))
})

test('a cancelled event that is sold all the same is a FAIL', async () => {
  const run = await openTestRun({
    only,
    jobs: true,
    profile: { cancellation: { buyers: 10, arrivalSeconds: 1, waitSeconds: 3 } },
    change: changed('ticketing.judge_tier', "or p_tier.event_status <> 'published'", ''),
  })
  const http = await runStages(run, 'http')
  assert.equal(
    checkNamed(http, 'nothing is sold after').verdict,
    'FAIL',
    JSON.stringify(http.checks, null, 1),
  )
  assert.match(checkNamed(http, 'every threshold').detail, /sold_afterwards/)
})

test('money that the provider keeps is a FAIL, with the payment as witness', async () => {
  const run = await openTestRun({
    only,
    jobs: true,
    provider: (provider) => ({
      ...provider,
      ledger: async () => {
        const { payments, disagreements } = await provider.ledger()
        return { payments: payments.map((paid) => ({ ...paid, amount_refunded: 0 })), disagreements }
      },
    }),
  })
  const back = checkNamed(await runStages(run, 'http'), 'all that was paid went back')
  assert.equal(back.verdict, 'FAIL')
  assert.equal((back.witness as { readonly amount_refunded: number }).amount_refunded, 0)
})
