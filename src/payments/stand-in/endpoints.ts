import type { LostAnswer } from './chaos.ts'
import { checkStep } from './currencies.ts'
import { eventObject } from './events.ts'
import { readBooks } from './ledger.ts'
import { refundPayment } from './money.ts'
import { chargeObject, lineItemObject } from './objects.ts'
import { openPagedList, type Page, type PageOf } from './paged-list.ts'
import {
  fields,
  integer,
  listOf,
  metadata,
  off,
  oneOf,
  optional,
  type Read,
  type Reader,
  text,
} from './parameters.ts'
import { invalidRequest, requestRefusal, resourceMissing } from './refusal.ts'
import { objectOf, type Runtime } from './runtime.ts'
import { expansions, newSession } from './session-parameters.ts'
import { expireSession, openSession } from './sessions.ts'
import type { Payment, RequestMark, State } from './state.ts'
import { mustGet } from './store.ts'

/** One call of Stripe's API. */
export interface Endpoint<I extends Input = Input> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly parameters: Reader<I>
  run(runtime: Runtime, input: I, call: { readonly id: string; readonly mark: RequestMark }): Outcome
}

interface Input {
  readonly expand: readonly string[] | null
}

/** A state is shown as its object, and can be shown so again to a repeated key. */
type Outcome =
  | { readonly state: State; readonly lost?: LostAnswer | undefined }
  | { readonly state?: never; readonly object: object; readonly lost?: never }

const nothing = fields({ expand: expansions })
const page = {
  expand: expansions,
  limit: optional(integer(1, 100)),
  starting_after: optional(text()),
  ending_before: optional(text()),
}
const seconds = integer(0)
const range = fields({
  gt: optional(seconds),
  gte: optional(seconds),
  lt: optional(seconds),
  lte: optional(seconds),
})
const created = optional<Read<typeof range> | number>((value, at) =>
  typeof value === 'string' ? seconds(value, at) : range(value, at),
)

const sessionList = fields({
  ...page,
  created,
  payment_intent: optional(text()),
  status: optional(oneOf('open', 'complete', 'expired')),
})
const refundList = fields({ ...page, charge: optional(text()), payment_intent: optional(text()) })
const eventList = fields({
  ...page,
  created,
  delivery_success: optional(oneOf('true', 'false')),
  type: optional(text()),
  types: optional(listOf(text(), 20)),
})
const newRefund = fields({
  expand: expansions,
  amount: optional(integer(1)),
  charge: optional(text()),
  metadata,
  payment_intent: optional(text()),
  reason: optional(oneOf('duplicate', 'fraudulent', 'requested_by_customer')),
  refund_application_fee: optional(off),
  reverse_transfer: optional(off),
})

