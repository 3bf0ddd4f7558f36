import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from 'pg'
import { BUILT_IN, type HttpEngine } from '../../src/load/engine.ts'
import type { ScenarioResult } from '../../src/proof/results.ts'
import { runStage, STAGES } from '../../src/proof/stages/index.ts'
import {
  checkNamed,
  ENGINES,
  guaranteeNamed,
  NO_K6,
  NO_PGBENCH,
  openTestRun,
  runStages,
  SMALL,
  withoutProtections,
  withoutRefusals,
} from './support.ts'

test('without what refuses, the 11th hold is a FAIL at the database, with the hold as witness and its law named', async () => {
  const run = await openTestRun({ change: withoutRefusals('never-oversold'), only: ['reserve-race'] })
  const database = await runStages(run, 'database')
  assert.equal(database.verdict, 'FAIL')
  const held = checkNamed(database, 'reserve-race: 10 of 10')
  assert.equal(held.verdict, 'FAIL')
  const hold = held.witness as { readonly id: string; readonly tier_id: string }
  const kept = await run.databases.main.client.query('select from ticket_holds where id = $1', [hold.id])
  assert.equal(kept.rowCount, 1, 'the judgement finds the rows that were too many')
  const judgement = await runStages(run, 'judgement')
  const law = checkNamed(judgement, 'law never_oversold')
  assert.equal(law.verdict, 'FAIL')
  assert.ok(law.witness)
})

test('without what refuses, holds are held twice and cut short, with the hold as witness and its law named', async () => {
  const run = await openTestRun({ change: withoutRefusals('holds-hold'), only: ['hold-churn'] })
  const database = await runStages(run, 'database')
  for (const name of ['no session holds the tier twice', 'no hold ended before its time']) {
    const { verdict, witness } = checkNamed(database, `hold-churn: ${name}`)
    assert.equal(verdict, 'FAIL', name)
    assert.ok((witness as { readonly session_id: string }).session_id)
  }
  assert.equal(checkNamed(await runStages(run, 'judgement'), 'law holds_hold').verdict, 'FAIL')
})

test('holds that nobody ends are a FAIL at the database', async () => {
  const run = await openTestRun({ change: withoutRefusals('never-undersold'), only: ['hold-churn'] })
  const database = await runStages(run, 'database')
  assert.equal(checkNamed(database, 'hold-churn: every hold that was due').verdict, 'FAIL')
})

test('without what refuses, the 51st ticket is a FAIL over HTTP, with the ticket as witness and its law named', async () => {
  const run = await openTestRun({
    change: withoutRefusals('never-oversold'),
    only: ['concurrent-checkout'],
  })
  const http = await runStages(run, 'http')
  assert.equal(http.verdict, 'FAIL')
  const sold = checkNamed(http, '50 of 50 tickets are sold')
  assert.equal(sold.verdict, 'FAIL')
  assert.equal(sold.detail, '60 tickets in the database')
  assert.ok((sold.witness as { readonly order_id: string }).order_id)
  const judgement = await runStages(run, 'judgement')
  assert.equal(checkNamed(judgement, 'law never_oversold').verdict, 'FAIL')
})

test('one admission too many makes scanner-burst FAIL, with both scans as witness and its law named', async () => {
  const run = await openTestRun({ change: withoutRefusals('admitted-once'), only: ['scanner-burst'] })
  const http = await runStages(run, 'http')
  const admitted = checkNamed(http, '1 of 10 scanners admitted')
  assert.equal(admitted.verdict, 'FAIL')
  const scans = admitted.witness as readonly { readonly scan_success: boolean }[]
  assert.ok(scans.length > 1 && scans.every((scan) => scan.scan_success), 'both scans are shown')
  assert.equal(checkNamed(http, 'scanner-burst: every threshold').verdict, 'FAIL')
  const judgement = await runStages(run, 'judgement')
  assert.equal(checkNamed(judgement, 'law admitted_once').verdict, 'FAIL')
})

