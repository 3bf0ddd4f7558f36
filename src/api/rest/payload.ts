import { RestError } from './errors.ts'

/** PostgreSQL reads JSON by recursion; far deeper text than this makes it give up with an error of its own. */
const NESTING_MAX = 500

/** The arguments of a call, before it is known which function they are for. */
export type Payload =
  | {
      readonly kind: 'json'
      readonly text: string
      /** The same, read. */
      readonly value: unknown
      readonly array: boolean
      /** False for an array that is no list of arguments; it may still be the whole body of a function. */
      readonly named: boolean
      readonly keys: readonly string[]
    }
  /** Each value is text; a key given twice is one for a variadic parameter. */
  | {
      readonly kind: 'direct'
      readonly named: true
      readonly values: ReadonlyMap<string, readonly string[]>
      readonly keys: readonly string[]
    }
  | { readonly kind: 'raw'; readonly named: false; readonly text: string; readonly keys: readonly string[] }

/** Parameter types that each content type can be passed to whole. */
export const bodyTypes: Readonly<Record<string, readonly string[]>> = {
  'application/json': ['json', 'jsonb'],
  'text/plain': ['text'],
  'text/xml': ['xml'],
  'application/x-www-form-urlencoded': [],
}

/** The content type without its parameters; JSON when none is given. */
export function contentTypeOf(header: string | null): string {
  if (header === null || header === 'application/json') return 'application/json'
  return header.split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

export function parseBody(body: string, contentType: string): Payload {
  switch (contentType) {
    case 'application/json':
      return parseJson(body)
    case 'application/x-www-form-urlencoded':
      return directPayload(new URLSearchParams(body))
    case 'text/plain':
    case 'text/xml':
      return { kind: 'raw', named: false, text: withoutNul(body), keys: [] }
    default:
      throw invalidBody(`Content-Type not acceptable: ${contentType}`)
  }
}

export function directPayload(parameters: Iterable<readonly [string, string]>): Payload {
  const values = new Map<string, readonly string[]>()
  for (const [key, value] of parameters) {
    values.set(withoutNul(key), [...(values.get(key) ?? []), withoutNul(value)])
  }
  return { kind: 'direct', named: true, values, keys: [...values.keys()] }
}

export function invalidBody(message: string): RestError {
  return new RestError('PGRST102', message)
}

/** An empty body means no arguments; of an array only the first object counts, but all must have its keys. */
function parseJson(body: string): Payload {
  if (body === '') return { kind: 'json', text: '{}', value: {}, array: false, named: true, keys: [] }
  const value = parse(body)
  if (body.length > NESTING_MAX && nesting(body) > NESTING_MAX) {
    throw invalidBody(`The JSON is nested deeper than ${NESTING_MAX} levels`)
  }
  const array = Array.isArray(value)
  const keys = keysOf(array ? value[0] : value) ?? []
  const named = !array || value.every((item) => haveSameKeys(keys, keysOf(item)))
  return { kind: 'json', text: body, value, array, named, keys }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw invalidBody('Empty or invalid json')
  }
}

function keysOf(value: unknown): readonly string[] | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : undefined
}

function haveSameKeys(keys: readonly string[], others: readonly string[] | undefined): boolean {
  return others?.length === keys.length && keys.every((key) => others.includes(key))
}

/** How deep arrays and objects go, in text that is known to be JSON. */
function nesting(text: string): number {
  let depth = 0
  let deepest = 0
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i]
    if (character === '"') i = endOfString(text, i)
    else if (character === '[' || character === '{') deepest = Math.max(deepest, ++depth)
    else if (character === ']' || character === '}') depth -= 1
  }
  return deepest
}

function endOfString(text: string, start: number): number {
  let i = start + 1
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1
  return i
}

function withoutNul(text: string): string {
  if (text.includes('\0')) throw invalidBody('Invalid byte sequence: a NUL character cannot be stored')
  return text
}
