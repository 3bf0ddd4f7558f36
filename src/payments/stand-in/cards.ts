import type { Failure, RefundCourse } from './state.ts'

/** What a card does. Stripe's own numbers for tests, and any other is declined as Stripe's test mode declines it. */
export interface Card {
  readonly last4: string
  readonly failure: Failure | null
  readonly refunds: RefundCourse
  readonly disputed: boolean
}

export function cardOf(written: string): Card {
  const number = written.replaceAll(/[\s-]/g, '')
  const course = CARDS.get(number) ?? { failure: unknownCard(number) }
  return { ...PAYS, ...course, last4: number.slice(-4) }
}

/** For the pay page: the ones that a person wants to try. */
export const CARD_HINTS: readonly (readonly [string, string])[] = [
  ['4242 4242 4242 4242', 'pays'],
  ['4000 0000 0000 0002', 'is declined'],
  ['4000 0000 0000 9995', 'has too little money'],
  ['4000 0000 0000 0259', 'pays, and is disputed'],
]

const PAYS = { failure: null, refunds: 'succeed', disputed: false } as const

const CARDS = new Map<string, Partial<Card>>([
  ['4242424242424242', {}],
  ['4000000000000002', { failure: decline('generic_decline', 'Your card was declined.') }],
  ['4000000000009995', { failure: decline('insufficient_funds', 'Your card has insufficient funds.') }],
  ['4000000000000259', { disputed: true }],
  ['4000000000007726', { refunds: 'succeed_later' }],
  ['4000000000005126', { refunds: 'fail_later' }],
])

function decline(decline_code: string, message: string): Failure {
  return { code: 'card_declined', decline_code, message }
}

function unknownCard(number: string): Failure {
  if (/^\d{12,19}$/.test(number) && checksum(number) === 0) {
    return decline('test_mode_live_card', 'Your card was declined: this is no card for tests.')
  }
  return { code: 'incorrect_number', decline_code: null, message: 'Your card number is incorrect.' }
}

/** Luhn's; 0 for a number that can exist. */
function checksum(number: string): number {
  const digits = [...number].toReversed().map(Number)
  const sum = digits.reduce((all, digit, at) => {
    const twice = digit * 2
    return all + (at % 2 === 0 ? digit : twice > 9 ? twice - 9 : twice)
  }, 0)
  return sum % 10
}
