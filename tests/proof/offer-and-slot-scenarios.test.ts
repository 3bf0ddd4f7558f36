import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changed, checkNamed, openTestRun, runStages, withoutRefusals } from './support.ts'

const SCENARIOS = ['offer-rush', 'slot-rush'] as const

for (const name of SCENARIOS)
  test(`${name} is a PASS, and everything that must happen does`, async () => {
    const run = await openTestRun({ only: [name] })
    const http = await runStages(run, 'http')
    assert.equal(http.verdict, 'PASS', JSON.stringify(http.checks, null, 1))
    const judgement = await runStages(run, 'judgement')
    assert.equal(judgement.verdict, 'PASS', JSON.stringify(judgement.checks, null, 1))
  })

test('one place and one cover too many are a FAIL, with their law named', async () => {
  const run = await openTestRun({
    only: ['offer-rush', 'slot-rush'],
    change: withoutRefusals('offers-and-slots-fit'),
  })
  const http = await runStages(run, 'http')
  assert.equal(checkNamed(http, 'offer-rush: 50 of 50 places').verdict, 'FAIL')
  assert.equal(checkNamed(http, 'offer-rush: who was told so has a claim').verdict, 'FAIL')
  assert.equal(checkNamed(http, 'slot-rush: who said that it is full').verdict, 'FAIL')
  // By hand nobody but the script looks.
  assert.match(checkNamed(http, 'offer-rush: every threshold').detail, /places_taken count==50/)
  assert.match(checkNamed(http, 'slot-rush: every threshold').detail, /covers_kept count==60/)
  const judgement = await runStages(run, 'judgement')
  assert.equal(checkNamed(judgement, 'law offers_and_slots_fit').verdict, 'FAIL')
})

test('"full" to a guest while covers are free is a FAIL', async () => {
  const run = await openTestRun({
    only: ['slot-rush'],
    change: changed(
      'ticketing.book_slot_atomically',
      'p_party_size > v_slot.room',
      'p_party_size + 1 > v_slot.room',
    ),
  })
  const full = checkNamed(await runStages(run, 'http'), 'slot-rush: who said that it is full')
  assert.equal(full.verdict, 'FAIL')
  assert.equal(full.detail, '29 of 30 covers, 29 of 30 covers')
})
