import { exponential, gaussian, type Random, uniform, zipfian } from './random.ts'
import { inRange, ScriptError, toBoolean, toDouble, toInteger, type Value } from './value.ts'

/** A function or operator: how many arguments it takes, and what it makes of them (none of them NULL). */
export interface Definition {
  readonly arity: number | 'one or more'
  readonly call: (args: readonly Value[], random: Random) => Value
}

/** Functions a script may call by name. */
export const FUNCTIONS: ReadonlyMap<string, Definition> = new Map(
  Object.entries({
    abs: unary((a) => (typeof a === 'bigint' ? inRange(a < 0n ? -a : a, 'abs') : Math.abs(toDouble(a)))),
    double: unary(toDouble),
    exp: unary((a) => Math.exp(toDouble(a))),
    greatest: extremum((a, b) => a > b),
    int: unary(toInteger),
    least: extremum((a, b) => a < b),
    ln: unary((a) => Math.log(toDouble(a))),
    mod: binary(modulo),
    pi: { arity: 0, call: () => Math.PI },
    pow: binary((a, b) => toDouble(a) ** toDouble(b)),
    power: binary((a, b) => toDouble(a) ** toDouble(b)),
    random: { arity: 2, call: ([a, b], random) => uniform(random, ...bounds(a, b)) },
    random_exponential: distribution(exponential),
    random_gaussian: distribution(gaussian),
    random_zipfian: distribution(zipfian),
    sqrt: unary((a) => Math.sqrt(toDouble(a))),
  } satisfies Record<string, Definition>),
)

/** Operators that evaluate both sides; `and` and `or` are lazy and live in expression.ts. */
export const OPERATORS: ReadonlyMap<string, Definition> = new Map(
  Object.entries({
    '+': arithmetic(
      (a, b) => inRange(a + b, 'add'),
      (a, b) => a + b,
    ),
    '-': arithmetic(
      (a, b) => inRange(a - b, 'sub'),
      (a, b) => a - b,
    ),
    '*': arithmetic(
      (a, b) => inRange(a * b, 'mul'),
      (a, b) => a * b,
    ),
    '/': arithmetic(
      (a, b) => inRange(a / notZero(b), 'div'),
      (a, b) => a / b,
    ),
    '%': binary(modulo),
    '=': comparison((a, b) => a === b),
    '<>': comparison((a, b) => a !== b),
    '!=': comparison((a, b) => a !== b),
    '<': comparison((a, b) => a < b),
    '<=': comparison((a, b) => a <= b),
    '>': comparison((a, b) => a > b),
    '>=': comparison((a, b) => a >= b),
    not: unary((a) => !toBoolean(a)),
  } satisfies Record<string, Definition>),
)

function unary(call: (a: Value) => Value): Definition {
  return { arity: 1, call: ([a = null]) => call(a) }
}

function binary(call: (a: Value, b: Value) => Value): Definition {
  return { arity: 2, call: ([a = null, b = null]) => call(a, b) }
}

/** Integers stay integers; one double makes both doubles. */
function arithmetic(
  integers: (a: bigint, b: bigint) => Value,
  doubles: (a: number, b: number) => Value,
): Definition {
  return binary((a, b) => {
    const real = typeof a === 'number' || typeof b === 'number'
    return real ? doubles(toDouble(a), toDouble(b)) : integers(toInteger(a), toInteger(b))
  })
}

function comparison(compare: (a: bigint | number, b: bigint | number) => boolean): Definition {
  return arithmetic(compare, compare)
}

function extremum(wins: (a: bigint | number, b: bigint | number) => boolean): Definition {
  const call = (args: readonly Value[]): Value => {
    const convert: (value: Value) => bigint | number = args.some((a) => typeof a === 'number')
      ? toDouble
      : toInteger
    return args.map(convert).reduce((best, next) => (wins(next, best) ? next : best))
  }
  return { arity: 'one or more', call }
}

function distribution(
  draw: (random: Random, min: bigint, max: bigint, parameter: number) => bigint,
): Definition {
  return { arity: 3, call: ([a, b, c = null], random) => draw(random, ...bounds(a, b), toDouble(c)) }
}

function bounds(a: Value = null, b: Value = null): [bigint, bigint] {
  const [min, max] = [toInteger(a), toInteger(b)]
  if (min > max) throw new ScriptError('empty range given to random')
  if (max - min >= 2n ** 63n - 1n) throw new ScriptError('random range is too large')
  return [min, max]
}

function modulo(a: Value, b: Value): Value {
  return toInteger(a) % notZero(toInteger(b))
}

function notZero(value: bigint): bigint {
  if (value === 0n) throw new ScriptError('division by zero')
  return value
}
