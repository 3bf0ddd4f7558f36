import { z } from 'zod'
import { integer, json, listOf, optional, text, uuid } from './parameters.ts'
import { verb } from './verb.ts'

/** Makes an order of a cart: a free one has its tickets at once, another waits for its payment. */
export const checkout = verb('checkout', 'buyers', { request: json })
  .refuses(
    'INVALID_REQUEST',
    'HOLD_EXPIRED',
    'IDEMPOTENCY_KEY_REUSED',
    'EVENT_NOT_FOUND',
    'INVALID_QUANTITY',
    'TIER_NOT_FOUND',
    'AMOUNT_NOT_CHARGEABLE',
    'PAYMENT_UNAVAILABLE',
    'PRICE_CHANGED',
    'TIER_INACTIVE',
    'EVENT_ENDED',
    'SALE_NOT_OPEN',
    'FORBIDDEN',
    'PERSON_REQUIRED',
    'LIMIT_EXCEEDED',
    'INSUFFICIENT_TICKETS',
    'LOCK_TIMEOUT',
  )
  .answers<Order>()

/**
 * Buys many carts of the same tiers, each by itself and in order of arrival, with one commit for all: in each place what `checkout`
 * answers, as PostgreSQL's text of it. Null, and nothing was done, where `checkout` is to be asked alone, in the caller's own role. 1 to
 * 100 requests; throws where the lists are not of one length.
 */
export const checkoutMany = verb('checkout_many', 'buyers', {
  requests: listOf(json),
  /** Null: `anon`. */
  roles: optional(listOf(text)),
  caller_ids: optional(listOf(uuid)),
}).givesTexts()

/** An order as its buyer is told about it; amounts are minor units. */
export interface Order {
  readonly order_id: string
  readonly event_id: string
  readonly is_free: boolean
  readonly status: string
  readonly session_id: string
  readonly hold_ids: readonly string[]
  readonly tickets?: readonly StoredTicket[] | null
  readonly subtotal_cents: number
  readonly fees_cents: number
  readonly total_cents: number
  readonly currency: string
  readonly expires_at: string | null
  readonly order_url: string
  /** The provider's, as far as it is known; a free order has one of its own. */
  readonly checkout_session_id: string | null
  readonly replayed: boolean
  readonly payment: OrderPayment | null
}

export const storedTicket = z.object({ id: z.guid(), tier_id: z.guid(), qr_code: z.string() })
export type StoredTicket = z.output<typeof storedTicket>

/** Outbox: the payment of an order, with everything of the call to the provider stored before it is made. */
export interface OrderPayment {
  readonly attempt: number
  readonly state: 'creating' | 'open' | 'complete' | 'expired' | 'refused'
  readonly key: string
  readonly parameters: object
  readonly session_id: string | null
  readonly url: string | null
}

/** How far a checkout is; one that waits and has little time left is given more, once. */
export const checkoutSessionStatus = verb('checkout_session_status', 'buyers', {
  session_id: text,
  public_url: optional(text),
})
  .refuses('SESSION_NOT_FOUND', 'LOCK_TIMEOUT')
  .answers<{
    readonly status: 'pending' | 'complete' | 'expired'
    readonly order_id: string
    readonly order_url: string
    readonly expires_at: string | null
    readonly subtotal_cents: number
    readonly fees_cents: number
    readonly total_cents: number
    readonly currency: string
    readonly can_extend_hold: boolean
    readonly extended: boolean
  }>()

/** Its buyer gives a pending order up; a session that is open yet is to be expired. */
export const cancelOrder = verb('cancel_order', 'buyers', { order_id: uuid, secret: optional(text) })
  .refuses('ORDER_NOT_FOUND', 'ORDER_PAID', 'PAYMENT_UNDER_WAY', 'LOCK_TIMEOUT')
  .answers<{
    /** `pending`: until the session of `payment` is expired. */
    readonly status: 'expired' | 'pending'
    readonly order_id: string
    readonly released: number
    readonly payment: OrderPayment | null
  }>()

