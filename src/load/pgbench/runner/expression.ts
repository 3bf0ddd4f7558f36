import type { Random } from '../../../core/random.ts'
import { exact, ScriptError, type Value, type Variables, variableValue } from './variables.ts'

/** What an expression can see: its client's variables and random numbers. */
export interface Scope {
  readonly variables: Variables
  readonly random: Random
}

/** Throws `ScriptError`, which ends the client as it does under pgbench. */
export type Expression = (scope: Scope) => Value

/**
 * Recursive descent over the expressions of `\set`, `\if` and `\elif`: whole numbers, variables, arithmetic, comparisons,
 * `and`, `or`, `not` and `random(min, max)`. Anything else is refused by an `Error` that names it.
 */
export function parseExpression(source: string): Expression {
  const parser: Parser = { tokens: tokenize(source), at: 0 }
  const expression = parseLevel(parser, 0)
  const rest = parser.tokens[parser.at]
  if (rest !== undefined) throw unsupported(parser, rest)
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

/** The right side is a function, because `and` and `or` look at it only when the left side does not decide. */
type Operator = (left: Value, right: () => Value) => Value

const OR: Operator = (left, right) => toBoolean(left) || toBoolean(right())
const AND: Operator = (left, right) => toBoolean(left) && toBoolean(right())

function numeric(apply: (left: number, right: number) => Value): Operator {
  return (left, right) => apply(toInteger(left), toInteger(right()))
}

/** From the loosest binding to the tightest. */
const LEVELS: readonly ReadonlyMap<string, Operator>[] = [
  new Map([['or', OR]]),
  new Map([['and', AND]]),
  new Map([
    ['=', numeric((a, b) => a === b)],
    ['<>', numeric((a, b) => a !== b)],
    ['!=', numeric((a, b) => a !== b)],
    ['<', numeric((a, b) => a < b)],
    ['<=', numeric((a, b) => a <= b)],
    ['>', numeric((a, b) => a > b)],
    ['>=', numeric((a, b) => a >= b)],
  ]),
  new Map([
    ['+', numeric((a, b) => exact(a + b))],
    ['-', numeric((a, b) => exact(a - b))],
  ]),
  new Map([
    ['*', numeric((a, b) => exact(a * b))],
    ['/', numeric((a, b) => Math.trunc(a / notZero(b)))],
    ['%', numeric((a, b) => a % notZero(b))],
  ]),
]

/** Comparisons do not chain; `not` binds looser than they do and tighter than `and`. */
const COMPARISONS = 2

function parseLevel(parser: Parser, level: number): Expression {
  const operators = LEVELS[level]
  if (operators === undefined) return parseSigned(parser)
  if (level === COMPARISONS && accept(parser, 'not')) {
    const operand = parseLevel(parser, level)
    return (scope) => !toBoolean(operand(scope))
  }
  let left = parseLevel(parser, level + 1)
  for (;;) {
    const operator = operators.get(parser.tokens[parser.at] ?? '')
    if (operator === undefined) return left
    parser.at++
    left = binary(operator, left, parseLevel(parser, level + 1))
    if (level === COMPARISONS) return left
  }
}

function binary(operator: Operator, left: Expression, right: Expression): Expression {
  return (scope) => operator(left(scope), () => right(scope))
}

function parseSigned(parser: Parser): Expression {
  if (accept(parser, '+')) return parseSigned(parser)
  if (!accept(parser, '-')) return parsePrimary(parser)
  const operand = parseSigned(parser)
  return (scope) => -toInteger(operand(scope))
}

function parsePrimary(parser: Parser): Expression {
  const token = parser.tokens[parser.at++]
  if (token === undefined) throw new Error('expression ends too early')
  if (token === '(') {
    const inner = parseLevel(parser, 0)
    expect(parser, ')')
    return inner
  }
  if (token === 'random') return parseRandom(parser)
  if (token.startsWith(':')) return ({ variables }) => variableValue(variables, token.slice(1))
  if (!/^\d+$/.test(token)) throw unsupported(parser, token)
  const value = Number(token)
  if (!Number.isSafeInteger(value)) throw new Error(`unsupported number ${token} in expression: beyond 2^53`)
  return () => value
}

/** Numbers of one seed are the same in each run of this runner, and others than pgbench draws. */
function parseRandom(parser: Parser): Expression {
  expect(parser, '(')
  const from = parseLevel(parser, 0)
  expect(parser, ',')
  const to = parseLevel(parser, 0)
  expect(parser, ')')
  return (scope) => {
    const [min, max] = [toInteger(from(scope)), toInteger(to(scope))]
    if (min > max) throw new ScriptError('empty range given to random')
    if (max - min >= RANGE_MAX) throw new ScriptError('random range is too large')
    return min + scope.random.below(max - min + 1)
  }
}

/** So many numbers the generator tells apart. */
const RANGE_MAX = 2 ** 32

function toBoolean(value: Value): boolean {
  if (typeof value === 'boolean') return value
  throw new ScriptError('cannot coerce int to boolean')
}

function toInteger(value: Value): number {
  if (typeof value === 'number') return value
  throw new ScriptError('cannot coerce boolean to int')
}

function notZero(value: number): number {
  if (value === 0) throw new ScriptError('division by zero')
  return value
}

function accept(parser: Parser, token: string): boolean {
  if (parser.tokens[parser.at] !== token) return false
  parser.at++
  return true
}

function expect(parser: Parser, token: string): void {
  if (accept(parser, token)) return
  const found = parser.tokens[parser.at]
  throw new Error(`expected ${token}, found ${found === undefined ? 'the end' : `"${found}"`}`)
}

function unsupported(parser: Parser, token: string): Error {
  if (/^\d*\.|^\d+e/.test(token)) return new Error(`unsupported number "${token}" in expression: not whole`)
  if (!/^[a-z_\u0080-\uffff]/.test(token)) return new Error(`unexpected "${token}" in expression`)
  const isCall = parser.tokens[parser.tokens.indexOf(token) + 1] === '('
  return new Error(`unsupported ${isCall ? 'function' : 'word'} "${token}" in expression`)
}
