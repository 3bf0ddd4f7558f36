import { CHARGE_MAX, CURRENCIES, type Currency, currencyNamed } from '../../src/core/currencies.ts'
import { page, table } from './markdown.ts'

/** What the provider knows of each currency. */
export function currenciesPage(): string {
  const groups = Map.groupBy(Object.entries(CURRENCIES), ([, currency]) => JSON.stringify(currency))
  return page(
    'Currencies',
    'src/core/currencies.ts',
    `Amounts are whole minor units, as Stripe counts them: 2500 is 25.00 EUR, 2500 JPY, or 2.500 KWD. An event has one currency.
Any code of three capital letters can be used; one that is not listed has two decimals. The most that is taken is ${CHARGE_MAX}
minor units. A price that cannot be charged is refused when it is saved, a total when it is asked (\`AMOUNT_NOT_CHARGEABLE\`).`,
    table(
      ['currencies', 'decimals', 'multiples of', 'least'],
      [
        ['all others', ...facts(currencyNamed('EUR'))],
        ...[...groups.values()].map((group) => [
          group.map(([code]) => code).join(', '),
          ...facts(group[0]?.[1] ?? currencyNamed('EUR')),
        ]),
      ],
    ),
  )
}

function facts({ exponent, chargeStep, chargeMinimum }: Currency): string[] {
  return [String(exponent), String(chargeStep), String(chargeMinimum)]
}
