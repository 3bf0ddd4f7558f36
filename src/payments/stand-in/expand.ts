import { chargeObject, lineItemObject } from './objects.ts'
import { invalidRequest } from './refusal.ts'
import { objectOf, type Runtime } from './runtime.ts'

/** The object with ids replaced by what they name, for paths such as `payment_intent.latest_charge`. */
export function expandObject(runtime: Runtime, object: object, paths: readonly string[]): object {
  return paths.reduce((expanded, path) => expandPath(runtime, expanded, path.split('.'), path), object)
}

const EXPANDABLE = new Set(['charge', 'data', 'latest_charge', 'line_items', 'payment_intent'])

function expandPath(
  runtime: Runtime,
  object: object,
  [step = '', ...rest]: readonly string[],
  path: string,
): object {
  const copy: Record<string, unknown> = { ...object }
  const value = step === 'line_items' ? lineItems(runtime, copy['id']) : copy[step]
  if (!EXPANDABLE.has(step) || value === undefined) {
    throw invalidRequest(`This property cannot be expanded (${path}).`, 'expand')
  }
  const deeper = (one: unknown) => {
    const found = typeof one === 'string' ? resolve(runtime, one) : one
    if (typeof found !== 'object' || found === null || rest.length === 0) return found
    return expandPath(runtime, found, rest, path)
  }
  copy[step] = Array.isArray(value) ? value.map(deeper) : deeper(value)
  return copy
}

function resolve(runtime: Runtime, id: string): object | string {
  const payment = id.startsWith('ch_') ? runtime.store.payments.get(`pi_${id.slice(3)}`) : undefined
  if (payment !== undefined) return chargeObject(payment)
  const state = runtime.store.find(id)
  return state === undefined ? id : objectOf(runtime, state)
}

function lineItems(runtime: Runtime, id: unknown): object | undefined {
  const session = typeof id === 'string' ? runtime.store.sessions.get(id) : undefined
  if (session === undefined) return undefined
  const data = session.lines.slice(0, LINES_SHOWN).map((line) => lineItemObject(line, session))
  const has_more = session.lines.length > LINES_SHOWN
  return { object: 'list', data, has_more, url: `/v1/checkout/sessions/${session.id}/line_items` }
}

/** Stripe shows the first ten; `GET …/line_items` lists all. */
const LINES_SHOWN = 10
