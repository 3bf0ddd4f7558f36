import type { Engines } from '../load/engine.ts'
import type { MortalWorld } from './faults/sudden-death.ts'
import type { ChaosWorld } from './faults/world.ts'
import type { Fixture } from './fixtures/fixtures.ts'
import type { Profile } from './profiles.ts'
import type { Check, Results, SabotageResult, ScenarioResult, StageResult } from './results.ts'
import type { AttackDatabases, RunDatabase, RunDatabases } from './run-databases.ts'
import type { PaymentWitness } from './stand-in.ts'

/** Dependency injection: what `proof` may not import (server, tokens) is given to a run as functions. */
export interface ProofOptions {
  readonly databases: RunDatabases
  readonly source: 'embedded' | 'DATABASE_URL'
  readonly profile: Profile
  readonly seed: number
  /** Only these scenarios; all where it is empty. Sabotage runs with all only. */
  readonly only: readonly string[]
  readonly engines: Engines
  /** Starts a server on a database, as a user would; `stop` ends it. */
  readonly startServer: (databaseUrl: string) => Promise<RunningServer>
  /** The stand-in of Stripe that takes the money of that server and outlives it. */
  readonly provider: PaymentWitness
  /** The setting of the faults: a server that can be killed, and a stand-in of Stripe with a fast clock. */
  readonly openChaosWorld: (
    database: RunDatabase,
  ) => Promise<{ readonly world: ChaosWorld; close(): Promise<void> }>
  /** A server and a PostgreSQL that may be killed; undefined where none of this machine's is ours. */
  readonly openMortalWorld?: () => Promise<{ readonly world: MortalWorld; close(): Promise<void> }>
  /** Clones for the sabotage: nothing that they hold has to last. */
  readonly openAttackDatabases: () => Promise<AttackDatabases>
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

/** A run: what it was given, and what its stages have seen so far. */
export interface Run extends ProofOptions {
  environment: Results['environment'] | undefined
  readonly scenarios: ScenarioResult[]
  readonly sabotage: SabotageResult[]
  laws: readonly { readonly law: string; readonly rows: number; readonly witnesses: readonly unknown[] }[]
  protections: readonly { readonly guarantee: string; readonly active: boolean }[]
}

/** One step of a run. */
export interface Stage {
  readonly name: StageResult['name']
  readonly title: string
  /** Why this run leaves it out, if it does. */
  readonly skip?: (run: Run) => string | undefined
  readonly work: (run: Run, report: Report) => Promise<readonly Check[]>
}

/** Live progress: says in a few words what a stage is doing now. */
export type Report = (text: string) => void

export function openRun(options: ProofOptions): Run {
  return { ...options, environment: undefined, scenarios: [], sabotage: [], laws: [], protections: [] }
}

/** Does this run include the scenario? */
export function includesScenario({ only }: Pick<Run, 'only'>, name: string): boolean {
  return only.length === 0 || only.includes(name)
}
