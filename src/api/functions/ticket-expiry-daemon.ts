import { expireTicketHolds } from '../../desk/holds.ts'
import { expireOrders } from '../../desk/orders.ts'
import { json, type Reply } from '../http.ts'
import type { EdgeFunction, FunctionContext } from './contract.ts'

/**
 * Ends what is due, holds and unpaid orders, at once instead of at the jobs' next round; for the service role. Safe at any
 * time and in any number.
 */
export const ticketExpiryDaemon: EdgeFunction = { methods: ['POST'], needs: 'service_role', handle }

async function handle(_request: Request, { database, caller }: FunctionContext): Promise<Reply> {
  const expired_holds = await expireTicketHolds(database, caller, {})
  const expired_orders = await expireOrders(database, caller, {})
  return json(200, { success: true, expired_holds, expired_orders })
}
