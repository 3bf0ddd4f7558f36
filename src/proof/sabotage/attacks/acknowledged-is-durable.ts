import { makeFixture } from '../../fixtures/fixtures.ts'
import type { RunDatabase } from '../../run-databases.ts'
import { type AttackResult, countAttempts } from '../attack.ts'

const HOLDS = 50

/**
 * Write-ahead log: what a caller was told stands in it on disk. Asked after each answer, by a session that waits for nothing; what
 * is not there yet, a kill -9 of the database takes away.
 */
export async function forget(database: RunDatabase): Promise<AttackResult> {
  const { client } = database
  const attempts = countAttempts()
  const { tierId } = await makeFixture(client, 'ticketing-flow', { stock: HOLDS })
  const [witness] = await database.connect(1)
  for (let hold = 0; hold <= HOLDS; hold++) {
    const answer = await attempts.verb(
      client,
      `select reserve_tickets_atomically($1, 1)
      || jsonb_build_object('written_until', pg_current_wal_insert_lsn()) as answer`,
      [tierId],
    )
    if (answer?.success !== true) continue
    const flushed = await witness?.query<{ until: string; yes: boolean }>(
      'select pg_current_wal_flush_lsn()::text as until, pg_current_wal_flush_lsn() >= $1::pg_lsn as yes',
      [(answer as { written_until?: string }).written_until],
    )
    if (flushed?.rows[0]?.yes === false)
      attempts.addContradiction({ answer, onDiskUntil: flushed.rows[0].until })
  }
  return attempts.result()
}
