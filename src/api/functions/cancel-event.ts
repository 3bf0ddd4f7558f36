import { z } from 'zod'
import { REFUND_REASON_LENGTH_MAX } from '../../core/limits.ts'
import { count } from '../../desk/answers.ts'
import { cancelEvent as askCancel } from '../../desk/events.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, refusalIn } from './contract.ts'
import { named, parseJson, text } from './requests.ts'

/** Strict: `force` sends back what was scanned, and a misspelt field must not be passed over. */
const body = z.strictObject({
  eventId: named,
  reason: text(REFUND_REASON_LENGTH_MAX).optional(),
  force: z.boolean().optional(),
})

/** How far it is; all but `done` count orders. */
const answer = z.object({
  success: z.literal(true),
  eventId: z.guid(),
  done: z.boolean(),
  orders: count,
  left: count,
  pending: count,
  returning: count,
  returned: count,
  failed: count,
})

/**
 * Cancels an event, for owners and managers of its business: nothing of it is sold any more, waiting orders end, and every order's
 * tickets are sent back with all that they cost. Takes `eventId`, an id or a slug, and optionally `reason` and `force`, which refunds tickets that were
 * scanned too; any other field is refused. A call ends a batch of orders and says how far it is (`orders`, `left`, `pending`,
 * `returning`, `returned`, `failed`, `done`); a job goes on with the rest. Called again it goes on, and sends what failed once more.
 */
export const cancelEvent: EdgeFunction = {
  methods: ['POST'],
  needs: 'user',
  body,
  answer,
  refusals: askCancel.definition.refusals,
  handle,
}

async function handle(request: Request, { database, caller }: FunctionContext): Promise<Reply> {
  const { eventId, reason, force } = await parseJson(request, body)
  const cancelled = await askCancel(database, caller, { event: eventId, reason, force })
  if (!cancelled.success) throw refusalIn(cancelled)
  const { event_id, ...progress } = cancelled
  return json(200, { eventId: event_id, ...progress } satisfies z.output<typeof answer>)
}
