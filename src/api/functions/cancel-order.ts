import { z } from 'zod'
import { cancelOrder as askCancel } from '../../desk/orders.ts'
import { abandonOrder } from '../../payments/checkout.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, leftOpen, Refusal, refusalIn } from './contract.ts'
import { parseJson, text } from './requests.ts'

const SECRET_LENGTH_MAX = 200

/** Strict, as whatever takes something away. */
const body = z.strictObject({ orderId: z.guid(), secret: text(SECRET_LENGTH_MAX).nullish() })

const answer = z.object({ success: z.literal(true), status: z.literal('expired'), orderId: z.guid() })

/**
 * Gives a pending order up, so that its tickets are free at once: its pay page is closed first. Takes `orderId` and `secret`,
 * which is the last part of the order's address; the buyer's own bearer stands for the secret. Any other field is refused. Where a payment is under way or
 * done it is refused; where Stripe does not answer it is 503, nobody can pay any more, and a job goes on with it.
 */
export const cancelOrder: EdgeFunction = {
  methods: ['POST'],
  body,
  answer,
  refusals: [...askCancel.definition.refusals, 'UNAUTHORIZED', 'PAYMENT_UNAVAILABLE'],
  handle,
}

async function handle(request: Request, context: FunctionContext): Promise<Reply> {
  const { orderId, secret } = await parseJson(request, body)
  if (!secret && context.caller.role === 'anon') throw new Refusal('UNAUTHORIZED')
  await giveUp(orderId, secret ?? null, context)
  return json(200, { success: true, status: 'expired', orderId } satisfies z.output<typeof answer>)
}

/** Gives an order up. No lock is held while the provider is asked. Throws a `Refusal`. */
export async function giveUp(
  order_id: string,
  secret: string | null,
  { database, caller, payments }: Pick<FunctionContext, 'database' | 'caller' | 'payments'>,
): Promise<void> {
  const ask = async () => {
    const answer = await askCancel(database, caller, { order_id, secret })
    if (!answer.success) throw refusalIn(answer)
    return answer
  }
  const { payment } = await ask()
  if (payment === null) return
  if (payments !== undefined) {
    const abandoned = abandonOrder(database, payments, { order_id, payment }).then(ask)
    const ended = await abandoned.catch(leftOpen)
    if ('status' in ended && ended.status === 'expired') return
  }
  throw new Refusal(
    'PAYMENT_UNAVAILABLE',
    'The payment provider does not answer; the order ends when it does.',
  )
}
