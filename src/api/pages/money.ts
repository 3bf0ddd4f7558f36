/**
 * An amount as people of its currency write it. `cents` are the currency's minor units as Stripe counts them: none for JPY,
 * three digits for KWD, two for ISK and UGX though nobody writes them.
 */
export function money(cents: number, currency: string): string {
  const format = new Intl.NumberFormat('en-GB', { style: 'currency', currency })
  return format.format(cents / minorUnits(currency))
}

/**
 * What an event adds to a ticket: a fixed part and basis points of its price, rounded half up to what the provider can
 * charge. The database decides; a test compares this with its `ticket_fee`.
 */
export function ticketFee(priceCents: number, event: Fees): number {
  if (priceCents === 0) return 0
  const step = chargeStep(event.currency)
  const parts = event.fee_fixed_cents * BASIS_POINTS + priceCents * event.fee_basis_points
  return Math.floor(parts / (BASIS_POINTS * step) + 0.5) * step
}

export interface Fees {
  readonly currency: string
  readonly fee_fixed_cents: number
  readonly fee_basis_points: number
}

const BASIS_POINTS = 10_000

/** How many minor units make a major one. */
export function minorUnits(currency: string): number {
  if (ZERO_DECIMALS.has(currency)) return 1
  return THREE_DECIMALS.has(currency) ? 1000 : 100
}

/** Three-decimal currencies are charged in tens, and those that Stripe counts in hundredths without having any in hundreds. */
function chargeStep(currency: string): number {
  if (THREE_DECIMALS.has(currency)) return 10
  return WHOLE_HUNDREDTHS.has(currency) ? 100 : 1
}

/** Source: docs.stripe.com/currencies. */
const ZERO_DECIMALS = new Set('BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '))
const THREE_DECIMALS = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND'])
const WHOLE_HUNDREDTHS = new Set(['ISK', 'UGX'])
