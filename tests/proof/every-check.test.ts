import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Client, DatabaseError } from 'pg'
import type { LoadRun } from '../../src/load/engine.ts'
import type { Fixture } from '../../src/proof/fixtures/fixtures.ts'
import type { ScenarioResult } from '../../src/proof/results.ts'
import type { Run } from '../../src/proof/run.ts'
import { HTTP_SCENARIOS } from '../../src/proof/scenarios/index.ts'
import type { Scenario } from '../../src/proof/scenarios/scenario.ts'
import { runHurried } from '../../src/proof/stages/hurried.ts'
import { resultOf, runOnServer } from '../../src/proof/stages/on-server.ts'
import type { ProviderPayment } from '../../src/proof/stand-in.ts'
import { openTestRun } from './support.ts'

/** What a scenario's run counted, with one thing wrong, and what must then be no PASS: the scenario, or a check by its words. */
interface Plant {
  readonly what: string
  readonly load: LoadRun
}

describe('one thing wrong with what a scenario over HTTP counted, and it is no PASS', {
  concurrency: 2,
}, () => {
  for (const scenario of HTTP_SCENARIOS)
    it(scenario.name, async (t) => {
      const { before, planted, blind } = await playWithPlants(scenario)
      // A busy machine may not see everything happen: then fewer plants say something.
      const open = before.checks.filter(({ verdict }) => verdict !== 'PASS')
      if (open.length > 0) t.diagnostic(`${before.verdict}: ${JSON.stringify(open)}`)
      assert.notEqual(before.verdict, 'FAIL', JSON.stringify(open))
      assert.ok(planted.length > 10)
      for (const { what, verdict } of planted) assert.notEqual(verdict, 'PASS', what)
      assert.deepEqual(blind, [], 'nothing that was planted turned these checks')
    })

  it('and a check that cannot fail is found', async () => {
    const [scenario] = HTTP_SCENARIOS
    assert.ok(scenario)
    const cannotFail = { name: 'everything is fine', verdict: 'PASS', detail: 'as ever' } as const
    const { blind } = await playWithPlants({
      ...scenario,
      judge: async (...given) => [...(await scenario.judge(...given)), cannotFail],
    })
    assert.deepEqual(blind, [cannotFail.name])
  })
})

interface Played {
  readonly before: ScenarioResult
  readonly planted: readonly { readonly what: string; readonly verdict: ScenarioResult['verdict'] }[]
  /** The scenario's own checks that no wrong count, no wrong row and no wrong word of the provider turned. */
  readonly blind: readonly string[]
}

/** Plays the scenario once, and judges what it counted again for each plant while its database is there. */
async function playWithPlants(scenario: Scenario): Promise<Played> {
  let played: Played | undefined
  const watched: Scenario = {
    ...scenario,
    judge: async (run, fixture, load) => {
      played = await judgePlants(scenario, run, fixture, healthy(load))
      return []
    },
  }
  const run = await openTestRun({
    only: [scenario.name],
    jobs: true,
    // Carts of seconds, as `carts` of the small profile has them.
    ...(scenario.name === 'abandoned-carts'
      ? { change: (client) => client.query(`update ticketing.settings set hold_lifetime = '2 seconds'`) }
      : {}),
  })
  if (scenario.isHurried === true) await runHurried(run, watched, () => {})
  else {
    const server = await run.startServer(run.databases.main.url)
    await runOnServer(run, server, watched, () => {}).finally(() => server.stop())
  }
  assert.ok(played)
  return played
}

async function judgePlants(scenario: Scenario, run: Run, fixture: Fixture, load: LoadRun): Promise<Played> {
  const judged = (one: LoadRun) => resultOf(run, scenario, fixture, one, [])
  const planted = []
  for (const { what, load: one } of plants(scenario, load))
    planted.push({ what, verdict: (await judged(one)).verdict })
  return { before: await judged(load), planted, blind: await blindChecks(scenario, run, fixture, load) }
}

async function blindChecks(
  scenario: Scenario,
  run: Run,
  fixture: Fixture,
  load: LoadRun,
): Promise<readonly string[]> {
  const before = await scenario.judge(run, fixture, load)
  const left = new Set(before.filter(({ verdict }) => verdict === 'PASS').map(({ name }) => name))
  const judge = async (there: Run, one: LoadRun) => {
    for (const { name, verdict } of await scenario.judge(there, fixture, one))
      if (verdict !== 'PASS') left.delete(name)
  }
  for (const [metric, { count }] of Object.entries(load.metrics))
    for (const wrong of count === undefined ? [] : [0, count + 1])
      await judge(run, withMetric(load, metric, { count: wrong }))
  for (const provider of wrongProviders(run)) await judge({ ...run, provider }, load)
  const { client } = run.databases.main
  for (const sql of await wrongRows(client)) {
    if (left.size === 0) break
    await client.query('begin; set local session_replication_role = replica')
    try {
      await client.query(sql)
      await judge(run, load)
    } catch (error) {
      // A plant that a constraint refuses is none.
      if (!(error instanceof DatabaseError)) throw error
    } finally {
      await client.query('rollback')
    }
  }
  return [...left]
}

