import type { SqlStep, Step } from './script.ts'

/** How long each statement of a script took, over all clients: what pgbench's `-r` reports. */
export type StatementTimes = ReadonlyMap<SqlStep, StatementTime>

interface StatementTime {
  count: number
  sumMs: number
  /** So often it made a transaction fail for good, and so often it made one begin again. */
  failures: number
  retries: number
}

export function openTimes(steps: readonly Step[]): StatementTimes {
  return new Map(sqlIn(steps).map((step) => [step, { count: 0, sumMs: 0, failures: 0, retries: 0 }]))
}

function sqlIn(steps: readonly Step[]): readonly SqlStep[] {
  return steps.flatMap((step) => {
    if (step.kind === 'if') return step.branches.flatMap((branch) => sqlIn(branch.steps))
    return step.kind === 'sql' ? [step] : []
  })
}

export function countTime(times: StatementTimes, step: SqlStep, ms: number): void {
  const time = times.get(step)
  if (time === undefined) return
  time.count++
  time.sumMs += ms
}

export function countFailure(times: StatementTimes, step: SqlStep | undefined, isFinal: boolean): void {
  const time = step && times.get(step)
  if (time !== undefined) time[isFinal ? 'failures' : 'retries']++
}
