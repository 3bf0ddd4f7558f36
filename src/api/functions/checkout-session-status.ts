import { z } from 'zod'
import { PROVIDER_ID_LENGTH_MAX } from '../../core/limits.ts'
import { checkoutSessionStatus as askStatus } from '../../desk/orders.ts'
import { json, type Reply } from '../http.ts'
import { bareRefusal, type EdgeFunction, type FunctionContext, refusalIn } from './contract.ts'
import { parseJson, text } from './requests.ts'

const body = z.object({ sessionId: text(PROVIDER_ID_LENGTH_MAX) })

/**
 * How far a checkout is, for whoever knows its `sessionId`; a buyer with under four minutes left gets ten more, once (both
 * are settings).
 */
export const checkoutSessionStatus: EdgeFunction = { methods: ['POST'], spell: bareRefusal, handle }

async function handle(request: Request, { database, caller, publicUrl }: FunctionContext): Promise<Reply> {
  const { sessionId } = await parseJson(request, body)
  const answer = await askStatus(database, caller, { session_id: sessionId, public_url: publicUrl })
  if (!answer.success) throw refusalIn(answer)
  return json(200, {
    status: answer.status,
    orderId: answer.order_id,
    orderUrl: answer.order_url,
    expiresAt: answer.expires_at,
    pricing: {
      subtotalCents: answer.subtotal_cents,
      feesCents: answer.fees_cents,
      totalCents: answer.total_cents,
      currency: answer.currency,
    },
    canExtendHold: answer.can_extend_hold,
    extended: answer.extended,
  })
}
