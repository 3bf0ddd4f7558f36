import { type Bank, objectOf } from './bank.ts'
import type { LostAnswer } from './chaos.ts'
import { checkStep } from './currencies.ts'
import { eventObject } from './events.ts'
import { readBooks } from './ledger.ts'
import { refundPayment } from './money.ts'
import { chargeObject, lineItemObject } from './objects.ts'
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
import { invalid, missing, refused } from './refusal.ts'
import { expansions, newSession } from './session-parameters.ts'
import { expireSession, openSession } from './sessions.ts'
import { openShelf, type Page, type PageOf } from './shelf.ts'
import type { Payment, RequestMark, State } from './state.ts'
import { known } from './store.ts'

/** One call of Stripe's API. */
export interface Endpoint<I extends Input = Input> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly parameters: Reader<I>
  run(bank: Bank, input: I, call: { readonly id: string; readonly mark: RequestMark }): Outcome
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
  endpoint('POST', 'checkout/sessions', newSession, (bank, { expand: _, ...wanted }) => ({
    state: openSession(bank, wanted),
  })),
  endpoint('GET', 'checkout/sessions', sessionList, (bank, input) => {
    const { payment_intent, status } = input
    const paid = payment_intent === null ? null : bank.store.payments.get(payment_intent)
    if (paid !== null) {
      const data = paid === undefined ? [] : [known(bank.store.sessions, paid.session)]
      return listOfStates(bank, '/v1/checkout/sessions', { data, has_more: false })
    }
    const found = bank.store.sessions.page(
      input,
      (session) => (status === null || session.status === status) && within(session.created, input.created),
    )
    return listOfStates(bank, '/v1/checkout/sessions', found)
  }),
  endpoint('GET', 'checkout/sessions/:id', nothing, (bank, _, { id }) => ({ state: sessionOf(bank, id) })),
  endpoint('POST', 'checkout/sessions/:id/expire', nothing, (bank, _, { id, mark }) => ({
    state: expireSession(bank, sessionOf(bank, id), mark),
  })),
  endpoint('GET', 'checkout/sessions/:id/line_items', fields(page), (bank, input, { id }) => {
    const session = sessionOf(bank, id)
    const shelf = openShelf<ReturnType<typeof lineItemObject>>('line_item')
    // Lines are listed in their own order, which is newest first for the shelf.
    for (const line of session.lines.toReversed()) shelf.put(lineItemObject(line, session))
    return { object: list(`/v1/checkout/sessions/${id}/line_items`, shelf.page(input)) }
  }),
  endpoint('POST', 'refunds', newRefund, (bank, input, { mark }) => {
    const payment = paymentToRefund(bank, input)
    if (input.amount !== null) checkStep(input.amount, payment.currency, 'amount')
    const next = bank.nextRefunds.shift()
    if (next === 'refused') {
      throw refused('The refund was refused, as /stand-in/next-refund asked for.', 'charge_not_refundable')
    }
    const course = next === 'pending' ? 'pending' : null
    const { amount, reason } = input
    const state = refundPayment(bank, payment, { amount, reason, metadata: input.metadata, course }, mark)
    return { state, lost: next === 'lost' ? 'cut' : undefined }
  }),
  endpoint('GET', 'refunds', refundList, (bank, input) => {
    const id = input.payment_intent ?? (input.charge === null ? null : paymentOfCharge(input.charge))
    if (id === null) return listOfStates(bank, '/v1/refunds', bank.store.refunds.page(input))
    return listOfStates(bank, '/v1/refunds', pageOfRefunds(bank, id, input))
  }),
  endpoint('GET', 'refunds/:id', nothing, (bank, _, { id }) => ({
    state: bank.store.refunds.get(id) ?? none('refund', id, 'refund'),
  })),
  endpoint('GET', 'payment_intents/:id', nothing, (bank, _, { id }) => ({
    state: bank.store.payments.get(id) ?? none('payment_intent', id, 'intent'),
  })),
  endpoint('GET', 'charges/:id', nothing, (bank, _, { id }) => {
    const payment = bank.store.payments.get(paymentOfCharge(id))
    if (payment === undefined || payment.charged_at === null) return none('charge', id, 'id')
    return { object: chargeObject(payment) }
  }),
  endpoint('GET', 'disputes/:id', nothing, (bank, _, { id }) => ({
    state: bank.store.disputes.get(id) ?? none('dispute', id, 'id'),
  })),
  endpoint('GET', 'events', eventList, (bank, input) => {
    const types = input.types ?? (input.type === null ? null : [input.type])
    const { undelivered } = bank.store
    const { data, has_more } = bank.store.happenings.page(
      input,
      (event) =>
        (types === null || types.includes(event.type)) &&
        (input.delivery_success === null ||
          (input.delivery_success === 'true') !== undelivered.has(event.id)) &&
        within(event.created, input.created),
    )
    const events = data.map((event) => eventObject(event, bank.payUrl, undelivered.has(event.id)))
    return { object: list('/v1/events', { data: events, has_more }) }
  }),
  endpoint('GET', 'events/:id', nothing, (bank, _, { id }) => {
    const event = bank.store.happenings.get(id) ?? none('event', id, 'id')
    return { object: eventObject(event, bank.payUrl, bank.store.undelivered.has(id)) }
  }),
  endpoint('GET', 'balance', nothing, (bank) => {
    const funds = Object.entries(readBooks(bank).totals).map(([currency, totals]) => ({
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

function sessionOf(bank: Bank, id: string) {
  return bank.store.sessions.get(id) ?? none('checkout.session', id, 'session')
}

function paymentToRefund(bank: Bank, input: Read<typeof newRefund>): Payment {
  const { payment_intent, charge } = input
  if (payment_intent !== null) {
    const payment = bank.store.payments.get(payment_intent)
    if (payment === undefined) throw missing('payment_intent', payment_intent, 'payment_intent', 400)
    return payment
  }
  if (charge === null) {
    throw invalid(
      'One of the following params should be provided for this request: payment_intent or charge.',
      undefined,
      'parameter_missing',
    )
  }
  const payment = bank.store.payments.get(paymentOfCharge(charge))
  if (payment === undefined) throw missing('charge', charge, 'charge', 400)
  return payment
}

function pageOfRefunds(bank: Bank, payment: string, asked: Page) {
  const shelf = openShelf<State>('refund')
  for (const refund of bank.store.refundsOf(payment).toReversed()) shelf.put(refund)
  return shelf.page(asked)
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

function listOfStates(bank: Bank, url: string, { data, has_more }: PageOf<State>): Outcome {
  return { object: list(url, { data: data.map((state) => objectOf(bank, state)), has_more }) }
}

function list(url: string, { data, has_more }: PageOf<object>) {
  return { object: 'list', data, has_more, url }
}

function none(what: string, id: string, param: string): never {
  throw missing(what, id, param, 404)
}
