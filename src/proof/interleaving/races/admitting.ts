import { type Call, ISOLATION_LEVELS, type Race } from '../race.ts'
import { firstValue, freeTicket, sellTicket, session } from './world.ts'

const ADMITTED = ['admitted-once']

export const ADMITTING: readonly Race[] = [
  {
    name: 'two gates',
    story: 'One code at two gates: one opens.',
    guarantees: ADMITTED,
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { eventId, businessId, staffId }) => {
      const { id, qr_code } = await freeTicket(client, eventId)
      return {
        sessions: [session('gate 1', validate(businessId, qr_code)), session('gate 2', checkIn(id, staffId))],
      }
    },
    ends: ['ADMITTED | ALREADY_USED', 'ALREADY_USED | success'],
  },
  {
    name: 'three gates',
    story: 'One code at three gates, read in three ways: one opens.',
    guarantees: ADMITTED,
    isolations: ['read committed'],
    prepare: async (client, { eventId, businessId, staffId }) => {
      const { id, qr_code } = await freeTicket(client, eventId)
      return {
        sessions: [
          session('gate 1', validate(businessId, qr_code)),
          session('gate 2', checkIn(id, staffId)),
          session('gate 3', {
            name: 'scan_ticket_atomic',
            sql: 'select to_jsonb(s) from scan_ticket_atomic($1, $2) s',
            values: [id, staffId],
            told: toldByScan,
          }),
        ],
      }
    },
    ends: [
      'ADMITTED | ALREADY_USED | ALREADY_USED',
      'ALREADY_USED | success | ALREADY_USED',
      'ALREADY_USED | ALREADY_USED | ADMITTED',
    ],
  },
  {
    name: 'scan undone while another is brought',
    story:
      'Staff undo a scan while a gate without network brings an earlier one: the ticket counts one entry at most.',
    guarantees: ADMITTED,
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { eventId, staffId }) => {
      const { ticketId } = await sellTicket(client, eventId)
      const scannedAt = await firstValue<string>(
        client,
        `select atomic_ticket_checkin($1, $2) ->> 'checked_in_at'`,
        [ticketId, staffId],
      )
      return {
        sessions: [
          session('manager', {
            name: 'undo_scan',
            sql: `select ticketing.undo_scan('ticket', $1, 'mistake', p_scanned_at => $2)`,
            values: [ticketId, scannedAt],
          }),
          session('gate', {
            name: 'sync_offline_scan',
            sql: `select to_jsonb(s) from sync_offline_scan($1, $2, now() - interval '1 minute', 'gate 2') s`,
            values: [ticketId, staffId],
            told: toldByScan,
          }),
        ],
        stands: { sql: `select 'ticket ' || status from tickets where id = $1`, values: [ticketId] },
      }
    },
    ends: ['success | ADMITTED → ticket used', 'success | ALREADY_USED → ticket used'],
  },
]

function validate(business_id: string, code: string): Call {
  return {
    name: 'validate_qr',
    sql: 'select ticketing.validate_qr($1)',
    values: [{ business_id, code, device_id: 'gate 1' }],
  }
}

function checkIn(ticketId: string, staffId: string): Call {
  return {
    name: 'atomic_ticket_checkin',
    sql: 'select atomic_ticket_checkin($1, $2)',
    values: [ticketId, staffId],
  }
}

interface ScanRow {
  readonly success: boolean
  readonly already_scanned: boolean
  readonly error_message: string | null
}

function toldByScan(answer: unknown): string {
  const { success, already_scanned, error_message } = answer as ScanRow
  return success ? 'ADMITTED' : already_scanned ? 'ALREADY_USED' : (error_message ?? 'no reason')
}
