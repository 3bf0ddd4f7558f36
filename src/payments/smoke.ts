import { randomUUID } from 'node:crypto'
import Stripe from 'stripe'
import { type Outcome, openStripe, type PaymentProvider, type StripeOptions } from './provider.ts'

/** `unjudged`: the call was taken, but the server keeps no state, so that nothing can be said about its effect. */
export interface SmokeStep {
  readonly name: string
  readonly verdict: 'passed' | 'failed' | 'unjudged'
  /** What was seen, and what to do where it is wrong. */
  readonly detail: string
}

export interface SmokeOptions extends StripeOptions {
  readonly nowMs: number
  /** stripe-mock checks parameters and answers with samples. */
  readonly isStateless: boolean
}

/**
 * Makes every kind of call that the box office makes, on a session of its own which it ends again; no money moves. Gives the
 * steps as they end. Use a test key.
 */
export async function* smoke(options: SmokeOptions): AsyncGenerator<SmokeStep> {
  const provider = openStripe(options)
  const key = `smoke:${randomUUID()}`
  const parameters = sampleParameters(options.nowMs)
  const created = await provider.createSession(parameters, key)
  yield* judged('opens a checkout session', false, created, ({ id, url }) => url !== null && id !== '')
  if (created.kind === 'done') {
    for (const step of sessionSteps(provider, created.value.id, parameters, key)) {
      yield* judged(step.name, options.isStateless, await step.call(), step.isRight, step.refusal)
    }
  }
  const refund = {
    refund_id: key,
    order_id: key,
    payment_id: 'pi_admit_once_smoke',
    amount_cents: 100,
    currency: 'EUR',
  }
  const refused = await provider.refund(refund, `refund:${key}`)
  yield* judged(
    'is refused the refund of a payment that is not there',
    options.isStateless,
    refused,
    NEVER,
    'resource_missing',
  )
  const listed = await provider.listRefunds(refund.payment_id)
  yield* judged(
    'is told of no refunds of it',
    options.isStateless,
    listed,
    (list) => list.length === 0,
    'resource_missing',
  )
  yield await webhookStep(provider, options)
}

interface Step {
  readonly name: string
  readonly call: () => Promise<Outcome<Stripe.Checkout.Session>>
  readonly isRight: (session: Stripe.Checkout.Session) => boolean
  /** The code with which it must not be done. */
  readonly refusal?: string
}

function sessionSteps(
  provider: PaymentProvider,
  id: string,
  parameters: SampleParameters,
  key: string,
): readonly Step[] {
  const other = { ...parameters, client_reference_id: `${parameters.client_reference_id}-other` }
  return [
    {
      name: 'reads it back with our amount, currency and order',
      call: () => provider.retrieveSession(id),
      isRight: (session) =>
        session.amount_total === SAMPLE_CENTS &&
        session.currency === 'eur' &&
        session.client_reference_id === parameters.client_reference_id,
    },
    {
      name: 'gets the same session for the same key',
      call: () => provider.createSession(parameters, key),
      isRight: (session) => session.id === id,
    },
    {
      name: 'is refused the same key with other parameters',
      call: () => provider.createSession(other, key),
      isRight: NEVER,
      refusal: 'idempotency_error',
    },
    {
      name: 'expires the session',
      call: () => provider.expireSession(id),
      isRight: ({ status }) => status === 'expired',
    },
    {
      name: 'is refused to expire it again',
      call: () => provider.expireSession(id),
      isRight: NEVER,
      refusal: '',
    },
  ]
}

const NEVER = () => false

