import { z } from 'zod'
import type { ScanOutcome } from '../core/scan-outcomes.ts'
import { moment } from './answers.ts'
import { instant, json, optional, text, uuid } from './parameters.ts'
import { verb } from './verb.ts'

/** Judges what a gate has read: a ticket, a claim of an offer, or the booking of a table; lets in what admits, once. */
export const validateQr = verb('validate_qr', 'gates', { scan: json })
  .refuses('INVALID_REQUEST', 'UNAUTHORIZED', 'FORBIDDEN', 'EVENT_NOT_FOUND', 'LOCK_TIMEOUT')
  .answers<{
    readonly outcome: ScanOutcome
    readonly qr_type: 'ticket' | 'claim' | 'booking' | 'unknown'
    readonly details: Readonly<Record<string, unknown>>
  }>()

/** How a scan went; the time and the person are those of the scan that counts. */
const scanned = z.object({
  success: z.boolean(),
  already_scanned: z.boolean(),
  scanned_at: moment.nullable(),
  scanned_by: z.guid().nullable(),
  error_message: z.string().nullable(),
})

/** Admits by scan; always one row. */
export const scanTicketAtomic = verb('scan_ticket_atomic', 'gates', {
  ticket_id: uuid,
  scanned_by: uuid,
  device_id: optional(text),
  scan_method: optional(text),
  event_id: optional(uuid),
}).givesRows(scanned)

/** Admits by a member of staff. */
export const atomicTicketCheckin = verb('atomic_ticket_checkin', 'gates', {
  ticket_id: uuid,
  staff_user_id: uuid,
  event_id: optional(uuid),
})
  .refuses(
    'FORBIDDEN',
    'NOT_FOUND',
    'WRONG_EVENT',
    'ALREADY_USED',
    'INVALID_STATUS',
    'EVENT_CANCELLED',
    'TOO_EARLY',
    'TOO_LATE',
    'LOCK_TIMEOUT',
  )
  .answers(z.object({ checked_in_at: moment }))

/** Records one scan that a gate made without network; always one row. */
export const syncOfflineScan = verb('sync_offline_scan', 'gates', {
  ticket_id: uuid,
  scanned_by: uuid,
  scanned_at: instant,
  device_id: optional(text),
  event_id: optional(uuid),
}).givesRows(scanned.extend({ conflict_resolved: z.boolean() }))

/** Records what a gate scanned without network, 1 to 500 scans in any order, each judged on its own. */
export const syncOfflineScans = verb('sync_offline_scans', 'gates', {
  scans: json,
  business_id: optional(uuid),
})
  .refuses('INVALID_REQUEST', 'FORBIDDEN', 'LOCK_TIMEOUT')
  .answers<{ readonly results: readonly OfflineResult[] }>()

export interface OfflineResult {
  readonly ticket_id: string | null
  readonly success: boolean
  readonly conflict_resolved: boolean
  readonly already_scanned: boolean
  readonly scanned_at: string | null
  readonly scanned_by: string | null
  /** The gate's clock said what cannot be; the scan counts as of the nearest moment that can. */
  readonly clock_suspect: boolean
  /** Fields that could not be read or believed: the scan is kept without them. */
  readonly disbelieved: readonly string[]
  readonly error: string | null
  readonly message: string | null
  /** With `WRONG_EVENT`: which event the ticket is of. */
  readonly event?: { readonly id: string; readonly title: string; readonly start_at: string }
}

/** Takes back a scan that was a mistake: who holds the ticket, claim or booking can come in again. */
export const undoScan = verb('undo_scan', 'gates', {
  kind: text,
  id: uuid,
  reason: text,
  scan_id: optional(text),
  device_id: optional(text),
  scanned_at: optional(instant),
})
  .refuses(
    'INVALID_REQUEST',
    'NOT_FOUND',
    'NOT_SCANNED',
    'FORBIDDEN',
    'INVALID_STATUS',
    'UNDO_TOO_LATE',
    'LOCK_TIMEOUT',
  )
  .answers<{
    readonly kind: 'ticket' | 'claim' | 'booking'
    readonly id: string
    readonly status: string
    readonly undone: Opening
    /** The scan that counts now. */
    readonly counted: Opening | null
    readonly replayed: boolean
  }>()

export interface Opening {
  readonly scanned_at: string
  readonly scanned_by: string | null
  readonly device_id: string | null
}

/** What a gate needs to know about an event's tickets while it has no network: all, or what changed since a cursor. */
export const gateList = verb('gate_list', 'gates', { event: text, since: optional(text) })
  .refuses('EVENT_NOT_FOUND')
  .answers<GateList>()

export interface GateList {
  readonly event: Readonly<Record<'id' | 'title' | 'status' | 'entry_from' | 'entry_until', string>>
  readonly cursor: string
  readonly full: boolean
  readonly tickets: Readonly<Record<'valid' | 'used' | 'gone', string>>
  readonly read_at: string
}

/** One line of the log of scans. */
const scanFacts = z.object({
  id: z.guid(),
  scan_id: z.string().nullable(),
  scanned_at: moment,
  claimed_at: moment.nullable(),
  recorded_at: moment,
  scanned_by: z.guid().nullable(),
  synced_by: z.guid().nullable(),
  device_id: z.string().nullable(),
  offline: z.boolean(),
  clock_suspect: z.boolean(),
  disbelieved: z.record(z.string(), z.unknown()).nullable(),
  gate_event_id: z.guid().nullable(),
  error_code: z.string().nullable(),
})

/** Every entry that a gate without network gave and that was one too many, also where one of the two was undone. */
export const doubleAdmissions = verb('double_admissions', 'gates', { event_id: uuid }).givesRows(
  z.object({
    ticket_id: z.guid(),
    status: z.string(),
    /** The scan that counts; null where the ticket did not admit at all. */
    counted: scanFacts.nullable(),
    other: scanFacts.extend({
      undone_at: moment.optional(),
      undone_by: z.guid().optional(),
      reason: z.string().optional(),
    }),
  }),
)
