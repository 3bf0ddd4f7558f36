import type { Journal } from './journal.ts'
import { openPagedList, type PagedList } from './paged-list.ts'
import type {
  About,
  Dispute,
  Happening,
  Movement,
  Payment,
  Refund,
  RequestMark,
  Session,
  State,
} from './state.ts'

/** Events kept for `GET /v1/events` beside those still to be delivered; Stripe keeps 30 days. */
const EVENTS_MAX = 10_000

/** Event-sourced store: all that the stand-in knows. Nothing changes but by a fact, and the journal has every fact. */
export interface Store {
  readonly sessions: PagedList<Session>
  readonly payments: PagedList<Payment>
  readonly refunds: PagedList<Refund>
  readonly disputes: PagedList<Dispute>
  readonly happenings: PagedList<Happening>
  /** By idempotency key, oldest first. */
  readonly answers: Map<string, KeptAnswer>
  readonly undelivered: ReadonlySet<string>
  readonly movements: ReadonlyMap<string, readonly Movement[]>
  /** Newest first. */
  refundsOf(payment: string): readonly Refund[]
  find(id: string): State | undefined
  apply(fact: Fact): void
}

export type Fact =
  | { readonly is: 'state'; readonly state: State }
  | { readonly is: 'moved'; readonly movement: Movement }
  | {
      readonly is: 'happened'
      readonly id: string
      readonly type: About['type']
      readonly about: string
      readonly created: number
      readonly previous: Readonly<Record<string, unknown>> | null
      readonly request: RequestMark | null
    }
  | { readonly is: 'delivered'; readonly id: string }
  | { readonly is: 'answered'; readonly answer: Omit<KeptAnswer, 'state'>; readonly about: string | null }
  | { readonly is: 'clock'; readonly offset: number }

/** What an idempotency key gives back: an object as it was, or a body as it was. */
export interface KeptAnswer {
  readonly key: string
  readonly fingerprint: string
  /** Milliseconds by the stand-in's clock. */
  readonly at: number
  readonly status: number
  readonly body: string | null
  readonly state: State | null
}

export function openStore(onClock: (offset: number) => void): Store {
  const refundIds = new Map<string, string[]>()
  const movements = new Map<string, Movement[]>()
  const undelivered = new Set<string>()
  const store: Store = {
    sessions: openPagedList<Session>('checkout.session'),
    payments: openPagedList<Payment>('payment_intent'),
    refunds: openPagedList<Refund>('refund'),
    disputes: openPagedList<Dispute>('dispute'),
    happenings: openPagedList<Happening>('event'),
    answers: new Map(),
    undelivered,
    movements,
    refundsOf: (payment) =>
      (refundIds.get(payment) ?? []).flatMap((id) => store.refunds.get(id) ?? []).toReversed(),
    find: (id) => {
      const list = [store.sessions, store.payments, store.refunds, store.disputes].find((one) => one.get(id))
      return list?.get(id)
    },
    apply: (fact) => {
      switch (fact.is) {
        case 'state':
          return putState(store, refundIds, fact.state)
        case 'moved':
          return push(movements, fact.movement.payment, fact.movement)
        case 'happened':
          undelivered.add(fact.id)
          return keepHappening(store, { ...fact, ...aboutOf(store, fact.type, fact.about) })
        case 'delivered':
          undelivered.delete(fact.id)
          return
        case 'answered': {
          const state = fact.about === null ? null : (store.find(fact.about) ?? null)
          store.answers.set(fact.answer.key, { ...fact.answer, state })
          return
        }
        case 'clock':
          return onClock(fact.offset)
      }
    },
  }
  return store
}

/** Applies a fact and writes it down. */
export function recorder(store: Store, journal: Journal): (fact: Fact) => void {
  return (fact) => {
    store.apply(fact)
    journal.append(fact)
  }
}

function putState(store: Store, refundIds: Map<string, string[]>, state: State): void {
  switch (state.kind) {
    case 'session':
      store.sessions.put(state)
      break
    case 'payment':
      store.payments.put(state)
      break
    case 'dispute':
      store.disputes.put(state)
      break
    case 'refund':
      if (store.refunds.get(state.id) === undefined) push(refundIds, state.payment, state.id)
      store.refunds.put(state)
  }
}

function keepHappening(store: Store, happening: Happening): void {
  store.happenings.put(happening)
  for (let oldest = store.happenings.oldest(); oldest !== undefined; oldest = store.happenings.oldest()) {
    if (store.happenings.size <= EVENTS_MAX || store.undelivered.has(oldest.id)) return
    store.happenings.dropOldest()
  }
}

/** The state an event is about, as it is now. */
function aboutOf(store: Store, type: About['type'], id: string): About {
  switch (type) {
    case 'checkout.session.completed':
    case 'checkout.session.expired':
    case 'checkout.session.async_payment_succeeded':
    case 'checkout.session.async_payment_failed':
      return { type, state: mustGet(store.sessions, id) }
    case 'payment_intent.succeeded':
    case 'payment_intent.payment_failed':
    case 'charge.refunded':
      return { type, state: mustGet(store.payments, id) }
    case 'refund.created':
    case 'refund.updated':
    case 'refund.failed':
      return { type, state: mustGet(store.refunds, id) }
    case 'charge.dispute.created':
    case 'charge.dispute.closed':
      return { type, state: mustGet(store.disputes, id) }
  }
}

export function mustGet<T>(list: PagedList<T>, id: string): T {
  const value = list.get(id)
  if (value === undefined) throw new Error(`${id} is named and was never made`)
  return value
}

function push<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
