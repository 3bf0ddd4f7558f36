import { FAULTS, type Fault, type FaultPlan, planFaults } from '../faults/fault-plan.ts'
import { type RandomFaultsResult, randomFaults } from '../faults/random-faults.ts'
import { exportLedger } from '../history/ledger.ts'
import type { Check, LeftOut, ScenarioResult } from '../results.ts'
import { type LeaveOut, type Mortals, mortalsOf, type Report, type Run } from '../run.ts'
import { faultResult } from './fault-result.ts'
import { moneyChecks } from './webhook-chaos.ts'
import { summed, together, witnessChecks } from './witness-checks.ts'

export const RANDOM_FAULTS = 'random-faults'

const STORY =
  'A seed picks what breaks, one thing after another, while tickets are sold and paid: server, database, network, disk, clock and provider.'

/** Each run is a world of its own; the seed of each is one more than that of the one before. */
export async function runRandomFaults(run: Run, report: Report, leaveOut: LeaveOut): Promise<ScenarioResult> {
  const startedMs = performance.now()
  const mortals = mortalsOf(run)
  const { faultRuns } = run.profile
  const plans = Array.from({ length: faultRuns }, (_, n) => planFaults(run.seed + n))
  const possible = plans.map((plan) => possiblePart(plan, mortals))
  obstaclesTo(plans, mortals).forEach(leaveOut)
  const results: RandomFaultsResult[] = []
  for (const [n, plan] of possible.entries()) {
    run.signal.throwIfAborted()
    const tell: Report = (text) => report(`run ${n + 1} of ${faultRuns}, seed ${plan.seed}: ${text}`)
    results.push(await playOnce(run, plan, tell))
  }
  const counts = summed(results)
  const all = together(results)
  return faultResult(run, {
    name: RANDOM_FAULTS,
    story: STORY,
    file: 'src/proof/faults/random-faults.ts',
    startedMs,
    counts,
    deliveries: results.reduce((sum, { balance }) => sum + balance.delivered, 0),
    mustHaveHappened: [
      { what: 'orders acknowledged', times: all.acknowledged },
      { what: 'payments kept', times: results.reduce((sum, { balance }) => sum + balance.kept, 0) },
      { what: 'unknown outcomes resolved', times: all.resolved },
      ...happenings(possible, counts),
    ],
    checks: [...witnessChecks(all, counts), ...moneyChecks(results), recoveryCheck(results, possible)],
  })
}

async function playOnce(run: Run, plan: FaultPlan, report: Report): Promise<RandomFaultsResult> {
  const hasSmallDisk = plan.faults.some(({ fault }) => fault === 'full disks')
  const { world, close } = await mortalsOf(run).openFragile({ ...plan, hasSmallDisk })
  const recorder = run.history.openRecorder(RANDOM_FAULTS, `${RANDOM_FAULTS} ${plan.seed}`)
  try {
    const result = await randomFaults(world, plan, { report, recorder })
    await exportLedger(run.history, recorder.database, world.connect)
    return result
  } finally {
    await close()
  }
}

/** What this machine cannot do is left out of a plan; the rest of it stays as the seed decided. */
function possiblePart(plan: FaultPlan, mortals: Mortals): FaultPlan {
  return {
    ...plan,
    isPooled: plan.isPooled && mortals.lacks.pooler === undefined,
    faults: plan.faults.filter(({ fault }) => obstacleOf(fault, mortals) === undefined),
  }
}

function obstacleOf(fault: Fault, { lacks }: Mortals): string | undefined {
  if (fault === 'full disks') return lacks.smallDisk
  return fault === 'kills of PgBouncer' ? lacks.pooler : undefined
}

function obstaclesTo(plans: readonly FaultPlan[], mortals: Mortals): LeftOut[] {
  return FAULTS.flatMap((fault) => {
    const why = obstacleOf(fault, mortals)
    const isPlanned = plans.some(({ faults }) => faults.some((planned) => planned.fault === fault))
    return why === undefined || !isPlanned ? [] : [{ name: `${RANDOM_FAULTS}: ${fault}`, why }]
  })
}

/** Each fault that was planned must have struck. */
function happenings(plans: readonly FaultPlan[], counts: ReadonlyMap<string, number>) {
  const planned = new Set(plans.flatMap(({ faults }) => faults.map(({ fault }) => fault)))
  return FAULTS.filter((fault) => planned.has(fault)).map((what) => ({ what, times: counts.get(what) ?? 0 }))
}

function recoveryCheck(results: readonly RandomFaultsResult[], plans: readonly FaultPlan[]): Check {
  const name = 'it sells again after each fault'
  const stuck = results.flatMap(({ stuckAfter }, n) =>
    stuckAfter === undefined ? [] : [{ after: stuckAfter, seed: plans[n]?.seed }],
  )
  const silences = results.flatMap(({ silencesMs }) => silencesMs).sort((a, b) => a - b)
  const at = (share: number) => Math.round(silences[Math.floor((silences.length - 1) * share)] ?? 0)
  const detail = `${results.length} runs, ${silences.length} faults: after p50 ${at(0.5)} ms, max ${at(1)} ms`
  return stuck.length === 0
    ? { name, verdict: 'PASS', detail }
    : { name, verdict: 'FAIL', detail, witness: stuck[0] }
}
