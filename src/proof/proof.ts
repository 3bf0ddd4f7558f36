import { GUARANTEES } from '../core/guarantees.ts'
import type { Engines } from '../load/engine.ts'
import type { ChaosWorld } from './faults/world.ts'
import type { Fixture } from './fixtures/fixtures.ts'
import type { Profile } from './profiles.ts'
import type { Provider } from './provider.ts'
import {
  type Check,
  type GuaranteeResult,
  RESULTS_SCHEMA,
  type Results,
  type SabotageResult,
  type ScenarioResult,
  type StageResult,
  worst,
} from './results.ts'
import { databaseStage } from './stages/database.ts'
import { faultsStage } from './stages/faults.ts'
import { functionalStage } from './stages/functional.ts'
import { httpStage } from './stages/http.ts'
import { judgementStage } from './stages/judgement.ts'
import { preflightStage } from './stages/preflight.ts'
import { protectionsStage } from './stages/protections.ts'
import { sabotageStage } from './stages/sabotage.ts'
import type { Workbench, WorkDatabase } from './workbench.ts'

/** What a run is given; the parts that `proof` may not know (server, tokens) come as functions. */
export interface ProofOptions {
  readonly workbench: Workbench
  readonly source: 'embedded' | 'DATABASE_URL'
  readonly profile: Profile
  readonly seed: number
  /** Only these scenarios; all where it is empty. Sabotage runs with all only. */
  readonly only: readonly string[]
  readonly engines: Engines
  /** Starts a server on a database, as a user would; `stop` ends it. */
  readonly startServer: (databaseUrl: string) => Promise<RunningServer>
  /** Who takes the money of that server; it outlives the server. */
  readonly provider: Provider
  /** A world of its own for faults: a server that can be killed, and a provider whose time flies. */
  readonly openChaosWorld: (
    database: WorkDatabase,
  ) => Promise<{ readonly world: ChaosWorld; close(): Promise<void> }>
  /** What a scenario's script reads for a fixture on a server. */
  readonly variablesOf: (fixture: Fixture, serverUrl: string) => Promise<Record<string, string>>
  /** A folder of the run's own for files that scripts read and write. */
  readonly folder: string
  readonly run: {
    readonly id: string
    readonly command: string
    readonly version: string
    readonly startedAt: Date
  }
  readonly clock: () => Date
  /** Aborted when the run is to stop: the stage that is at work fails soon after. */
  readonly signal: AbortSignal
}

export interface RunningServer {
  readonly url: string
  stop(): Promise<void>
}

/** What the stages share and fill. */
export interface Run extends ProofOptions {
  environment: Results['environment'] | undefined
  readonly scenarios: ScenarioResult[]
  readonly sabotage: SabotageResult[]
  laws: readonly { readonly law: string; readonly rows: number; readonly witnesses: readonly unknown[] }[]
  protections: readonly { readonly guarantee: string; readonly active: boolean }[]
}

export interface Stage {
  readonly name: StageResult['name']
  readonly title: string
  /** Why this run leaves it out, if it does. */
  readonly skip?: (run: Run) => string | undefined
  /** `note` says in a few words what is going on. */
  readonly work: (run: Run, note: (text: string) => void) => Promise<readonly Check[]>
}

export const STAGES: readonly Stage[] = [
  preflightStage,
  protectionsStage,
  functionalStage,
  databaseStage,
  httpStage,
  faultsStage,
  judgementStage,
  sabotageStage,
]

export function openRun(options: ProofOptions): Run {
  return { ...options, environment: undefined, scenarios: [], sabotage: [], laws: [], protections: [] }
}

/** The proof could not go on: a server did not start, the database went away, or there is a bug. It says nothing of a promise. */
class StageError extends Error {
  readonly code = 'STAGE_FAILED'
}

