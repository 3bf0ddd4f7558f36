import type { TestDatabase } from './database.ts'

/** When the scan that counts was, of a ticket, a claim or a booking; now where none does. */
export async function countedAt(db: TestDatabase, id: string | null): Promise<string | undefined> {
  const rows = await db.rows<{ at: string }>(
    `select scanned_at::text as at from scan_logs where scan_success and $1 in (ticket_id, claim_id, reservation_id)
     union all select now()::text limit 1`,
    [id],
  )
  return rows[0]?.at
}
