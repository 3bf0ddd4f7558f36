/** What an expression gives: a whole number, or the answer of a comparison. */
export type Value = number | boolean

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
  return variables.get(name)?.toString()
}

export function isVariableName(name: string): boolean {
  return /^[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*$/.test(name)
}

/** pgbench's `\if`: zero is false. */
export function isTrue(value: Value): boolean {
  return value !== false && value !== 0
}

/** pgbench counts in 64 bits; beyond 53 this runner would count wrong, so it refuses. */
export function exact(value: number): number {
  if (Number.isSafeInteger(value)) return value
  throw new ScriptError('a number beyond 2^53 is not supported')
}

/** Booleans as pgbench reads them: any beginning of a word will do. */
function parseValue(name: string, text: string): Value {
  const word = text.toLowerCase()
  if (/^\s*[-+]?\d+\s*$/.test(text)) return exact(Number(text))
  if (word !== '' && ('true'.startsWith(word) || 'yes'.startsWith(word) || word === 'on')) return true
  if (word !== '' && ('false'.startsWith(word) || 'no'.startsWith(word) || /^off?$/.test(word))) return false
  throw new ScriptError(`variable "${name}" is neither a whole number nor a boolean: "${text}"`)
}
