import type { LoadRun } from '../../load/engine.ts'
import type { Fixture, FixtureName, FixtureOptions } from '../fixtures/fixtures.ts'
import type { Run } from '../proof.ts'
import type { Check, Verdict } from '../results.ts'

/** One k6 script, what it is given, and what the database must say afterwards. */
export interface Story {
  readonly name: FixtureName
  readonly story: string
  readonly fixture: (run: Run) => FixtureOptions
  readonly env: (run: Run) => Record<string, string>
  /** Metrics that count answers, by the code that the report shows them under. */
  readonly outcomes: Readonly<Record<string, string>>
  /** What must have happened, as metric and words. */
  readonly mustHaveHappened: Readonly<Record<string, string>>
  /** Places whose taking the report draws as a line. */
  readonly stock: number | undefined
  /** What the database must say, beside what the callers were told. */
  readonly witness: (run: Run, fixture: Fixture, load: LoadRun) => Promise<Check[]>
}

/** The script ran to its end, its thresholds met or not: what it did not do, nobody prevented. */
export function ranToItsEnd({ exitCode }: LoadRun): boolean {
  return exitCode === 0 || exitCode === THRESHOLDS_BROKEN
}

const THRESHOLDS_BROKEN = 99

/** How often the script counted this. */
export function toldIn(load: LoadRun, metric: string): number {
  return load.metrics[metric]?.['count'] ?? 0
}

/** What callers were told and what is there are the same. */
export function sameAsTold(load: LoadRun, told: number, found: number): Verdict {
  return told === found ? 'PASS' : broken(load)
}

/** What does not add up is a broken promise; but a script that broke has shown neither. */
export function broken(load: LoadRun): Verdict {
  return ranToItsEnd(load) ? 'FAIL' : 'INCONCLUSIVE'
}

/** Rows of the run's database, for one id or several. */
export async function rowsOf<Row extends object = Record<string, unknown>>(
  run: Run,
  sql: string,
  id: string | readonly string[],
): Promise<readonly Row[]> {
  return (await run.workbench.main.client.query<Row>(sql, [id])).rows
}
