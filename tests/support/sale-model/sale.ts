import { accountsOf, leftOf, type Stand, TICKET } from '../money-accounts.ts'

/**
 * What the sale of an event ought to be, as simply as it can be said: no database, no clock. The places of one tier are free of charge, those of
 * the other are paid for; both have few.
 */
export interface Sale {
  readonly totals: Record<TierName, number>
  /** Those that are active; whose time is over and which nobody ended (due) among them. */
  holds: Hold[]
  readonly orders: Order[]
  cancellation: Cancellation | undefined
  /** What was answered to each event of the provider. */
  readonly delivered: Outcome[]
  /** How many calls there were: what was made later has a higher number. */
  now: number
}

/** What became of an event of the provider. */
export interface Outcome {
  readonly outcome: string
  readonly reason?: string | undefined
}

export const TIERS = ['floor', 'stalls'] as const
export type TierName = (typeof TIERS)[number]
export const PLACES = 5
const COSTS = { floor: { price: 0, fee: 0 }, stalls: TICKET } as const

/** How many of which tier. */
export type Cart = Readonly<Partial<Record<TierName, number>>>

export interface Hold {
  readonly session: string
  readonly tier: TierName
  quantity: number
  isDue: boolean
  /** Which it is being paid for with. */
  order: Order | undefined
}

export interface Order {
  /** From 0, in the order in which they were placed. */
  readonly index: number
  readonly cart: Cart
  status: 'pending' | 'paid' | 'expired' | 'partially_refunded' | 'refunded' | 'cancelled'
  /** The provider's; undefined where nothing is to be paid. */
  session: 'open' | 'complete' | 'expired' | undefined
  /** Its time to pay is over. */
  isLate: boolean
  isGivenUp: boolean
  /** In the order of their tiers. */
  tickets: Ticket[]
  readonly payments: Payment[]
  refunds: Refund[]
}

export interface Ticket {
  readonly tier: TierName
  status: 'valid' | 'used' | 'refunding' | 'refunded' | 'void' | 'cancelled'
  /** The last scan that opened the gate. */
  scan: 'none' | 'counts' | 'undone'
}

export interface Payment {
  readonly amount: number
  readonly reason: ReturnReason | undefined
}

export type ReturnReason = 'SECOND_PAYMENT' | 'AMOUNT_MISMATCH' | 'EVENT_CANCELLED' | 'TOO_LATE'

export interface Refund {
  /** Undefined for tickets of an order of which nothing was paid. */
  readonly payment: Payment | undefined
  amount: number
  cause: 'staff' | 'dashboard' | 'OWED' | ReturnReason
  status: 'queued' | 'pending' | 'succeeded' | 'failed'
  tickets: readonly Ticket[]
  /** The provider has it. */
  isKnown: boolean
  /** How often the job took it up since it was heard of. */
  asked: number
  readonly madeAt: number
  doneAt: number
}

export interface Cancellation {
  isForced: boolean
  /** When money was last asked to go back; what was refused before is asked for again. */
  askedAt: number
}

export const openSale = (): Sale => ({
  totals: { floor: PLACES, stalls: PLACES },
  holds: [],
  orders: [],
  cancellation: undefined,
  delivered: [],
  now: 0,
})

export const itemsOf = (cart: Cart): (readonly [TierName, number])[] =>
  TIERS.flatMap((tier) => (cart[tier] === undefined ? [] : [[tier, cart[tier]] as const]))

export const totalOf = ({ cart }: Order) => (cart.stalls ?? 0) * (TICKET.price + TICKET.fee)

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0)

export const heldIn = ({ holds }: Sale, tier: TierName) =>
  sum(holds.filter((hold) => hold.tier === tier).map(({ quantity }) => quantity))

/** Whose place is taken: also a ticket that is voided and whose place was not freed, and one that waits for its money. */
export const soldIn = ({ orders }: Sale, tier: TierName) =>
  orders
    .flatMap(({ tickets }) => tickets)
    .filter((ticket) => ticket.tier === tier && !['refunded', 'cancelled'].includes(ticket.status)).length

export const freeIn = (sale: Sale, tier: TierName) =>
  sale.totals[tier] - soldIn(sale, tier) - heldIn(sale, tier)

/** Ends holds; answers whether there were any. */
export function end(sale: Sale, isOver: (hold: Hold) => boolean): boolean {
  const kept = sale.holds.filter((hold) => !isOver(hold))
  const isAny = kept.length < sale.holds.length
  sale.holds = kept
  return isAny
}

export const isKept = ({ reason }: Payment) => reason === undefined
export const isAlive = ({ status }: Refund) => status === 'queued' || status === 'pending'
/** Nobody asked for it: it sends what is owed. */
export const isAuto = ({ cause }: Refund) => cause !== 'staff' && cause !== 'dashboard'

export const priceOf = (tickets: readonly Ticket[]) =>
  sum(tickets.map(({ tier }) => COSTS[tier].price + COSTS[tier].fee))

/** Where a payment's money is. */
export function standOf({ tickets, refunds }: Order, payment: Payment): Stand {
  const bought = isKept(payment)
    ? tickets.filter(({ status }) => status !== 'refunding' && status !== 'refunded')
    : []
  const its = refunds.filter((refund) => refund.payment === payment)
  const amount = (is: (refund: Refund) => boolean) => sum(its.filter(is).map((refund) => refund.amount))
  return {
    amount: payment.amount,
    tickets: sum(bought.map(({ tier }) => COSTS[tier].price)),
    fees: sum(bought.map(({ tier }) => COSTS[tier].fee)),
    sent: amount(({ status }) => status === 'succeeded'),
    disputed: 0,
    ours: isKept(payment) ? amount((refund) => isAlive(refund) && refund.cause !== 'dashboard') : 0,
  }
}

export const sendingOf = ({ refunds }: Order, payment: Payment) =>
  sum(refunds.filter((refund) => refund.payment === payment && isAlive(refund)).map(({ amount }) => amount))

/** To go back, and not on its way. */
export const owedOf = (order: Order, payment: Payment) =>
  leftOf(standOf(order, payment)) - sendingOf(order, payment)

export const pendingOf = (stand: Stand) => Math.max(leftOf(stand), stand.ours)

/** What the provider would still send back of it. */
export const refundableOf = ({ refunds }: Order, payment: Payment) =>
  payment.amount -
  sum(
    refunds
      .filter((refund) => refund.payment === payment && ['pending', 'succeeded'].includes(refund.status))
      .map(({ amount }) => amount),
  )

export const booksOf = (order: Order) => accountsOf(order.payments.map((payment) => standOf(order, payment)))
