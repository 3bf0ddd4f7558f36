import { type Field, fieldIn, openScanner, quotedIn, type Scanner } from './scanner.ts'

/** A condition on one column, or several joined. */
export type Condition = Filter | Logic

export interface Logic {
  readonly kind: 'and' | 'or'
  readonly negated: boolean
  readonly conditions: readonly Condition[]
}

export interface Filter {
  readonly kind: 'filter'
  readonly field: Field
  readonly negated: boolean
  readonly test: Test
}

/** What is asked of the column; texts are as they came. */
export type Test =
  | {
      readonly op: SimpleOperator
      readonly quantifier: 'any' | 'all' | undefined
      readonly value: string
    }
  | { readonly op: 'in'; readonly values: readonly string[] }
  | { readonly op: 'is'; readonly value: IsValue }
  | { readonly op: TextSearch; readonly language: string | undefined; readonly value: string }

/** Operators and what PostgreSQL calls them. */
export const OPERATORS = {
  eq: '=',
  neq: '<>',
  gte: '>=',
  gt: '>',
  lte: '<=',
  lt: '<',
  like: 'like',
  ilike: 'ilike',
  match: '~',
  imatch: '~*',
  isdistinct: 'is distinct from',
  cs: '@>',
  cd: '<@',
  ov: '&&',
  sl: '<<',
  sr: '>>',
  nxr: '&<',
  nxl: '&>',
  adj: '-|-',
} as const

type SimpleOperator = keyof typeof OPERATORS

export const TEXT_SEARCHES = {
  fts: 'to_tsquery',
  plfts: 'plainto_tsquery',
  phfts: 'phraseto_tsquery',
  wfts: 'websearch_to_tsquery',
} as const

type TextSearch = keyof typeof TEXT_SEARCHES

const IS_VALUES = {
  null: 'null',
  not_null: 'not null',
  true: 'true',
  false: 'false',
  unknown: 'unknown',
} as const

type IsValue = (typeof IS_VALUES)[keyof typeof IS_VALUES]

/** Those that take (any) and (all). */
const QUANTIFIED: ReadonlySet<string> = new Set([
  'eq',
  'gte',
  'gt',
  'lte',
  'lt',
  'like',
  'ilike',
  'match',
  'imatch',
])
const OPERATION = /([a-z]+)(?:\(([^)]*)\))?\./y
const EXPECTING =
  '"not" or operator (eq, gt, gte, lt, lte, neq, like, ilike, match, imatch, in, is, isdistinct, fts, plfts, phfts, wfts, cs, cd, ov, sl, sr, nxr, nxl, adj)'
const LOGIC_DEPTH_MAX = 32

/** The value of a filter parameter, such as `not.eq.5`. */
export function parseFilter(field: Field, text: string): Filter {
  const scanner = openScanner(text, 'filter')
  const filter = filterIn(scanner, field, false)
  if (!scanner.done()) scanner.fail('end of input')
  return filter
}

/** True where the text is a filter's, so that it can be told from a function's argument. */
export function looksLikeFilter(text: string): boolean {
  const found = /^(?:not\.)?([a-z]+)(?:\([^)]*\))?\./.exec(text)?.[1]
  return found !== undefined && isOperator(found)
}

function isOperator(name: string): boolean {
  return (
    Object.hasOwn(OPERATORS, name) || Object.hasOwn(TEXT_SEARCHES, name) || name === 'in' || name === 'is'
  )
}

/** The value of `and` and `or`, such as `(a.eq.1,not.or(b.is.null,c.gt.2))`. */
export function parseLogic(kind: 'and' | 'or', negated: boolean, text: string): Logic {
  const scanner = openScanner(text, 'logic tree')
  const conditions = conditionsIn(scanner, 0)
  if (!scanner.done()) scanner.fail('end of input')
  return { kind, negated, conditions }
}

function conditionsIn(scanner: Scanner, depth: number): readonly Condition[] {
  if (depth > LOGIC_DEPTH_MAX) scanner.fail(`at most ${LOGIC_DEPTH_MAX} levels`)
  scanner.expect('(')
  const conditions = [conditionIn(scanner, depth)]
  while (scanner.takes(',')) conditions.push(conditionIn(scanner, depth))
  scanner.expect(')')
  return conditions
}

const LOGIC = /\s*(not\.)?(and|or)(?=\()/y

function conditionIn(scanner: Scanner, depth: number): Condition {
  const logic = scanner.match(LOGIC)
  if (logic !== null) {
    const kind = logic[2] === 'and' ? 'and' : 'or'
    return { kind, negated: logic[1] !== undefined, conditions: conditionsIn(scanner, depth + 1) }
  }
  const field = fieldIn(scanner)
  scanner.expect('.')
  return filterIn(scanner, field, true)
}

function filterIn(scanner: Scanner, field: Field, nested: boolean): Filter {
  const negated = scanner.takes('not.')
  const at = scanner.at()
  const [, op = '', parameter] = scanner.match(OPERATION) ?? []
  if (!isOperator(op)) {
    scanner.moveTo(at)
    scanner.fail(EXPECTING)
  }
  return { kind: 'filter', field, negated, test: testIn(scanner, op, parameter, nested) }
}

function testIn(scanner: Scanner, op: string, parameter: string | undefined, nested: boolean): Test {
  if (Object.hasOwn(TEXT_SEARCHES, op)) {
    return { op: op as TextSearch, language: parameter, value: valueIn(scanner, nested) }
  }
  if (parameter !== undefined && !(QUANTIFIED.has(op) && /^(any|all)$/.test(parameter)))
    scanner.fail(EXPECTING)
  if (op === 'in') return { op, values: listIn(scanner) }
  if (op === 'is') return { op, value: isValueIn(scanner) }
  const quantifier = parameter as 'any' | 'all' | undefined
  return { op: op as SimpleOperator, quantifier, value: valueIn(scanner, nested) }
}

const IS_VALUE = /not_null|null|true|false|unknown/iy

function isValueIn(scanner: Scanner): IsValue {
  const word =
    scanner.match(IS_VALUE)?.[0].toLowerCase() ?? scanner.fail('null, not_null, true, false or unknown')
  return IS_VALUES[word as keyof typeof IS_VALUES]
}

/** Inside a tree a value ends at a comma or parenthesis, unless quotes or braces keep them in. */
function valueIn(scanner: Scanner, nested: boolean): string {
  if (!nested) return scanner.match(REST)?.[0] ?? ''
  return quotedBeforeEnd(scanner) ?? scanner.match(BRACES)?.[0] ?? scanner.match(PLAIN)?.[0] ?? ''
}

const REST = /.*/sy
const BRACES = /\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\}/sy
const PLAIN = /[^,)]*/sy

function quotedBeforeEnd(scanner: Scanner): string | undefined {
  const at = scanner.at()
  const quoted = quotedIn(scanner)
  if (quoted !== undefined && (scanner.done() || /[,)]/.test(scanner.peek()))) return quoted
  scanner.moveTo(at)
  return undefined
}

function listIn(scanner: Scanner): readonly string[] {
  scanner.expect('(')
  if (scanner.takes(')')) return []
  const element = () => quotedBeforeEnd(scanner) ?? scanner.match(PLAIN)?.[0] ?? ''
  const values = [element()]
  while (scanner.takes(',')) values.push(element())
  scanner.expect(')')
  return values
}
