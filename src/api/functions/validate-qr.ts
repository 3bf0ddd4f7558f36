import { createHash } from 'node:crypto'
import { z } from 'zod'
import { minorUnits } from '../../core/currencies.ts'
import { SCAN_OUTCOMES } from '../../core/scan-outcomes.ts'
import { readShown } from '../../core/shown-code.ts'
import { cents, currency, moment } from '../../desk/answers.ts'
import { validateQr as judge } from '../../desk/scans.ts'
import type { CodeSigner } from '../code-signer.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, refusalIn } from './contract.ts'
import { named, parseJson, shownCode } from './requests.ts'
import { oddNames, storableText, TOLD } from './scan-fields.ts'
import { isSpoken, scanMessage } from './scan-messages.ts'

/** The code is judged whatever is sent beside it. */
const body = z.object({
  qrData: shownCode.min(1),
  businessId: z.guid(),
  language: z.unknown().meta(TOLD).optional(),
  eventId: named.nullish(),
  deviceId: z.unknown().meta(TOLD).optional(),
  scanId: z.unknown().meta(TOLD).optional(),
})

/** What the door is shown of a ticket, a claim or a booking; of what is none of ours, nothing. */
const details = z.object({
  id: z.guid().optional(),
  tierName: z.string().optional(),
  /** Major units of the currency, such as 25.5; and minor ones. */
  tierPrice: z.number().optional(),
  tierPriceCents: cents.optional(),
  currency: currency.optional(),
  customerName: z.string().optional(),
  /** Masked: `a***@example.org`. */
  customerEmail: z.string().optional(),
  eventId: z.guid().optional(),
  eventTitle: z.string().optional(),
  eventStartAt: moment.optional(),
  offerTitle: z.string().optional(),
  partySize: z.int().optional(),
  date: z.iso.date().optional(),
  preferredTime: z.string().optional(),
  seatingPreference: z.string().optional(),
  specialRequests: z.string().optional(),
  checkedInAt: moment.optional(),
  checkedInDevice: z.string().optional(),
})

const answer = z.object({
  /** Whether it lets in. */
  success: z.boolean(),
  outcome: z.enum(SCAN_OUTCOMES),
  message: z.string(),
  qrType: z.enum(['ticket', 'claim', 'booking', 'unknown']),
  alreadyUsed: z.boolean().optional(),
  details,
  disbelieved: z.array(z.enum(['deviceId', 'scanId', 'language'])).optional(),
})

/**
 * Judges what a gate has read, a signed token or a plain code, and lets in what admits, once; for staff of the business. What
 * scanners and keyboards put around a code or make of it is undone; what cannot be one is `UNREADABLE`.
 * With `eventId`, the id or slug of the event at whose gate it is, a ticket of another event of the house is `WRONG_EVENT`: the message and
 * the details name its own, and nothing is used. Claims and bookings are the house's, at whatever gate.
 *
 * `disbelieved` lists what else could not be taken as it was sent: a `deviceId` is cut, a `scanId` counts as its digest, and in an
 * unknown `language` the answer is in English.
 *
 * A `scanId` that the device draws for each opening (or an `Idempotency-Key`, which means the same) tells a scan whose answer was
 * lost from another one: sent again it is the same scan, and gets the same answer.
 */
export const validateQr: EdgeFunction = {
  methods: ['POST'],
  needs: 'user',
  lane: judge.definition.lane,
  body,
  isKeyed: true,
  answer,
  refusals: judge.definition.refusals,
  handle,
}

async function handle(request: Request, { database, caller, codes }: FunctionContext): Promise<Reply> {
  const { qrData, businessId, language, eventId, deviceId, ...sent } = await parseJson(request, body)
  const scanId = sent.scanId ?? request.headers.get('idempotency-key')
  const judged = await judge(database, caller, {
    scan: {
      ...(await readCode(qrData, codes)),
      presented: digestOf(qrData),
      business_id: businessId,
      event: eventId,
      device_id: storableText(deviceId),
      scan_id: storableText(scanId),
    },
  })
  if (!judged.success) throw refusalIn(judged)
  const { outcome, qr_type: qrType } = judged
  const message = scanMessage(outcome, language, String(judged.details['event_title'] ?? ''))
  const disbelieved = [...oddNames({ deviceId, scanId }), ...(isSpoken(language) ? [] : ['language'])]
  const shown = {
    ...{ outcome, message, qrType },
    ...(outcome === 'ADMITTED' ? {} : { alreadyUsed: outcome === 'ALREADY_USED' }),
    details: detailsOf(judged.details),
    ...(disbelieved.length === 0 ? {} : { disbelieved }),
  }
  return json(200, { success: outcome === 'ADMITTED', ...shown })
}

/** A token's own words where its signature holds. Another server may have registered its key a moment ago. */
async function readCode(text: string, codes: CodeSigner): Promise<object> {
  const shown = readShown(text)
  if (shown.kind === 'plain') return { code: shown.code }
  let reading = codes.read(shown)
  if (!reading.ok && reading.mayBeNew) {
    await codes.reload()
    reading = codes.read(shown)
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
