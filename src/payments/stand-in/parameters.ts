import type { Fields, Value } from './form.ts'
import { invalidRequest, resourceMissing } from './refusal.ts'
import type { Texts } from './state.ts'

/** Reads one parameter, `at` its name as in an error's `param`. Throws a `StripeRefusal` in Stripe's words. */
export type Reader<T> = (value: Value | undefined, at: string) => T

export type Read<R> = R extends Reader<infer T> ? T : never

type Shape = Readonly<Record<string, Reader<unknown>>>

/** Exactly these parameters: any other is refused, as Stripe refuses it. */
export function fields<S extends Shape>(shape: S): Reader<{ readonly [K in keyof S]: Read<S[K]> }> {
  return (value, at) => {
    const given: Fields = value === undefined ? new Map() : branch(value, at)
    const unknown = [...given.keys()].filter((name) => !Object.hasOwn(shape, name))
    const [first] = unknown
    if (first !== undefined) throw unknownParameters(unknown.map((name) => inside(at, name)))
    const read = Object.entries(shape).map(([name, reader]) => [
      name,
      reader(given.get(name), inside(at, name)),
    ])
    return Object.fromEntries(read)
  }
}

/** Left out is null; what is given must be right. */
export function optional<T>(reader: Reader<T>): Reader<T | null> {
  return (value, at) => (value === undefined ? null : reader(value, at))
}

export function text(lengthMax = 5_000): Reader<string> {
  return (value, at) => {
    const given = leaf(value, at)
    if (given === '') throw emptyParameter(at)
    if (given.length > lengthMax) {
      const message = `Invalid string: must be at most ${lengthMax} characters`
      throw invalidRequest(message, at, 'parameter_invalid_string_too_long')
    }
    return given
  }
}

export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Reader<number> {
  return (value, at) => {
    const given = text()(value, at)
    if (!/^-?\d{1,15}$/.test(given))
      throw invalidRequest(`Invalid integer: ${given}`, at, 'parameter_invalid_integer')
    const number = Number(given)
    if (number < min) throw outOfRange('greater', min, at)
    if (number > max) throw outOfRange('less', max, at)
    return number
  }
}

export function oneOf<const T extends readonly string[]>(...allowed: T): Reader<T[number]> {
  return (value, at) => {
    const given = text()(value, at)
    const found = allowed.find((one) => one === given)
    if (found === undefined) throw invalidRequest(`Invalid ${at}: must be one of ${allowed.join(', ')}`, at)
    return found
  }
}

/** A switch that may only be given as off. */
export const off: Reader<false> = (value, at) => {
  const given = oneOf('true', 'false')(value, at)
  if (given === 'true') throw invalidRequest(`The stand-in of Stripe does not implement ${at}=true.`, at)
  return false
}

/** An address that could exist; Stripe looks no closer either. */
export const email: Reader<string> = (value, at) => {
  const given = text(800)(value, at)
  if (/^[^\s@<>"]+@[^\s@<>".]+(\.[^\s@<>".]+)+$/.test(given)) return given
  throw invalidRequest(`Invalid email address: ${given}`, at, 'email_invalid')
}

export const url: Reader<string> = (value, at) => {
  const given = text()(value, at)
  if (/^https?:\/\/[^\s\\]+$/i.test(given) && URL.canParse(given)) return given
  throw invalidRequest('Not a valid URL', at, 'url_invalid')
}

/** At most 50 keys of 40 characters with values of 500; a key given empty is left out. */
export const metadata: Reader<Texts> = (value, at) => {
  if (value === undefined || value === '') return {}
  const entries = [...branch(value, at)]
  if (entries.length > 50) {
    throw invalidRequest(`Metadata can have up to 50 keys, but you passed in ${entries.length}.`, at)
  }
  return Object.fromEntries(
    entries.map(([key, one]) => pair(key, leaf(one, inside(at, key)), at)).filter(([, one]) => one !== ''),
  )
}

function pair(key: string, value: string, at: string): readonly [string, string] {
  const limit = (what: string, max: number, length: number) =>
    invalidRequest(
      `Metadata ${what} can have up to ${max} characters, but you passed in one of ${length}.`,
      at,
    )
  if (key.length > 40) throw limit('keys', 40, key.length)
  if (value.length > 500) throw limit('values', 500, value.length)
  return [key, value]
}

/** From one to `max` of them. */
export function listOf<T>(reader: Reader<T>, max: number): Reader<readonly T[]> {
  return (value, at) => {
    if (value === undefined) throw missingParameter(at)
    const given = [...branch(value, at)]
    if (given.some(([key]) => !/^\d{1,4}$/.test(key))) throw invalidRequest('Invalid array', at)
    if (given.length > max) {
      throw invalidRequest(
        `You may only specify up to ${max} of these: ${at}`,
        at,
        'parameter_invalid_array_length',
      )
    }
    return given.map(([key, one]) => reader(one, inside(at, key)))
  }
}

/** What Stripe knows and nobody has made in the stand-in. */
export function noSuch(what: string): Reader<never> {
  return (value, at) => {
    throw resourceMissing(what, typeof value === 'string' ? value : '', at, 400)
  }
}

function branch(value: Value, at: string): Fields {
  if (typeof value === 'string') throw invalidRequest(`Invalid ${at === '' ? 'request' : 'object'}`, at)
  return value
}

function leaf(value: Value | undefined, at: string): string {
  if (value === undefined) throw missingParameter(at)
  if (typeof value !== 'string') throw invalidRequest('Invalid string', at)
  return value
}

function inside(at: string, name: string): string {
  return at === '' ? name : `${at}[${name}]`
}

function unknownParameters(names: readonly string[]) {
  const what = names.length === 1 ? 'parameter' : 'parameters'
  return invalidRequest(`Received unknown ${what}: ${names.join(', ')}`, names[0], 'parameter_unknown')
}

function missingParameter(at: string) {
  return invalidRequest(`Missing required param: ${at}.`, at, 'parameter_missing')
}

function emptyParameter(at: string) {
  const message = `You passed an empty string for '${at}'. You should remove '${at}' from your request or supply a non-empty value.`
  return invalidRequest(message, at, 'parameter_invalid_empty')
}

function outOfRange(which: 'greater' | 'less', bound: number, at: string) {
  return invalidRequest(
    `This value must be ${which} than or equal to ${bound}.`,
    at,
    'parameter_invalid_integer',
  )
}
