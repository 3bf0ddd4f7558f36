import type { Balance } from '../faults/judge.ts'
import { type ChaosResult, webhookChaos } from '../faults/webhook-chaos.ts'
import type { ChaosWorld } from '../faults/world.ts'
import { makeFixture } from '../fixtures/fixtures.ts'
import { watchDatabase } from '../health/monitor.ts'
import { exportLedger } from '../history/ledger.ts'
import type { Check, ScenarioResult } from '../results.ts'
import type { Report, Run } from '../run.ts'
import { connectOne, type RunDatabase } from '../run-databases.ts'
import { faultResult } from './fault-result.ts'
import { sampleStock } from './stock-samples.ts'
import { answersCheck, lawsCheck, none } from './witness-checks.ts'

export const CHAOS = 'webhook-chaos'

const STORY =
  'Buyers pay while the server is killed, answers of the provider are lost, and events come late, doubled, shuffled or not at all.'

/** Fault injection between a payment and its tickets, all faults at once, in a database of its own. */
export function runChaos(run: Run, report: Report): Promise<ScenarioResult> {
  return run.databases.withClone(async (database) => {
    const { world, close } = await run.openChaosWorld(database)
    try {
      return await observeChaos(run, database, world, report)
    } finally {
      await close()
    }
  })
}

async function observeChaos(
  run: Run,
  database: RunDatabase,
  world: ChaosWorld,
  report: Report,
): Promise<ScenarioResult> {
  const startedMs = performance.now()
  const { orders, everything, quietMsMax } = run.profile.chaos
  const sale = await openSale(database, orders)
  const recorder = run.history.openRecorder(CHAOS, CHAOS)
  recorder.keepLedger(sale.eventId)
  const broken = watchKills(world)
  const [[result, taken], health] = await watchDatabase(database, () =>
    sampleStock(database, sale, () =>
      webhookChaos(broken.world, {
        ...sale,
        recorder,
        ...(quietMsMax === undefined ? {} : { quietMsMax }),
        orders,
        seed: run.seed,
        report,
      }),
    ),
  )
  await exportLedger(run.history, recorder.database, () => connectOne(database))
  const seen = faultResult(run, {
    name: CHAOS,
    story: STORY,
    file: 'src/proof/faults/webhook-chaos.ts',
    startedMs,
    counts: result.counts,
    deliveries: result.balance.delivered,
    mustHaveHappened: happenings(result, everything),
    checks: checksOf(result),
  })
  return { ...seen, stock: { total: sale.places, taken: [...taken] }, faults: broken.windows(), health }
}

/** The same world, with the times from each kill of its server until the next one is up, in milliseconds from now. */
function watchKills(world: ChaosWorld) {
  const startedMs = performance.now()
  const kills: { readonly fromMs: number; toMs: number | undefined }[] = []
  const now = () => Math.round(performance.now() - startedMs)
  const startServer = async () => {
    const server = await world.startServer()
    for (const open of kills) open.toMs ??= now()
    const kill = () => {
      kills.push({ fromMs: now(), toMs: undefined })
      return server.kill()
    }
    return { ...server, kill }
  }
  return {
    world: { ...world, startServer },
    windows: () => kills.map(({ fromMs, toMs }) => ({ what: 'server killed', fromMs, toMs: toMs ?? now() })),
  }
}

function checksOf(result: ChaosResult): Check[] {
  const { balance, counts } = result
  return [...moneyChecks([result]), answersCheck(counts), lawsCheck(balance.brokenLaws)]
}

/** Where the money of each run went. */
export function moneyChecks(runs: readonly Pick<ChaosResult, 'balance' | 'unfinished'>[]): Check[] {
  const sum = (what: 'payments' | 'kept' | 'returned') =>
    runs.reduce((total, { balance }) => total + balance[what], 0)
  const disagreements = runs.flatMap(({ balance }) => balance.disagreements)
  const unfinished = runs.map((one) => one.unfinished).filter((words) => words !== '')
  return [
    none(
      'every payment ends in tickets or in a refund, and three books agree to the cent',
      disagreements,
      `${sum('payments')} payments: ${sum('kept')} kept, ${sum('returned')} returned; ${kindsOf(disagreements)}`,
    ),
    none(
      'everything comes to its end',
      unfinished,
      unfinished.length === 0 ? 'nothing is left to ask or to send' : `left: ${unfinished.join('; ')}`,
    ),
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

function kindsOf(disagreements: Balance['disagreements']): string {
  if (disagreements.length === 0) return 'no disagreement'
  const kinds = [...new Set(disagreements.map(({ wrong }) => wrong))]
  return kinds
    .map((kind) => `${disagreements.filter(({ wrong }) => wrong === kind).length} × ${kind}`)
    .join(', ')
}

/** A tier with fewer tickets than buyers, so that released ones are sold again, and a free tier for mixed carts. */
async function openSale({ client }: RunDatabase, orders: number) {
  const places = Math.ceil(orders * 0.7)
  const fixture = await makeFixture(client, 'ticketing-flow', { stock: places })
  const free = await client.query<{ id: string }>(
    `insert into ticket_tiers (event_id, slug, name, total_quantity, max_per_order, currency)
     select id, 'gift', 'Gift', $2, null, currency from events where id = $1 returning id`,
    [fixture.eventId, orders * 2],
  )
  await client.query(`update business_staff set role = 'manager' where user_id = $1`, [fixture.scannerId])
  return {
    eventId: fixture.eventId,
    tierId: fixture.tierId,
    places,
    tierIds: [fixture.tierId, ...free.rows.map(({ id }) => id)],
    managerId: fixture.scannerId,
  }
}
