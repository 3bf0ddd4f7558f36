import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { BODY_BYTES_MAX } from '../../core/capacity.ts'
import type { DecodedToken } from '../../core/code-token.ts'
import { OFFLINE_SCANS_MAX } from '../../core/limits.ts'
import { readShown } from '../../core/shown-code.ts'
import { moment } from '../../desk/answers.ts'
import { type OfflineResult, syncOfflineScans as record } from '../../desk/scans.ts'
import type { CodeSigner } from '../code-signer.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, refusalIn } from './contract.ts'
import { parseJson } from './requests.ts'
import { oddNames, storableText, TOLD } from './scan-fields.ts'
import { digestOf } from './validate-qr.ts'

/** What a gate tells of a scan, as JSON Schema says it. */
const SCAN = {
  type: 'object',
  properties: Object.fromEntries(
    ['code', 'ticketId', 'scannedAt', 'deviceId', 'scannedBy', 'eventId', 'scanId'].map((field) => [
      field,
      TOLD,
    ]),
  ),
} as const

const body = z.object({
  businessId: z.guid(),
  eventId: z.unknown().meta(TOLD).optional(),
  /** Each is read field by field: one that is odd keeps no other from being recorded. */
  scans: z.array(z.unknown().meta(SCAN)).min(1).max(OFFLINE_SCANS_MAX),
})

/** One a scan, in their order. */
const result = z.object({
  ticketId: z.guid().nullable(),
  success: z.boolean(),
  conflictResolved: z.boolean(),
  alreadyScanned: z.boolean(),
  scannedAt: moment.nullable(),
  scannedBy: z.guid().nullable(),
  clockSuspect: z.boolean(),
  disbelieved: z.array(z.string()),
  error: z.string().nullable(),
  message: z.string().nullable(),
  /** With WRONG_EVENT: which event the ticket is of. */
  event: z.object({ id: z.guid(), title: z.string(), startAt: moment }).optional(),
})

const answer = z.object({ success: z.literal(true), results: z.array(result) })

/**
 * Records what a gate scanned without network, 1 to 500 scans in any order, sent as often as it likes; for staff of the business. The
 * earliest scan of a ticket wins. `eventId`, of the list or of a scan, is the event at whose gate it was (id or slug): a ticket of another
 * one is kept and reported, and stays good. Whatever names a ticket is kept: a scan without a time that can be read counts as of now, one
 * by somebody who does not work there is the bearer's, and `disbelieved` lists such fields. Signatures are not asked for: the gate has
 * opened already, and what counts is whose code it was. A `scanId` that was sent to validate-qr, whose answer was lost, is that same scan.
 * Every entry too many is in `double_admissions`.
 */
export const syncOfflineScans: EdgeFunction = {
  methods: ['POST'],
  needs: 'user',
  lane: record.definition.lane,
  bodyBytesMax: BODY_BYTES_MAX,
  body,
  answer,
  refusals: record.definition.refusals,
  handle,
}

async function handle(request: Request, { database, caller, codes }: FunctionContext): Promise<Reply> {
  const { businessId, eventId, scans } = await parseJson(request, body, BODY_BYTES_MAX)
  const send = (list: readonly object[]) => record(database, caller, { business_id: businessId, scans: list })
  // Reading codes is work: who may not tell anything is refused before. Of a scan that names nothing no row is written.
  const mayTell = await send([{}])
  if (!mayTell.success) throw refusalIn(mayTell)
  const sent = scans.map(fieldsOf)
  const recorded = await send(await storableScans(sent, storableText(eventId), codes))
  if (!recorded.success) throw refusalIn(recorded)
  const results = recorded.results.map((told, at) => resultOf(told, oddNames(sent[at] ?? {})))
  return json(200, { success: true, results } satisfies z.output<typeof answer>)
}

/** Cooperative yielding: a gate that sends its evening lets those that scan now have their turn. */
async function storableScans(
  sent: readonly Fields[],
  gateEvent: string | null,
  codes: CodeSigner,
): Promise<object[]> {
  const scans: object[] = []
  for (const [at, fields] of sent.entries()) {
    if (at % SCANS_A_TURN === 0) await setImmediate()
    scans.push(storableScan(fields, gateEvent, codes))
  }
  return scans
}

const SCANS_A_TURN = 20

type Fields = Readonly<Record<string, unknown>>

/** Of a list, a word or nothing, no field is told. */
function fieldsOf(scan: unknown): Fields {
  return scan !== null && typeof scan === 'object' ? (scan as Fields) : {}
}

/**
 * A scan as the database reads it. The gate has opened, so nothing that is told of it keeps it from being recorded; the database says
 * of each field whether it is believed.
 */
function storableScan(fields: Fields, gateEvent: string | null, codes: CodeSigner): object {
  const code = storableText(fields['code'])
  return {
    ...(code === null ? {} : { ...readCode(code, codes), presented: digestOf(code) }),
    ticket_id: storableText(fields['ticketId']),
    scanned_at: storableText(fields['scannedAt']),
    device_id: storableText(fields['deviceId']),
    scanned_by: storableText(fields['scannedBy']),
    event: storableText(fields['eventId']) ?? gateEvent,
    scan_id: storableText(fields['scanId']),
  }
}

/**
 * The ticket's code in what was read or typed; where it is something else's, what no ticket has, where it is none, nothing. Where no
 * key says that it stands as it was signed, also what it was if a keyboard was at work: the key may have been revoked since, or be
 * another server's, and whose code it is the database knows as surely.
 */
function readCode(text: string, codes: CodeSigner): { code: string; mistyped?: readonly string[] } {
  const shown = readShown(text)
  if (shown.kind === 'plain') return { code: shown.code }
  const { token } = shown
  if (token !== undefined && codes.hasSigned(token)) return { code: codeOf(token) }
  const mistyped = shown.mistyped()
  const first = token ?? mistyped[0]
  const unknown = shown.kind === 'unreadable' ? '' : NOBODYS_CODE
  return { code: first === undefined ? unknown : codeOf(first), mistyped: mistyped.map(codeOf) }
}

const codeOf = ({ kind, code }: DecodedToken) => (kind === 'ticket' ? code : NOBODYS_CODE)

const NOBODYS_CODE = '0'.repeat(32)

/** As callers of functions spell names. */
const SPELLED: Readonly<Record<string, string>> = {
  scanned_at: 'scannedAt',
  scanned_by: 'scannedBy',
  ticket_id: 'ticketId',
  event: 'eventId',
}

function resultOf(told: OfflineResult, odd: readonly string[]): z.output<typeof result> {
  return {
    ticketId: told.ticket_id,
    success: told.success,
    conflictResolved: told.conflict_resolved,
    alreadyScanned: told.already_scanned,
    scannedAt: told.scanned_at,
    scannedBy: told.scanned_by,
    clockSuspect: told.clock_suspect,
    disbelieved: [...told.disbelieved.map((field) => SPELLED[field] ?? field), ...odd],
    error: told.error,
    message: told.message,
    ...(told.event === undefined
      ? {}
      : { event: { id: told.event.id, title: told.event.title, startAt: told.event.start_at } }),
  }
}
