import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { openBoxOffice } from './box-office.ts'
import { type Caller, signedIn, valueAs } from './callers.ts'
import { codesOf } from './codes.ts'
import type { Shown } from './door.ts'
import { lawfulDatabase } from './lawful-office.ts'

/** A gate of a business that reads codes, and the log of what it read. */
export async function openQrGate() {
  const db = await lawfulDatabase()
  const house = await openBoxOffice(db)
  const other = await openBoxOffice(db)
  const staff = signedIn(house.staffId)
  await codesOf(db)

  const scan = (given: Scan, caller: Caller = staff, business: string | null = house.businessId) =>
    valueAs<Answer>(db.client, caller, 'select ticketing.validate_qr($1)', [
      { business_id: business, device_id: 'gate 1', presented: PRESENTED, ...given },
    ])

  /** The scan as it was logged; where it admitted, a second one is told and kept, and opens nothing. */
  async function assertOnce(column: string, shown: Shown, outcome: string): Promise<void> {
    const admitted = outcome === 'ADMITTED'
    const log = [{ device_id: 'gate 1', scan_success: admitted, error_code: admitted ? null : outcome }]
    assert.deepEqual(await logOf(column, shown.id), log)
    if (!admitted) return
    const again = await scan(plain(shown))
    assert.equal(again.outcome, 'ALREADY_USED')
    assert.ok(again.details?.['checked_in_at'])
    assert.deepEqual(
      (await logOf(column, shown.id)).map((row) => row['scan_success']),
      [true, false],
    )
  }

  const logOf = (column: string, id: string) =>
    db.rows<Record<string, unknown>>(
      `select device_id, scan_success, error_code from scan_logs where ${column} = $1 order by recorded_at, id`,
      [id],
    )

  return { db, house, other, staff, scan, assertOnce, logOf }
}

export interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly outcome?: string
  readonly qr_type?: string
  readonly details?: Readonly<Record<string, unknown>>
  readonly results?: readonly { readonly error: string | null }[]
}

export type Scan = Readonly<Record<string, unknown>>

export const PRESENTED = createHash('sha256').update('what was read').digest('hex')

export const plain = ({ code }: Shown): Scan => ({ code })
const scopeOf = (id: string) => createHash('sha256').update(id).digest('hex').slice(0, 8)
export const signed = ({ code, scopeId }: Shown, kind: string): Scan => ({
  code,
  kind,
  kid: 1,
  scope: scopeOf(scopeId),
})
export const UNKNOWN = { success: true, outcome: 'UNKNOWN', qr_type: 'unknown', details: {} }
