/**
 * What the stand-in remembers. A value never changes: a change is a new value under the same id, so that an event or
 * a replayed answer keeps what it saw. Times are Unix seconds, amounts the currency's minor units as Stripe counts.
 */
export type State = Session | Payment | Refund | Dispute

export interface Session {
  readonly kind: 'session'
  readonly id: string
  readonly created: number
  readonly expires_at: number
  readonly status: 'open' | 'complete' | 'expired'
  readonly payment_status: 'unpaid' | 'paid' | 'no_payment_required'
  /** The payment intent: made by the first try to pay. */
  readonly payment: string | null
  readonly currency: string
  readonly amount: number
  readonly lines: readonly Line[]
  readonly success_url: string
  readonly cancel_url: string | null
  readonly client_reference_id: string | null
  readonly customer_email: string | null
  /** What the buyer typed on the pay page. */
  readonly buyer_email: string | null
  readonly metadata: Texts
  readonly payment_data: PaymentData
  readonly locale: string | null
  readonly submit_type: string | null
}

export interface Line {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly unit_amount: number
  readonly quantity: number
}

interface PaymentData {
  readonly description: string | null
  readonly metadata: Texts
  readonly receipt_email: string | null
  readonly statement_descriptor: string | null
  readonly statement_descriptor_suffix: string | null
}

export interface Payment {
  readonly kind: 'payment'
  readonly id: string
  readonly created: number
  readonly session: string
  readonly amount: number
  readonly currency: string
  readonly status: 'requires_payment_method' | 'processing' | 'succeeded'
  readonly method: 'card' | 'bank_debit'
  readonly last4: string
  /** When the money was asked for; null while every card was declined. */
  readonly charged_at: number | null
  readonly failure: Failure | null
  readonly amount_refunded: number
  readonly disputed: boolean
  /** What a refund of it does, by its test card. */
  readonly refunds: RefundCourse
  /** How and when a delayed method ends. */
  readonly settles: { readonly at: number; readonly outcome: 'succeeds' | 'fails' } | null
  readonly buyer_email: string | null
  readonly data: PaymentData
}

/** At once; pending at first; or succeeded at first and failed later. */
export type RefundCourse = 'succeed' | 'succeed_later' | 'fail_later'

export interface Failure {
  readonly code: string
  readonly decline_code: string | null
  readonly message: string
}

export interface Refund {
  readonly kind: 'refund'
  readonly id: string
  readonly created: number
  readonly payment: string
  readonly amount: number
  readonly currency: string
  readonly status: 'pending' | 'succeeded' | 'failed'
  readonly reason: 'duplicate' | 'fraudulent' | 'requested_by_customer' | null
  readonly metadata: Texts
  /** When it turns into what, by itself. */
  readonly settles: { readonly at: number; readonly status: 'succeeded' | 'failed' } | null
}

export interface Dispute {
  readonly kind: 'dispute'
  readonly id: string
  readonly created: number
  readonly payment: string
  readonly amount: number
  readonly currency: string
  readonly status: 'needs_response' | 'won' | 'lost'
}

export type Texts = Readonly<Record<string, string>>

/** Money that went from one account to another; the books are these and nothing else. */
export interface Movement {
  readonly payment: string
  readonly cause: 'capture' | 'refund' | 'refund_failed' | 'dispute' | 'dispute_won'
  readonly from: Account
  readonly to: Account
  readonly amount: number
  readonly currency: string
}

export type Account = 'buyer' | 'merchant' | 'disputed'

/** Something that happened to a state, as it was right then. */
export type Happening = {
  readonly id: string
  readonly created: number
  readonly previous: Readonly<Record<string, unknown>> | null
  readonly request: RequestMark | null
} & About

export type About =
  | { readonly type: SessionEventType; readonly state: Session }
  | { readonly type: PaymentEventType; readonly state: Payment }
  | { readonly type: RefundEventType; readonly state: Refund }
  | { readonly type: DisputeEventType; readonly state: Dispute }

type SessionEventType =
  | 'checkout.session.completed'
  | 'checkout.session.expired'
  | 'checkout.session.async_payment_succeeded'
  | 'checkout.session.async_payment_failed'
type PaymentEventType = 'payment_intent.succeeded' | 'payment_intent.payment_failed' | 'charge.refunded'
type RefundEventType = 'refund.created' | 'refund.updated' | 'refund.failed'
type DisputeEventType = 'charge.dispute.created' | 'charge.dispute.closed'

/** The API call that caused something. */
export interface RequestMark {
  readonly id: string
  readonly idempotency_key: string | null
}
