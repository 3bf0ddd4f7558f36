import { createHash } from 'node:crypto'
import type pg from 'pg'
import type { TestDatabase } from './database.ts'

/** What an online gate is told. */
export interface OnlineScan {
  readonly success: boolean
  readonly already_scanned: boolean
  readonly scanned_at: string | null
  readonly error_message: string | null
}

/** What a gate is told about a scan that it made without network. */
export interface OfflineScan {
  readonly ticket_id: string | null
  readonly success: boolean
  readonly conflict_resolved: boolean
  readonly already_scanned: boolean
  readonly scanned_at: string | null
  readonly scanned_by: string | null
  readonly clock_suspect: boolean
  readonly disbelieved: readonly string[]
  readonly error: string | null
  readonly message: string | null
}

export interface Synced {
  readonly success: boolean
  readonly error?: string
  readonly results?: readonly OfflineScan[]
}

export interface GateList {
  readonly success: boolean
  readonly error?: string
  readonly cursor: string
  readonly full: boolean
  readonly event: Readonly<Record<string, string>>
  readonly tickets: Readonly<Record<'valid' | 'used' | 'gone', string>>
}

export interface Double {
  readonly ticket_id: string
  readonly status: string
  readonly counted: DoubleScan | null
  readonly other: DoubleScan
}

interface DoubleScan {
  readonly device_id: string | null
  readonly scanned_at: string
  readonly claimed_at: string | null
  readonly error_code: string | null
  readonly clock_suspect: boolean
}

const only = async <T>(client: pg.Client, sql: string, values: readonly unknown[]): Promise<T> =>
  Object.values((await client.query(sql, [...values])).rows[0] ?? {})[0] as T

export const scanOnline = (client: pg.Client, ticketId: string, device: string) =>
  only<OnlineScan>(client, 'select to_jsonb(s) from ticketing.scan_ticket_atomic($1, null, $2) s', [
    ticketId,
    device,
  ])

/** What an online gate reads from validate_qr. */
export interface Validated {
  readonly success: boolean
  readonly outcome?: string
  readonly error?: string
  readonly details: Readonly<Record<string, string | undefined>>
}

const PRESENTED = createHash('sha256').update('what was read').digest('hex')

export const validate = (client: pg.Client, businessId: string, scan: object) =>
  only<Validated>(client, 'select ticketing.validate_qr($1)', [
    { business_id: businessId, presented: PRESENTED, ...scan },
  ])

export const syncOne = (client: pg.Client, ticketId: string, at: string, device: string) =>
  only<OfflineScan>(client, 'select to_jsonb(s) from ticketing.sync_offline_scan($1, null, $2, $3) s', [
    ticketId,
    at,
    device,
  ])

export const sync = (client: pg.Client, scans: readonly object[], businessId: string | null = null) =>
  only<Synced>(client, 'select ticketing.sync_offline_scans($1, $2)', [JSON.stringify(scans), businessId])

export const gateList = (client: pg.Client, event: string, since: string | null = null) =>
  only<GateList>(client, 'select ticketing.gate_list($1, $2)', [event, since])

export async function doublesOf(db: TestDatabase, eventId: string): Promise<readonly Double[]> {
  return db.rows<Double & pg.QueryResultRow>('select * from ticketing.double_admissions($1)', [eventId])
}

/** Characters of a ticket in a gate's list. */
const ENTRY_LENGTH = 11

/** A ticket as a gate's list has it, computed as a gate computes it. */
export function entryOf(code: string): string {
  return createHash('sha256').update(code).digest().subarray(0, 8).toString('base64url')
}

export function entriesOf(list: string): string[] {
  return list.match(new RegExp(`.{${ENTRY_LENGTH}}`, 'g')) ?? []
}

/** What a gate keeps: its tickets by entry, and where it goes on. Applies a list over it, as a gate does. */
export function applyList(kept: Map<string, string>, list: GateList): void {
  if (list.full) kept.clear()
  for (const [state, entries] of Object.entries(list.tickets))
    for (const entry of entriesOf(entries)) kept.set(entry, state)
}

/** What every gate's list should say right now. */
export async function truth(db: TestDatabase, eventId: string): Promise<ReadonlyMap<string, string>> {
  const rows = await db.rows<{ qr_code: string; status: string }>(
    'select qr_code, status from tickets where event_id = $1',
    [eventId],
  )
  return new Map(
    rows.map(({ qr_code, status }) => [
      entryOf(qr_code),
      status === 'valid' || status === 'used' ? status : 'gone',
    ]),
  )
}
