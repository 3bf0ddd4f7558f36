import { z } from 'zod'
import { REFUND_REASON_LENGTH_MAX } from '../../core/limits.ts'
import { voidTickets as voidTicketsOf } from '../../desk/refunds.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, refusalIn } from './contract.ts'
import { parseJson, text, ticketIds } from './requests.ts'

const body = z.strictObject({
  orderId: z.guid(),
  ticketIds,
  reason: text(REFUND_REASON_LENGTH_MAX),
  freePlaces: z.boolean().nullish(),
})

const answer = z.object({
  success: z.literal(true),
  orderId: z.guid(),
  orderStatus: z.string(),
  ticketIds: z.array(z.guid()),
  placesFree: z.boolean(),
})

/**
 * Takes tickets out of use without moving money: after a lost dispute, for fraud, by the rules of the house; for owners and
 * managers of the event's business. Takes `orderId`, `reason`, and optionally `ticketIds` (else all that were not scanned) and
 * `freePlaces`, which puts their places on sale again. A field that it does not know is refused by its name.
 */
export const voidTickets: EdgeFunction = {
  methods: ['POST'],
  needs: 'user',
  body,
  answer,
  refusals: voidTicketsOf.definition.refusals,
  handle,
}

async function handle(request: Request, context: FunctionContext): Promise<Reply> {
  const { orderId, ticketIds, reason, freePlaces } = await parseJson(request, body)
  const voided = await voidTicketsOf(context.database, context.caller, {
    order_id: orderId,
    ticket_ids: ticketIds,
    reason,
    free_places: freePlaces,
  })
  if (!voided.success) throw refusalIn(voided)
  const shown: z.output<typeof answer> = {
    success: true,
    orderId,
    orderStatus: voided.order_status,
    ticketIds: [...voided.ticket_ids],
    placesFree: voided.places_free,
  }
  return json(200, shown)
}
