import { type Check, type StageResult, worst } from '../results.ts'
import type { Report, Run, Stage } from '../run.ts'
import { databaseStage } from './database.ts'
import { faultsStage } from './faults.ts'
import { functionalStage } from './functional.ts'
import { httpStage } from './http.ts'
import { judgementStage } from './judgement.ts'
import { preflightStage } from './preflight.ts'
import { protectionsStage } from './protections.ts'
import { sabotageStage } from './sabotage.ts'

/** Every stage, in the order of a run. */
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

/** One stage. Throws a StageError where it could not do its work, and the reason of `signal` where that was aborted. */
export async function runStage(run: Run, stage: Stage, report: Report): Promise<StageResult> {
  const startedAt = run.clock().getTime()
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
  })
  const skipped = stage.skip?.(run)
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
