import { type Definition, FUNCTIONS, OPERATORS } from './functions.ts'
import type { Random } from './random.ts'
import { isTrue, toBoolean, type Value, type Variables, variableValue } from './value.ts'

/** What an expression can see: its client's variables and random numbers. */
export interface Scope {
  readonly variables: Variables
  random: Random
}

/** Throws `ScriptError`, which ends the client as it does under pgbench. */
export type Expression = (scope: Scope) => Value

/**
 * Compiles an expression of pgbench's `\set`, `\if` and `\elif`.
 * Whatever is not part of the supported language is refused by an `Error` that names it.
 */
export function parseExpression(source: string): Expression {
  const parser: Parser = { tokens: tokenize(source), at: 0 }
  const expression = parseOr(parser)
  const rest = parser.tokens[parser.at]
  if (rest !== undefined) throw new Error(`unexpected "${rest}" in expression`)
  return expression
}

interface Parser {
  readonly tokens: readonly string[]
  at: number
}

const TOKEN =
  /\s*(?:(\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|:[\w\u0080-\uffff]+|[a-z_\u0080-\uffff][\w\u0080-\uffff]*|<>|!=|<=|>=|[-+*/%<>=(),])|(\S))/iy

function tokenize(source: string): string[] {
  const tokens: string[] = []
  const text = source.trimEnd()
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.length) {
    const [, token, stranger] = TOKEN.exec(text) ?? []
    if (token === undefined) throw new Error(`unsupported character or operator "${stranger}" in expression`)
    tokens.push(token.startsWith(':') ? token : token.toLowerCase())
  }
  return tokens
}

function parseOr(parser: Parser): Expression {
  let left = parseAnd(parser)
  while (accept(parser, 'or')) left = lazy(left, parseAnd(parser), true)
  return left
}

function parseAnd(parser: Parser): Expression {
  let left = parseNot(parser)
  while (accept(parser, 'and')) left = lazy(left, parseNot(parser), false)
  return left
}

function parseNot(parser: Parser): Expression {
  return accept(parser, 'not') ? apply('not', parseNot(parser)) : parseIs(parser)
}

function parseIs(parser: Parser): Expression {
  const left = parseComparison(parser)
  if (accept(parser, 'isnull')) return (scope) => left(scope) === null
  if (accept(parser, 'notnull')) return (scope) => left(scope) !== null
  if (!accept(parser, 'is')) return left
  const negated = accept(parser, 'not') !== undefined
  const word = expect(parser, 'null', 'true', 'false')
  const wanted = word === 'null' ? null : word === 'true'
  return (scope) => (left(scope) === wanted) !== negated
}

function parseComparison(parser: Parser): Expression {
  const left = parseSum(parser)
  const operator = accept(parser, '=', '<>', '!=', '<', '<=', '>', '>=')
  return operator === undefined ? left : apply(operator, left, parseSum(parser))
}

function parseSum(parser: Parser): Expression {
  let left = parseProduct(parser)
  for (let operator = accept(parser, '+', '-'); operator !== undefined; operator = accept(parser, '+', '-')) {
    left = apply(operator, left, parseProduct(parser))
  }
  return left
}

function parseProduct(parser: Parser): Expression {
  let left = parseSigned(parser)
  const next = () => accept(parser, '*', '/', '%')
  for (let operator = next(); operator !== undefined; operator = next()) {
    left = apply(operator, left, parseSigned(parser))
  }
  return left
}

function parseSigned(parser: Parser): Expression {
  if (accept(parser, '+')) return parseSigned(parser)
  if (!accept(parser, '-')) return parsePrimary(parser)
  if (accept(parser, String(2n ** 63n))) return () => -(2n ** 63n)
  return apply('-', () => 0n, parseSigned(parser))
}

function parsePrimary(parser: Parser): Expression {
  const token = parser.tokens[parser.at++]
  if (token === undefined) throw new Error('expression ends too early')
  if (token === '(') return closed(parser, parseOr(parser))
  if (token === 'case') return parseCase(parser)
  if (token === 'null') return () => null
  if (token === 'true' || token === 'false') return () => token === 'true'
  if (/^\d+$/.test(token)) return parseInteger(token)
  if (/^[.\d]/.test(token)) return () => Number(token)
  if (token.startsWith(':')) return ({ variables }) => variableValue(variables, token.slice(1))
  const definition = FUNCTIONS.get(token)
  if (definition !== undefined) return call(token, definition, parseArguments(parser))
  const what = parser.tokens[parser.at] === '(' ? `unsupported function "${token}"` : `unexpected "${token}"`
  throw new Error(`${what} in expression`)
}

function parseInteger(token: string): Expression {
  const value = BigInt(token)
  if (value >= 2n ** 63n) throw new Error(`bigint constant overflow (${token}) in expression`)
  return () => value
}

function parseCase(parser: Parser): Expression {
  const branches: { readonly condition: Expression; readonly result: Expression }[] = []
  expect(parser, 'when')
  do {
    const condition = parseOr(parser)
    expect(parser, 'then')
    branches.push({ condition, result: parseOr(parser) })
  } while (accept(parser, 'when'))
  const otherwise = accept(parser, 'else') ? parseOr(parser) : () => null
  expect(parser, 'end')
  return (scope) => (branches.find((branch) => isTrue(branch.condition(scope)))?.result ?? otherwise)(scope)
}

function parseArguments(parser: Parser): Expression[] {
  expect(parser, '(')
  if (accept(parser, ')')) return []
  const args = [parseOr(parser)]
  while (accept(parser, ',')) args.push(parseOr(parser))
  return closed(parser, args)
}

function call(name: string, definition: Definition, args: readonly Expression[]): Expression {
  const { arity } = definition
  const fits = arity === 'one or more' ? args.length > 0 : args.length === arity
  if (!fits) throw new Error(`function "${name}" takes ${arity} arguments, not ${args.length}`)
  return (scope) => {
    const values = args.map((arg) => arg(scope))
    return values.includes(null) ? null : definition.call(values, scope.random)
  }
}

function apply(operator: string, ...args: readonly Expression[]): Expression {
  const definition = OPERATORS.get(operator)
  if (definition === undefined) throw new Error(`unsupported operator "${operator}" in expression`)
  return call(operator, definition, args)
}

/** `and` and `or` look at the right side only when the left does not decide; a NULL on the left decides. */
function lazy(left: Expression, right: Expression, decisive: boolean): Expression {
  return (scope) => {
    const first = left(scope)
    if (first === null || toBoolean(first) === decisive) return first
    const second = right(scope)
    return second === null ? null : toBoolean(second)
  }
}

function accept(parser: Parser, ...tokens: readonly string[]): string | undefined {
  const token = parser.tokens[parser.at]
  if (token === undefined || !tokens.includes(token)) return undefined
  parser.at++
  return token
}

function expect(parser: Parser, ...tokens: readonly string[]): string {
  const token = accept(parser, ...tokens)
  if (token !== undefined) return token
  const found = parser.tokens[parser.at]
  throw new Error(`expected ${tokens.join(' or ')}, found ${found === undefined ? 'the end' : `"${found}"`}`)
}

function closed<T>(parser: Parser, value: T): T {
  expect(parser, ')')
  return value
}
