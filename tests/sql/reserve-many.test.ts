import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { assertLawful, refusalOf, rowsAs, SERVICE, valueAs } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'
import { type Cart, openTwins, type Story, stories, type Twins, tellBoth } from '../support/reserve-twins.ts'

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

/** A batch of carts of one ticket, where they say no more; for ada's lapsed hold in session s1 there is a story of its own. */
const story = (...carts: readonly Partial<Cart>[]): Story => ({
  lapsed: [],
  batches: [carts.map((it) => ({ ...CART, ...it }))],
})
const beside = (tier: string): Story => ({
  ...story({ cart: [{ tier, quantity: 1 }], session: 's1' }),
  lapsed: [{ tier: 'hot', session: 's1', user: 'ada' }],
})
const CART: Cart = {
  by: 'guest',
  cart: [{ tier: 'hot', quantity: 1 }],
  session: null,
  user: null,
  minutes: 15,
}
const FEW = [{ tier: 'few', quantity: 1 }]

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

describe('a cart of one tier in a batch', async () => {
  const twins = await openBoth()
  const cases: readonly [string, string, string, string, Story][] = [
    ["another user's session", 'hold_in_turn', 'or r.session_id = any (v_known)', '', beside('few')],
    [
      "another user's session, where all is refused",
      'answer_at_once',
      'or r.session_id = any (v_known)',
      '',
      beside('paused'),
    ],
    [
      "another user's name",
      'read_lines',
      'r.user_id is null or r.user_id is not distinct from r.caller_id',
      'true',
      story({ user: 'ada' }),
    ],
    [
      "the service's own session",
      'read_lines',
      `coalesce(r.session_id not like 'service:%', true)`,
      'true',
      story({ session: 'service:mine' }),
    ],
    [
      'a session twice in a batch',
      'read_lines',
      'having count(*) > 1',
      'having count(*) > 2',
      story({ by: 'ada', session: 's1' }, { cart: FEW, session: 's1' }),
    ],
    [
      'no more time than a guest may have',
      'read_lines',
      'least(make_interval(mins => r.minutes), v_lifetime)',
      'make_interval(mins => r.minutes)',
      story({ minutes: 60 }),
    ],
    [
      'a lifetime that nobody may have',
      'read_lines',
      'coalesce(r.minutes between 1 and 60, false)',
      'true',
      story({ minutes: 61 }),
    ],
    [
      'whose it is',
      'hold_each',
      'r.session_id, r.owner_id, r.quantity,',
      'r.session_id, null, r.quantity,',
      story({ by: 'ada' }),
    ],
    [
      'the session that it names',
      'hold_each',
      'coalesce(r.session_id,',
      'coalesce(null,',
      story({ session: 's2' }),
    ],
    [
      'a session of its own, also for the service',
      'hold_each',
      'r.is_trusted and not r.is_cart',
      'r.is_trusted',
      story({ by: 'service' }),
    ],
    [
      'a part of a ticket',
      'read_lines',
      'k.refusal is null and cardinality',
      'cardinality',
      story({ cart: [...CART.cart, { tier: 'hot', quantity: 1.5 }] }),
    ],
    [
      'all of a cart',
      'read_lines',
      'cardinality(k.tier_ids) = 1',
      'true',
      story({ cart: [...CART.cart, ...FEW] }),
    ],
    [
      'one tier in two lines, summed',
      'read_lines',
      'k.quantities[1] end',
      '1 end',
      story({ cart: [...CART.cart, ...CART.cart] }),
    ],
    [
      "a cart's refusal, without a lock",
      'answer_at_once',
      'when r.cart is null then',
      'when true then',
      story({ cart: [{ tier: 'paused', quantity: 1 }] }),
    ],
    [
      "a cart's refusal, under the lock",
      'hold_each',
      'when r.refusal is not null and r.is_cart then',
      'when false then',
      story({ cart: [{ tier: 'hot', quantity: 4 }] }, { cart: [{ tier: 'hot', quantity: 4 }] }),
    ],
    [
      'what is left after it',
      'hold_each',
      `'held', r.quantity, 'remaining', r.available`,
      `'held', r.quantity, 'remaining', r.available + r.quantity`,
      story({}),
    ],
    [
      'beside another that is refused, and one that is judged by itself',
      'hold_run',
      'and p_from = 1 and p_to = cardinality(v_answers)',
      'and p_from = 1',
      story(
        { cart: [{ tier: 'paused', quantity: 1 }] },
        { by: 'ada', cart: [{ tier: 'limited', quantity: 3 }] },
      ),
    ],
  ]
  for (const [what, fn, fragment, replacement, told] of cases)
    it(`is answered as alone: ${what}; without that condition it is not`, async () => {
      await tellBoth(twins, told)
      const installed = await twins.batched.value<string>(`select pg_get_functiondef($1::regproc)`, [
        `ticketing.${fn}`,
      ])
      await broken(twins, fn, fragment, replacement)
      await assert.rejects(tellBoth(twins, told), assert.AssertionError)
      await twins.batched.rows(installed)
    })
  it('leaves all laws kept', () => assertLawful(twins.batched))
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
