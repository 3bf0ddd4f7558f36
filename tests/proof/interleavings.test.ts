import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Client } from 'pg'
import { type Exploration, explore, openArena } from '../../src/proof/interleaving/explore.ts'
import {
  type Arena,
  ISOLATION_LEVELS,
  type IsolationLevel,
  type Race,
} from '../../src/proof/interleaving/race.ts'
import { RACES } from '../../src/proof/interleaving/races/index.ts'
import { verdictText } from '../../src/proof/report/terminal.ts'
import { worst } from '../../src/proof/results.ts'
import { checksOf } from '../../src/proof/stages/interleavings.ts'
import { conclude } from '../../src/proof/verdict.ts'
import { testDatabase } from '../support/database.ts'
import {
  changed,
  checkNamed,
  guaranteeNamed,
  openTestRun,
  runStages,
  withoutProtections,
  withoutRefusals,
} from './support.ts'

type Change = (client: Client) => Promise<unknown>

const both =
  (...changes: readonly Change[]): Change =>
  async (client) => {
    for (const change of changes) await change(client)
  }

const withoutNamed = (guarantee: string, ...names: readonly string[]) =>
  withoutProtections(guaranteeNamed(guarantee).protections.filter(({ name }) => names.includes(name)))

/** The verb still decides, but not under the lock, and nothing behind it does. */
const NO_TIER_LOCK = both(
  changed('ticketing.hold_tiers', 'perform ticketing.lock_tiers(p_tier_ids);', ''),
  withoutProtections(
    guaranteeNamed('never-oversold').protections.filter(
      ({ role, kind }) => role === 'refuses' && kind !== 'decision',
    ),
  ),
)

/** What each race loses with its protection: what is taken away, and how the loss is told. */
const TWINS: Readonly<Record<string, readonly [Change, RegExp]>> = {
  'last ticket': [NO_TIER_LOCK, /never_oversold/],
  'last ticket given back': [NO_TIER_LOCK, /never_oversold/],
  'carts in opposite order': [
    changed('ticketing.lock_tiers', 'if cardinality(p_tier_ids) > 1 then', 'if false then'),
    /may not end like this/,
  ],
  'tiers in opposite order': [NO_TIER_LOCK, /never_oversold/],
  'one key twice': [withoutRefusals('same-request-same-answer'), /same_request_same_answer/],
  'tier made smaller': [
    withoutNamed('never-oversold', 'check_no_negative_availability', 'check_reserved_lte_total'),
    /never_oversold/,
  ],
  'last place of an offer': [withoutRefusals('offers-and-slots-fit'), /offers_and_slots_fit/],
  'last cover of a slot': [withoutRefusals('offers-and-slots-fit'), /offers_and_slots_fit/],
  'offer made smaller': [
    withoutNamed('offers-and-slots-fit', 'trg_check_offer_size', 'check_claimed_people_fit'),
    /offers_and_slots_fit/,
  ],
  'slot made smaller': [
    withoutNamed('offers-and-slots-fit', 'trg_check_slot_size', 'check_booked_people_fit'),
    /offers_and_slots_fit/,
  ],
  'payment after its time': [withoutRefusals('never-oversold'), /never_oversold/],
  'webhook twice': [withoutRefusals('paid-once-issued-once'), /paid_once_issued_once/],
  'payment told by three events': [withoutRefusals('paid-once-issued-once'), /paid_once_issued_once/],
  'order given up against payment': [
    changed('ticketing.give_up_order', "p_session.status in ('creating', 'open')", 'false'),
    /may not end like this/,
  ],
  'event cancelled against payment': [
    changed('ticketing.continue_cancellations', "c.asked_at > v_now - interval '1 day'", 'false'),
    /may not end like this/,
  ],
  'refund against scan': [
    changed('ticketing.lock_tickets', 'for no key update', ''),
    /may not end like this/,
  ],
  'two gates': [withoutRefusals('admitted-once'), /admitted_once/],
  'three gates': [withoutRefusals('admitted-once'), /admitted_once/],
  'scan undone while another is brought': [
    both(
      changed(
        'ticketing.undo_scan',
        'from public.tickets t where t.id = p_id for no key update',
        'from public.tickets t where t.id = p_id',
      ),
      changed('ticketing.lock_scanned', ' for no key update;', ';'),
    ),
    /admitted_once/,
  ],
}

