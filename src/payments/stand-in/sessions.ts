import { type Card, cardOf } from './cards.ts'
import { newId } from './ids.ts'
import { capture, openDispute } from './money.ts'
import { invalidRequest, requestRefusal } from './refusal.ts'
import { announce, put, type Runtime } from './runtime.ts'
import type { Failure, Payment, RequestMark, Session } from './state.ts'
import { mustGet } from './store.ts'

/** Stripe's bounds of a session's life, in seconds from its creation. */
const LIFE_S_MIN = 30 * 60
const LIFE_S_MAX = 24 * 3_600
/** How long a bank debit takes where nobody says otherwise, and at most. */
const DEBIT_S_DEFAULT = 3 * 60
export const DEBIT_S_MAX = 14 * 24 * 3_600

export type NewSession = Omit<
  Session,
  'kind' | 'id' | 'created' | 'expires_at' | 'status' | 'payment_status' | 'payment' | 'buyer_email'
> & { readonly expires_at: number | null }

/** Opens a session. Throws a `StripeRefusal` for a life that is too short or too long. */
export function openSession(runtime: Runtime, wanted: NewSession): Session {
  const created = runtime.clock.seconds()
  const life = (seconds: number) => created + runtime.clock.span(seconds) / 1000
  const expires_at = wanted.expires_at ?? Math.ceil(life(LIFE_S_MAX))
  if (expires_at < Math.floor(life(LIFE_S_MIN))) throw wrongLife('at least 30 minutes')
  if (expires_at > Math.ceil(life(LIFE_S_MAX))) throw wrongLife('less than 24 hours')
  const session = put<Session>(runtime, {
    ...wanted,
    kind: 'session',
    id: newId('cs_test_', 58),
    created,
    expires_at,
    status: 'open',
    payment_status: wanted.amount === 0 ? 'no_payment_required' : 'unpaid',
    payment: null,
    buyer_email: null,
  })
  expireInTime(runtime, session)
  return session
}

/** An open session ends by itself, also one that a restart brought back. */
export function expireInTime(runtime: Runtime, { id, expires_at }: Session): void {
  runtime.clock.at(expires_at * 1000, () => {
    const session = mustGet(runtime.store.sessions, id)
    if (session.status === 'open') end(runtime, session, null)
  })
}

/** Throws a `StripeRefusal` for a session that is not open. */
export function expireSession(runtime: Runtime, session: Session, request: RequestMark): Session {
  if (session.status === 'open') return end(runtime, session, request)
  throw requestRefusal(
    `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`,
  )
}

function end(runtime: Runtime, session: Session, request: RequestMark | null): Session {
  const state = put<Session>(runtime, { ...session, status: 'expired' })
  announce(runtime, { type: 'checkout.session.expired', state }, request)
  return state
}

export type Means =
  | { readonly method: 'card'; readonly number: string; readonly email: string | null }
  | {
      readonly method: 'bank_debit'
      readonly outcome: 'succeeds' | 'fails'
      /** Seconds of Stripe's, as every duration; null: three minutes. */
      readonly after_seconds: number | null
      readonly email: string | null
    }

export type PayResult =
  | { readonly kind: 'complete'; readonly session: Session }
  | { readonly kind: 'declined'; readonly session: Session; readonly failure: Failure }
  /** It was complete or expired before: nothing happened. */
  | { readonly kind: 'closed'; readonly session: Session }

/** What the buyer does on the pay page. */
export function pay(runtime: Runtime, session: Session, means: Means): PayResult {
  if (session.status !== 'open') return { kind: 'closed', session }
  const email = means.email ?? session.buyer_email
  const buyer: Session = { ...session, buyer_email: email }
  if (session.amount === 0) {
    return { kind: 'complete', session: complete(runtime, buyer, 'no_payment_required') }
  }
  return means.method === 'card'
    ? payByCard(runtime, buyer, cardOf(means.number))
    : { kind: 'complete', session: startDebit(runtime, buyer, means.outcome, means.after_seconds) }
}

