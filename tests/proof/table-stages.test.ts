import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changed, checkNamed, openTestRun, runStages, toolsHere, withoutRefusals } from './support.ts'

const SCENARIOS = ['scanner-stress', 'offline-gates', 'offer-rush', 'slot-rush'] as const

for (const name of SCENARIOS)
  test(`${name} is a PASS, with either engine, and everything that must happen does`, async (t) => {
    for (const tools of [await toolsHere(t), { k6: undefined, pgbench: undefined }]) {
      const run = await openTestRun({ only: [name], tools })
      const http = await runStages(run, 'http')
      assert.equal(http.verdict, 'PASS', JSON.stringify(http.checks, null, 1))
      const judgement = await runStages(run, 'judgement')
      assert.equal(judgement.verdict, 'PASS', JSON.stringify(judgement.checks, null, 1))
    }
  })

test('one entry too many makes scanner-stress FAIL, with the ticket as witness', async () => {
  const run = await openTestRun({ only: ['scanner-stress'], change: withoutRefusals('admitted-once') })
  const http = await runStages(run, 'http')
  const entered = checkNamed(http, 'scanner-stress: all 45 tickets enter')
  assert.equal(entered.verdict, 'FAIL')
  const { entries, scans } = entered.witness as { readonly entries: number; readonly scans: unknown[] }
  assert.ok(entries > 1 && scans.length === entries, 'every scan that opened a gate is shown')
  assert.match(
    checkNamed(http, 'scanner-stress: every threshold').detail,
    /admitted count==35, repeats_refused count==15.*duplicate_entries count==0/,
  )
  assert.equal(
    entered.reproduce,
    'npx admit-one prove scanner-stress --profile small --seed 1 --k6 off --pgbench off',
  )
})

test('scans that come faster than the machine can judge them are INCONCLUSIVE about the rate, no FAIL', async () => {
  const rush = { rate: 20_000, seconds: 1, tickets: 10 }
  const http = await runStages(await openTestRun({ only: ['scanner-stress'], profile: { rush } }), 'http')
  assert.deepEqual(
    http.checks.filter(({ verdict }) => verdict !== 'PASS').map(({ name, verdict }) => [name, verdict]),
    ['20000 scans a second at ten scanners', 'every threshold is met', 'the load generator kept up'].map(
      (name) => [`scanner-stress: ${name}`, 'INCONCLUSIVE'],
    ),
  )
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

test('a double entry that nobody reports makes offline-gates FAIL', async () => {
  const run = await openTestRun({
    only: ['offline-gates'],
    change: changed('ticketing.double_admissions', 'not o.scan_success and', 'false and'),
  })
  const reported = checkNamed(await runStages(run, 'http'), 'offline-gates: every entry too many')
  assert.equal(reported.verdict, 'FAIL')
  assert.match(reported.detail, / 0 doubles are reported$/)
})
