import type pg from 'pg'
import type { Tool } from '../load/find.ts'
import type { Fixture } from '../proof/fixtures/fixtures.ts'
import type { StandInAddress } from '../proof/stand-in.ts'

/** A question about speed, as data: who runs beside whom, and which ratios answer it. */
export interface Question {
  readonly name: string
  /** One sentence, with a question mark. */
  readonly asks: string
  /** Of one window, where the command line does not say. */
  readonly seconds: number
  /** Where the command line does not say; five where left out. */
  readonly rounds?: number
  readonly ratios: readonly RatioSpec[]
  /** What its table has beside what every table has. */
  readonly columns?: readonly ('maxMs' | 'residentMiB')[]
  /** From an empty database in each round, windows in the order given; else one database, and windows by turns. */
  readonly isFreshEachRound?: boolean
  /** Brings up what the contestants need; what `world.keep` is given is taken down at the end. */
  open(world: World): Promise<Experiment>
}

export interface RatioSpec {
  readonly name: string
  readonly label: string
  /** Contestants: the first over the second, within one round. */
  readonly of: readonly [over: string, under: string]
  /** Answers a second where left out. */
  readonly by?: Figure
  readonly target?: Target
}

export interface Target {
  readonly atLeast?: number | undefined
  readonly atMost?: number | undefined
}

/** `cpuMs` is CPU time of server and PostgreSQL for one answer. */
export type Figure = 'perSecond' | 'p50Ms' | 'p99Ms' | 'cpuMs' | 'residentMiB'

export interface Experiment {
  readonly contestants: readonly Contestant[]
  /** Who is answered for in which rows. */
  readonly ledgers: readonly Ledger[]
  /** Contestants that have no part, and why. */
  readonly missing?: readonly Missing[] | undefined
  /** The process of the server, with all that came of it. */
  readonly serverPid?: () => number | undefined
  /** Of the PostgreSQL that is measured, where it is not the run's. */
  readonly client?: pg.Client
  /** Before the first window, unmeasured. */
  readonly warmUp?: () => Promise<unknown>
}

export interface Missing {
  readonly contestants: readonly string[]
  readonly why: string
}

export interface Contestant {
  readonly name: string
  readonly label: string
  /** One window is run before the first round and not measured: just-in-time compilation, connections. */
  readonly warmsUp?: boolean
  /** What one window needs, outside of the measured time. */
  prepare?(window: WindowOrder): Promise<void>
  run(window: WindowOrder): Promise<WindowResult>
}

export interface WindowOrder {
  /** From 0; the window that warms up is -1. */
  readonly round: number
  readonly seconds: number
  readonly signal: AbortSignal
}

/** What one window came to. */
export interface WindowResult {
  /** Successes: as many rows must be there afterwards. Those after the window's end count here alone. */
  readonly answered: number
  /** Successes within the window. */
  readonly inTime: number
  readonly seconds: number
  readonly p50Ms?: number
  readonly p99Ms?: number
  /** Of the slowest. */
  readonly maxMs?: number
  /** Resident memory of the server, on average. */
  readonly residentMiB?: number
  /** CPU time of what made the load, where it is not a child that has ended. */
  readonly loadCpuSeconds?: number
}

/** A count of rows that answers are held against. */
export interface Ledger {
  readonly label: string
  /** Contestants whose successes are these rows. */
  readonly of: readonly string[]
  count(): Promise<RowCount>
}

interface RowCount {
  readonly rows: number
  /** What a counter says of the same, where there is one. */
  readonly counter?: number
}

export interface BenchServer {
  readonly url: string
  readonly pid: number | undefined
  stop(): Promise<void>
}

/** A server, and the stand-in of Stripe that it takes money through: in the process of the bench, so that it is not the server's. */
export interface BenchShop extends BenchServer {
  readonly standIn: StandInAddress & { readonly webhookSecret: string }
}

export interface BenchDatabase {
  readonly url: string
  readonly client: pg.Client
}

/** A PostgreSQL of its own, installed and empty, with a standby. */
export interface BenchPair extends BenchDatabase {
  /** Whether a commit waits until the standby has it, and how many milliseconds that is away each way. */
  replicate(how: { readonly isSynchronous: boolean; readonly distanceMs: number }): Promise<void>
}

/** What a question may use. All that it opens here is taken down when it ends, however it ends. */
export interface World {
  /** Of one window. */
  readonly seconds: number
  readonly signal: AbortSignal
  readonly pgbench: Tool | undefined
  /** A folder of the run's own. */
  readonly folder: string
  /** Opens what a buyer's page opens. */
  readonly anonKey: string
  /** A connection to the server of the databases. */
  readonly client: pg.Client
  /** Connections that a server has for buyers. */
  readonly buyersMax: number
  /** A database of its own, installed and empty. */
  openDatabase(): Promise<BenchDatabase>
  openPair(): Promise<BenchPair>
  /** `admit-once start` as a process of its own. */
  startServer(databaseUrl: string): Promise<BenchServer>
  /** The same with a stand-in of Stripe beside it. */
  startShop(databaseUrl: string): Promise<BenchShop>
  /** The same with the embedded PostgreSQL in a home of its own. */
  startAtHome(home: string): Promise<BenchServer>
  /** What a gate of this fixture shows: its token, and each ticket's code. */
  doorOf(fixture: Fixture, database: BenchDatabase): Promise<Door>
  /** Gives what was opened, and closes it with `end` in the end. */
  keep<Part>(part: Part | Promise<Part>, end: (part: Part) => Promise<void>): Promise<Part>
}

export interface Door {
  readonly token: string
  readonly codes: readonly string[]
}

/** An error of a bench that its message explains. */
export class BenchError extends Error {
  readonly code: 'ROWS_DO_NOT_ADD_UP' | 'LOAD_FAILED'

  constructor(code: BenchError['code'], message: string) {
    super(message)
    this.code = code
  }
}
