import type { Client } from 'pg'
import type { PgbenchRun, PgbenchScript } from '../../../load/engine.ts'
import type { Profile } from '../../profiles.ts'
import type { ScenarioResult } from '../../results.ts'
import type { Run } from '../../run.ts'

/** A scenario at the database itself: pgbench files against one tier. */
export interface DatabaseScenario {
  readonly name: string
  /** Who does what at once, in one sentence. */
  readonly story: string
  /** Relative to the repository. */
  readonly scripts: readonly PgbenchScript[]
  /** As of a scenario over HTTP. */
  readonly obstacle?: (run: Run) => Promise<string | undefined>
  /** PgBouncer with transaction pooling stands between the clients and the database. */
  readonly isPooled?: true
  readonly size: keyof Profile & ('reserve' | 'serializable' | 'churn' | 'mixed')
  readonly maxTries: number
  /** Places of the tier. */
  readonly stock: number
  /** What there is besides when the load begins; it lasts `seconds`. */
  prepare?(client: Client, tierId: string, seconds: number): Promise<void>
  judge(client: Client, tierId: string, load: PgbenchRun): Promise<Judgement>
}

type Judgement = Pick<ScenarioResult, 'checks' | 'mustHaveHappened' | 'outcomes'>
