import { CURRENCIES, type Currency } from '../../src/core/currencies.ts'
import { page, table } from './markdown.ts'

/** What the provider knows of each currency. */
export function currenciesPage(): string {
  const groups = Map.groupBy(Object.entries(CURRENCIES), ([, currency]) => JSON.stringify(currency))
  return page(
    'Currencies',
    'src/core/currencies.ts',
    `Amounts are whole minor units, as Stripe counts them: 2500 is 25.00 EUR, 2500 JPY, or 2.500 KWD. An event has one currency.
An event in a currency that is not listed is refused when it is saved (\`CURRENCY_NOT_SUPPORTED\`), and so is a price that nobody could
pay (\`AMOUNT_NOT_CHARGEABLE\`): one between the steps, or one that is with its fee less than the least or more than the most. 0 is free.
An order's total is judged by the same rules when it is asked.`,
    table(
      ['currencies', 'decimals', 'multiples of', 'least', 'most'],
      [...groups.values()].map((group) => [
        group.map(([code]) => code).join(', '),
        ...group.slice(0, 1).flatMap(([, currency]) => facts(currency)),
      ]),
    ),
  )
}

function facts({ exponent, chargeStep, chargeMinimum, chargeMaximum }: Currency): string[] {
  return [String(exponent), String(chargeStep), String(chargeMinimum), String(chargeMaximum)]
}
