import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { assertLawful, refusalOf, rowsAs, SERVICE, valueAs } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'
import { openTwins, stories, type Twins, tellBoth } from '../support/reserve-twins.ts'

/** A fixed seed: what fails is of the change at hand. SEED looks elsewhere, RUNS longer. */
const SEED = Number(process.env['SEED'] ?? 20_261_130)
const RUNS = Number(process.env['RUNS'] ?? 60)

interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly available?: number
}

async function openBoth(): Promise<Twins> {
  const twins = { batched: await testDatabase(), single: await testDatabase() }
  await openTwins(twins)
  return twins
}

/** A function of the batch without a part of it. */
const broken = async ({ batched }: Twins, fn: string, fragment: string, replacement: string) => {
  const without = [[`ticketing.${fn}`, fragment, replacement]] as const
  await takeAway(batched.client, { name: fn, role: 'refuses', kind: 'decision', object: '', without })
}

const LIVE = (twins: Twins, numRuns: number, options: object = {}) =>
  fc.check(
    fc.asyncProperty(stories(), (story) => tellBoth(twins, story)),
    { numRuns, seed: SEED, ...options },
  )

describe('reserve_many', () => {
  it('answers and writes what the verbs do when asked one by one, whatever is asked in whatever order', async () => {
    const twins = await openBoth()
    const told = await LIVE(twins, RUNS)
    assert.equal(told.failed, false, fc.defaultReportMessage(told) ?? '')
    await assertLawful(twins.batched)
  })

  it('does so too where its own judgement is wrong: a protection refuses the batch, and each is judged alone', async () => {
    const twins = await openBoth()
    await broken(twins, 'judge_in_turn', 'v_left - (v_sum - v_greatest)', 'v_left')
    const told = await LIVE(twins, 30)
    assert.equal(told.failed, false, fc.defaultReportMessage(told) ?? '')
    await assertLawful(twins.batched)
  })

  const faults: readonly [string, string, string, string][] = [
    ['no limit per person', 'hold_in_turn', 'or r.tier_id = any (v_limited_ids)', ''],
    [
      'due holds that stay',
      'judge_in_turn',
      'v_may_be_due := ticketing.make_room(p_tier_id, p_now);',
      'v_may_be_due := false;',
    ],
    [
      'what is left, before it is taken',
      'judge_in_turn',
      'v_left - sum(q.quantity)',
      'v_left + q.quantity - sum(q.quantity)',
    ],
    ['a guest who is trusted', 'hold_alone', 'coalesce(p_request.is_trusted, false)', 'true'],
    [
      'a batch in whose middle nothing is judged anew',
      'hold_in_turn',
      'v_from := v_request.place + 1;',
      'v_from := v_request.place + 2;',
    ],
  ]
  for (const [what, fn, fragment, replacement] of faults)
    it(`is found out by the comparison: ${what}, shrunk to a few requests`, async (t) => {
      const twins = await openBoth()
      await broken(twins, fn, fragment, replacement)
      const { failed, counterexample, errorInstance } = await LIVE(twins, 300, { seed: 7 })
      assert.ok(failed && counterexample !== null)
      assert.ok(errorInstance instanceof assert.AssertionError, String(errorInstance))
      const [{ batches }] = counterexample
      assert.ok(batches.flat().length <= 6, JSON.stringify(counterexample))
      t.diagnostic(JSON.stringify(counterexample))
    })
})

describe('reserve_many beside others', async () => {
  const db = await testDatabase()
  const { eventId } = await openBoxOffice(db)
  const many = async (client: typeof db.client, tierIds: readonly string[], quantity = 1) =>
    (
      await rowsAs<{ answer: Answer }>(
        client,
        SERVICE,
        'select answer from ticketing.reserve_many($1, $2) answer',
        [tierIds, tierIds.map(() => quantity)],
      )
    ).map((it) => it.answer)
  const codes = (answers: readonly Answer[]) => answers.map((it) => it.error ?? 'held')

  it('a tier that is busy costs the others nothing but its wait', async () => {
    const [busy, free] = [await addTier(db, eventId), await addTier(db, eventId)]
    const other = await db.connect()
    await other.query('begin')
    await other.query('select ticketing.lock_tiers(array[$1::uuid])', [busy])
    await db.rows(`set statement_timeout = '1s'`)
    assert.deepEqual(codes(await many(db.client, [free, busy, free])), ['held', 'LOCK_TIMEOUT', 'held'])
    await db.rows('reset statement_timeout')
    await other.query('rollback')
    assert.deepEqual(codes(await many(db.client, [free, busy])), ['held', 'held'])
  })

  it('what is sold out is said while somebody has the lock', async () => {
    const none = await addTier(db, eventId, { total: 0 })
    const other = await db.connect()
    await other.query('begin')
    await other.query('select ticketing.lock_tiers(array[$1::uuid])', [none])
    assert.deepEqual(codes(await many(db.client, [none, none])), [
      'INSUFFICIENT_TICKETS',
      'INSUFFICIENT_TICKETS',
    ])
    await other.query('rollback')
  })

  it('ten batches of 20 at once, 100 tickets, and single buyers between them: 100 are held, and every other is told', async () => {
    const tier = await addTier(db, eventId, { total: 100 })
    const clients = await Promise.all(Array.from({ length: 15 }, () => db.connect()))
    const answers = await Promise.all(
      clients.map((client, n) =>
        n < 10
          ? many(client, Array(20).fill(tier))
          : valueAs<Answer>(client, SERVICE, 'select reserve_tickets_atomically($1, 1)', [tier]).then(
              (it) => [it],
            ),
      ),
    )
    const told = codes(answers.flat())
    assert.equal(told.length, 205)
    assert.equal(told.filter((it) => it === 'held').length, 100)
    assert.equal(told.filter((it) => it === 'INSUFFICIENT_TICKETS').length, 105)
    await assertLawful(db)
  })

  it('refuses lists that are not of one length', async () => {
    const tier = await addTier(db, eventId)
    for (const [tiers, quantities] of [
      [[tier], [1, 1]],
      [[], []],
      [null, [1]],
      [[tier], null],
      [Array(1001).fill(tier), Array(1001).fill(1)],
    ])
      assert.deepEqual(
        await refusalOf(db.rows('select ticketing.reserve_many($1, $2)', [tiers, quantities])),
        { code: '22023' },
      )
    assert.equal(await db.value('select count(*)::int from ticket_holds where tier_id = $1', [tier]), 0)
  })
})
