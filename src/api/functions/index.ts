import type { EdgeFunction } from './contract.ts'
import { createTicketCheckout } from './create-ticket-checkout.ts'
import { healthCheck } from './health-check.ts'

/** Every function under `/functions/v1`, by name. */
export const functions: ReadonlyMap<string, EdgeFunction> = new Map([
  ['create-ticket-checkout', createTicketCheckout],
  ['health-check', healthCheck],
])
