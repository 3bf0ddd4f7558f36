import type { LoadRun } from '../../load/engine.ts'
import type { Fixture, FixtureName } from '../fixtures/fixtures.ts'
import type { FixtureSizes } from '../fixtures/flags.ts'
import type { Check, Verdict } from '../results.ts'
import type { Run } from '../run.ts'

/** What sizes and lengths follow from. */
export type SizedRun = Pick<Run, 'profile'>

/** A scenario over HTTP: one k6 script, what it is given, and what the database must say afterwards. */
export interface Scenario {
  readonly name: FixtureName
  /** Who does what at once, in one sentence. */
  readonly story: string
  /** Why this run or its database cannot show it, if so: such a scenario is left out, unless it was asked for by name. */
  readonly obstacle?: (run: Run) => Promise<string | undefined>
  /** It waits for ends of holds: it has a database of its own, in which they last for seconds. */
  readonly isHurried?: true
  readonly fixture: (run: SizedRun) => FixtureSizes
  readonly env: (run: SizedRun) => Record<string, string>
  /** Metrics that count answers, by the code that the report shows them under. */
  readonly outcomes: Readonly<Record<string, string>>
  /** What must have happened, as metric and words. */
  readonly mustHaveHappened: Readonly<Record<string, string>>
  /** Places whose taking the report draws as a line. */
  readonly stock: number | undefined
  /** Compares what the callers counted with what the database holds. */
  readonly judge: (run: Run, fixture: Fixture, load: LoadRun) => Promise<Check[]>
}

/** Relative to the repository. */
export function scriptOf({ name }: Pick<Scenario, 'name'>): string {
  return `load-tests/scenarios/${name}.ts`
}

/** The `obstacle` of a scenario that a short run has no time for. */
export async function onlyWhole({ profile }: Run): Promise<string | undefined> {
  return profile.isWhole ? undefined : `the profile ${profile.name} has no time for it`
}

/** The script ran to its end, its thresholds met or not: what it did not do, nobody prevented. */
export function ranToItsEnd({ exitCode }: LoadRun): boolean {
  return exitCode === 0 || exitCode === THRESHOLDS_BROKEN
}

const THRESHOLDS_BROKEN = 99

/** How often the script counted this. */
export function counterOf(load: LoadRun, metric: string): number {
  return load.metrics[metric]?.['count'] ?? 0
}

/** Reconciliation: what callers were answered and what is stored must be the same number. */
export function reconcile(load: LoadRun, answered: number, stored: number): Verdict {
  return answered === stored ? 'PASS' : mismatchVerdict(load)
}

/** Numbers that do not add up are a broken promise; but a script that broke off shows neither that nor the contrary. */
export function mismatchVerdict(load: LoadRun): Verdict {
  return ranToItsEnd(load) ? 'FAIL' : 'INCONCLUSIVE'
}

/** Rows of the run's database, for one id or several. */
export async function rowsOf<Row extends object = Record<string, unknown>>(
  run: Run,
  sql: string,
  id: string | readonly string[],
): Promise<readonly Row[]> {
  return (await run.databases.main.client.query<Row>(sql, [id])).rows
}