/** `refusal`: the code that is right too; any, where it is empty. */
function* judged<T>(
  name: string,
  isStateless: boolean,
  outcome: Outcome<T>,
  isRight: (value: T) => boolean,
  refusal?: string,
): Generator<SmokeStep> {
  if (outcome.kind === 'done') {
    if (isRight(outcome.value)) yield { name, verdict: 'passed', detail: '' }
    else if (isStateless) yield { name, verdict: 'unjudged', detail: 'taken; this server keeps no state' }
    else yield { name, verdict: 'failed', detail: `the answer is not what it must be. ${REPORT}` }
    return
  }
  const isRefused =
    refusal !== undefined && (refusal === '' ? outcome.kind === 'refused' : outcome.code === refusal)
  yield isRefused
    ? { name, verdict: 'passed', detail: outcome.code }
    : { name, verdict: 'failed', detail: `${outcome.message} ${ADVICE[outcome.code] ?? REPORT}`.trim() }
}

const REPORT = "Look the request up in the provider's log, and do not sell before this is understood."

const ADVICE: Readonly<Record<string, string>> = {
  authentication_error: '',
  connection_error: 'Check the network and STRIPE_API_URL.',
  secret_key_required: 'Give the key "Checkout Sessions: write" and "Refunds: write".',
  more_permissions_required_for_application: 'Give the key "Checkout Sessions: write" and "Refunds: write".',
}

/** Needs no network: an event that is signed as the provider does it is read; altered or old ones are not. */
async function webhookStep(
  provider: PaymentProvider,
  { secretKey, webhookSecret, nowMs }: SmokeOptions,
): Promise<SmokeStep> {
  const { webhooks } = new Stripe(secretKey)
  const payload = JSON.stringify({ id: 'evt_smoke', object: 'event', type: 'ping', data: { object: {} } })
  const signed = (seconds: number) =>
    webhooks.generateTestHeaderString({
      payload,
      secret: webhookSecret,
      timestamp: Math.floor(nowMs / 1000) + seconds,
    })
  const isRight =
    (await provider.readEvent(payload, signed(0))) !== undefined &&
    (await provider.readEvent(payload.replace('ping', 'pong'), signed(0))) === undefined &&
    (await provider.readEvent(payload, signed(-TOO_OLD_SECONDS))) === undefined &&
    (await provider.readEvent(payload, null)) === undefined
  const name = 'reads a signed event, and no altered, old or unsigned one'
  return isRight
    ? { name, verdict: 'passed', detail: '' }
    : { name, verdict: 'failed', detail: 'Is the clock of this machine right?' }
}

const TOO_OLD_SECONDS = 600
const SAMPLE_CENTS = 5_200

type SampleParameters = ReturnType<typeof sampleParameters>

/** A call as `ticketing.prepare_session` stores it: two tickets at 25.00 EUR and their fees. */
export function sampleParameters(nowMs: number) {
  const orderId = randomUUID()
  const facts = { order_id: orderId, event_id: randomUUID(), business_id: randomUUID(), attempt: '1' }
  const line = (quantity: number, cents: number, name: string) => ({
    quantity,
    price_data: { currency: 'eur', unit_amount: cents, product_data: { name } },
  })
  return {
    mode: 'payment',
    client_reference_id: orderId,
    customer_email: 'buyer@example.org',
    metadata: facts,
    payment_intent_data: { metadata: facts },
    line_items: [line(2, 2_500, 'Summer Night · Front row'), line(1, 200, 'Fees')],
    expires_at: Math.floor(nowMs / 1000) + SESSION_SECONDS,
    adaptive_pricing: { enabled: false },
    excluded_payment_method_types: [...SLOW_METHODS],
    success_url: `https://example.org/orders/${orderId}`,
    cancel_url: 'https://example.org/events/summer-night',
  }
}

const SESSION_SECONDS = 31 * 60
/** Methods that pay in days, as `ticketing.slow_methods` names them. */
const SLOW_METHODS = [
  'acss_debit',
  'au_becs_debit',
  'bacs_debit',
  'boleto',
  'customer_balance',
  'konbini',
  'multibanco',
  'nz_bank_account',
  'oxxo',
  'payto',
  'sepa_debit',
  'sofort',
  'us_bank_account',
] as const
