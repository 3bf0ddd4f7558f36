import type { OrderTerm } from './order.ts'

/** `order by` with what stands before it, or nothing. */
export function orderSql(terms: readonly OrderTerm[], sqlOf: (term: OrderTerm) => string): string {
  if (terms.length === 0) return ''
  const list = terms.map((term) => {
    const nulls = term.nulls === undefined ? '' : ` nulls ${term.nulls}`
    return `${sqlOf(term)} ${term.descending ? 'desc' : 'asc'}${nulls}`
  })
  return ` order by ${list.join(',')}`
}
