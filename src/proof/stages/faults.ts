import type { Balance } from '../faults/judge.ts'
import { type ChaosResult, webhookChaos } from '../faults/webhook-chaos.ts'
import { type ChaosWorld, UNEXPECTED } from '../faults/world.ts'
import { makeFixture } from '../fixtures/fixtures.ts'
import type { Check, ScenarioResult } from '../results.ts'
import { includesScenario, type Report, type Run, type Stage } from '../run.ts'
import type { RunDatabase } from '../run-databases.ts'
import { checksByName, reproduceCommand, scenarioResult } from '../scenarios/scenario-result.ts'
import { runSuddenDeath, SUDDEN_DEATH } from './sudden-death.ts'

export const CHAOS = 'webhook-chaos'

const STORY =
  'Buyers pay while the server is killed, answers of the provider are lost, and events come late, doubled, shuffled or not at all.'

/** Fault injection between a payment and its tickets, all faults at once, in a database of its own. */
export const faultsStage: Stage = {
  name: 'faults',
  title: 'Faults',
  skip: (run) =>
    [CHAOS, SUDDEN_DEATH].some((name) => includesScenario(run, name))
      ? undefined
      : 'another scenario was asked for',
  work: async (run, report) => {
    report(STORY)
    // At once: the first one waits most of the time. Each ends what it started before one's failure is told.
    const running = [
      includesScenario(run, CHAOS) ? openChaos(run, report) : undefined,
      includesScenario(run, SUDDEN_DEATH) ? runSuddenDeath(run, report) : undefined,
    ]
    await Promise.allSettled(running)
    const results = (await Promise.all(running)).filter((result) => result !== undefined)
    run.scenarios.push(...results)
    return results.flatMap(checksByName)
  },
}

function openChaos(run: Run, report: Report): Promise<ScenarioResult> {
  return run.databases.withClone(async (database) => {
    const { world, close } = await run.openChaosWorld(database)
    try {
      return await runChaos(run, database, world, report)
    } finally {
      await close()
    }
  })
}

async function runChaos(
  run: Run,
  database: RunDatabase,
  world: ChaosWorld,
  report: Report,
): Promise<ScenarioResult> {
  const startedMs = performance.now()
  const { orders, everything, quietMsMax } = run.profile.chaos
  const result = await webhookChaos(world, {
    ...(await openSale(database, orders)),
    ...(quietMsMax === undefined ? {} : { quietMsMax }),
    orders,
    seed: run.seed,
    report,
  })
  const durationMs = Math.round(performance.now() - startedMs)
  const answers = [...result.counts].filter(([what]) => ANSWERS.test(what)).sort()
  const requests = answers.reduce((sum, [, times]) => sum + times, 0) + result.balance.delivered
  return scenarioResult(run, {
    name: CHAOS,
    story: STORY,
    engine: 'chaos',
    engineVersion: run.run.version,
    file: 'src/proof/faults/webhook-chaos.ts',
    command: reproduceCommand(run, CHAOS),
    durationMs,
    requests,
    perSecond: requests / (durationMs / 1000),
    latencyMs: null,
    outcomes: Object.fromEntries(answers),
    mustHaveHappened: happenings(result, everything),
    checks: checksOf(result),
  })
}

/** The counters that are answers to callers; the rest is what buyers and staff did. */
const ANSWERS = /^(unexpected |checkout[ :]|pay page|refund: )/

function checksOf({ balance, counts, unfinished }: ChaosResult): Check[] {
  const { disagreements, brokenLaws } = balance
  const unexpected = [...counts].filter(([what]) => what.startsWith(UNEXPECTED))
  return [
    {
      name: 'every payment ends in tickets or in a refund, and three books agree to the cent',
      verdict: disagreements.length === 0 ? 'PASS' : 'FAIL',
      detail: `${balance.payments} payments: ${balance.kept} kept, ${balance.returned} returned; ${kindsOf(balance)}`,
      ...(disagreements.length === 0 ? {} : { witness: disagreements[0] }),
    },
    {
      name: 'every answer is one that may be given',
      verdict: unexpected.length === 0 ? 'PASS' : 'FAIL',
      detail: unexpected.map(([what, times]) => `${times} × ${what}`).join(', ') || 'none was unexpected',
    },
    {
      name: 'everything comes to its end',
      verdict: unfinished === '' ? 'PASS' : 'FAIL',
      detail: unfinished === '' ? 'nothing is left to ask or to send' : `left: ${unfinished}`,
    },
    {
      name: 'every law holds when it is quiet again',
      verdict: brokenLaws.length === 0 ? 'PASS' : 'FAIL',
      detail: brokenLaws.map(({ law }) => law).join(', ') || 'no row breaks one',
      ...(brokenLaws.length === 0 ? {} : { witness: brokenLaws[0] }),
    },
  ]
}

/** What must have happened: all of it in a long run, what is certain also in a short one. */
function happenings({ balance, counts }: ChaosResult, everything: boolean) {
  const counter = (what: string, name: string) => ({ what, times: counts.get(name) ?? 0 })
  return [
    counter('server kills', 'server killed'),
    { what: 'payments kept', times: balance.kept },
    { what: 'events delivered again', times: balance.duplicates },
    counter('bank debits that failed', 'buyer has a bank debit that fails'),
    counter('refunds by staff', 'refund by staff'),
    counter('refunds of one ticket', 'refund of one ticket'),
    counter('full refunds in the dashboard', 'full refund in the dashboard'),
    counter('partial refunds in the dashboard', 'partial refund in the dashboard'),
    counter('disputes won', 'dispute won'),
    counter('disputes lost', 'dispute lost'),
    ...(everything
      ? [
          { what: 'payments that came too late and went back', times: balance.returned },
          { what: 'late payments rescued', times: balance.rescued },
          counter('buyers cut off who came again', 'checkout cut off'),
        ]
      : []),
  ]
}

function kindsOf({ disagreements }: Balance): string {
  if (disagreements.length === 0) return 'no disagreement'
  const kinds = [...new Set(disagreements.map(({ wrong }) => wrong))]
  return kinds
    .map((kind) => `${disagreements.filter(({ wrong }) => wrong === kind).length} × ${kind}`)
    .join(', ')
}

/** A tier with fewer tickets than buyers, so that released ones are sold again, and a free tier for mixed carts. */
async function openSale({ client }: RunDatabase, orders: number) {
  const fixture = await makeFixture(client, 'ticketing-flow', { stock: Math.ceil(orders * 0.7) })
  const free = await client.query<{ id: string }>(
    `insert into ticket_tiers (event_id, slug, name, total_quantity, max_per_order, currency)
     select id, 'gift', 'Gift', $2, null, currency from events where id = $1 returning id`,
    [fixture.eventId, orders * 2],
  )
  await client.query(`update business_staff set role = 'manager' where user_id = $1`, [fixture.scannerId])
  return {
    eventId: fixture.eventId,
    tierIds: [fixture.tierId, ...free.rows.map(({ id }) => id)],
    managerId: fixture.scannerId,
  }
}
