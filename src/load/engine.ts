import type { Tool } from './find.ts'
import { findK6 } from './k6/find.ts'
import { BUILT_IN_VERSION as K6_VERSION, type K6Options, type LoadRun, runK6 } from './k6/run.ts'
import { findPgbench } from './pgbench/find.ts'
import {
  BUILT_IN_VERSION as PGBENCH_VERSION,
  type PgbenchOptions,
  type PgbenchRun,
  type PgbenchScript,
  runPgbench,
} from './pgbench/run.ts'
import { findPgBouncer } from './pgbouncer.ts'

export type { LoadRun, PgbenchRun, PgbenchScript }

/** Load generator: the user's own k6 or pgbench where it is there, else the built-in runner of the same scripts. */
interface Engine<Name, Options, Run> {
  readonly name: Name | 'built-in'
  readonly version: string
  readonly run: (options: Options) => Promise<Run>
}

export type HttpEngine = Engine<'k6', K6Options, LoadRun>
export type DatabaseEngine = Engine<'pgbench', PgbenchOptions, PgbenchRun>

export interface Engines {
  readonly http: HttpEngine
  readonly database: DatabaseEngine
  /** PgBouncer, where it is there. */
  readonly pooler?: Tool | undefined
}

/** What every machine has. */
export const BUILT_IN: Engines = {
  http: { name: 'built-in', version: K6_VERSION, run: (options) => runK6(undefined, options) },
  database: { name: 'built-in', version: PGBENCH_VERSION, run: (options) => runPgbench(undefined, options) },
}

/** The engines of this machine. `off` takes the built-in one, or no pooler; a path that name, and throws where the program is not there. */
export async function findEngines(
  choice: {
    readonly k6?: string | undefined
    readonly pgbench?: string | undefined
    readonly pgbouncer?: string | undefined
  } = {},
): Promise<Engines> {
  const k6 = choice.k6 === 'off' ? undefined : await findK6(choice.k6)
  const pgbench = choice.pgbench === 'off' ? undefined : await findPgbench(choice.pgbench)
  const pooler = choice.pgbouncer === 'off' ? undefined : await findPgBouncer(choice.pgbouncer)
  return {
    pooler,
    http: k6 === undefined ? BUILT_IN.http : { ...k6, name: 'k6', run: (options) => runK6(k6, options) },
    database:
      pgbench === undefined
        ? BUILT_IN.database
        : { ...pgbench, name: 'pgbench', run: (options) => runPgbench(pgbench, options) },
  }
}
