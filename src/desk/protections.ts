import { z } from 'zod'
import { type Caller, call } from '../db/call.ts'
import type { Runner } from '../db/pool.ts'
import { integer, optional } from './parameters.ts'
import { verb } from './verb.ts'

/** Whether everything that holds a guarantee is in place and as it was installed; one row a protection. */
export const verifyProtections = verb('verify_protections', 'buyers', {}).givesRows(
  z.object({
    guarantee: z.string(),
    protection: z.string(),
    kind: z.string(),
    object: z.string(),
    active: z.boolean(),
    detail: z.string(),
  }),
)

/** Every broken law right now, with some rows of each as witnesses; no row: all is well. */
export const brokenLaws = verb('broken_laws', 'buyers', { witnesses: optional(integer) }).givesRows<{
  readonly guarantee: string
  readonly law: string
  readonly rows: number
  readonly witnesses: readonly unknown[]
}>()

/** The same question as {@link verifyProtections}, counted by the database, with the version that it has now. */
export async function countProtections(database: Runner, caller: Caller): Promise<ProtectionCount> {
  const rows = await call(database, { caller, sql: COUNT, readOnly: true })
  const [version = null, active, total, missing = null] = rows[0] ?? []
  return { version, active: Number(active), total: Number(total), missing }
}

export interface ProtectionCount {
  /** As the server names itself, such as `18.1`. */
  readonly version: string | null
  readonly active: number
  readonly total: number
  /** The names of those that are not in place; null where all are. */
  readonly missing: string | null
}

const COUNT = `
  select current_setting('server_version'), count(*) filter (where p.active), count(*),
    string_agg(p.protection, ', ' order by p.protection) filter (where p.active is not true)
  from public.verify_protections() p`
