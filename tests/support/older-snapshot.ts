import type pg from 'pg'
import { overlap } from '../../src/proof/interleaving/overlap.ts'
import type { Caller } from './callers.ts'
import type { TestDatabase } from './database.ts'

const LEVELS = ['read committed', 'repeatable read', 'serializable'] as const
/** When the late writer writes: the first has committed, or has not. Its snapshot is older both times. */
const ORDERS = ['after', 'beside'] as const

export interface Moment {
  readonly level: (typeof LEVELS)[number]
  readonly comes: (typeof ORDERS)[number]
}

/** Every isolation level of the late writer, in each order. */
export const MOMENTS: readonly Moment[] = LEVELS.flatMap((level) => ORDERS.map((comes) => ({ level, comes })))

interface Pair<Writer, Stand> {
  readonly name: string
  readonly stand: Stand
  readonly first: readonly [name: string, writer: Writer]
  readonly late: readonly [name: string, writer: Writer]
}

/** Every writer of a stand, then every other of it, itself too. */
export function pairsOf<Writer, Stand extends { readonly writers: Readonly<Record<string, Writer>> }>(
  stands: Readonly<Record<string, Stand>>,
): readonly Pair<Writer, Stand>[] {
  return Object.entries(stands).flatMap(([what, stand]) => {
    const writers = Object.entries(stand.writers)
    return writers.flatMap((first) =>
      writers.map((late) => ({ name: `${what}: ${first[0]}, then ${late[0]}`, stand, first, late })),
    )
  })
}

export type Writing = readonly [caller: Caller, sql: string]
export type End = 'written' | 'refused' | 'retry'

/** Told to retry, one does: with a snapshot of its own. */
export function writeAgain(
  db: TestDatabase,
  pair: readonly [pg.Client, pg.Client],
  writing: Writing,
): Promise<unknown> {
  return writeLate(db, pair, { level: 'read committed', comes: 'after' }, [null, 'select 1'], writing)
}

/** One writes; the other, whose snapshot is from before that, does then. What became of each. */
export async function writeLate(
  db: TestDatabase,
  pair: readonly [pg.Client, pg.Client],
  { level, comes }: Moment,
  first: Writing,
  late: Writing,
): Promise<readonly [first: End, late: End]> {
  await pair[1].query(`begin isolation level ${level}`)
  await pair[1].query('select count(*) from ticketing.migrations')
  if (comes === 'after') return inTurn(pair, first, late)
  const [end, lateEnd] = await overlap(
    db,
    pair,
    (client) => work(client, first),
    (client) => write(client, late),
  )
  return [end, lateEnd]
}

async function inTurn(
  [one, two]: readonly [pg.Client, pg.Client],
  first: Writing,
  late: Writing,
): Promise<readonly [End, End]> {
  await one.query('begin')
  const end = await work(one, first)
  await one.query('commit')
  return [end, await write(two, late)]
}

/** A writer's work in a transaction that is open and has its snapshot. */
async function work(client: pg.Client, [caller, sql]: Writing): Promise<End> {
  const claims = JSON.stringify({ role: caller?.role, sub: caller?.userId })
  await client.query(`select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`, [
    caller?.role ?? 'none',
    claims,
  ])
  const { rows } = await client.query<{ answer?: { success: boolean } }>(sql)
  return rows[0]?.answer?.success === false ? 'refused' : 'written'
}

/** As {@link work}, and its end. */
async function write(client: pg.Client, writing: Writing): Promise<End> {
  try {
    const end = await work(client, writing)
    await client.query('commit')
    return end
  } catch (error) {
    await client.query('rollback')
    const { code } = error as { code?: string }
    if (code === '40001') return 'retry'
    if (code === '23514' || code === '23505') return 'refused'
    throw error
  }
}
