import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changed, checkNamed, openTestRun, runStages } from './support.ts'

test('strangers is a PASS, and everything that must happen does', async () => {
  const run = await openTestRun({ only: ['strangers'] })
  const http = await runStages(run, 'http')
  assert.equal(http.verdict, 'PASS', JSON.stringify(http.checks, null, 1))
  const judgement = await runStages(run, 'judgement')
  assert.equal(judgement.verdict, 'PASS', JSON.stringify(judgement.checks, null, 1))
})

const twins: readonly (readonly [what: string, fn: string, fragment: string, replacement: string])[] = [
  [
    'a session that anybody may name',
    'ticketing.lock_session',
    'if not v_caller.is_trusted and exists',
    'if false and exists',
  ],
  ['an order that anybody may give up', 'ticketing.cancel_order', 'o.secret = p_secret', 'true'],
  [
    "a door's member who cancels the event",
    'ticketing.manager_refusal',
    "v_event.role = 'door' and",
    'false and',
  ],
]
for (const [what, ...edit] of twins)
  test(`${what} is a FAIL`, async () => {
    const run = await openTestRun({ only: ['strangers'], change: changed(...edit) })
    const http = await runStages(run, 'http')
    const check = checkNamed(http, 'strangers: nothing of a buyer was taken')
    assert.equal(check.verdict, 'FAIL', JSON.stringify(http.checks, null, 1))
  })
