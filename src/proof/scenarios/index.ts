import { abandonedCarts } from './abandoned-carts.ts'
import { cancelTheEvent } from './cancel-the-event.ts'
import { concurrentCheckout } from './concurrent-checkout.ts'
import { dashboardLoad } from './dashboard-load.ts'
import { lastTicketDuel } from './last-ticket-duel.ts'
import { offerRush } from './offer-rush.ts'
import { offlineGates } from './offline-gates.ts'
import { payAtTheLastSecond } from './pay-at-the-last-second.ts'
import { refundAndResell } from './refund-and-resell.ts'
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
  lastTicketDuel,
  abandonedCarts,
  ticketingFlow,
  ticketPurchase,
  payAtTheLastSecond,
  refundAndResell,
  cancelTheEvent,
  webhookBurst,
  scannerBurst,
  scannerStress,
  offlineGates,
  offerRush,
  slotRush,
  strangers,
  // Last: while somebody is subscribed, and half a minute longer, PostgreSQL decodes its log.
  dashboardLoad,
]
