import { invalidRequest } from './refusal.ts'

/** Stripe's largest charge: eight digits, and twelve of rupiah. */
function mostOf(currency: string): number {
  return currency === 'idr' ? 999_999_999_999 : 99_999_999
}

/** Minor units, as in Stripe's table of minimum charges; other currencies are converted there, and start at 1 here. */
const MINIMUM: Readonly<Record<string, number>> = {
  aed: 200,
  aud: 50,
  bgn: 100,
  brl: 50,
  cad: 50,
  chf: 50,
  czk: 1500,
  dkk: 250,
  eur: 50,
  gbp: 30,
  hkd: 400,
  huf: 17500,
  inr: 50,
  jpy: 50,
  mxn: 1000,
  myr: 200,
  nok: 300,
  nzd: 50,
  pln: 200,
  ron: 200,
  sek: 300,
  sgd: 50,
  thb: 1000,
  usd: 50,
}

const ZERO_DECIMALS = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '))
const THREE_DECIMALS = new Set('bhd jod kwd omr tnd'.split(' '))
/** Without decimals in life, with two in Stripe's amounts, which must be zeros. */
const FALSE_DECIMALS = new Set(['isk', 'ugx'])
const TWO_DECIMALS =
  'aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mro mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd uyu uzs wst xcd xcg yer zar zmw'.split(
    ' ',
  )
const CURRENCIES = new Set([...TWO_DECIMALS, ...ZERO_DECIMALS, ...THREE_DECIMALS, ...FALSE_DECIMALS])

/** The three letters in lower case. Throws for what Stripe does not charge in. */
export function currencyOf(text: string, param: string): string {
  const currency = text.toLowerCase()
  if (CURRENCIES.has(currency)) return currency
  const all = [...CURRENCIES].join(', ')
  throw invalidRequest(`Invalid currency: ${text}. Stripe currently supports these currencies: ${all}`, param)
}

/** Throws for a total that Stripe would not charge: too small, too large, or not in the currency's steps. */
export function checkCharge(amount: number, currency: string): void {
  if (amount > mostOf(currency)) {
    const most = amountText(mostOf(currency), currency)
    throw invalidRequest(
      `The Checkout Session's total amount must be no more than ${most}.`,
      undefined,
      'amount_too_large',
    )
  }
  const least = leastOf(currency)
  if (amount > 0 && amount < least) {
    throw invalidRequest(
      `The Checkout Session's total amount due must add up to at least ${amountText(least, currency)} ${currency}`,
      undefined,
      'amount_too_small',
    )
  }
  checkStep(amount, currency)
}

/** Three-decimal amounts end in 0, those of ISK and UGX in 00. */
export function checkStep(amount: number, currency: string, param?: string): void {
  const step = stepOf(currency)
  if (amount % step === 0) return
  throw invalidRequest(
    `Invalid amount: amounts in ${currency} must be divisible by ${step}.`,
    param,
    'parameter_invalid_integer',
  )
}

/** For people: "€25.00". */
export function amountText(amount: number, currency: string): string {
  const digits = digitsOf(currency)
  const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits }
  return new Intl.NumberFormat('en', { style: 'currency', currency, ...fraction }).format(
    amount / 10 ** digits,
  )
}

/** Every currency that is charged here, by its code in capitals, for who compares the rules. */
export function chargeRules(): ReadonlyMap<
  string,
  Readonly<Record<'digits' | 'step' | 'least' | 'most', number>>
> {
  const rules = [...CURRENCIES].map((currency) => {
    const rule = {
      digits: digitsOf(currency),
      step: stepOf(currency),
      least: leastOf(currency),
      most: mostOf(currency),
    }
    return [currency.toUpperCase(), rule] as const
  })
  return new Map(rules)
}

function digitsOf(currency: string): number {
  if (ZERO_DECIMALS.has(currency)) return 0
  return THREE_DECIMALS.has(currency) ? 3 : 2
}

function stepOf(currency: string): number {
  if (THREE_DECIMALS.has(currency)) return 10
  return FALSE_DECIMALS.has(currency) ? 100 : 1
}

function leastOf(currency: string): number {
  return MINIMUM[currency] ?? 1
}
