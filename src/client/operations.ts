import type { FunctionTypes } from './function-types.ts'
import type { VerbTypes } from './verb-types.ts'

/**
 * What may be done where an answer was lost. `safe`: asked twice is as good as asked once. `keyed`: under an idempotency key it is.
 * `unsafe`: asked again it would be done again, or be refused because it was done; then the outcome is unknown.
 */
export type Repetition = 'safe' | 'keyed' | 'unsafe'

interface FunctionFacts {
  readonly method: 'GET' | 'POST'
  readonly repetition: Repetition
}

/** An object that says whether it was a success, a set of rows, one plain value, or nothing. */
export type Returns = 'answer' | 'rows' | 'value' | 'nothing'

interface VerbFacts {
  readonly returns: Returns
  readonly repetition: Repetition
}

/** Every function that callers ask; `stripe-webhook` is asked by the provider alone. */
export const FUNCTIONS = {
  'create-ticket-checkout': { method: 'POST', repetition: 'keyed' },
  'enhanced-checkout': { method: 'POST', repetition: 'keyed' },
  'create-checkout-session': { method: 'POST', repetition: 'keyed' },
  'guest-checkout': { method: 'POST', repetition: 'keyed' },
  'checkout-session-status': { method: 'POST', repetition: 'safe' },
  'cancel-order': { method: 'POST', repetition: 'safe' },
  'process-refund': { method: 'POST', repetition: 'unsafe' },
  'void-tickets': { method: 'POST', repetition: 'unsafe' },
  'cancel-event': { method: 'POST', repetition: 'safe' },
  'ticket-expiry-daemon': { method: 'POST', repetition: 'safe' },
  'claim-offer': { method: 'POST', repetition: 'keyed' },
  'book-slot': { method: 'POST', repetition: 'keyed' },
  'validate-qr': { method: 'POST', repetition: 'keyed' },
  'undo-scan': { method: 'POST', repetition: 'safe' },
  'ticket-keys': { method: 'GET', repetition: 'safe' },
  'gate-list': { method: 'GET', repetition: 'safe' },
  'sync-offline-scans': { method: 'POST', repetition: 'safe' },
  'health-check': { method: 'GET', repetition: 'safe' },
} as const satisfies Readonly<Record<keyof FunctionTypes, FunctionFacts>>

/** Every verb with a door. */
export const VERBS = {
  reserve_tickets_atomically: { returns: 'answer', repetition: 'unsafe' },
  reserve_tickets_batch: { returns: 'answer', repetition: 'unsafe' },
  release_tickets: { returns: 'nothing', repetition: 'unsafe' },
  extend_ticket_holds: { returns: 'answer', repetition: 'unsafe' },
  release_ticket_holds: { returns: 'answer', repetition: 'safe' },
  claim_offer_spots_atomically: { returns: 'answer', repetition: 'unsafe' },
  book_slot_atomically: { returns: 'answer', repetition: 'unsafe' },
  cancel_reservation: { returns: 'answer', repetition: 'safe' },
  cancel_claim: { returns: 'answer', repetition: 'safe' },
  local_time: { returns: 'value', repetition: 'safe' },
  release_offer_spots: { returns: 'nothing', repetition: 'unsafe' },
  atomic_ticket_checkin: { returns: 'answer', repetition: 'unsafe' },
  scan_ticket_atomic: { returns: 'rows', repetition: 'unsafe' },
  sync_offline_scan: { returns: 'rows', repetition: 'safe' },
  double_admissions: { returns: 'rows', repetition: 'safe' },
  expire_ticket_holds: { returns: 'value', repetition: 'safe' },
  disputed_orders: { returns: 'rows', repetition: 'safe' },
  claim_order_ticketing: { returns: 'value', repetition: 'unsafe' },
  issue_order_tickets: { returns: 'answer', repetition: 'safe' },
  verify_protections: { returns: 'rows', repetition: 'safe' },
} as const satisfies Readonly<Record<keyof VerbTypes, VerbFacts>>

export type FunctionName = keyof FunctionTypes
export type VerbName = keyof VerbTypes

/** The functions that read an `Idempotency-Key`. */
export type KeyedFunctionName = {
  [Name in FunctionName]: (typeof FUNCTIONS)[Name]['repetition'] extends 'keyed' ? Name : never
}[FunctionName]