export const ENDPOINTS: readonly Endpoint[] = [
  endpoint('POST', 'checkout/sessions', newSession, (runtime, { expand: _, ...wanted }) => ({
    state: openSession(runtime, wanted),
  })),
  endpoint('GET', 'checkout/sessions', sessionList, (runtime, input) => {
    const { payment_intent, status } = input
    const paid = payment_intent === null ? null : runtime.store.payments.get(payment_intent)
    if (paid !== null) {
      const data = paid === undefined ? [] : [mustGet(runtime.store.sessions, paid.session)]
      return listOfStates(runtime, '/v1/checkout/sessions', { data, has_more: false })
    }
    const found = runtime.store.sessions.page(
      input,
      (session) => (status === null || session.status === status) && within(session.created, input.created),
    )
    return listOfStates(runtime, '/v1/checkout/sessions', found)
  }),
  endpoint('GET', 'checkout/sessions/:id', nothing, (runtime, _, { id }) => ({
    state: sessionOf(runtime, id),
  })),
  endpoint('POST', 'checkout/sessions/:id/expire', nothing, (runtime, _, { id, mark }) => ({
    state: expireSession(runtime, sessionOf(runtime, id), mark),
  })),
  endpoint('GET', 'checkout/sessions/:id/line_items', fields(page), (runtime, input, { id }) => {
    const session = sessionOf(runtime, id)
    const items = openPagedList<ReturnType<typeof lineItemObject>>('line_item')
    // Lines are listed in their own order, which is newest first for the items.
    for (const line of session.lines.toReversed()) items.put(lineItemObject(line, session))
    return { object: list(`/v1/checkout/sessions/${id}/line_items`, items.page(input)) }
  }),
  endpoint('POST', 'refunds', newRefund, (runtime, input, { mark }) => {
    const payment = paymentToRefund(runtime, input)
    if (input.amount !== null) checkStep(input.amount, payment.currency, 'amount')
    const next = runtime.nextRefunds.shift()
    if (next === 'refused') {
      throw requestRefusal(
        'The refund was refused, as /stand-in/next-refund asked for.',
        'charge_not_refundable',
      )
    }
    const course = next === 'pending' ? 'pending' : null
    const { amount, reason } = input
    const state = refundPayment(runtime, payment, { amount, reason, metadata: input.metadata, course }, mark)
    return { state, lost: next === 'lost' ? 'cut' : undefined }
  }),
  endpoint('GET', 'refunds', refundList, (runtime, input) => {
    const id = input.payment_intent ?? (input.charge === null ? null : paymentOfCharge(input.charge))
    if (id === null) return listOfStates(runtime, '/v1/refunds', runtime.store.refunds.page(input))
    return listOfStates(runtime, '/v1/refunds', pageOfRefunds(runtime, id, input))
  }),
  endpoint('GET', 'refunds/:id', nothing, (runtime, _, { id }) => ({
    state: runtime.store.refunds.get(id) ?? none('refund', id, 'refund'),
  })),
  endpoint('GET', 'payment_intents/:id', nothing, (runtime, _, { id }) => ({
    state: runtime.store.payments.get(id) ?? none('payment_intent', id, 'intent'),
  })),
  endpoint('GET', 'charges/:id', nothing, (runtime, _, { id }) => {
    const payment = runtime.store.payments.get(paymentOfCharge(id))
    if (payment === undefined || payment.charged_at === null) return none('charge', id, 'id')
    return { object: chargeObject(payment) }
  }),
  endpoint('GET', 'disputes/:id', nothing, (runtime, _, { id }) => ({
    state: runtime.store.disputes.get(id) ?? none('dispute', id, 'id'),
  })),
  endpoint('GET', 'events', eventList, (runtime, input) => {
    const types = input.types ?? (input.type === null ? null : [input.type])
    const { undelivered } = runtime.store
    const { data, has_more } = runtime.store.happenings.page(
      input,
      (event) =>
        (types === null || types.includes(event.type)) &&
        (input.delivery_success === null ||
          (input.delivery_success === 'true') !== undelivered.has(event.id)) &&
        within(event.created, input.created),
    )
    const events = data.map((event) => eventObject(event, runtime.payUrl, undelivered.has(event.id)))
    return { object: list('/v1/events', { data: events, has_more }) }
  }),
  endpoint('GET', 'events/:id', nothing, (runtime, _, { id }) => {
    const event = runtime.store.happenings.get(id) ?? none('event', id, 'id')
    return { object: eventObject(event, runtime.payUrl, runtime.store.undelivered.has(id)) }
  }),
  endpoint('GET', 'balance', nothing, (runtime) => {
    const funds = Object.entries(readBooks(runtime).totals).map(([currency, totals]) => ({
      amount: totals.amount - totals.amount_refunded - totals.amount_disputed,
      currency,
      source_types: {},
    }))
    return { object: { object: 'balance', available: funds, livemode: false, pending: [] } }
  }),
]

/** Keeps an endpoint's input and its parameters of one type, then hides it. */
function endpoint<I extends Input>(
  method: Endpoint['method'],
  path: string,
  parameters: Reader<I>,
  run: Endpoint<I>['run'],
): Endpoint {
  return { method, path: `/api.stripe.com/v1/${path}`, parameters, run }
}

function sessionOf(runtime: Runtime, id: string) {
  return runtime.store.sessions.get(id) ?? none('checkout.session', id, 'session')
}

function paymentToRefund(runtime: Runtime, input: Read<typeof newRefund>): Payment {
  const { payment_intent, charge } = input
  if (payment_intent !== null) {
    const payment = runtime.store.payments.get(payment_intent)
    if (payment === undefined) throw resourceMissing('payment_intent', payment_intent, 'payment_intent', 400)
    return payment
  }
  if (charge === null) {
    throw invalidRequest(
      'One of the following params should be provided for this request: payment_intent or charge.',
      undefined,
      'parameter_missing',
    )
  }
  const payment = runtime.store.payments.get(paymentOfCharge(charge))
  if (payment === undefined) throw resourceMissing('charge', charge, 'charge', 400)
  return payment
}

function pageOfRefunds(runtime: Runtime, payment: string, asked: Page) {
  const items = openPagedList<State>('refund')
  for (const refund of runtime.store.refundsOf(payment).toReversed()) items.put(refund)
  return items.page(asked)
}

function paymentOfCharge(charge: string): string {
  return `pi_${charge.replace(/^ch_/, '')}`
}

function within(time: number, bounds: Read<typeof created>): boolean {
  if (bounds === null) return true
  if (typeof bounds === 'number') return time === bounds
  const { gt, gte, lt, lte } = bounds
  return time > (gt ?? -1) && time >= (gte ?? 0) && time < (lt ?? Infinity) && time <= (lte ?? Infinity)
}

function listOfStates(runtime: Runtime, url: string, { data, has_more }: PageOf<State>): Outcome {
  return { object: list(url, { data: data.map((state) => objectOf(runtime, state)), has_more }) }
}

function list(url: string, { data, has_more }: PageOf<object>) {
  return { object: 'list', data, has_more, url }
}

function none(what: string, id: string, param: string): never {
  throw resourceMissing(what, id, param, 404)
}
