import { type Check, type LeftOut, type StageResult, worst } from '../results.ts'
import type { Report, Run, Stage } from '../run.ts'
import { databaseStage } from './database.ts'
import { faultsStage } from './faults.ts'
import { functionalStage } from './functional.ts'
import { healthStage } from './health.ts'
import { httpStage } from './http.ts'
import { interleavingsStage } from './interleavings.ts'
import { judgementStage } from './judgement.ts'
import { preflightStage } from './preflight.ts'
import { protectionsStage } from './protections.ts'
import { sabotageStage } from './sabotage.ts'

/** Every stage, in the order of the report. */
export const STAGES: readonly Stage[] = [
  preflightStage,
  protectionsStage,
  functionalStage,
  interleavingsStage,
  databaseStage,
  httpStage,
  faultsStage,
  healthStage,
  judgementStage,
  sabotageStage,
]

/**
 * What a run works off at once, in turn. Stages that judge no time share the cores, as each of them mostly waits: for locks, for
 * servers that start, for events that come late. A whole run times how long its failovers take, and a server that is not ours may
 * not have connections for all: there they come one after another.
 */
export function turnsOf({ profile, source }: Pick<Run, 'profile' | 'source'>): readonly (readonly Stage[])[] {
  if (profile.isWhole || source !== 'embedded') return STAGES.map((stage) => [stage])
  const alone = STAGES.filter((stage) => !TIMELESS.includes(stage))
  const turn = alone.indexOf(healthStage)
  return [
    ...alone.slice(0, turn).map((stage) => [stage]),
    TIMELESS,
    ...alone.slice(turn).map((stage) => [stage]),
  ]
}

/** None shares a database with another: the faults have servers and PostgreSQLs of their own, the others a clone for each attack. */
const TIMELESS: readonly Stage[] = [interleavingsStage, faultsStage, sabotageStage]

/** One stage. Throws a StageError where it could not do its work, and the reason of `signal` where that was aborted. */
export async function runStage(run: Run, stage: Stage, report: Report): Promise<StageResult> {
  const startedAt = run.clock().getTime()
  const leftOut: LeftOut[] = []
  const result = (
    verdict: StageResult['verdict'],
    checks: readonly Check[],
    reason?: string,
  ): StageResult => ({
    name: stage.name,
    title: stage.title,
    verdict,
    ...(reason === undefined ? {} : { reason }),
    durationMs: run.clock().getTime() - startedAt,
    checks: [...checks],
    // No check: what was not looked at has not passed.
    ...(leftOut.length === 0 ? {} : { leftOut }),
  })
  const isBeyond = (stage.level ?? 3) > run.level
  const { name, stages = [stage.name] } = run.profile
  const skipped = isBeyond
    ? `level ${run.level} was asked for`
    : stages.includes(stage.name)
      ? stage.skip?.(run)
      : `the profile ${name} does without it`
  if (skipped !== undefined) return result('SKIPPED', [], skipped)
  const checks = await stage
    .work(run, report, (left) => leftOut.push(left))
    .catch((error: unknown) => couldNotRun(run, stage, error))
  const verdict = worst(checks.map((check) => check.verdict))
  return result(
    verdict,
    checks,
    checks.find((check) => check.verdict === verdict && verdict !== 'PASS')?.name,
  )
}

/** The proof could not go on: a server did not start, the database went away, or there is a bug. It says nothing of a promise. */
class StageError extends Error {
  readonly code = 'STAGE_FAILED'
}

async function couldNotRun(run: Run, stage: Stage, error: unknown): Promise<never> {
  run.signal.throwIfAborted()
  const reason = error instanceof Error ? error.message : String(error)
  const isAnswering = await run.databases.main.client.query('select').then(
    () => true,
    () => false,
  )
  const advice = isAnswering
    ? 'The proof did not come to its end, so there is no verdict.'
    : 'The database no longer answers: look at the log of PostgreSQL, then prove again.'
  throw new StageError(`${stage.title} could not run: ${reason}\n${advice}`, { cause: error })
}