suite('a race without its protection', () => {
  test('each has a twin', () => {
    assert.deepEqual(
      Object.keys(TWINS),
      RACES.map(({ name }) => name),
    )
  })

  for (const [name, [change, told]] of Object.entries(TWINS)) {
    test(`${name}: an order is found that breaks it`, async () => {
      const { witness } = await explored(raceNamed(name), { change })
      assert.ok(witness, 'it holds without its protection')
      assert.match(witness.wrong, told)
      assert.equal(witness.tooSlow, false)
    })
  }
})

test('the first witness met: the second buyer asks between what the first is told and its commit', async () => {
  const { witness, stepped } = await explored(raceNamed('last ticket'), { change: NO_TIER_LOCK })
  assert.equal(witness?.wrong, 'it breaks never_oversold, in the first order met that breaks a law')
  assert.equal(witness.end, 'success | success')
  assert.deepEqual(witness.order, [
    ...['buyer 1: begin', 'buyer 1: hold', 'buyer 2: begin', 'buyer 2: hold'],
    ...['buyer 1: commit', 'buyer 2: commit'],
  ])
  assert.deepEqual(
    witness.rows.map((row) => (row as { readonly too_many: number }).too_many),
    [1],
  )
  assert.ok(stepped < 14, 'a law that is broken stays so: nothing is stepped after it')
})

test('a run without the lock is a FAIL, with the order as witness, its guarantee and its command named', async () => {
  const run = await openTestRun({ change: NO_TIER_LOCK, only: ['interleavings'] })
  const stage = await runStages(run, 'interleavings')
  assert.equal(stage.verdict, 'FAIL')
  const check = checkNamed(stage, 'last ticket, read committed: each order')
  assert.equal(check.verdict, 'FAIL')
  assert.match(
    check.detail,
    /^it breaks never_oversold, in the first order met that breaks a law: success \| success$/,
  )
  assert.equal((check.witness as { readonly order: readonly string[] }).order.length, 6)
  assert.match(check.reproduce ?? '', /prove interleavings --profile small/)
  assert.equal(checkNamed(stage, 'webhook twice, read committed: each order').verdict, 'PASS')
  const results = conclude(run, [stage])
  assert.equal(results.guarantees[0]?.verdict, 'FAIL')
  assert.match(verdictText(results, { columns: 80, color: false }), /last ticket +\d+ of 20 +\d+ +✗ FAIL/)
})

test('as it is installed each order of every race that is stepped ends as it may, at every isolation level', async () => {
  const run = await openTestRun({ only: ['interleavings'], profile: { isolations: ISOLATION_LEVELS } })
  const stage = await runStages(run, 'interleavings')
  assert.deepEqual(
    stage.checks.filter(({ verdict }) => verdict !== 'PASS'),
    [],
  )
  assert.equal(run.interleavings.length, RACES.flatMap(({ isolations }) => isolations).length)
  const twice = run.interleavings.find(({ race }) => race === 'tiers in opposite order')
  assert.ok(twice && twice.deadlocks > 0, 'who waits in a circle is told LOCK_TIMEOUT')
  // What no scenario puts under load is not shown, however many orders were stepped through.
  assert.deepEqual(
    [...new Set(conclude(run, [stage]).guarantees.map(({ verdict }) => verdict))],
    ['NOT SHOWN'],
  )
})

test('a law that is broken after any run is a FAIL, in an order that was met before too', async () => {
  const arena = await arenaOf()
  const race = raceNamed('tier made smaller')
  const runsUntil = async (breaking: number) => {
    let judged = 0
    const brokenLaws: Arena['brokenLaws'] = async () =>
      ++judged === breaking ? [{ law: 'never_oversold', rows: [] }] : arena.brokenLaws()
    const exploration = await explore({ ...arena, brokenLaws }, race, 'read committed')
    return { judged, verdict: worst(checksOf(exploration).map(({ verdict }) => verdict)), exploration }
  }
  const { judged: all, verdict, exploration } = await runsUntil(0)
  assert.equal(verdict, 'PASS')
  assert.ok(all > exploration.stepped, 'some schedules are diverted into an order that was met')
  for (let breaking = 1; breaking <= all; breaking++) {
    const { judged, verdict } = await runsUntil(breaking)
    assert.deepEqual([judged, verdict], [breaking, 'FAIL'], `run ${breaking} of ${all}`)
  }
})

