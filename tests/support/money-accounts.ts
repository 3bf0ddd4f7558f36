/** A ticket that costs something, in cents: 19.99, and a fee of 0.30 + 2 % of it, rounded half up. */
export const TICKET = { price: 1999, fee: 70 } as const

/** A payment of an order and what became of it, in cents. */
export interface Stand {
  readonly amount: number
  /** Of living tickets; nothing where the payment is not kept. */
  readonly tickets: number
  readonly fees: number
  /** Is back with the buyer. */
  readonly sent: number
  readonly disputed: number
  /** Is on its way back, by refunds of ours that take tickets along. */
  readonly ours: number
}

/** Of a payment what is captured and whose end is not final. */
export const leftOf = ({ amount, tickets, fees, sent, disputed }: Stand) =>
  amount - tickets - fees - sent - disputed

/** What the ledger must say of an order, account by account; those at zero are left out. */
export function accountsOf(payments: readonly Stand[]): Record<string, number> {
  const sum = (of: (payment: Stand) => number) => payments.reduce((cents, payment) => cents + of(payment), 0)
  const pending = sum((payment) => Math.max(leftOf(payment), payment.ours))
  const [tickets, fees] = [sum((payment) => payment.tickets), sum((payment) => payment.fees)]
  // What went without a ticket comes out of the tickets, then out of the fees.
  const short = pending - sum(leftOf)
  const fromTickets = Math.min(short, tickets)
  const accounts = {
    captured: sum(({ amount }) => amount),
    refunds: -sum(({ sent }) => sent),
    disputed: -sum(({ disputed }) => disputed),
    pending: -pending,
    tickets: fromTickets - tickets,
    fees: short - fromTickets - fees,
  }
  return Object.fromEntries(Object.entries(accounts).filter(([, cents]) => cents !== 0))
}