test('"sold out" to a buyer while tickets remain is a FAIL', async () => {
  const run = await openTestRun({ only: ['concurrent-checkout'], change: sellTenLess })
  const http = await runStages(run, 'http')
  const sold = checkNamed(http, '50 of 50 tickets are sold')
  assert.equal(sold.verdict, 'FAIL')
  assert.equal(sold.detail, '40 tickets in the database')
  assert.equal(checkNamed(http, 'concurrent-checkout: every threshold').verdict, 'FAIL')
})

test('with fewer buyers than tickets nobody hears "sold out", and the run is INCONCLUSIVE', async () => {
  const run = await openTestRun({ only: ['concurrent-checkout'], profile: { buyers: 20 } })
  const http = await runStages(run, 'http')
  assert.equal(checkNamed(http, '20 of 50 tickets are sold').verdict, 'PASS')
  const happened = checkNamed(http, 'it happened: buyers told that it is sold out')
  assert.equal(happened.verdict, 'INCONCLUSIVE')
  assert.equal(http.verdict, 'INCONCLUSIVE')
  assert.match(http.reason ?? '', /threshold|it happened/)
})

test('a server with few connections gets fewer clients, and who is alone loses no race: INCONCLUSIVE', async () => {
  const run = await openTestRun({ only: ['reserve-race', 'reserve-race-serializable'] })
  await runStages(run)
  assert.ok(run.environment)
  run.environment = { ...run.environment, postgres: { ...run.environment.postgres, maxConnections: 11 } }
  const stage = STAGES.find(({ name }) => name === 'database')
  assert.ok(stage)
  const database = await runStage(run, stage, () => {})
  const connected = checkNamed(database, '8 clients, or nearly as many, could connect')
  assert.equal(connected.verdict, 'INCONCLUSIVE')
  assert.match(connected.detail, /^1: max_connections/)
  assert.equal(run.scenarios[0]?.verdict, 'INCONCLUSIVE')
  assert.equal(checkNamed(database, 'losers told to retry').verdict, 'INCONCLUSIVE')
})

test('a verb that raises kills its client, which is a FAIL', async () => {
  const run = await openTestRun({
    only: ['reserve-race'],
    change: (client) =>
      client.query(`create or replace function public.reserve_tickets_batch(
          p_reservations jsonb, p_session_id text default null, p_user_id uuid default null, p_expires_minutes integer default 15
        ) returns jsonb language plpgsql as $$ begin raise exception 'a verb answers, it does not raise'; end $$`),
  })
  const database = await runStages(run, 'database')
  const died = checkNamed(database, 'reserve-race: no client died')
  assert.equal(died.verdict, 'FAIL')
  assert.match(died.detail, /a verb answers/)
})

test('a load script that breaks has shown nothing: INCONCLUSIVE, and its words are kept', async () => {
  const run = await openTestRun({ only: ['scanner-burst'], profile: { scannerTickets: 5 } })
  const http = await runStages(run, 'http')
  const ran = checkNamed(http, 'scanner-burst: the script ran to its end')
  assert.equal(ran.verdict, 'INCONCLUSIVE')
  assert.match(ran.detail, /^exit \d+: /)
  assert.equal(http.verdict, 'INCONCLUSIVE')
})

test('a script that makes more requests than it said is a FAIL', async () => {
  const run = await openTestRun({ only: ['concurrent-checkout'], engines: { ...BUILT_IN, http: humble } })
  const check = checkNamed(await runStages(run, 'http'), 'no more requests than the script said')
  assert.deepEqual([check.verdict, check.detail], ['FAIL', '60 of at most 59'])
})

test('answers that nobody foresaw are a FAIL', async () => {
  const run = await openTestRun({
    only: ['concurrent-checkout'],
    change: (client) => client.query('drop function ticketing.checkout'),
  })
  const http = await runStages(run, 'http')
  assert.equal(checkNamed(http, 'concurrent-checkout: every threshold').verdict, 'FAIL')
  assert.match(checkNamed(http, 'every threshold').detail, /unexpected_answers/)
})

test('a functional story that does not come true is a FAIL, and leaves the session clean for the next', async () => {
  const run = await openTestRun({ change: sellTenLess })
  const functional = await runStages(run, 'functional')
  const verdicts = functional.checks.map(({ verdict }) => verdict)
  assert.deepEqual(verdicts, ['FAIL', 'FAIL', 'PASS', 'FAIL', 'PASS', 'FAIL'])
  assert.match(checkNamed(functional, 'A tier of five').detail, /three of five are held/)
  assert.match(checkNamed(functional, 'A tier of five').reproduce ?? '', /^psql .*1-reserve/)
})