test('of several orders that end wrongly the witness is the one that really changes session least', async () => {
  let worlds = 0
  const race: Race = {
    ...raceNamed('last ticket'),
    ends: ['done + done | done + done → one after the other'],
    prepare: async (client) => {
      const name = `visits_${worlds++}`
      await client.query(`create table ${name} (who int, began timestamptz, ended timestamptz)`)
      const told = () => 'done'
      const take = (who: number) =>
        `with l as materialized (select pg_advisory_xact_lock(7)) insert into ${name} select ${who}, now() from l`
      const leave = (who: number) => `update ${name} set ended = clock_timestamp() where who = ${who}`
      const stands = `select case when max(began) < min(ended) then 'side by side' else 'one after the other' end from ${name}`
      return {
        sessions: [1, 2].map((who) => ({
          name: `visitor ${who}`,
          calls: [
            { name: 'take', sql: take(who), told },
            { name: 'leave', sql: leave(who), told },
          ],
        })),
        stands: { sql: stands, values: [] },
      }
    },
  }
  const { witness } = await explored(race)
  assert.equal(witness?.end, 'done + done | done + done → side by side')
  // A lock diverts schedules that were to change session less.
  assert.deepEqual(
    witness.order.map((step) => step.replace('visitor ', '')),
    ['1: begin', '2: begin', '2: take', '2: leave', '2: commit', '1: take', '1: leave', '1: commit'],
  )
})

suite('what an exploration shows', () => {
  const seen: Exploration = {
    race: raceNamed('last ticket'),
    isolation: 'read committed',
    sessions: ['buyer 1', 'buyer 2'],
    orders: 20,
    stepped: 14,
    waits: 6,
    deadlocks: 0,
    retries: 0,
    ends: { 'success | INSUFFICIENT_TICKETS': 7, 'INSUFFICIENT_TICKETS | success': 7 },
    witness: undefined,
  }
  const witness = { wrong: 'it may not end like this', tooSlow: false, order: [], end: '', rows: [] }
  const shown = (change: Partial<Exploration>) =>
    worst(checksOf({ ...seen, ...change }).map(({ verdict }) => verdict))

  for (const [what, change, verdict] of [
    ['all of it', {}, 'PASS'],
    ['an end that was never seen', { ends: { 'success | INSUFFICIENT_TICKETS': 14 } }, 'INCONCLUSIVE'],
    ['nobody waited', { waits: 0 }, 'INCONCLUSIVE'],
    ['nobody was told to retry', { isolation: 'serializable' }, 'INCONCLUSIVE'],
    ['in each order somebody was told to retry', { isolation: 'serializable', retries: 14 }, 'INCONCLUSIVE'],
    ['some were told to retry', { isolation: 'serializable', retries: 12 }, 'PASS'],
    ['a broken order', { witness }, 'FAIL'],
    [
      'a broken order of a machine that stood still',
      { witness: { ...witness, tooSlow: true } },
      'INCONCLUSIVE',
    ],
  ] as const) {
    test(`${what}: ${verdict}`, () => assert.equal(shown(change), verdict))
  }
})

test('who is told to retry has changed nothing, or it is a FAIL', async () => {
  let worlds = 0
  const race: Race = {
    ...raceNamed('last ticket'),
    prepare: async (client) => {
      // A sequence is not rolled back.
      const name = `trace_${worlds++}`
      await client.query(`create sequence ${name}`)
      const loser = `do $$ begin perform nextval('${name}'); raise exception using errcode = '40001'; end $$`
      const told = (isCalled: unknown) => (isCalled === true ? 'seen' : 'not seen')
      return {
        sessions: [
          { name: 'loser', calls: [{ name: 'leave a trace', sql: loser }] },
          { name: 'other', calls: [{ name: 'look', sql: `select is_called from ${name}`, told }] },
        ],
      }
    },
  }
  const { witness } = await explored(race, { isolation: 'repeatable read' })
  assert.match(witness?.wrong ?? '', /the others do not end like this without/)
  assert.equal(witness?.end, '40001 | seen')
})

function raceNamed(name: string): Race {
  const race = RACES.find((one) => one.name === name)
  if (race === undefined) throw new Error(`no race ${name}`)
  return race
}

/** The race in a database of its own, which is changed before. */
async function explored(
  race: Race,
  {
    change,
    isolation = 'read committed',
  }: { readonly change?: Change; readonly isolation?: IsolationLevel } = {},
): Promise<Exploration> {
  return explore(await arenaOf(change), race, isolation)
}

async function arenaOf(change?: Change): Promise<Arena> {
  const { client, url, connect } = await testDatabase()
  await change?.(client)
  const many = (count: number) => Promise.all(Array.from({ length: count }, connect))
  return openArena({ client, url, connect: many })
}
