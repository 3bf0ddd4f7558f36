import type { Client } from 'pg'
import type { PgbenchRun } from '../../../load/engine.ts'
import type { Profile } from '../../profiles.ts'
import type { ScenarioResult } from '../../results.ts'

/** A scenario at the database itself: one pgbench file against one tier. */
export interface DatabaseScenario {
  readonly name: string
  /** Who does what at once, in one sentence. */
  readonly story: string
  readonly file: string
  readonly size: keyof Profile & ('reserve' | 'serializable' | 'churn')
  readonly maxTries: number
  /** Places of the tier. */
  readonly stock: number
  /** What there is besides when the load begins; it lasts `seconds`. */
  prepare?(client: Client, tierId: string, seconds: number): Promise<void>
  judge(client: Client, tierId: string, load: PgbenchRun): Promise<Judgement>
}

type Judgement = Pick<ScenarioResult, 'checks' | 'mustHaveHappened' | 'outcomes'>
