import type pg from 'pg'
import type { TestDatabase } from '../../../tests/support/database.ts'

const WAIT_MS_MAX = 10_000

/**
 * Two calls at once, in an order that is forced: what `first` wrote is not committed yet when `second` starts, and is committed when
 * `second` waits for it or has answered: then it saw nothing of `first`. Fails where neither happens within ten seconds.
 */
export async function overlap<First, Second>(
  db: TestDatabase,
  [one, two]: readonly [pg.Client, pg.Client],
  first: (client: pg.Client) => Promise<First>,
  second: (client: pg.Client) => Promise<Second>,
): Promise<readonly [first: First, second: Second, hasWaited: boolean]> {
  await one.query('begin')
  try {
    const done = await first(one)
    let hasAnswered = false
    const answer = second(two).finally(() => {
      hasAnswered = true
    })
    // What it throws is met below.
    answer.catch(() => {})
    const hasWaited = await waits(db, () => hasAnswered)
    await one.query('commit')
    return [done, await answer, hasWaited]
  } catch (error) {
    await one.query('rollback')
    throw error
  }
}

async function waits(db: TestDatabase, hasAnswered: () => boolean): Promise<boolean> {
  const until = Date.now() + WAIT_MS_MAX
  while (!hasAnswered()) {
    const blocked = await db.value<number>(
      `select count(*)::int from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and cardinality(pg_blocking_pids(pid)) > 0`,
    )
    if (blocked > 0) return true
    if (Date.now() > until) throw new Error('the second call neither waits nor answers')
  }
  return false
}
