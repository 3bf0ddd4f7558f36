import { z } from 'zod'
import { decodeToken, plainCode } from '../../core/code-token.ts'
import { OFFLINE_SCANS_MAX } from '../../core/limits.ts'
import { type OfflineResult, syncOfflineScans as record } from '../../desk/scans.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, Refusal, refusalIn } from './contract.ts'
import { deviceId, parseJson, scanId, shownCode, text } from './requests.ts'
import { digestOf } from './validate-qr.ts'

const BODY_BYTES_MAX = 256 * 1024

const FIELD_LENGTH_MAX = 100

/** Read by the database, scan by scan: one that cannot be read keeps no other from being recorded. */
const perScan = text(FIELD_LENGTH_MAX).nullish().catch('unreadable')

/** The gate has opened: a name that cannot be kept keeps no entry from being told. */
const scan = z
  .object({
    code: shownCode.nullish().catch('unreadable'),
    ticketId: perScan,
    scannedAt: perScan,
    scannedBy: perScan,
    deviceId: deviceId.catch(null),
    scanId: scanId.catch(null),
  })
  .catch({ deviceId: null, scanId: null })

const body = z.object({ businessId: z.guid(), scans: z.array(scan).min(1).max(OFFLINE_SCANS_MAX) })

/**
 * Records what a gate scanned without network, 1 to 500 scans in any order, sent as often as it likes; for staff of the business. The
 * earliest scan of a ticket wins. Signatures are not asked for: the gate has opened already, and what counts is whose code it was. A
 * `scanId` that was sent to validate-qr, whose answer was lost, is that same scan. Every entry too many is in `double_admissions`.
 */
export const syncOfflineScans: EdgeFunction = {
  methods: ['POST'],
  lane: record.definition.lane,
  bodyBytesMax: BODY_BYTES_MAX,
  handle,
}

async function handle(request: Request, { database, caller }: FunctionContext): Promise<Reply> {
  if (caller.role === 'anon') throw new Refusal('UNAUTHORIZED')
  const { businessId, scans } = await parseJson(request, body, BODY_BYTES_MAX)
  const answer = await record(database, caller, {
    business_id: businessId,
    scans: scans.map(({ code, ticketId, scannedAt, deviceId, scannedBy, scanId }) => ({
      ...(code ? { code: codeIn(code.trim()), presented: digestOf(code) } : {}),
      ticket_id: ticketId,
      scanned_at: scannedAt,
      device_id: deviceId,
      scanned_by: scannedBy,
      scan_id: scanId,
    })),
  })
  if (!answer.success) throw refusalIn(answer)
  return json(200, { success: true, results: answer.results.map(resultOf) })
}

/** The ticket's code in a token or as it was typed; where it is something else's, what no ticket has. */
function codeIn(shown: string): string {
  const token = decodeToken(shown)
  return plainCode(shown) ?? (token?.kind === 'ticket' ? token.code : '')
}

function resultOf(result: OfflineResult): object {
  return {
    ticketId: result.ticket_id,
    success: result.success,
    conflictResolved: result.conflict_resolved,
    alreadyScanned: result.already_scanned,
    scannedAt: result.scanned_at,
    scannedBy: result.scanned_by,
    clockSuspect: result.clock_suspect,
    error: result.error,
    message: result.message,
  }
}
