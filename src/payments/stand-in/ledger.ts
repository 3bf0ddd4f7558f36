import type { Runtime } from './runtime.ts'
import type { Movement, Payment, Texts } from './state.ts'

/** Double-entry books, the witness for money: what the movements say, and whether the objects say the same. */
export interface Books {
  readonly payments: readonly BookedPayment[]
  /** By currency. */
  readonly totals: Readonly<Record<string, Totals>>
  /** Every payment whose object and movements differ, in words; empty while all is well. */
  readonly disagreements: readonly string[]
}

/** A payment that moved money. Amounts in minor units. */
interface BookedPayment extends Totals {
  readonly payment_intent: string
  readonly session: string
  readonly client_reference_id: string | null
  readonly metadata: Texts
  readonly currency: string
  readonly status: string
  /** The part of `amount_refunded` that is still on its way. */
  readonly amount_refund_pending: number
}

interface Totals {
  /** Taken from the buyer. */
  readonly amount: number
  /** Given back, or on its way: what failed is not in it. */
  readonly amount_refunded: number
  /** With the buyer's bank: disputes that are open or lost. */
  readonly amount_disputed: number
}

export function readBooks(runtime: Runtime): Books {
  const { store } = runtime
  const payments: BookedPayment[] = []
  const disagreements: string[] = []
  const totals: Record<string, Totals> = {}
  for (const [id, movements] of store.movements) {
    const payment = store.payments.get(id)
    const booked = sum(movements)
    disagreements.push(...compare(runtime, id, payment, movements, booked))
    if (payment === undefined) continue
    const session = store.sessions.get(payment.session)
    const { currency, status } = payment
    payments.push({
      payment_intent: id,
      session: payment.session,
      client_reference_id: session?.client_reference_id ?? null,
      metadata: payment.data.metadata,
      ...booked,
      currency,
      status,
      amount_refund_pending: total(store.refundsOf(id).filter((refund) => refund.status === 'pending')),
    })
    totals[currency] = add(totals[currency] ?? NOTHING, booked)
  }
  for (const { id, status } of store.payments.values()) {
    if (status === 'succeeded' && !store.movements.has(id))
      disagreements.push(`${id} succeeded without money`)
  }
  return { payments, totals, disagreements }
}

const NOTHING: Totals = { amount: 0, amount_refunded: 0, amount_disputed: 0 }

function sum(movements: readonly Movement[]): Totals {
  return movements.reduce((totals, { cause, amount }) => add(totals, EFFECT[cause](amount)), NOTHING)
}

const EFFECT: Readonly<Record<Movement['cause'], (amount: number) => Totals>> = {
  capture: (amount) => ({ ...NOTHING, amount }),
  refund: (amount) => ({ ...NOTHING, amount_refunded: amount }),
  refund_failed: (amount) => ({ ...NOTHING, amount_refunded: -amount }),
  dispute: (amount) => ({ ...NOTHING, amount_disputed: amount }),
  dispute_won: (amount) => ({ ...NOTHING, amount_disputed: -amount }),
}

function add(a: Totals, b: Totals): Totals {
  return {
    amount: a.amount + b.amount,
    amount_refunded: a.amount_refunded + b.amount_refunded,
    amount_disputed: a.amount_disputed + b.amount_disputed,
  }
}

/** Objects against movements, and the accounts against themselves. */
function compare(
  { store }: Runtime,
  id: string,
  payment: Payment | undefined,
  movements: readonly Movement[],
  booked: Totals,
): readonly string[] {
  if (payment === undefined) return [`${id} moved money and does not exist`]
  const session = store.sessions.get(payment.session)
  const refunded = total(store.refundsOf(id).filter(({ status }) => status !== 'failed'))
  const merchant = balance(movements, 'merchant')
  const facts: readonly (readonly [string, number, number])[] = [
    ['the charge was', payment.status === 'succeeded' ? payment.amount : 0, booked.amount],
    ['the session asked for', session?.amount ?? 0, booked.amount],
    ['its lines cost', total((session?.lines ?? []).map(price)), booked.amount],
    ['the charge says refunded', payment.amount_refunded, booked.amount_refunded],
    ['its refunds are', refunded, booked.amount_refunded],
    ['the merchant keeps', merchant, booked.amount - booked.amount_refunded - booked.amount_disputed],
    ['the disputed account holds', balance(movements, 'disputed'), booked.amount_disputed],
  ]
  const wrong = facts.filter(([, object, books]) => object !== books)
  const overdrawn = merchant < 0 ? [`${id}: more was given back than taken (${merchant})`] : []
  return [...wrong.map(([what, object, books]) => `${id}: ${what} ${object}, booked ${books}`), ...overdrawn]
}

function balance(movements: readonly Movement[], account: Movement['to']): number {
  return movements.reduce(
    (sum, { from, to, amount }) => sum + (to === account ? amount : 0) - (from === account ? amount : 0),
    0,
  )
}

function price(line: { readonly unit_amount: number; readonly quantity: number }) {
  return { amount: line.unit_amount * line.quantity }
}

function total(parts: readonly { readonly amount: number }[]): number {
  return parts.reduce((sum, { amount }) => sum + amount, 0)
}
