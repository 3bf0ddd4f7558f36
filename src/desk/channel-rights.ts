import { type Caller, call, literal } from '../db/call.ts'
import { sqlErrorOf } from '../db/failures.ts'
import type { Database } from '../db/pool.ts'
import { SERVICE } from './callers.ts'

/** What a caller may do on a private channel. */
export interface Rights {
  readonly read_broadcast: boolean
  readonly write_broadcast: boolean
  readonly read_presence: boolean
  readonly write_presence: boolean
}

export const ALL_RIGHTS: Rights = {
  read_broadcast: true,
  write_broadcast: true,
  read_presence: true,
  write_presence: true,
}
const NO_RIGHTS: Rights = {
  read_broadcast: false,
  write_broadcast: false,
  read_presence: false,
  write_presence: false,
}

/** Carries the answer, and takes back what was tried. */
const ANSWER = 'AO001'

/** Asks row level security on realtime.messages; who has no right to anything, or a database without it, gives none. */
export async function rightsOn(topic: string, caller: Caller, database: Database): Promise<Rights> {
  const args = [topic, caller.role, caller.claims].map(literal).join(',')
  try {
    await call(database, { caller: SERVICE, sql: `select ticketing.channel_rights(${args})` })
  } catch (error) {
    const sql = sqlErrorOf(error)
    if (sql === undefined) throw error
    if (sql.code === ANSWER) return { ...NO_RIGHTS, ...(JSON.parse(sql.detail ?? '{}') as Partial<Rights>) }
  }
  return NO_RIGHTS
}
