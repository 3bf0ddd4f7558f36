import { type Check, type StageResult, worst } from '../results.ts'
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

/** Every stage, in the order of a run. */
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

/** One stage. Throws a StageError where it could not do its work, and the reason of `signal` where that was aborted. */
export async function runStage(run: Run, stage: Stage, report: Report): Promise<StageResult> {
  const startedAt = run.clock().getTime()
  const leftBefore = run.leftOut.length
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
    ...(run.leftOut.length === leftBefore ? {} : { leftOut: run.leftOut.slice(leftBefore) }),
  })
  const isBeyond = (stage.level ?? 3) > run.level
  const { name, stages = [stage.name] } = run.profile
  const skipped = isBeyond
    ? `level ${run.level} was asked for`
    : stages.includes(stage.name)
      ? stage.skip?.(run)
      : `the profile ${name} does without it`
  if (skipped !== undefined) return result('SKIPPED', [], skipped)
  const checks = await stage.work(run, report).catch((error: unknown) => couldNotRun(run, stage, error))
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
