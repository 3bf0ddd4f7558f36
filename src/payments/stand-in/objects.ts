import { Stripe } from 'stripe'
import {
  AUTHORIZED,
  CARD,
  CHARGE,
  CUSTOMER,
  NO_EVIDENCE,
  NO_EVIDENCE_DETAILS,
  PAYMENT_INTENT,
  SEPA_DEBIT,
  SESSION,
} from './constant-fields.ts'
import { twinId } from './ids.ts'
import type { Dispute, Line, Payment, Refund, Session } from './state.ts'

/** Stripe's objects as its SDK types them, from what the stand-in remembers. `url` is where an open one is paid. */
export function sessionObject(session: Session, url: string): Stripe.Checkout.Session {
  const buyer = session.buyer_email ?? session.customer_email
  return {
    ...SESSION,
    id: session.id,
    amount_subtotal: session.amount,
    amount_total: session.amount,
    cancel_url: session.cancel_url,
    client_reference_id: session.client_reference_id,
    created: session.created,
    currency: session.currency,
    customer_details: buyer === null ? null : { ...CUSTOMER, email: buyer },
    customer_email: session.customer_email,
    expires_at: session.expires_at,
    locale: session.locale,
    metadata: { ...session.metadata },
    payment_intent: session.payment,
    payment_status: session.payment_status,
    status: session.status,
    submit_type: session.submit_type,
    success_url: session.success_url,
    url: session.status === 'open' ? url : null,
  }
}

export function lineItemObject(line: Line, session: Session): Stripe.LineItem {
  const amount = line.unit_amount * line.quantity
  return {
    id: line.id,
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: session.currency,
    description: line.name,
    metadata: {},
    price: priceObject(line, session),
    quantity: line.quantity,
  }
}

function priceObject(line: Line, session: Session): Stripe.Price {
  return {
    id: twinId('price_', line.id),
    object: 'price',
    active: false,
    billing_scheme: 'per_unit',
    created: session.created,
    currency: session.currency,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: null,
    metadata: {},
    nickname: null,
    product: twinId('prod_', line.id),
    recurring: null,
    tax_behavior: 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: 'one_time',
    unit_amount: line.unit_amount,
    unit_amount_decimal: Stripe.Decimal.from(line.unit_amount),
  }
}

export function paymentIntentObject(payment: Payment): Stripe.PaymentIntent {
  const { failure } = payment
  return {
    ...PAYMENT_INTENT,
    id: payment.id,
    amount: payment.amount,
    amount_received: payment.status === 'succeeded' ? payment.amount : 0,
    client_secret: twinId(`${payment.id}_secret_`, payment.id),
    created: payment.created,
    currency: payment.currency,
    description: payment.data.description,
    last_payment_error: failure === null ? null : { type: 'card_error', ...failureFields(failure) },
    latest_charge: payment.charged_at === null ? null : chargeId(payment),
    metadata: { ...payment.data.metadata },
    payment_method: payment.status === 'requires_payment_method' ? null : twinId('pm_', payment.id),
    payment_method_types: [methodType(payment)],
    receipt_email: payment.data.receipt_email,
    statement_descriptor: payment.data.statement_descriptor,
    statement_descriptor_suffix: payment.data.statement_descriptor_suffix,
    status: payment.status,
  }
}

export function chargeObject(payment: Payment): Stripe.Charge {
  const paid = payment.status === 'succeeded'
  return {
    ...CHARGE,
    id: chargeId(payment),
    amount: payment.amount,
    amount_captured: paid ? payment.amount : 0,
    amount_refunded: payment.amount_refunded,
    balance_transaction: paid ? twinId('txn_', payment.id) : null,
    billing_details: { ...CHARGE.billing_details, email: payment.buyer_email },
    captured: paid,
    created: payment.charged_at ?? payment.created,
    currency: payment.currency,
    description: payment.data.description,
    disputed: payment.disputed,
    failure_code: payment.failure?.code ?? null,
    failure_message: payment.failure?.message ?? null,
    metadata: { ...payment.data.metadata },
    outcome: paid ? AUTHORIZED : null,
    paid,
    payment_intent: payment.id,
    payment_method: twinId('pm_', payment.id),
    payment_method_details: methodDetails(payment),
    receipt_email: payment.data.receipt_email,
    refunded: paid && payment.amount_refunded === payment.amount,
    statement_descriptor: payment.data.statement_descriptor,
    statement_descriptor_suffix: payment.data.statement_descriptor_suffix,
    status: paid ? 'succeeded' : payment.status === 'processing' ? 'pending' : 'failed',
  }
}

export function refundObject(refund: Refund): Stripe.Refund {
  return {
    id: refund.id,
    object: 'refund',
    amount: refund.amount,
    balance_transaction: twinId('txn_', refund.id),
    charge: twinId('ch_', refund.payment),
    created: refund.created,
    currency: refund.currency,
    customer: null,
    customer_account: null,
    metadata: { ...refund.metadata },
    payment_intent: refund.payment,
    payment_method: twinId('pm_', refund.payment),
    reason: refund.reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status: refund.status,
    transfer_reversal: null,
    ...(refund.status === 'pending' ? { pending_reason: 'processing' } : {}),
    ...(refund.status === 'failed'
      ? { failure_reason: 'unknown', failure_balance_transaction: twinId('txn_f', refund.id) }
      : {}),
  }
}

export function disputeObject(dispute: Dispute): Stripe.Dispute {
  return {
    id: dispute.id,
    object: 'dispute',
    amount: dispute.amount,
    balance_transactions: [],
    charge: twinId('ch_', dispute.payment),
    created: dispute.created,
    currency: dispute.currency,
    enhanced_eligibility_types: [],
    evidence: NO_EVIDENCE,
    evidence_details: NO_EVIDENCE_DETAILS,
    intended_submission_method: null,
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: dispute.payment,
    reason: 'fraudulent',
    status: dispute.status,
  }
}

export function chargeId(payment: Payment): string {
  return twinId('ch_', payment.id)
}

function methodType(payment: Payment): 'card' | 'sepa_debit' {
  return payment.method === 'card' ? 'card' : 'sepa_debit'
}

function methodDetails(payment: Payment): Stripe.Charge.PaymentMethodDetails {
  return payment.method === 'card'
    ? { type: 'card', card: { ...CARD, last4: payment.last4 } }
    : { type: 'sepa_debit', sepa_debit: { ...SEPA_DEBIT, last4: payment.last4 } }
}

function failureFields(failure: NonNullable<Payment['failure']>) {
  const { code, decline_code, message } = failure
  return decline_code === null ? { code, message } : { code, decline_code, message }
}
