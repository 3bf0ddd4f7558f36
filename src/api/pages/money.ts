import { minorUnits } from '../../core/currencies.ts'

/** An amount of minor units as people of its currency write it. */
export function money(cents: number, currency: string): string {
  const format = new Intl.NumberFormat('en-GB', { style: 'currency', currency })
  return format.format(cents / minorUnits(currency))
}
