import { createHash } from 'node:crypto'
import { z } from 'zod'
import { plainCode } from '../../core/code-token.ts'
import { minorUnits } from '../../core/currencies.ts'
import { validateQr as judge } from '../../desk/scans.ts'
import type { CodeSigner } from '../code-signer.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, refusalIn } from './contract.ts'
import { deviceId, idempotencyKeyOf, named, parseJson, scanId, shownCode } from './requests.ts'
import { scanMessage } from './scan-messages.ts'

const LANGUAGE_LENGTH_MAX = 35

const body = z.object({
  qrData: shownCode.min(1),
  businessId: z.guid(),
  language: z.string().max(LANGUAGE_LENGTH_MAX).nullish(),
  eventId: named.nullish(),
  deviceId,
  scanId,
})

/**
 * Judges what a gate has read, a signed token or a plain code, and lets in what admits, once; for staff of the business.
 * With `eventId`, the id or slug of the event at whose gate it is, a ticket of another event of the house is `WRONG_EVENT`: the message and
 * the details name its own, and nothing is used. Claims and bookings are the house's, at whatever gate.
 *
 * A `scanId` that the device draws for each opening (or an `Idempotency-Key`, which means the same) tells a scan whose answer was
 * lost from another one: sent again it is the same scan, and gets the same answer.
 */
export const validateQr: EdgeFunction = {
  methods: ['POST'],
  needs: 'user',
  lane: judge.definition.lane,
  handle,
}

async function handle(request: Request, { database, caller, codes }: FunctionContext): Promise<Reply> {
  const { qrData, businessId, language, eventId, deviceId, scanId } = await parseJson(request, body)
  const shown = qrData.trim()
  const scan = { ...(await readCode(shown, codes)), presented: digestOf(shown) }
  const answer = await judge(database, caller, {
    scan: {
      ...scan,
      business_id: businessId,
      event: eventId,
      device_id: deviceId,
      scan_id: scanId ?? idempotencyKeyOf(request),
    },
  })
  if (!answer.success) throw refusalIn(answer)
  const { outcome, qr_type: qrType } = answer
  const details = detailsOf(answer.details)
  const message = scanMessage(outcome, language, String(answer.details['event_title'] ?? ''))
  if (outcome === 'ADMITTED') return json(200, { success: true, outcome, message, qrType, details })
  const alreadyUsed = outcome === 'ALREADY_USED'
  return json(200, { success: false, outcome, message, qrType, alreadyUsed, details })
}

/** A token's own words where its signature holds. Another server may have registered its key a moment ago. */
async function readCode(text: string, codes: CodeSigner): Promise<object> {
  const code = plainCode(text)
  if (code !== undefined) return { code }
  let reading = codes.read(text)
  if (!reading.ok && reading.reason !== 'MALFORMED') {
    await codes.reload()
    reading = codes.read(text)
  }
  if (!reading.ok) return { problem: reading.reason }
  const { kind, kid, scope } = reading
  return { kind, kid, scope, code: reading.code }
}

/** How a code that is nothing of ours is kept: enough to recognise it, too little to use it. */
export function digestOf(shown: string): string {
  return createHash('sha256').update(shown.trim()).digest('hex')
}

/** As callers of functions spell names; the price in the currency's major units too. */
function detailsOf({ price_cents, ...details }: Readonly<Record<string, unknown>>): object {
  const entries = Object.entries(details).map(([name, value]) => [camelCase(name), value])
  return { ...Object.fromEntries(entries), ...priceOf(price_cents, details['currency']) }
}

function priceOf(cents: unknown, currency: unknown): object {
  if (typeof cents !== 'number' || typeof currency !== 'string') return {}
  return { tierPrice: cents / minorUnits(currency), tierPriceCents: cents }
}

function camelCase(name: string): string {
  return name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}
