/** What the payment provider knows of a currency. Amounts are its minor units, as the provider counts them. */
export interface Currency {
  /** Decimal places: a major unit is ten to this power of minor ones. */
  readonly exponent: 0 | 2 | 3
  /** Amounts are multiples of it. */
  readonly chargeStep: number
  /** The least that is taken; half a major unit where the provider names none. */
  readonly chargeMinimum: number
  readonly chargeMaximum: number
}

/** Eight digits. */
const CHARGE_MAXIMUM = 99_999_999

const twoDecimals: Currency = { exponent: 2, chargeStep: 1, chargeMinimum: 50, chargeMaximum: CHARGE_MAXIMUM }
const noDecimals: Currency = { exponent: 0, chargeStep: 1, chargeMinimum: 50, chargeMaximum: CHARGE_MAXIMUM }
const threeDecimals: Currency = {
  exponent: 3,
  chargeStep: 10,
  chargeMinimum: 500,
  chargeMaximum: CHARGE_MAXIMUM,
}
/** Nobody writes decimals in these; the provider counts two, which are zeros. */
const zeroDecimals: Currency = {
  exponent: 2,
  chargeStep: 100,
  chargeMinimum: 50,
  chargeMaximum: CHARGE_MAXIMUM,
}

/**
 * Registry of currencies, by their ISO 4217 codes: those that can be charged. SQL's rules about amounts are
 * generated from it. Sources: docs.stripe.com/currencies, and there #minimum-and-maximum-charge-amounts.
 */
export const CURRENCIES: Readonly<Record<string, Currency>> = {
  ...each(
    `AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY COP CRC CVE DOP DZD EGP ETB
     EUR FJD FKP GEL GIP GMD GTQ GYD HNL HTG ILS INR JMD KES KGS KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MRO MUR
     MVR MWK MZN NAD NGN NIO NPR NZD PAB PEN PGK PHP PKR QAR RSD RUB SAR SBD SCR SGD SHP SLE SOS SRD STD SZL TJS TOP TRY TTD TWD
     TZS UAH USD UYU UZS WST XCD XCG YER ZAR ZMW`,
    twoDecimals,
  ),
  ...each('BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF', noDecimals),
  ...each('BHD JOD KWD OMR TND', threeDecimals),
  ...each('ISK UGX', zeroDecimals),
  ...each('IDR', { ...twoDecimals, chargeMaximum: 999_999_999_999 }),
  ...each('GBP', { ...twoDecimals, chargeMinimum: 30 }),
  ...each('BGN', { ...twoDecimals, chargeMinimum: 100 }),
  ...each('AED MYR PLN RON', { ...twoDecimals, chargeMinimum: 200 }),
  ...each('DKK', { ...twoDecimals, chargeMinimum: 250 }),
  ...each('NOK SEK', { ...twoDecimals, chargeMinimum: 300 }),
  ...each('HKD', { ...twoDecimals, chargeMinimum: 400 }),
  ...each('MXN THB', { ...twoDecimals, chargeMinimum: 1_000 }),
  ...each('CZK', { ...twoDecimals, chargeMinimum: 1_500 }),
  ...each('HUF', { ...twoDecimals, chargeMinimum: 17_500 }),
}

/** By the three capital letters of its code; two decimals where it is none of ours. */
export function currencyNamed(code: string): Currency {
  return CURRENCIES[code] ?? twoDecimals
}

/** How many minor units make a major one. */
export function minorUnits(code: string): number {
  return 10 ** currencyNamed(code).exponent
}

function each(codes: string, currency: Currency): Record<string, Currency> {
  return Object.fromEntries(codes.split(/\s+/).map((code) => [code, currency]))
}
