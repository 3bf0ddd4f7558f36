import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os'
import { type GuaranteeResult, RESULTS_SCHEMA, type Results, type StageResult, worst } from '../results.ts'
import { firstPurchase } from './first-purchase.ts'
import { type InvariantWatch, watchInvariants } from './invariants.ts'
import { type Judgement, PROMISES, type PromiseName, type Unsaid } from './promises.ts'
import { runScenario, type ScenarioRun } from './run-scenario.ts'
import type { TargetScenario } from './scenarios/scenario.ts'
import { REQUESTS_PER_CALL, REQUESTS_PER_PAGES, type Target } from './target.ts'

export interface TargetRun {
  readonly target: Target
  readonly scenarios: readonly TargetScenario[]
  readonly run: {
    readonly id: string
    readonly command: string
    readonly version: string
    readonly startedAt: Date
  }
  readonly seed: number
  readonly clock: () => Date
  /** Told what is at work, and how each step ended. */
  readonly onWork: (title: string, doing: string) => void
  readonly onEnd: (step: Pick<StageResult, 'title' | 'verdict' | 'checks' | 'durationMs' | 'reason'>) => void
}

/**
 * Requests of a run at most, which its HTTP holds to: each call with all that the adapter says it needs, and as many again for what
 * a busy system makes buyers repeat.
 */
export function requestsOf(
  { adapter, profile }: Pick<Target, 'adapter' | 'profile'>,
  scenarios: readonly TargetScenario[],
): number {
  const calls = scenarios.reduce((sum, scenario) => sum + scenario.calls(profile), 0)
  const pages = (scenarios.length + 1) * CALLS_OF_PAGES * REQUESTS_PER_PAGES
  return 2 * calls * (adapter.requestsPerCall ?? REQUESTS_PER_CALL) + pages
}

/** `prepare`, `truth` twice, `cleanup`. */
const CALLS_OF_PAGES = 4

/** Attacks somebody else's system. Throws a TargetError where not even one buyer can buy there. */
export async function proveTarget(run: TargetRun): Promise<Results> {
  const { target, clock } = run
  const preflight = await timed(run, 'preflight', 'First purchase', async (report) => ({
    checks: await firstPurchase(target, report),
  }))
  const watch = watchInvariants(target.adapter, target.sql)
  const leftOut = run.scenarios.flatMap(({ name, obstacle }) => {
    const why = obstacle?.(target)
    return why === undefined ? [] : [{ name, why }]
  })
  const runs: ScenarioRun[] = []
  const startedAt = clock().getTime()
  for (const scenario of run.scenarios.filter(({ obstacle }) => obstacle?.(target) === undefined)) {
    runs.push(await runScenario(target, scenario, watch, (doing) => run.onWork(scenario.name, doing)))
    const { result } = runs.at(-1) as ScenarioRun
    run.onEnd({ ...result, title: scenario.name, ...reasonIn(result.checks) })
  }
  const checks = runs.flatMap(({ result }) =>
    result.checks.map((check) => ({ ...check, name: `${result.name}: ${check.name}` })),
  )
  const http: StageResult = {
    name: 'http',
    title: 'Purchases',
    verdict: worst(checks.map(({ verdict }) => verdict)),
    ...reasonIn(checks),
    durationMs: clock().getTime() - startedAt,
    checks,
    ...(leftOut.length === 0 ? {} : { leftOut }),
  }
  const rows = rowsStage(run, watch)
  run.onEnd(rows)
  return conclude(run, [preflight, http, rows], runs, watch)
}

async function timed(
  { clock, onWork, onEnd }: TargetRun,
  name: StageResult['name'],
  title: string,
  work: (report: (text: string) => void) => Promise<Pick<StageResult, 'checks'>>,
): Promise<StageResult> {
  const startedAt = clock().getTime()
  const { checks } = await work((doing) => onWork(title, doing))
  const verdict = worst(checks.map((check) => check.verdict))
  const stage = {
    name,
    title,
    verdict,
    ...reasonIn(checks),
    durationMs: clock().getTime() - startedAt,
    checks,
  }
  onEnd(stage)
  return stage
}

/** The first check that keeps it from PASS. */
function reasonIn(checks: StageResult['checks']): { readonly reason?: string } {
  const verdict = worst(checks.map((check) => check.verdict))
  const reason = verdict === 'PASS' ? undefined : checks.find((check) => check.verdict === verdict)
  return reason === undefined ? {} : { reason: `${reason.name}: ${reason.detail}` }
}

