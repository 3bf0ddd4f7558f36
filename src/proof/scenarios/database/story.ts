import type { Client } from 'pg'
import type { PgbenchRun } from '../../../load/engine.ts'
import type { Profile } from '../../profiles.ts'
import type { Check } from '../../results.ts'

/** A load of SQL alone: one pgbench file against one tier. */
export interface DatabaseStory {
  readonly name: string
  readonly story: string
  readonly file: string
  readonly size: keyof Profile & ('reserve' | 'serializable' | 'churn')
  readonly maxTries: number
  /** Places of the tier. */
  readonly stock: number
  /** What there is besides when the load begins; it lasts `seconds`. */
  prepare?(client: Client, tierId: string, seconds: number): Promise<void>
  judge(client: Client, tierId: string, load: PgbenchRun): Promise<Judged>
}

interface Judged {
  readonly checks: readonly Check[]
  readonly mustHaveHappened: readonly { readonly what: string; readonly times: number }[]
  readonly outcomes: Readonly<Record<string, number>>
}
