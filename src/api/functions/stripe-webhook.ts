import { z } from 'zod'
import { BODY_BYTES_MAX } from '../../core/capacity.ts'
import { PROVIDER_EVENT_TYPE_LENGTH_MAX, PROVIDER_ID_LENGTH_MAX } from '../../core/limits.ts'
import { readable } from '../../core/readable.ts'
import { SERVICE } from '../../desk/callers.ts'
import { receiveWebhook } from '../../desk/webhooks.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, Refusal, readText, refusalIn } from './contract.ts'
import { BARE } from './wording.ts'

/** Ids inside are opaque text; more is not asked of an event. */
const eventSchema = z.object({
  id: z.string().min(1).max(PROVIDER_ID_LENGTH_MAX),
  type: z.string().min(1).max(PROVIDER_EVENT_TYPE_LENGTH_MAX),
  data: z.object({ object: z.record(z.string(), z.unknown()) }),
})

const answer = z.object({
  received: z.literal(true),
  eventType: z.string(),
  duplicate: z.literal(true).optional(),
})

/**
 * Takes what the provider reports. The signature is all that lets a request in; the event's id alone decides whether it was
 * seen. What cannot be read of an event is left out, and the rest kept: it would be sent again for days. What the database is too busy for is answered 503 and nothing of it is kept, so that the provider sends it again.
 */
export const stripeWebhook: EdgeFunction = {
  methods: ['POST'],
  body: eventSchema,
  answer,
  refusals: [...receiveWebhook.definition.refusals, 'INVALID_SIGNATURE', 'PAYMENT_UNAVAILABLE'],
  wording: BARE,
  lane: receiveWebhook.definition.lane,
  // Stripe's largest events are a few hundred kilobytes.
  bodyBytesMax: BODY_BYTES_MAX,
  // Before anything is read.
  greet: (request, { payments }) => {
    if (payments === undefined) throw new Refusal('PAYMENT_UNAVAILABLE', 'This server takes no payments.')
    if (!SIGNATURE.test(request.headers.get('stripe-signature') ?? '')) throw new Refusal('INVALID_SIGNATURE')
  },
  // Before a place is taken: who cannot sign keeps no event out. The handler reads the event again, as a check gives nothing on.
  check: async (request, context) => void (await eventOf(request, context)),
  handle,
}

async function handle(request: Request, context: FunctionContext): Promise<Reply> {
  const { database } = context
  const event = await eventOf(request, context)
  const received = await receiveWebhook(database, SERVICE, { event })
  if (!received.success) throw refusalIn(received)
  const shown: z.output<typeof answer> = {
    received: true,
    eventType: received.event_type,
    ...(received.duplicate ? { duplicate: true } : {}),
  }
  return json(200, shown)
}

async function eventOf(request: Request, { payments }: Pick<FunctionContext, 'payments'>): Promise<object> {
  if (payments === undefined) throw new Refusal('PAYMENT_UNAVAILABLE', 'This server takes no payments.')
  const body = await readText(request, BODY_BYTES_MAX)
  const event = await payments.readEvent(body, request.headers.get('stripe-signature'))
  if (event === undefined) throw new Refusal('INVALID_SIGNATURE')
  const kept = readable(event)
  const parsed = eventSchema.safeParse(kept)
  if (!parsed.success) throw new Refusal('INVALID_REQUEST', 'an event has an id, a type and data.object')
  return kept as object
}

/** As Stripe writes it: a time, and signatures of the scheme v1 among others. Anchored: else each place is a start (quadratic). */
const SIGNATURE = /^(?=.*(?:^|,)\s*t=\d+)(?=.*(?:^|,)\s*v1=[\da-f]{64}(?:,|$))/i
