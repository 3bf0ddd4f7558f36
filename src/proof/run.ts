import type { Engines } from '../load/engine.ts'
import type { FailoverWorld, Replication } from './faults/failover.ts'
import type { FragileWorld } from './faults/strikes.ts'
import type { MortalWorld } from './faults/sudden-death.ts'
import type { ChaosWorld } from './faults/world.ts'
import type { Fixture } from './fixtures/fixtures.ts'
import type { ServerFigures } from './health/server.ts'
import { type History, openHistory } from './history/recorder.ts'
import type { Profile } from './profiles.ts'
import type {
  Check,
  InterleavingResult,
  LeftOut,
  Results,
  SabotageResult,
  ScenarioResult,
  StageResult,
} from './results.ts'
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
  /** What a higher level needs is left out. */
  readonly level: Level
  readonly engines: Engines
  /** Starts a server on a database, as a user would; `stop` ends it. */
  readonly startServer: (databaseUrl: string) => Promise<RunningServer>
  /** The stand-in of Stripe that takes the money of that server and outlives it. */
  readonly provider: PaymentWitness
  /** The setting of the faults: a server that can be killed, and a stand-in of Stripe with a fast clock. */
  readonly openChaosWorld: (database: RunDatabase) => Promise<Opened<ChaosWorld>>
  /** Undefined where no PostgreSQL is ours to kill. */
  readonly mortals?: Mortals
  /** PgBouncer with transaction pooling in front of a database; undefined where there is none on this machine. */
  readonly openPooler?: (databaseUrl: string) => Promise<Pooler>
  /** Clones for interleavings and sabotage: nothing that they hold has to last. */
  readonly attackDatabases: Pick<AttackDatabases, 'withClone'>
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

interface Pooler {
  readonly url: string
  readonly version: string
  close(): Promise<void>
}

/** Servers and PostgreSQLs of the proof's own that may be killed. */
export interface Mortals {
  readonly openWorld: () => Promise<Opened<MortalWorld>>
  readonly openPair: (replication: Replication) => Promise<Opened<FailoverWorld>>
  /** The same under Patroni: a third node, and an etcd that they vote by. */
  readonly openPatroni: (replication: Replication) => Promise<Opened<FailoverWorld>>
  readonly openFragile: (needs: FragileNeeds) => Promise<Opened<FragileWorld>>
  /** Why this machine has none; undefined where it has. */
  readonly lacks: {
    readonly smallDisk: string | undefined
    readonly pooler: string | undefined
    readonly patroni: string | undefined
  }
}

export interface FragileNeeds {
  /** Of the provider's choices. */
  readonly seed: number
  readonly isPooled: boolean
  readonly hasSmallDisk: boolean
}

export interface Opened<World> {
  readonly world: World
  close(): Promise<void>
}

export interface RunningServer {
  readonly url: string
  stop(): Promise<void>
}

/** A run: what it was given, and what its stages have seen so far. */
export interface Run extends ProofOptions {
  environment: Environment | undefined
  readonly history: History
  readonly scenarios: ScenarioResult[]
  readonly interleavings: InterleavingResult[]
  readonly sabotage: SabotageResult[]
  /** What each server of the run last said of itself, by its address. */
  readonly servers: Map<string, ServerFigures>
  /** What the load was like, judged by the stage of that name. */
  measures: Pick<Results, 'health' | 'capacity' | 'errorRates' | 'answerTimes'>
  laws: readonly { readonly law: string; readonly rows: number; readonly witnesses: readonly unknown[] }[]
  protections: readonly { readonly guarantee: string; readonly active: boolean }[]
}

/** As in the results, of a run that has a PostgreSQL of its own. */
export type Environment = Results['environment'] & {
  readonly postgres: NonNullable<Results['environment']['postgres']>
}

/** 1: one session; 2: many at the database; 3: many over HTTP, faults and sabotage. */
export type Level = 1 | 2 | 3

/** One step of a run. */
export interface Stage {
  readonly name: StageResult['name']
  readonly title: string
  /** 3 where it is absent. */
  readonly level?: Level
  /** Why this run leaves it out, if it does. */
  readonly skip?: (run: Run) => string | undefined
  readonly work: (run: Run, report: Report, leaveOut: LeaveOut) => Promise<readonly Check[]>
}

/** Live progress: says in a few words what a stage is doing now. */
export type Report = (text: string) => void

/** What a stage does not run though it was asked for. */
export type LeaveOut = (left: LeftOut) => void

export function openRun(options: ProofOptions): Run {
  return {
    ...options,
    environment: undefined,
    history: openHistory(options),
    scenarios: [],
    interleavings: [],
    sabotage: [],
    servers: new Map(),
    measures: {},
    laws: [],
    protections: [],
  }
}

/** Does this run include the scenario? */
export function includesScenario({ only }: Pick<Run, 'only'>, name: string): boolean {
  return only.length === 0 || only.includes(name)
}

/** Throws where there are none: what needs them is left out there. */
export function mortalsOf({ mortals }: Pick<Run, 'mortals'>): Mortals {
  if (mortals === undefined) throw new Error('no PostgreSQL here may be killed')
  return mortals
}