function rowsStage({ target: { adapter, sql } }: TargetRun, watch: InvariantWatch | undefined): StageResult {
  const stage = { name: 'judgement', title: 'Rows', durationMs: 0 } as const
  if (watch === undefined) {
    const reason =
      adapter.invariants === undefined
        ? 'the adapter names no `invariants`'
        : sql === undefined
          ? '--database-url was not given'
          : ''
    return { ...stage, verdict: 'SKIPPED', reason, checks: [] }
  }
  const checks = [...watch.checks()]
  const leftOut = watch.leftOut()
  return {
    ...stage,
    verdict: worst(checks.map(({ verdict }) => verdict)),
    ...reasonIn(checks),
    checks,
    ...(leftOut.length === 0 ? {} : { leftOut: [...leftOut] }),
  }
}

function conclude(
  run: TargetRun,
  stages: StageResult[],
  runs: readonly ScenarioRun[],
  watch: InvariantWatch | undefined,
): Results {
  const { target, clock, seed } = run
  const finishedAt = clock()
  const verdict = worst(stages.map((stage) => stage.verdict))
  const open = stages.flatMap((stage) =>
    stage.checks
      .filter((check) => check.verdict !== 'PASS')
      .map((check) => `${stage.title}: ${check.name} (${check.detail})`),
  )
  const promises = (Object.keys(PROMISES) as PromiseName[]).map((name, at) =>
    promiseOf(run, name, at + 1, runs, watch),
  )
  return {
    schema: RESULTS_SCHEMA,
    product: { name: 'admit-once', version: run.run.version },
    run: {
      id: run.run.id,
      profile: target.profile.name,
      seed,
      startedAt: run.run.startedAt.toISOString(),
      finishedAt: finishedAt.toISOString(),
      durationMs: finishedAt.getTime() - run.run.startedAt.getTime(),
      command: run.run.command,
    },
    verdict,
    reasons: verdict === 'PASS' ? [] : open,
    environment: environment(target),
    target: {
      name: target.adapter.name,
      adapter: target.file,
      urls: [...target.urls],
      requests: target.traffic.requests,
      requestsMax: target.traffic.requestsMax,
      notShown: promises.flatMap(({ result, why }) =>
        result.verdict === 'NOT SHOWN' ? [{ name: result.name, why }] : [],
      ),
      leftBehind: runs.flatMap(({ leftBehind }) => leftBehind),
    },
    stages,
    scenarios: runs.map(({ result }) => result),
    guarantees: promises.map(({ result }) => result),
    interleavings: [],
    sabotage: [],
  }
}

/**
 * A promise is broken wherever a check of it failed. It is shown only where a scenario that attacks it was judged: what the
 * adapter cannot say, and what nobody attacked, is NOT SHOWN.
 */
function promiseOf(
  run: TargetRun,
  name: PromiseName,
  number: number,
  runs: readonly ScenarioRun[],
  watch: InvariantWatch | undefined,
) {
  const of = (those: readonly Judgement[]) => those.filter(({ promise }) => promise === name)
  // What was judged by half, as tickets without payments, is not shown.
  const isWhole = ({ judged }: ScenarioRun) => judged.unsaid.every(({ promise }) => promise !== name)
  const attacks = runs.filter(
    (one) => one.result.guarantees.includes(name) && of(one.judged.judgements).length > 0 && isWhole(one),
  )
  const checks = [...runs.flatMap(({ judged }) => of(judged.judgements)), ...of(watch?.checks() ?? [])]
  const seen = worst(checks.map(({ verdict }) => verdict))
  const brokenOff = runs.filter(
    ({ result, judged: { judgements, unsaid } }) =>
      result.guarantees.includes(name) && judgements.length + unsaid.length === 0,
  )
  const isInvalid = [...attacks, ...brokenOff].some(({ result }) => result.verdict === 'INCONCLUSIVE')
  const verdict: GuaranteeResult['verdict'] =
    seen === 'FAIL' ? 'FAIL' : isInvalid ? 'INCONCLUSIVE' : attacks.length === 0 ? 'NOT SHOWN' : seen
  const result: GuaranteeResult = {
    number,
    name,
    promise: PROMISES[name],
    verdict,
    protections: { active: 0, total: 0 },
    laws: [],
    scenarios: attacks.map(({ result }) => result.name),
    sabotage: { caught: 0, survived: 0, total: 0 },
    checks: { passed: checks.filter((check) => check.verdict === 'PASS').length, total: checks.length },
  }
  return { result, why: whyNot(run, name, runs) }
}

function whyNot({ target, scenarios }: TargetRun, name: PromiseName, runs: readonly ScenarioRun[]): string {
  const said = runs.flatMap(({ judged }) => judged.unsaid.filter(({ promise }: Unsaid) => promise === name))
  const obstacle = scenarios.find(({ shows }) => shows.includes(name))?.obstacle?.(target)
  return said[0]?.why ?? obstacle ?? 'no scenario of this run attacks it'
}

function environment({ urls }: Target): Results['environment'] {
  return {
    node: process.version,
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    postgres: null,
    k6: null,
    pgbench: null,
    placement: `load generator on this machine, the system at ${urls.join(', ')}`,
  }
}