function payByCard(runtime: Runtime, session: Session, card: Card): PayResult {
  const attempt = { ...paymentOf(runtime, session), last4: card.last4, refunds: card.refunds }
  if (card.failure !== null) return decline(runtime, session, attempt, card.failure)
  const payment = capture(runtime, { ...attempt, failure: null, charged_at: runtime.clock.seconds() })
  announce(runtime, { type: 'payment_intent.succeeded', state: payment })
  const done = complete(runtime, { ...session, payment: payment.id }, 'paid')
  if (card.disputed) openDispute(runtime, payment)
  return { kind: 'complete', session: done }
}

/** The session stays open: the buyer may try again. */
function decline(runtime: Runtime, session: Session, attempt: Payment, failure: Failure): PayResult {
  const state = put<Payment>(runtime, { ...attempt, failure })
  announce(runtime, { type: 'payment_intent.payment_failed', state })
  return { kind: 'declined', session: put(runtime, { ...session, payment: state.id }), failure }
}

function startDebit(
  runtime: Runtime,
  session: Session,
  outcome: 'succeeds' | 'fails',
  seconds: number | null,
): Session {
  const at = runtime.clock.now() + runtime.clock.span(seconds ?? DEBIT_S_DEFAULT)
  const payment = put<Payment>(runtime, {
    ...paymentOf(runtime, session),
    status: 'processing',
    method: 'bank_debit',
    last4: '3000',
    failure: null,
    charged_at: runtime.clock.seconds(),
    settles: { at, outcome },
  })
  settleInTime(runtime, payment)
  return complete(runtime, { ...session, payment: payment.id }, 'unpaid')
}

/** A debit that is under way ends by itself, also one that a restart brought back. */
export function settleInTime(runtime: Runtime, { id, settles }: Payment): void {
  if (settles === null) return
  runtime.clock.at(settles.at, () => {
    const payment = mustGet(runtime.store.payments, id)
    if (payment.status === 'processing') settle(runtime, { ...payment, settles: null }, settles.outcome)
  })
}

function settle(runtime: Runtime, payment: Payment, outcome: 'succeeds' | 'fails'): void {
  const session = mustGet(runtime.store.sessions, payment.session)
  if (outcome === 'succeeds') {
    announce(runtime, { type: 'payment_intent.succeeded', state: capture(runtime, payment) })
    const state = put<Session>(runtime, { ...session, payment_status: 'paid' })
    announce(runtime, { type: 'checkout.session.async_payment_succeeded', state })
    return
  }
  const state = put<Payment>(runtime, {
    ...payment,
    status: 'requires_payment_method',
    failure: DEBIT_FAILED,
  })
  announce(runtime, { type: 'payment_intent.payment_failed', state })
  announce(runtime, { type: 'checkout.session.async_payment_failed', state: session })
}

function complete(runtime: Runtime, session: Session, payment_status: Session['payment_status']): Session {
  const state = put<Session>(runtime, { ...session, status: 'complete', payment_status })
  announce(runtime, { type: 'checkout.session.completed', state })
  return state
}

/** One payment intent a session, however often the buyer tries. */
function paymentOf(runtime: Runtime, session: Session): Payment {
  const before = session.payment === null ? undefined : runtime.store.payments.get(session.payment)
  if (before !== undefined) return { ...before, buyer_email: session.buyer_email ?? session.customer_email }
  return {
    kind: 'payment',
    id: newId('pi_'),
    created: runtime.clock.seconds(),
    session: session.id,
    amount: session.amount,
    currency: session.currency,
    status: 'requires_payment_method',
    method: 'card',
    last4: '',
    charged_at: null,
    failure: null,
    amount_refunded: 0,
    disputed: false,
    refunds: 'succeed',
    settles: null,
    buyer_email: session.buyer_email ?? session.customer_email,
    data: session.payment_data,
  }
}

function wrongLife(bound: string) {
  return invalidRequest(
    `The \`expires_at\` timestamp must be ${bound} from Checkout Session creation.`,
    'expires_at',
  )
}

const DEBIT_FAILED: Failure = {
  code: 'payment_intent_payment_attempt_failed',
  decline_code: null,
  message: 'The payment failed: the bank returned the debit.',
}
