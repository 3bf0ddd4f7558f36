import { z } from 'zod'
import { OFFLINE_SCANS_MAX } from '../../core/limits.ts'
import { readShown } from '../../core/shown-code.ts'
import { type OfflineResult, syncOfflineScans as record } from '../../desk/scans.ts'
import type { CodeSigner, Tries } from '../code-signer.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, refusalIn } from './contract.ts'
import { parseJson } from './requests.ts'
import { oddNames, told } from './told.ts'
import { digestOf } from './validate-qr.ts'

const BODY_BYTES_MAX = 1024 * 1024

const body = z.object({
  businessId: z.guid(),
  eventId: z.unknown().optional(),
  /** Each is read field by field: one that is odd keeps no other from being recorded. */
  scans: z.array(z.unknown()).min(1).max(OFFLINE_SCANS_MAX),
})

/**
 * Records what a gate scanned without network, 1 to 500 scans in any order, sent as often as it likes; for staff of the business. The
 * earliest scan of a ticket wins. `eventId`, of the list or of a scan, is the event at whose gate it was (id or slug): a ticket of another
 * one is kept and reported, and stays good. Whatever names a ticket is kept: a scan without a time that can be read counts as of now, one
 * by somebody who does not work there is the bearer's, and `disbelieved` lists such fields. Signatures are not asked for: the gate has
 * opened already, and what counts is whose code it was. A `scanId` that was sent to validate-qr, whose answer was lost, is that same scan. Every entry too many is in `double_admissions`.
 */
export const syncOfflineScans: EdgeFunction = {
  methods: ['POST'],
  needs: 'user',
  lane: record.definition.lane,
  bodyBytesMax: BODY_BYTES_MAX,
  handle,
}

async function handle(request: Request, { database, caller, codes }: FunctionContext): Promise<Reply> {
  const { businessId, eventId, scans } = await parseJson(request, body, BODY_BYTES_MAX)
  const sent = scans.map(fieldsOf)
  const read = readerOf(codes)
  const answer = await record(database, caller, {
    business_id: businessId,
    scans: sent.map((fields) => toldScan(fields, told(eventId), read)),
  })
  if (!answer.success) throw refusalIn(answer)
  const results = answer.results.map((result, at) => resultOf(result, oddNames(sent[at] ?? {})))
  return json(200, { success: true, results })
}

type Fields = Readonly<Record<string, unknown>>

/** Of a list, a word or nothing, no field is told. */
function fieldsOf(scan: unknown): Fields {
  return scan !== null && typeof scan === 'object' ? (scan as Fields) : {}
}

/**
 * A scan as the database reads it. The gate has opened, so nothing that is told of it keeps it from being recorded; the database says
 * of each field whether it is believed.
 */
function toldScan(fields: Fields, gateEvent: string | null, read: (text: string) => string): object {
  const code = told(fields['code'])
  return {
    ...(code === null ? {} : { code: read(code), presented: digestOf(code) }),
    ticket_id: told(fields['ticketId']),
    scanned_at: told(fields['scannedAt']),
    device_id: told(fields['deviceId']),
    scanned_by: told(fields['scannedBy']),
    event: told(fields['eventId']) ?? gateEvent,
    scan_id: told(fields['scanId']),
  }
}

/** The ticket's code in what was read or typed; where it is something else's, what no ticket has, where it is none, nothing. */
function readerOf(codes: CodeSigner): (text: string) => string {
  const tries: Tries = { left: TRIES_MAX }
  return (text) => {
    const shown = readShown(text)
    if (shown.kind === 'plain') return shown.code
    // Only a signature knows what a keyboard made of a code.
    const asks = tries.left > 0 && shown.mistyped().length > 0
    const reading = asks ? codes.read(shown, tries) : undefined
    const read = reading?.ok ? reading : shown.token
    if (read === undefined) return shown.kind === 'unreadable' ? '' : NOBODYS_CODE
    return read.kind === 'ticket' ? read.code : NOBODYS_CODE
  }
}

const NOBODYS_CODE = '0'.repeat(32)

/** Of one request: a gate whose keyboard garbles codes needs one or two a scan, a stranger may send what needs five. */
const TRIES_MAX = 3 * OFFLINE_SCANS_MAX

/** As callers of functions spell names. */
const SPELLED: Readonly<Record<string, string>> = {
  scanned_at: 'scannedAt',
  scanned_by: 'scannedBy',
  ticket_id: 'ticketId',
  event: 'eventId',
}

function resultOf(result: OfflineResult, odd: readonly string[]): object {
  return {
    ticketId: result.ticket_id,
    success: result.success,
    conflictResolved: result.conflict_resolved,
    alreadyScanned: result.already_scanned,
    scannedAt: result.scanned_at,
    scannedBy: result.scanned_by,
    clockSuspect: result.clock_suspect,
    disbelieved: [...result.disbelieved.map((field) => SPELLED[field] ?? field), ...odd],
    error: result.error,
    message: result.message,
    ...(result.event === undefined
      ? {}
      : { event: { id: result.event.id, title: result.event.title, startAt: result.event.start_at } }),
  }
}
