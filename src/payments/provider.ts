import Stripe from 'stripe'
import { type Outcome, outcomeOf } from './outcome.ts'

export type { Outcome } from './outcome.ts'

export type StripeSession = Stripe.Checkout.Session
export type StripeRefund = Stripe.Refund

/** A refund as it is sent to the provider; `refund_id` is ours and makes the idempotency key. */
export interface RefundRequest {
  readonly refund_id: string
  readonly order_id: string
  readonly payment_id: string
  readonly amount_cents: number
  readonly currency: string
}

/**
 * The payment provider. Every call ends within `CALL_MS_MAX` and says whether it was done, definitely refused, or unknown;
 * none throws for what the provider or the network does. `key` is the provider's idempotency key.
 */
export interface PaymentProvider {
  readonly livemode: boolean
  createSession(parameters: object, key: string): Promise<Outcome<StripeSession>>
  retrieveSession(id: string): Promise<Outcome<StripeSession>>
  expireSession(id: string): Promise<Outcome<StripeSession>>
  refund(request: RefundRequest, key: string): Promise<Outcome<StripeRefund>>
  /** The refunds of a payment, the newest `REFUNDS_MAX`: one page. */
  listRefunds(paymentId: string): Promise<Outcome<readonly StripeRefund[]>>
  /** The event in a webhook's raw body; undefined where it is not signed with a secret of ours within the last five minutes. */
  readEvent(body: string, signature: string | null): Promise<object | undefined>
}

export interface StripeOptions {
  readonly secretKey: string
  /** Of one endpoint, or of several, separated by commas. */
  readonly webhookSecret: string
  /** What stands in for https://api.stripe.com, path included. */
  readonly apiUrl?: string | undefined
  /** What answers instead of the network: a stand-in in this process. */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined
  readonly timeoutMs?: number
  /** Called for every call that was not done, with ids and codes; nothing of a key or of a buyer. */
  readonly report?: ((failure: CallFailure) => void) | undefined
}

export interface CallFailure {
  readonly call: keyof PaymentProvider
  /** The session, the payment, or the key of the call. */
  readonly about: string
  readonly kind: 'refused' | 'unknown'
  readonly code: string
  readonly message: string
}

/** How long a call may take; SQL's `call_time` is longer, so that nobody else asks meanwhile. */
const CALL_MS_MAX = 10_000
/** Pagination: the size of one page of the provider's. */
const REFUNDS_MAX = 100
const SIGNATURE_SECONDS_MAX = 300

/** Stripe through its SDK. Its own retries are off: a call that went wrong is repeated by the buyer or by the jobs. */
export function openStripe(options: StripeOptions): PaymentProvider {
  const { secretKey, webhookSecret } = options
  const stripe = new Stripe(secretKey, {
    httpClient: Stripe.createFetchHttpClient(fetchFor(options)),
    maxNetworkRetries: 0,
    timeout: options.timeoutMs ?? CALL_MS_MAX,
    telemetry: false,
  })
  const { sessions } = stripe.checkout
  const ask = async <T>(call: keyof PaymentProvider, about: string, work: () => Promise<T>) => {
    const outcome = await outcomeOf(work)
    if (outcome.kind !== 'done') options.report?.({ call, about, ...failureIn(outcome) })
    return outcome
  }
  return {
    // Secret keys and restricted ones.
    livemode: /^[sr]k_live_/.test(secretKey),
    createSession: (parameters, key) =>
      ask('createSession', key, () => sessions.create(parameters, { idempotencyKey: key })),
    retrieveSession: (id) => ask('retrieveSession', id, () => sessions.retrieve(id)),
    expireSession: (id) => ask('expireSession', id, () => sessions.expire(id)),
    refund: (request, key) =>
      ask('refund', key, () => stripe.refunds.create(refundParameters(request), { idempotencyKey: key })),
    listRefunds: (id) =>
      ask('listRefunds', id, () =>
        stripe.refunds.list({ payment_intent: id, limit: REFUNDS_MAX }).then(({ data }) => data),
      ),
    readEvent: async (body, signature) => {
      for (const secret of webhookSecret.split(',')) {
        const event = await readEvent(stripe, body, signature, secret)
        if (event !== undefined) return event
      }
      return undefined
    },
  }
}

function failureIn({ kind, code, message }: Exclude<Outcome<never>, { kind: 'done' }>) {
  return { kind, code, message }
}

function refundParameters({ payment_id, amount_cents, refund_id, order_id }: RefundRequest) {
  return {
    payment_intent: payment_id,
    amount: amount_cents,
    reason: 'requested_by_customer',
    metadata: { refund_id, order_id },
  } as const
}

/** Web crypto, which is asynchronous, is what every runtime has. */
async function readEvent(
  stripe: Stripe,
  body: string,
  signature: string | null,
  secret: string,
): Promise<object | undefined> {
  try {
    const event: unknown = await stripe.webhooks.constructEventAsync(
      body,
      signature ?? '',
      secret,
      SIGNATURE_SECONDS_MAX,
    )
    return typeof event === 'object' && event !== null ? event : undefined
  } catch {
    // Forged, too old (replay), or no JSON: the sender is not told which.
    return undefined
  }
}

const STRIPE_URL = 'https://api.stripe.com'

/** With `fetch`, one time limit spans the whole call, the reading of the answer included. */
function fetchFor({ apiUrl = STRIPE_URL, fetch: answer }: StripeOptions): typeof fetch {
  const base = apiUrl.replace(/\/$/, '')
  return (input, init) => {
    const url = String(input).replace(STRIPE_URL, base)
    return answer === undefined ? fetch(url, init) : answer(new Request(url, init))
  }
}
