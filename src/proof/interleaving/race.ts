import type { Client } from 'pg'
import type { BrokenLaw } from './laws.ts'

/** Isolation levels of PostgreSQL. READ UNCOMMITTED is READ COMMITTED there. */
export const ISOLATION_LEVELS = ['read committed', 'repeatable read', 'serializable'] as const
export type IsolationLevel = (typeof ISOLATION_LEVELS)[number]

/** One statement of a session; its answer is the first column of its first row. */
export interface Call {
  /** As the witness names it. */
  readonly name: string
  readonly sql: string
  readonly values?: readonly unknown[]
  /** The answer in a word; `success` or the code of a refusal where it is left out. */
  readonly told?: (answer: unknown) => string
}

/** A session of the database: BEGIN, its calls, COMMIT. */
export interface Session {
  /** Who it is: `buyer`, `gate`. */
  readonly name: string
  readonly calls: readonly Call[]
}

/** A business that every race of a database may use. */
export interface House {
  readonly businessId: string
  readonly eventId: string
  readonly staffId: string
}

/** Sessions that want the same thing, in a world that is made anew for each order of their statements. */
export interface Race {
  readonly name: string
  /** Who wants what, and what must hold, in one sentence. */
  readonly story: string
  readonly guarantees: readonly string[]
  /** Its orders are stepped through under each of these. */
  readonly isolations: readonly IsolationLevel[]
  readonly prepare: (client: Client, house: House) => Promise<World>
  /**
   * Every end that may be, and each must be seen: what the sessions were told, and how things stand. Above READ COMMITTED who is
   * told to retry (40001) has changed nothing: the others end as they do without it.
   */
  readonly ends: readonly string[]
}

export interface World {
  readonly sessions: readonly Session[]
  /** What a job does once all sessions have ended. */
  readonly afterwards?: string
  /** One text column: how things stand then. */
  readonly stands?: { readonly sql: string; readonly values: readonly unknown[] }
}

/** Connections of a database on which a race is run, and what its worlds share. */
export interface Arena {
  readonly judge: Client
  readonly runners: readonly { readonly client: Client; readonly pid: number }[]
  readonly house: House
  readonly brokenLaws: () => Promise<readonly BrokenLaw[]>
}

export const SESSIONS_MAX = 3
