/** The provider's stand-in, asked over HTTP: a witness of money that shares nothing with the box office. */
export interface Provider {
  ledger(): Promise<ProviderLedger>
  /** Waits, within a bound, until no webhook is on its way; what is still pending then is retried for days. */
  settled(): Promise<Deliveries>
}

/** All that was ever paid, by the provider's own books. */
interface ProviderLedger {
  readonly payments: readonly ProviderPayment[]
  /** Where its movements of money and its objects differ, in words. */
  readonly disagreements: readonly string[]
}

export interface ProviderPayment {
  readonly payment_intent: string
  readonly client_reference_id: string | null
  readonly status: string
  /** Minor units. */
  readonly amount: number
  readonly amount_refunded: number
  readonly currency: string
}

/** How long webhooks may be on their way after the last payment. */
const SETTLE_SECONDS_MAX = 20

/** `url` stands in front of `/stand-in/…`. */
export function openProvider({ url, secretKey }: { url: string; secretKey: string }): Provider {
  const get = async <Body>(path: string): Promise<Body> => {
    const response = await fetch(`${url}/stand-in/${path}`, {
      headers: { Authorization: `Bearer ${secretKey}` },
      signal: AbortSignal.timeout((SETTLE_SECONDS_MAX + 5) * 1000),
    })
    if (!response.ok) throw new Error(`the stand-in of Stripe answered ${path} with ${response.status}`)
    return (await response.json()) as Body
  }
  return {
    ledger: () => get<ProviderLedger>('ledger'),
    settled: () => get<Deliveries>(`deliveries?wait=idle&seconds=${SETTLE_SECONDS_MAX}`),
  }
}

interface Deliveries {
  readonly pending: number
  /** Copies that were taken, every one of an event. */
  readonly delivered: number
  readonly failed_attempts: number
}
