import { z } from 'zod'
import { cents, currency, moment } from './answers.ts'
import { flag, integer, json, optional, text, uuid, uuids } from './parameters.ts'
import { verb } from './verb.ts'

/** Sends an order's tickets back, some or all, and their price with their fees. */
export const requestRefund = verb('request_refund', 'buyers', {
  order_id: uuid,
  ticket_ids: optional(uuids),
  reason: optional(text),
  force: optional(flag),
})
  .refuses(
    'INVALID_REQUEST',
    'ORDER_NOT_FOUND',
    'FORBIDDEN',
    'ORDER_NOT_PAID',
    'TICKET_NOT_FOUND',
    'TICKET_USED',
    'ALREADY_REFUNDED',
    'LOCK_TIMEOUT',
  )
  .answers<RequestedRefund>()

export interface RequestedRefund {
  readonly refund_id: string
  /** `succeeded` where nothing was paid. */
  readonly status: 'queued' | 'succeeded'
  readonly amount_cents: number
  readonly currency: string
  readonly ticket_ids: readonly string[]
  readonly payment_id: string | null
}

/** Takes tickets out of use without moving money. */
export const voidTickets = verb('void_tickets', 'buyers', {
  order_id: uuid,
  ticket_ids: optional(uuids),
  reason: optional(text),
  free_places: optional(flag),
})
  .refuses(
    'INVALID_REQUEST',
    'ORDER_NOT_FOUND',
    'FORBIDDEN',
    'ORDER_NOT_PAID',
    'TICKET_NOT_FOUND',
    'TICKET_USED',
    'ALREADY_VOID',
    'LOCK_TIMEOUT',
  )
  .answers<{
    readonly order_id: string
    readonly order_status: string
    readonly ticket_ids: readonly string[]
    readonly places_free: boolean
  }>()

/** Orders of an event whose payment a bank took back or wants back, with their tickets. */
export const disputedOrders = verb('disputed_orders', 'buyers', { event_id: uuid }).givesRows(
  z.object({
    order_id: z.guid(),
    dispute: z.enum(['open', 'lost']),
    amount_cents: cents,
    currency,
    created_at: moment,
    closed_at: moment.nullable(),
    tickets: z.array(z.object({ id: z.guid(), status: z.string() })),
  }),
)

/** What the provider says about a refund, by an event or because it was asked; ours are known by their id. */
export const settleRefund = verb('settle_refund', 'webhooks', { refund: json, refund_id: optional(uuid) })
  .refuses('LOCK_TIMEOUT')
  .answers<{
    readonly outcome: string
    readonly refund_id?: string | null
    readonly order_id?: string | null
  }>()

/** The provider said no for good: the tickets are the buyer's again. */
export const refuseRefund = verb('refuse_refund', 'webhooks', { refund_id: uuid, error: text })
  .refuses('ORDER_NOT_FOUND', 'LOCK_TIMEOUT')
  .answers<{ readonly status: string; readonly order_id: string | null }>()

/** Lease: refunds to send or to ask about now, which nobody else gets before their next turn. */
export const dueRefunds = verb('due_refunds', 'webhooks', {
  limit: optional(integer),
  livemode: optional(flag),
}).gives<readonly DueRefund[]>()

export interface DueRefund {
  readonly refund_id: string
  readonly order_id: string
  readonly payment_id: string
  readonly amount_cents: number
  readonly currency: string
  readonly action: 'send' | 'ask'
  readonly key: string
  readonly provider_refund_id: string | null
}

/** Lease: payments whose refunds at the provider are to be listed. */
export const duePayments = verb('due_payments', 'webhooks', {
  limit: optional(integer),
  livemode: optional(flag),
}).gives<readonly { readonly payment_id: string; readonly order_id: string | null }[]>()