/** One stage. Throws a StageError where it could not do its work, and the reason of `signal` where that was aborted. */
export async function runStage(run: Run, stage: Stage, note: (text: string) => void): Promise<StageResult> {
  const startedAt = run.clock().getTime()
  const done = (verdict: StageResult['verdict'], checks: readonly Check[], reason?: string): StageResult => ({
    name: stage.name,
    title: stage.title,
    verdict,
    ...(reason === undefined ? {} : { reason }),
    durationMs: run.clock().getTime() - startedAt,
    checks: [...checks],
  })
  const skipped = stage.skip?.(run)
  if (skipped !== undefined) return done('SKIPPED', [], skipped)
  const checks = await stage.work(run, note).catch((error: unknown) => couldNotRun(run, stage, error))
  const verdict = worst(checks.map((check) => check.verdict))
  return done(verdict, checks, checks.find((check) => check.verdict === verdict && verdict !== 'PASS')?.name)
}

async function couldNotRun(run: Run, stage: Stage, error: unknown): Promise<never> {
  run.signal.throwIfAborted()
  const reason = error instanceof Error ? error.message : String(error)
  const answers = await run.workbench.main.client.query('select').then(
    () => true,
    () => false,
  )
  const advice = answers
    ? 'The proof did not come to its end, so there is no verdict.'
    : 'The database no longer answers: look at the log of PostgreSQL, then prove again.'
  throw new StageError(`${stage.title} could not run: ${reason}\n${advice}`, { cause: error })
}

/** Everything that the run saw, judged: PASS needs every check, law, sabotage and counter. */
export function conclude(run: Run, stages: readonly StageResult[]): Results {
  const finishedAt = run.clock()
  const { environment } = run
  if (environment === undefined) throw new Error('the preflight did not run')
  // What was asked for decides; what was not is named beside a PASS, which says no more than was seen.
  const verdict = worst(stages.map((stage) => stage.verdict))
  return {
    schema: RESULTS_SCHEMA,
    product: { name: 'admit-once', version: run.run.version },
    run: {
      id: run.run.id,
      profile: run.profile.name,
      seed: run.seed,
      startedAt: run.run.startedAt.toISOString(),
      finishedAt: finishedAt.toISOString(),
      durationMs: finishedAt.getTime() - run.run.startedAt.getTime(),
      command: run.run.command,
    },
    verdict,
    reasons: verdict === 'PASS' ? [] : reasonsOf(stages),
    environment,
    stages: [...stages],
    scenarios: run.scenarios,
    guarantees: GUARANTEES.map((guarantee) => guaranteeOf(run, guarantee.name)),
    sabotage: run.sabotage,
  }
}

function reasonsOf(stages: readonly StageResult[]): string[] {
  return stages.flatMap((stage) =>
    stage.checks
      .filter((check) => check.verdict !== 'PASS')
      .map((check) => `${stage.title}: ${check.name} (${check.detail})`),
  )
}

function guaranteeOf(run: Run, name: string): GuaranteeResult {
  const guarantee = GUARANTEES.find((candidate) => candidate.name === name)
  if (guarantee === undefined) throw new Error(`no guarantee ${name}`)
  const laws = guarantee.laws.map((law) => {
    const broken = run.laws.find((row) => row.law === law)
    return { name: law, rows: broken?.rows ?? 0, witnesses: [...(broken?.witnesses ?? [])] }
  })
  const shownBy = run.scenarios.filter((scenario) => scenario.guarantees.includes(name))
  const attacked = run.sabotage.filter((result) => result.guarantee === name)
  const protections = run.protections.filter((row) => row.guarantee === name)
  const verdict = worst([
    ...laws.map((law) => (law.rows > 0 ? ('FAIL' as const) : ('PASS' as const))),
    ...protections.map((row) => (row.active ? ('PASS' as const) : ('FAIL' as const))),
    ...shownBy.map((scenario) => scenario.verdict),
    ...attacked.map((result) => result.verdict),
  ])
  return {
    number: guarantee.number,
    name,
    promise: guarantee.promise,
    verdict: verdict === 'PASS' && shownBy.length === 0 ? 'NOT SHOWN' : verdict,
    protections: { active: protections.filter((row) => row.active).length, total: protections.length },
    laws,
    scenarios: shownBy.map((scenario) => scenario.name),
    sabotage: {
      caught: attacked.filter((result) => result.seen === 'caught').length,
      survived: attacked.filter((result) => result.seen === 'survived').length,
      total: attacked.length,
    },
  }
}
