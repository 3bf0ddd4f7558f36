import assert from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import fc from 'fast-check'
import { openBoxOffice } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'
import { commands, runOnTier } from '../support/tier-model.ts'

/** TIER_MODEL_RUNS for more of them; TIER_MODEL_SEED and TIER_MODEL_PATH, which a failure prints, for the same ones. */
const { TIER_MODEL_RUNS: runs, TIER_MODEL_SEED: seed, TIER_MODEL_PATH: path } = process.env

test('whatever is reserved, released, left, bought, scanned and resized, in any order: the tier is what a small model says', async () => {
  const db = await testDatabase()
  const { eventId, staffId } = await openBoxOffice(db)
  const property = fc.asyncProperty(commands(), (sequence) => runOnTier({ db, eventId, staffId }, sequence))
  await fc.assert(property, {
    numRuns: Number(runs ?? 40),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
  })
  await assertLawful(db)
})

test('a box office that keeps the last place back is found, and two calls at most show it', async (t) => {
  const db = await testDatabase()
  const { eventId, staffId } = await openBoxOffice(db)
  const [verb] = await db.rows<{ source: string }>(
    `select pg_get_functiondef('ticketing.judge_tier'::regproc) as source`,
  )
  const source = verb?.source ?? ''
  const fragment = 'p_tier.available < p_quantity'
  assert.equal(source.split(fragment).length, 2)
  await db.rows(source.replace(fragment, 'p_tier.available <= p_quantity'))
  const property = fc.asyncProperty(commands(), (sequence) => runOnTier({ db, eventId, staffId }, sequence))
  const {
    failed,
    counterexample,
    seed: found,
    counterexamplePath,
  } = await fc.check(property, { seed: 1, numRuns: 100 })
  assert.ok(failed && counterexample !== null)
  const shown = String(counterexample[0])
  assert.ok(shown.split(',').length <= 4, `${shown} (seed ${found}, path ${counterexamplePath})`)
  assert.match(shown, /reserve|buy/)
  t.diagnostic(shown)
})