/** Whether a checkout's cart would be held if these orders, `[{order_id, secret}]`, were given up first. Nothing is changed. */
export const fitsWithout = verb('fits_without', 'buyers', { request: json, orders: json })
  .refuses('INVALID_REQUEST', 'LOCK_TIMEOUT')
  .answers<{
    readonly fits: boolean
    /** Of the orders those that can be given up. */
    readonly order_ids: readonly string[]
  }>()

/** Everything that an order's page shows; whoever knows its secret may see it. */
export const orderPage = verb('order_page', 'pages', { order_id: uuid, secret: text })
  .refuses('ORDER_NOT_FOUND')
  .answers<OrderView>()

/** Of `[{order_id, secret}]` those orders that can still be paid, in that order. */
export const waitingOrders = verb('waiting_orders', 'pages', { orders: json }).gives<
  readonly WaitingOrder[]
>()

export interface WaitingOrder {
  readonly order_id: string
  readonly expires_at: string
  /** By tier id. */
  readonly held: Readonly<Record<string, number>>
}

/** An order with its event and its tickets; times are ISO 8601, amounts minor units. */
export interface OrderView {
  readonly order: {
    readonly id: string
    readonly status: string
    readonly customer_name: string | null
    readonly subtotal_cents: number
    readonly fees_cents: number
    readonly total_cents: number
    readonly currency: string
    readonly created_at: string
    readonly expires_at: string | null
  }
  readonly event: {
    readonly id: string
    readonly slug: string
    readonly title: string
    readonly start_at: string
    readonly end_at: string
    readonly time_zone: string
    readonly venue: string | null
    readonly city: string | null
    readonly status: string
  }
  readonly state: OrderState
  readonly items: readonly OrderItem[]
  readonly tickets: readonly OrderTicket[]
  readonly payment: { readonly url: string | null } | null
  readonly refunds: readonly { readonly amount_cents: number; readonly status: string }[]
}

/** What an order is; `sql/rules/order_state.sql` tells them apart, and says what each means. */
export const ORDER_STATES = [
  'valid',
  'used',
  'part',
  'over',
  'void',
  'refunding',
  'refunded',
  'issuing',
  'returned',
  'event_cancelled',
  'event_over',
  'confirming',
  'confirming_late',
  'failed',
  'giving_up',
  'checking',
  'to_pay',
  'opening',
  'given_up',
  'not_opened',
  'cancelled',
  'expired',
] as const

/** What is true of an order now; amounts are minor units. */
export interface OrderState {
  readonly state: (typeof ORDER_STATES)[number]
  /** Money may still be taken, or have been without our knowing. */
  readonly may_charge: boolean
  /** Why its last payment goes back. */
  readonly reason: string | null
  /** How many of its tickets a gate lets in, or has. */
  readonly admits: number
  readonly charged_cents: number
  readonly back_cents: number
  readonly coming_cents: number
  /** To go back, and not on its way. */
  readonly owed_cents: number
  readonly disputed_cents: number
  readonly dispute: 'open' | 'lost' | null
  /** A payment beside the kept one goes back. */
  readonly second: boolean
}

interface OrderItem {
  readonly tier_id: string
  readonly tier_name: string
  readonly quantity: number
  readonly unit_price_cents: number
  readonly unit_fee_cents: number
}

export interface OrderTicket {
  readonly id: string
  readonly tier_name: string
  readonly status: string
  /** What is typed at a gate that cannot read the QR. */
  readonly qr_code: string
  readonly checked_in_at: string | null
}

/** Ends orders whose payment's deadline has passed, and gives how many. */
export const expireOrders = verb('expire_orders', 'buyers', { limit: optional(integer) }).gives<number>()

/** True for the one caller that may issue an order's tickets now. */
export const claimOrderTicketing = verb('claim_order_ticketing', 'buyers', {
  order_id: uuid,
}).gives(z.boolean())

/** Turns a paid order into its tickets, once, however often it is asked. */
export const issueOrderTickets = verb('issue_order_tickets', 'buyers', { order_id: uuid })
  .refuses('ORDER_NOT_FOUND', 'ORDER_NOT_PAID', 'INSUFFICIENT_TICKETS', 'LOCK_TIMEOUT')
  .answers(z.object({ already_issued: z.boolean(), tickets: z.array(storedTicket) }))
