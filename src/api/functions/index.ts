import { bookSlot } from './book-slot.ts'
import { cancelEvent } from './cancel-event.ts'
import { cancelOrder } from './cancel-order.ts'
import { checkoutSessionStatus } from './checkout-session-status.ts'
import { createCheckoutSession, createTicketCheckout, enhancedCheckout, guestCheckout } from './checkouts.ts'
import { claimOffer } from './claim-offer.ts'
import type { EdgeFunction } from './contract.ts'
import { gateList } from './gate-list.ts'
import { healthCheck } from './health-check.ts'
import { processRefund } from './process-refund.ts'
import { stripeWebhook } from './stripe-webhook.ts'
import { syncOfflineScans } from './sync-offline-scans.ts'
import { ticketExpiryDaemon } from './ticket-expiry-daemon.ts'
import { ticketKeys } from './ticket-keys.ts'
import { undoScan } from './undo-scan.ts'
import { validateQr } from './validate-qr.ts'
import { voidTickets } from './void-tickets.ts'

/** Every function under `/functions/v1`, by name. */
export const functions: ReadonlyMap<string, EdgeFunction> = new Map([
  ['create-ticket-checkout', createTicketCheckout],
  ['enhanced-checkout', enhancedCheckout],
  ['create-checkout-session', createCheckoutSession],
  ['guest-checkout', guestCheckout],
  ['checkout-session-status', checkoutSessionStatus],
  ['cancel-order', cancelOrder],
  ['stripe-webhook', stripeWebhook],
  ['process-refund', processRefund],
  ['void-tickets', voidTickets],
  ['cancel-event', cancelEvent],
  ['ticket-expiry-daemon', ticketExpiryDaemon],
  ['claim-offer', claimOffer],
  ['book-slot', bookSlot],
  ['validate-qr', validateQr],
  ['undo-scan', undoScan],
  ['ticket-keys', ticketKeys],
  ['gate-list', gateList],
  ['sync-offline-scans', syncOfflineScans],
  ['health-check', healthCheck],
])
