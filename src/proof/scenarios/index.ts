import { concurrentCheckout } from './concurrent-checkout.ts'
import { offerRush } from './offer-rush.ts'
import { offlineGates } from './offline-gates.ts'
import { scannerBurst } from './scanner-burst.ts'
import { scannerStress } from './scanner-stress.ts'
import type { Scenario } from './scenario.ts'
import { slotRush } from './slot-rush.ts'
import { strangers } from './strangers.ts'
import { ticketPurchase } from './ticket-purchase.ts'
import { ticketingFlow } from './ticketing-flow.ts'
import { webhookBurst } from './webhook-burst.ts'

/** The scenarios over HTTP, in the order in which they run. */
export const HTTP_SCENARIOS: readonly Scenario[] = [
  concurrentCheckout,
  ticketingFlow,
  ticketPurchase,
  webhookBurst,
  scannerBurst,
  scannerStress,
  offlineGates,
  offerRush,
  slotRush,
  strangers,
]
