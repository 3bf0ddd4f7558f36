import { z } from 'zod'
import { PROVIDER_ID_LENGTH_MAX } from '../../core/limits.ts'
import { moment } from '../../desk/answers.ts'
import { checkoutSessionStatus as askStatus } from '../../desk/orders.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, refusalIn } from './contract.ts'
import { parseJson, text } from './requests.ts'
import { pricing } from './shown.ts'
import { BARE } from './wording.ts'

const body = z.object({ sessionId: text(PROVIDER_ID_LENGTH_MAX) })

const answer = z.object({
  status: z.enum(['pending', 'complete', 'expired']),
  orderId: z.guid(),
  orderUrl: z.string(),
  expiresAt: moment.nullable(),
  pricing,
  canExtendHold: z.boolean(),
  extended: z.boolean(),
})

/**
 * How far a checkout is, for whoever knows its `sessionId`; a buyer with under four minutes left gets ten more, once (both
 * are settings).
 */
export const checkoutSessionStatus: EdgeFunction = {
  methods: ['POST'],
  body,
  answer,
  refusals: askStatus.definition.refusals,
  wording: BARE,
  handle,
}

async function handle(request: Request, { database, caller, publicUrl }: FunctionContext): Promise<Reply> {
  const { sessionId } = await parseJson(request, body)
  const asked = await askStatus(database, caller, { session_id: sessionId, public_url: publicUrl })
  if (!asked.success) throw refusalIn(asked)
  const shown: z.output<typeof answer> = {
    status: asked.status,
    orderId: asked.order_id,
    orderUrl: asked.order_url,
    expiresAt: asked.expires_at,
    pricing: {
      subtotalCents: asked.subtotal_cents,
      feesCents: asked.fees_cents,
      totalCents: asked.total_cents,
      currency: asked.currency,
    },
    canExtendHold: asked.can_extend_hold,
    extended: asked.extended,
  }
  return json(200, shown)
}
