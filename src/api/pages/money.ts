/**
 * An amount as people of its currency write it. `cents` are the currency's minor units as Stripe counts them: none for JPY,
 * three digits for KWD, two for ISK and UGX though nobody writes them.
 */
export function money(cents: number, currency: string): string {
  const format = new Intl.NumberFormat('en-GB', { style: 'currency', currency })
  return format.format(cents / minorUnits(currency))
}

/** How many minor units make a major one. */
export function minorUnits(currency: string): number {
  if (ZERO_DECIMALS.has(currency)) return 1
  return THREE_DECIMALS.has(currency) ? 1000 : 100
}

/** Source: docs.stripe.com/currencies. */
const ZERO_DECIMALS = new Set('BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '))
const THREE_DECIMALS = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND'])