function wrongProviders({ provider }: Run): readonly Run['provider'][] {
  return [
    { ...provider, ledger: async () => ({ ...(await provider.ledger()), disagreements: ['a planted one'] }) },
    withPayments(provider, () => []),
    withPayments(provider, (payments) =>
      payments.map((one) => ({ ...one, amount_refunded: one.amount_refunded - 1 })),
    ),
    { ...provider, settled: async () => ({ ...(await provider.settled()), pending: 1 }) },
    {
      ...provider,
      settled: async () => ({ ...(await provider.settled()), delivered: 0, failed_attempts: 1 }),
    },
  ]
}

function withPayments(
  provider: Run['provider'],
  change: (payments: readonly ProviderPayment[]) => readonly ProviderPayment[],
): Run['provider'] {
  const ledger = async () => {
    const told = await provider.ledger()
    return { ...told, payments: change(told.payments) }
  }
  return { ...provider, ledger }
}

/** Tickets, orders and holds that are over live on; all tickets are of one tier. */
const ALIVE = [
  `update tickets set status = 'valid'`,
  `update orders set status = 'paid'`,
  `update ticket_holds set status = 'active'`,
  // What fires in every session goes on refusing what is too much.
  'update ticket_tiers set total_quantity = 1000000; update tickets set tier_id = (select max(tier_id::text)::uuid from tickets)',
]

/** One row gone, all rows gone, and every number and time a little off: of every table that the run wrote. */
async function wrongRows(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ readonly sql: string }>(`
    with t as (
      select c.oid, c.oid::regclass::text as name,
        (xpath('/row/n/text()', query_to_xml(format('select count(*) as n from %s', c.oid::regclass), false, true, '')))[1]::text::int as n
      from pg_class c where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'ticketing'::regnamespace))
    select format('delete from %1$s where ctid = (select max(ctid) from %1$s)', name) as sql from t where n > 0
    union all select format('delete from %s', name) from t where n > 0
    union all select format(case when a.atttypid = 'timestamptz'::regtype then 'update %s set %I = %2$I - interval ''1 hour'''
        else 'update %s set %I = %2$I + 1' end, name, a.attname)
      from t join pg_attribute a on a.attrelid = t.oid
      where n > 0 and a.attnum > 0 and a.attgenerated = '' and a.attidentity = '' and not a.attisdropped
        and a.atttypid in ('int'::regtype, 'bigint'::regtype, 'timestamptz'::regtype)`)
  return [...ALIVE, ...rows.map(({ sql }) => sql)]
}

/** A busy machine breaks limits of time, and is not what is looked at here. */
function healthy(load: LoadRun): LoadRun {
  return {
    ...load,
    exitCode: 0,
    thresholds: load.thresholds.map((threshold) => ({ ...threshold, ok: true })),
    generator: { ...load.generator, droppedIterations: 0, eventLoopDelayP99Ms: 1 },
  }
}

function plants({ mustHaveHappened }: Scenario, load: LoadRun): readonly Plant[] {
  const { generator, thresholds, metrics } = load
  return [
    ...thresholds.map(({ metric, threshold }, at) => ({
      what: `the threshold ${metric} ${threshold} is broken`,
      load: {
        ...load,
        exitCode: 99,
        thresholds: thresholds.map((one, n) => (n === at ? { ...one, ok: false } : one)),
      },
    })),
    { what: 'there are no thresholds', load: { ...load, thresholds: [] } },
    ...Object.keys(mustHaveHappened).map((metric) => ({
      what: `${metric} never happened`,
      load: withMetric(load, metric, { count: 0 }),
    })),
    ...[1, 104, 105, 107, 108].map((exitCode) => ({ what: `exit ${exitCode}`, load: { ...load, exitCode } })),
    {
      what: 'an iteration was dropped',
      load: { ...load, generator: { ...generator, droppedIterations: 1 } },
    },
    {
      what: 'the event loop of the generator stood still',
      load: { ...load, generator: { ...generator, eventLoopDelayP99Ms: 5000 } },
    },
    {
      what: 'more requests than announced',
      load: withMetric(load, 'http_reqs', {
        count:
          (metrics['announced_requests']?.['value'] ?? 0) +
          (metrics['repeated_requests']?.['count'] ?? 0) +
          1,
      }),
    },
    { what: 'nothing was announced', load: withMetric(load, 'announced_requests', {}) },
    { what: 'nothing was counted', load: { ...load, metrics: {} } },
  ]
}

function withMetric(load: LoadRun, metric: string, values: Record<string, number>): LoadRun {
  return { ...load, metrics: { ...load.metrics, [metric]: values } }
}