test('a session that skips assertions does not make the stories come true', async () => {
  const run = await openTestRun({
    change: async (client) => {
      await sellTenLess(client)
      await client.query('set plpgsql.check_asserts = off')
    },
  })
  assert.equal((await runStages(run, 'functional')).verdict, 'FAIL')
})

test('a missing protection is a FAIL of its own, with its name as witness', async () => {
  const [counting] = guaranteeNamed('never-oversold').protections.filter(({ role }) => role === 'counts')
  assert.ok(counting)
  const run = await openTestRun({ change: withoutProtections([counting]) })
  const protections = await runStages(run, 'protections')
  assert.equal(protections.verdict, 'FAIL')
  assert.match(JSON.stringify(protections.checks[0]?.witness), new RegExp(counting.name))
})

test('a verify_protections() without a single row is a FAIL', async () => {
  const run = await openTestRun({
    change: (client) => client.query('truncate ticketing.protections cascade'),
  })
  assert.equal((await runStages(run, 'protections')).verdict, 'FAIL')
})

test('a law that the database does not judge is a FAIL', async () => {
  const run = await openTestRun({
    change: (client) => client.query(`delete from ticketing.laws where law = 'never_oversold'`),
  })
  const judgement = await runStages(run, 'judgement')
  assert.match(checkNamed(judgement, 'law never_oversold').detail, /does not judge it/)
  assert.equal(judgement.verdict, 'FAIL')
})

test('each of the five invariants is a FAIL when rows break it', async () => {
  const run = await openTestRun({ change: withoutRefusals('never-oversold') })
  const { client } = run.databases.main
  await client.query(`alter table ticket_tiers disable trigger user;
    alter table tickets disable trigger user;
    set session_replication_role = replica;
    insert into businesses (id, slug, name) values (gen_random_uuid(), 'broken', 'Broken');
    insert into events (id, business_id, slug, title, start_at, end_at, status)
      select gen_random_uuid(), id, 'broken', 'Broken', now(), now() + interval '1 day', 'published' from businesses;
    insert into ticket_tiers (id, event_id, slug, name, currency, total_quantity, sold_quantity, reserved_quantity)
      select gen_random_uuid(), id, 'broken', 'Broken', currency, 1, 2, 2 from events;
    alter table tickets drop constraint uniq_ticket_code;
    insert into tickets (id, event_id, tier_id, order_id, order_item_id, ordinal, qr_code)
      select gen_random_uuid(), event_id, id, gen_random_uuid(), gen_random_uuid(), n, 'twice'
      from ticket_tiers, generate_series(1, 2) n;
    reset session_replication_role`)
  const judgement = await runStages(run, 'judgement')
  const invariants = judgement.checks.filter(({ name }) => !name.startsWith('law '))
  assert.equal(invariants.length, 5)
  assert.deepEqual(
    invariants.filter(({ verdict }) => verdict !== 'FAIL'),
    [],
  )
})

test('commits that are not durable make the run INCONCLUSIVE', async () => {
  const run = await openTestRun({ change: (client) => client.query('set synchronous_commit = off') })
  const preflight = await runStages(run)
  assert.equal(preflight.verdict, 'INCONCLUSIVE')
  assert.match(preflight.checks[0]?.detail ?? '', /synchronous_commit off/)
})

test('the same scripts give the same verdicts and counts under k6 and under the built-in runner', {
  skip: NO_K6,
}, async () => {
  const [real, builtIn] = [await openTestRun({ engines: ENGINES }), await openTestRun()]
  for (const [run, engine] of [
    [real, 'k6'],
    [builtIn, 'built-in'],
  ] as const) {
    assert.equal((await runStages(run, 'http')).verdict, 'PASS')
    assert.equal((await runStages(run, 'judgement')).verdict, 'PASS')
    assert.deepEqual([...new Set(run.scenarios.map((scenario) => scenario.engine))], [engine])
  }
  assert.deepEqual(real.scenarios.map(verdictsOf), builtIn.scenarios.map(verdictsOf))
  assert.deepEqual(
    real.scenarios.filter(isOfCounts).map(figuresOf),
    builtIn.scenarios.filter(isOfCounts).map(figuresOf),
  )
  assert.deepEqual(builtIn.scenarios[0]?.outcomes, { success: 50, INSUFFICIENT_TICKETS: SMALL.buyers - 50 })
})

