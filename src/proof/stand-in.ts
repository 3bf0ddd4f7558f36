/** The stand-in of Stripe over HTTP: a witness of money that shares nothing with what it judges. */
export interface StandInAddress {
  /** In front of `/stand-in/…` and `/api.stripe.com/…`. */
  readonly url: string
  readonly secretKey: string
}

/** All that was ever paid, by the provider's own books. */
export interface ProviderLedger {
  readonly payments: readonly ProviderPayment[]
  /** Where its movements of money and its objects differ, in words. */
  readonly disagreements: readonly string[]
}

/** Amounts in minor units. */
export interface ProviderPayment {
  readonly payment_intent: string
  readonly client_reference_id: string | null
  readonly status: string
  readonly amount: number
  readonly amount_refunded: number
  readonly amount_disputed: number
  readonly currency: string
}

/** Webhooks, every copy of an event. */
export interface Deliveries {
  readonly pending: number
  readonly delivered: number
  readonly failed_attempts: number
}

/** What the provider says about a run's money. */
export interface PaymentWitness {
  ledger(): Promise<ProviderLedger>
  /** Waits, within a bound, until no webhook is on its way; what is still pending then is retried for days. */
  settled(): Promise<Deliveries>
}

export function openPaymentWitness(standIn: StandInAddress): PaymentWitness {
  return { ledger: () => ledgerOf(standIn), settled: () => settledDeliveries(standIn) }
}

export function ledgerOf(standIn: StandInAddress): Promise<ProviderLedger> {
  return control(standIn, 'ledger')
}

/** How long webhooks may be on their way after the last payment. */
const SETTLE_SECONDS_MAX = 20

/** Waits until no webhook is on its way, at most so many seconds. */
export function settledDeliveries(
  standIn: StandInAddress,
  seconds = SETTLE_SECONDS_MAX,
): Promise<Deliveries> {
  return control(standIn, `deliveries?wait=idle&seconds=${seconds}`)
}

/** The stand-in's control interface, authorised by its secret key; a body makes it a POST. */
export async function control<Answer>(
  standIn: StandInAddress,
  path: string,
  body?: object | null,
): Promise<Answer> {
  const response = await fetch(`${standIn.url}/stand-in/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${standIn.secretKey}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(CONTROL_MS_MAX),
  })
  if (!response.ok)
    throw new Error(`the stand-in answered ${path} with ${response.status}: ${await response.text()}`)
  return (await response.json()) as Answer
}

const CONTROL_MS_MAX = 60_000
