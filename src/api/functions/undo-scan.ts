import { z } from 'zod'
import { DEVICE_ID_LENGTH_MAX, REFUND_REASON_LENGTH_MAX, SCAN_ID_LENGTH_MAX } from '../../core/limits.ts'
import { moment } from '../../desk/answers.ts'
import { type Opening, undoScan as undo } from '../../desk/scans.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, refusalIn } from './contract.ts'
import { parseJson, text } from './requests.ts'

const body = z
  .strictObject({
    ticketId: z.guid().optional(),
    claimId: z.guid().optional(),
    bookingId: z.guid().optional(),
    scanId: text(SCAN_ID_LENGTH_MAX).optional(),
    deviceId: text(DEVICE_ID_LENGTH_MAX).optional(),
    scannedAt: z.iso.datetime({ offset: true }).optional(),
    reason: text(REFUND_REASON_LENGTH_MAX),
  })
  .refine(({ ticketId, claimId, bookingId }) => [ticketId, claimId, bookingId].filter(Boolean).length === 1, {
    path: ['ticketId'],
    message: 'one of ticketId, claimId and bookingId is needed',
  })
  .refine(({ scanId, scannedAt }) => scanId !== undefined || scannedAt !== undefined, {
    path: ['scanId'],
    message: 'scanId or scannedAt is needed: which scan is meant',
  })

const opening = z.object({
  scannedAt: moment,
  scannedBy: z.guid().nullable(),
  deviceId: z.string().nullable(),
})

const answer = z.object({
  success: z.literal(true),
  qrType: z.enum(['ticket', 'claim', 'booking']),
  id: z.guid(),
  status: z.string(),
  undone: opening,
  counted: opening.nullable(),
  replayed: z.boolean(),
})

/**
 * Takes back a scan that was a mistake, so that the ticket, claim or booking admits again; for who scanned it, and for owners and managers,
 * within `settings.undo_window`. Takes one of `ticketId`, `claimId` and `bookingId` (`details.id` of the scan's answer), `reason`, and
 * `scanId` or `scannedAt` (`details.checkedInAt`): that very scan, so that a call that is sent again undoes no later one; `deviceId` tells
 * gates apart whose ids are the same. Where another scan opened a gate besides, that one counts from then on (`counted`). A field that it does not know is refused by its name.
 */
export const undoScan: EdgeFunction = {
  methods: ['POST'],
  needs: 'user',
  lane: undo.definition.lane,
  body,
  answer,
  refusals: undo.definition.refusals,
  handle,
}

async function handle(request: Request, { database, caller }: FunctionContext): Promise<Reply> {
  const { ticketId, claimId, bookingId, scanId, deviceId, scannedAt, reason } = await parseJson(request, body)
  const undone = await undo(database, caller, {
    kind: ticketId ? 'ticket' : claimId ? 'claim' : 'booking',
    id: ticketId ?? claimId ?? bookingId ?? '',
    reason,
    scan_id: scanId,
    device_id: deviceId,
    scanned_at: scannedAt,
  })
  if (!undone.success) throw refusalIn(undone)
  const shown: z.output<typeof answer> = {
    success: true,
    qrType: undone.kind,
    id: undone.id,
    status: undone.status,
    undone: openingOf(undone.undone),
    counted: undone.counted === null ? null : openingOf(undone.counted),
    replayed: undone.replayed,
  }
  return json(200, shown)
}

function openingOf({ scanned_at, scanned_by, device_id }: Opening): z.output<typeof opening> {
  return { scannedAt: scanned_at, scannedBy: scanned_by, deviceId: device_id }
}
