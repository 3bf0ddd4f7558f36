import type { Dice } from './chaos.ts'
import type { Clock } from './clock.ts'
import type { Deliveries } from './deliveries.ts'
import { newId } from './ids.ts'
import { disputeObject, paymentIntentObject, refundObject, sessionObject } from './objects.ts'
import type { About, RequestMark, Session, State } from './state.ts'
import type { Fact, Store } from './store.ts'

/** What every part of the stand-in works with. */
export interface Runtime {
  readonly clock: Clock
  readonly store: Store
  readonly deliveries: Deliveries
  dice: Dice
  /** What the next refund calls do, one each; by whom it was asked for: `POST /stand-in/next-refund`. */
  readonly nextRefunds: NextRefund[]
  record(fact: Fact): void
  payUrl(session: Session): string
}

type NextRefund = 'refused' | 'pending' | 'lost'

/** Remembers a state and returns it. */
export function put<T extends State>(runtime: Runtime, state: T): T {
  runtime.record({ is: 'state', state })
  return state
}

/** Makes an event of what happened to a state that was just put, and sends it. */
export function announce(
  runtime: Runtime,
  { type, state }: About,
  request: RequestMark | null = null,
  previous: Readonly<Record<string, unknown>> | null = null,
): void {
  const id = newId('evt_')
  const created = runtime.clock.seconds()
  runtime.record({ is: 'happened', id, type, about: state.id, created, previous, request })
  runtime.deliveries.deliver(id)
}

/** The object that Stripe's API shows for a state. */
export function objectOf(runtime: Runtime, state: State) {
  switch (state.kind) {
    case 'session':
      return sessionObject(state, runtime.payUrl(state))
    case 'payment':
      return paymentIntentObject(state)
    case 'refund':
      return refundObject(state)
    case 'dispute':
      return disputeObject(state)
  }
}
