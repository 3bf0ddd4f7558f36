import { type Field, fieldIn, openScanner, type Scanner } from './scanner.ts'

export interface OrderTerm {
  /** A row embedded to one, whose column it is. */
  readonly embed: string | undefined
  readonly field: Field
  readonly descending: boolean
  readonly nulls: 'first' | 'last' | undefined
}

/** The order parameter, such as `a.desc.nullslast,b->>c,rel(d).asc`. */
export function parseOrder(text: string): readonly OrderTerm[] {
  const scanner = openScanner(text, 'order')
  const terms = [termIn(scanner)]
  while (scanner.takes(',')) terms.push(termIn(scanner))
  if (!scanner.done()) scanner.fail('end of input or ","')
  return terms
}

const DIRECTION = /\.(asc|desc)(?![\p{L}\p{N}_])/uy
const NULLS = /\.nulls(first|last)(?![\p{L}\p{N}_])/uy

function termIn(scanner: Scanner): OrderTerm {
  const first = fieldIn(scanner)
  const related = first.arrows.length === 0 && scanner.takes('(')
  const field = related ? fieldIn(scanner) : first
  if (related) scanner.expect(')')
  const direction = scanner.match(DIRECTION)?.[1]
  const nulls = scanner.match(NULLS)?.[1]
  return {
    embed: related ? first.name : undefined,
    field,
    descending: direction === 'desc',
    nulls: nulls as OrderTerm['nulls'],
  }
}
