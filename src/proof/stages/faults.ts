import { shownBy } from '../../core/guarantees.ts'
import type { Balance } from '../faults/judge.ts'
import { webhookChaos } from '../faults/run.ts'
import { type ChaosWorld, UNEXPECTED } from '../faults/world.ts'
import { makeFixture } from '../fixtures/fixtures.ts'
import type { Run, Stage } from '../proof.ts'
import type { Check, ScenarioResult } from '../results.ts'
import { againOf, verdictOf } from '../scenario.ts'
import type { WorkDatabase } from '../workbench.ts'

/** Of what is counted, what was answered; the rest is what buyers and staff did. */
const ANSWERS = /^(unexpected |checkout[ :]|told |pay page|refund: )/

export const CHAOS = 'webhook-chaos'

const STORY =
  'Buyers pay while the server is killed, answers of the provider are lost, and events come late, doubled, shuffled or not at all.'

/** What goes wrong between a payment and its tickets, all of it at once, in a database of its own. */
export const faultsStage: Stage = {
  name: 'faults',
  title: 'Faults',
  skip: (run) =>
    run.only.length > 0 && !run.only.includes(CHAOS) ? 'another scenario was asked for' : undefined,
  work: async (run, note) => {
    note(STORY)
    const result = await run.workbench.withClone(async (database) => {
      const { world, close } = await run.openChaosWorld(database)
      try {
        return await tell(run, database, world, note)
      } finally {
        await close()
      }
    })
    run.scenarios.push(result)
    return result.checks
  },
}

async function tell(
  run: Run,
  database: WorkDatabase,
  world: ChaosWorld,
  note: (text: string) => void,
): Promise<ScenarioResult> {
  const startedMs = performance.now()
  const { orders } = run.profile.chaos
  const sale = await openSale(database, orders)
  const { quietMsMax } = run.profile.chaos
  const chaos = { ...sale, orders, seed: run.seed, note, ...(quietMsMax === undefined ? {} : { quietMsMax }) }
  const { tally, balance, unfinished } = await webhookChaos(world, chaos)
  const durationMs = Math.round(performance.now() - startedMs)
  const times = (what: string, name: string) => ({ what, times: tally.get(name) ?? 0 })
  const mustHaveHappened = [
    times('server kills', 'server killed'),
    { what: 'payments kept', times: balance.kept },
    { what: 'events delivered again', times: balance.duplicates },
    times('bank debits that failed', 'buyer has a bank debit that fails'),
    times('refunds by staff', 'refund by staff'),
    times('refunds of one ticket', 'refund of one ticket'),
    times('full refunds in the dashboard', 'full refund in the dashboard'),
    times('partial refunds in the dashboard', 'partial refund in the dashboard'),
    times('disputes won', 'dispute won'),
    times('disputes lost', 'dispute lost'),
    ...(run.profile.chaos.everything
      ? [
          { what: 'payments that came too late and went back', times: balance.returned },
          { what: 'late payments rescued', times: balance.rescued },
          times('buyers cut off who came again', 'checkout cut off'),
        ]
      : []),
  ]
  const unexpected = [...tally].filter(([what]) => what.startsWith(UNEXPECTED))
  const command = againOf(run, CHAOS)
  const checks: readonly Check[] = [
    {
      name: 'every payment ends in tickets or in a refund, and three books agree to the cent',
      verdict: balance.disagreements.length === 0 ? 'PASS' : 'FAIL',
      detail: `${balance.payments} payments: ${balance.kept} kept, ${balance.returned} returned; ${balance.disagreements.length === 0 ? 'no disagreement' : kindsOf(balance)}`,
      ...(balance.disagreements.length === 0
        ? {}
        : { witness: balance.disagreements[0], reproduce: command }),
    },
    {
      name: 'nobody is told what nobody should be told',
      verdict: unexpected.length === 0 ? 'PASS' : 'FAIL',
      detail:
        unexpected.map(([what, n]) => `${n} × ${what}`).join(', ') || 'every answer is one that may be given',
    },
    {
      name: 'everything comes to its end',
      verdict: unfinished === '' ? 'PASS' : 'FAIL',
      detail: unfinished === '' ? 'nothing is left to ask or to send' : `left: ${unfinished}`,
    },
    {
      name: 'every law holds when it is quiet again',
      verdict: balance.brokenLaws.length === 0 ? 'PASS' : 'FAIL',
      detail: balance.brokenLaws.map(({ law }) => law).join(', ') || 'no row breaks one',
      ...(balance.brokenLaws.length === 0 ? {} : { witness: balance.brokenLaws[0], reproduce: command }),
    },
    ...mustHaveHappened.map(
      ({ what, times }): Check => ({
        name: `it happened: ${what}`,
        verdict: times > 0 ? 'PASS' : 'INCONCLUSIVE',
        detail: `${times} times`,
      }),
    ),
  ]
  const answers = [...tally].filter(([what]) => ANSWERS.test(what)).sort()
  const requests = answers.reduce((sum, [, n]) => sum + n, 0) + balance.delivered
  return {
    name: CHAOS,
    story: STORY,
    guarantees: shownBy(CHAOS),
    engine: 'chaos',
    engineVersion: run.run.version,
    file: 'src/proof/faults/run.ts',
    command,
    verdict: verdictOf(checks),
    durationMs,
    requests,
    perSecond: requests / (durationMs / 1000),
    latencyMs: null,
    outcomes: Object.fromEntries(answers),
    mustHaveHappened,
    thresholds: [],
    stock: null,
    checks: [...checks],
  }
}

function kindsOf({ disagreements }: Balance): string {
  const kinds = [...new Set(disagreements.map(({ wrong }) => wrong))]
  return kinds
    .map((kind) => `${disagreements.filter(({ wrong }) => wrong === kind).length} × ${kind}`)
    .join(', ')
}

/** Fewer tickets than buyers, so that what one lets go another takes; and a free tier, for carts of both. */
async function openSale(database: WorkDatabase, orders: number) {
  const fixture = await makeFixture(database.client, 'ticketing-flow', { stock: Math.ceil(orders * 0.7) })
  const free = await database.client.query<{ id: string }>(
    `insert into ticket_tiers (event_id, slug, name, total_quantity, max_per_order, currency)
     select id, 'gift', 'Gift', $2, null, currency from events where id = $1 returning id`,
    [fixture.eventId, orders * 2],
  )
  await database.client.query(`update business_staff set role = 'manager' where user_id = $1`, [
    fixture.scannerId,
  ])
  return {
    eventId: fixture.eventId,
    tierIds: [fixture.tierId, ...free.rows.map(({ id }) => id)],
    managerId: fixture.scannerId,
  }
}
