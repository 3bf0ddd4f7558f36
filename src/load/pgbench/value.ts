/** A value of pgbench's expression language: NULL, boolean, 64-bit integer or double. */
export type Value = null | boolean | bigint | number

/** Variables by name; a string is text that came from `-D` or `\gset` and is read as a value when an expression uses it. */
export type Variables = Map<string, Value | string>

/** What makes pgbench end a client: it is reported, and the run's exit code becomes 2. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError'
}

/** The value of a variable inside an expression. Throws `ScriptError` where it is unknown or not a value. */
export function variableValue(variables: Variables, name: string): Value {
  const value = variables.get(name)
  if (value === undefined) throw new ScriptError(`undefined variable "${name}"`)
  return typeof value === 'string' ? parseValue(name, value) : value
}

/** The text that replaces `:name` in SQL, or undefined where no such variable exists. */
export function variableText(variables: Variables, name: string): string | undefined {
  const value = variables.get(name)
  if (value === undefined || typeof value === 'string') return value
  if (value === null) return 'NULL'
  return typeof value === 'number' ? formatDouble(value) : String(value)
}

export function isVariableName(name: string): boolean {
  return /^[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*$/.test(name)
}

/** pgbench's `\if`: zero and NULL are false. */
export function isTrue(value: Value): boolean {
  return value !== null && value !== false && value !== 0n && value !== 0
}

export function toBoolean(value: Value): boolean {
  if (typeof value === 'boolean') return value
  throw new ScriptError(`cannot coerce ${typeName(value)} to boolean`)
}

export function toDouble(value: Value): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  throw new ScriptError(`cannot coerce ${typeName(value)} to double`)
}

/** Doubles are rounded half to even, as C's rint does. */
export function toInteger(value: Value): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value !== 'number') throw new ScriptError(`cannot coerce ${typeName(value)} to int`)
  const rounded = roundHalfEven(value)
  if (!(rounded >= -(2 ** 63) && rounded < 2 ** 63)) {
    throw new ScriptError(`double to int overflow for ${value}`)
  }
  return BigInt(rounded)
}

export function inRange(value: bigint, what: string): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new ScriptError(`bigint ${what} out of range`)
  return value
}

function parseValue(name: string, text: string): Value {
  const word = text.toLowerCase()
  if (word === 'null') return null
  if (word !== '' && ('true'.startsWith(word) || 'yes'.startsWith(word) || word === 'on')) return true
  if (word !== '' && ('false'.startsWith(word) || 'no'.startsWith(word) || /^off?$/.test(word))) return false
  if (/^\s*[-+]?\d+\s*$/.test(text)) return inRange(BigInt(text.replace('+', '')), `value of "${name}"`)
  if (/^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/.test(word)) return Number(word)
  throw new ScriptError(`malformed variable "${name}" value: "${text}"`)
}

/** C's `%.15g`, which is how pgbench writes a double into SQL; it spells Infinity and NaN as JavaScript does. */
function formatDouble(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const [mantissa = '0', power = '0'] = value.toExponential(14).split('e')
  const exponent = Number(power)
  const sign = Object.is(value, -0) ? '-' : ''
  if (exponent >= -4 && exponent < 15) return sign + withoutTrailingZeros(value.toFixed(14 - exponent))
  const digits = String(Math.abs(exponent)).padStart(2, '0')
  return `${withoutTrailingZeros(mantissa)}e${exponent < 0 ? '-' : '+'}${digits}`
}

function withoutTrailingZeros(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}

function typeName(value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'bigint') return 'int'
  return typeof value === 'number' ? 'double' : 'boolean'
}
