import type { Client } from 'pg'

/** A session that watches a database and takes no part in the race. */
export interface Observer {
  readonly client: Client
}

const WAIT_MS_MAX = 10_000

/**
 * Lock waits: returns as soon as `count` sessions of the database are blocked by another, as pg_blocking_pids() has it; a function
 * is asked each time. Fails after ten seconds.
 */
export async function untilWaiting(observer: Observer, count: number | (() => number)): Promise<void> {
  const until = Date.now() + WAIT_MS_MAX
  for (;;) {
    const waiting = await countWaiting(observer)
    const wanted = typeof count === 'number' ? count : count()
    if (waiting >= wanted) return
    if (Date.now() > until) throw new Error(`${waiting} sessions wait for a lock, not ${wanted}`)
  }
}

/** Did a session block before `isDone()`? Fails where neither happens within ten seconds. */
export async function hasBlocked(observer: Observer, isDone: () => boolean): Promise<boolean> {
  const until = Date.now() + WAIT_MS_MAX
  while (!isDone()) {
    if ((await countWaiting(observer)) > 0) return true
    if (Date.now() > until) throw new Error('the call neither waits for a lock nor answers')
  }
  return false
}

async function countWaiting({ client }: Observer): Promise<number> {
  const { rows } = await client.query<{ waiting: number }>(
    `select count(*)::int as waiting from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and cardinality(pg_blocking_pids(pid)) > 0`,
  )
  return rows[0]?.waiting ?? 0
}