test('the same files give the same verdicts under pgbench and under the built-in runner', {
  skip: NO_PGBENCH,
}, async () => {
  const [real, builtIn] = [await openTestRun({ engines: ENGINES }), await openTestRun()]
  assert.equal((await runStages(real, 'database')).verdict, 'PASS')
  assert.equal((await runStages(builtIn, 'database')).verdict, 'PASS')
  // That everything sells is promised under READ COMMITTED; elsewhere time decides how often a session gets its turn.
  const comparable = (scenario: ScenarioResult) =>
    scenario.name === 'reserve-race' ? verdictsAndSales(scenario) : verdictsOf(scenario)
  assert.deepEqual(real.scenarios.map(comparable), builtIn.scenarios.map(comparable))
  assert.equal(real.scenarios[0]?.engine, 'pgbench')
  assert.equal(builtIn.scenarios[0]?.engine, 'built-in')
})

/** A load generator whose scripts announce one request less. */
const humble: HttpEngine = {
  ...BUILT_IN.http,
  run: async (options) => {
    const load = await BUILT_IN.http.run(options)
    const announced = (load.metrics['announced_requests']?.['value'] ?? 0) - 1
    return { ...load, metrics: { ...load.metrics, announced_requests: { value: announced } } }
  },
}

/** Elsewhere time decides how often something happens. */
function isOfCounts({ name }: ScenarioResult): boolean {
  return name === 'concurrent-checkout' || name === 'scanner-burst'
}

/** What must not depend on the engine: every figure but those of time. */
function figuresOf(scenario: ScenarioResult) {
  const { requests, outcomes, mustHaveHappened, thresholds } = scenario
  const met = thresholds.map(({ metric, threshold, ok }) => `${metric} ${threshold}: ${ok}`).sort()
  return { ...verdictsAndSales(scenario), requests, outcomes, mustHaveHappened, met }
}

function verdictsAndSales(scenario: ScenarioResult) {
  return { ...verdictsOf(scenario), held: scenario.outcomes['success'] }
}

function verdictsOf({ name, verdict, checks }: ScenarioResult) {
  return { name, verdict, checks: checks.map((check) => [check.name, check.verdict]) }
}

/** A verb that is too cautious by ten: nothing is oversold, and "sold out" is said too early. */
async function sellTenLess(client: Client): Promise<void> {
  const [decision] = guaranteeNamed('never-oversold').protections
  assert.equal(decision?.kind, 'decision')
  const cautious = decision.without
    .filter(([, fragment]) => fragment.includes('p_tier.available < p_quantity'))
    .map(([fn, fragment]) => [fn, fragment, fragment.replace('p_quantity', 'p_quantity + 10')] as const)
  assert.equal(cautious.length, 1)
  await withoutProtections([{ ...decision, without: cautious }])(client)
}

test('level 1 is one session, level 2 many at the database, and what they leave out is named', async () => {
  const leftOut = async (level: 1 | 2) => {
    const run = await openTestRun({ level })
    const results = []
    for (const stage of STAGES) results.push(await runStage(run, stage, () => {}))
    for (const { verdict, reason } of results) {
      if (verdict === 'SKIPPED') assert.equal(reason, `level ${level} was asked for`)
      else assert.equal(verdict, 'PASS')
    }
    return results.filter(({ verdict }) => verdict === 'SKIPPED').map(({ name }) => name)
  }
  const beyond = await leftOut(2)
  assert.ok(['http', 'faults', 'sabotage'].every((name) => (beyond as readonly string[]).includes(name)))
  assert.deepEqual(new Set(await leftOut(1)), new Set([...beyond, 'interleavings', 'database', 'health']))
})
