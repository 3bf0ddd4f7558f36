import { z } from 'zod'
import { count } from '../../desk/answers.ts'
import { expireTicketHolds } from '../../desk/holds.ts'
import { expireOrders } from '../../desk/orders.ts'
import { json, type Reply } from '../http.ts'
import type { EdgeFunction, FunctionContext } from './contract.ts'

const answer = z.object({ success: z.literal(true), expired_holds: count, expired_orders: count })

/**
 * Ends what is due, holds and unpaid orders, at once instead of at the jobs' next round; for the service role. Safe at any
 * time and in any number.
 */
export const ticketExpiryDaemon: EdgeFunction = {
  methods: ['POST'],
  needs: 'service_role',
  answer,
  refusals: [],
  handle,
}

async function handle(_request: Request, { database, caller }: FunctionContext): Promise<Reply> {
  const expired_holds = await expireTicketHolds(database, caller, {})
  const expired_orders = await expireOrders(database, caller, {})
  return json(200, { success: true, expired_holds, expired_orders } satisfies z.output<typeof answer>)
}
