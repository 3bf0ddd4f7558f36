import { z } from 'zod'
import { REFUND_REASON_LENGTH_MAX } from '../../core/limits.ts'
import { cents, currency } from '../../desk/answers.ts'
import { type RequestedRefund, requestRefund } from '../../desk/refunds.ts'
import { type Refunding, sendRefund } from '../../payments/refunds.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, leftOpen, Refusal, refusalIn } from './contract.ts'
import { parseJson, text, ticketIds } from './requests.ts'

/** Strict: a misspelt or null `ticketIds` must not become "all". */
const body = z.strictObject({
  orderId: z.guid(),
  ticketIds,
  reason: text(REFUND_REASON_LENGTH_MAX).nullish(),
  force: z.boolean().nullish(),
})

const answer = z.object({
  success: z.literal(true),
  refundId: z.guid(),
  orderId: z.guid(),
  status: z.enum(['succeeded', 'pending']),
  amountCents: cents,
  currency,
  ticketIds: z.array(z.guid()),
})

/**
 * Gives back an order's money, or that of some of its tickets; for owners and managers of the event's business. Takes `orderId`
 * and optionally `ticketIds`, `reason` and `force`, which refunds tickets that were scanned too; any other field is refused by
 * its name, and nothing is refunded. The provider is asked at once;
 * where it does not answer, or the database does not take its answer, the refund is `pending` and a job goes on with it.
 */
export const processRefund: EdgeFunction = {
  methods: ['POST'],
  needs: 'user',
  body,
  answer,
  refusals: [...requestRefund.definition.refusals, 'PAYMENT_REFUSED'],
  handle,
}

async function handle(request: Request, context: FunctionContext): Promise<Reply> {
  const { orderId, ticketIds, reason, force } = await parseJson(request, body)
  const refund = await requestRefund(context.database, context.caller, {
    order_id: orderId,
    ticket_ids: ticketIds,
    reason,
    force: force ?? false,
  })
  if (!refund.success) throw refusalIn(refund)
  const shown: z.output<typeof answer> = {
    success: true,
    refundId: refund.refund_id,
    orderId,
    status: await statusOf(orderId, refund, context),
    amountCents: refund.amount_cents,
    currency: refund.currency,
    ticketIds: [...refund.ticket_ids],
  }
  return json(200, shown)
}

async function statusOf(
  order_id: string,
  { refund_id, status, amount_cents, currency, payment_id }: RequestedRefund,
  { database, payments }: FunctionContext,
): Promise<'succeeded' | 'pending'> {
  if (status === 'succeeded' || payment_id === null) return 'succeeded'
  if (payments === undefined) return 'pending'
  const refund = { refund_id, order_id, payment_id, amount_cents, currency }
  const refunding = await sendRefund(database, payments, refund).catch(leftOpen)
  if (isRefused(refunding)) {
    throw new Refusal(
      'PAYMENT_REFUSED',
      REFUSED,
      { refund_id },
      'message' in refunding ? refunding.message : undefined,
    )
  }
  return refunding.kind === 'sent' && refunding.status === 'succeeded' ? 'succeeded' : 'pending'
}

function isRefused(refunding: Refunding): boolean {
  return (
    refunding.kind === 'refused' ||
    (refunding.kind === 'sent' && (refunding.status === 'failed' || refunding.status === 'canceled'))
  )
}

const REFUSED = 'The payment provider refused the refund; the tickets are valid again.'
