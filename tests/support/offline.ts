import { randomUUID } from 'node:crypto'
import { addTier, buyTickets, openBoxOffice } from './box-office.ts'
import { type Caller, signedIn, valueAs } from './callers.ts'
import type { OfflineScan, Synced } from './gates.ts'
import { lawfulDatabase } from './lawful-office.ts'

export const DAY_MS = 86_400_000
/** An id that no ticket has. */
export const UNKNOWN = '00000000-0000-0000-0001-000000000099'

/** Two businesses with staff, and what a gate without network hands in later. */
export async function openOfflineGate() {
  const db = await lawfulDatabase()
  const house = await openBoxOffice(db)
  const other = await openBoxOffice(db)
  const tierId = await addTier(db, house.eventId, { total: 1000 })
  const theirTier = await addTier(db, other.eventId)

  /** A ticket that was bought so many days ago. */
  async function ticket(days = 30, status = 'valid'): Promise<string> {
    const [id] = await buyTickets(db, house.eventId, tierId, 1)
    await db.rows(
      `update tickets set created_at = now() - $2 * interval '1 day', status = $3 where id = $1`,
      [id, days, status],
    )
    return String(id)
  }
  const syncAs = (caller: Caller, scans: unknown, businessId: string | null = null) =>
    valueAs<Synced>(db.client, caller, 'select ticketing.sync_offline_scans($1, $2)', [
      JSON.stringify(scans),
      businessId,
    ])
  const codeOf = (id: string) => db.value<string>('select qr_code from tickets where id = $1', [id])

  const callers = {
    staff: signedIn(house.staffId),
    stranger: signedIn(other.staffId),
    buyer: signedIn(randomUUID()),
  }
  return { db, house, other, theirTier, ...callers, ticket, syncAs, codeOf }
}

export const ago = (ms: number) => new Date(Date.now() - ms).toISOString()
export const outcomeOf = ({ success, already_scanned, error }: OfflineScan) =>
  success ? 'admitted' : already_scanned ? 'already' : error
