import {
  type Cart,
  end,
  freeIn,
  type Hold,
  itemsOf,
  type Order,
  type Sale,
  type TierName,
  totalOf,
} from './sale.ts'

/** What verbs of holding and ordering do to a sale. Each answers its code. */

export const reserve = (sale: Sale, session: string, tier: TierName, quantity: number): string =>
  hold(sale, session, { [tier]: quantity })

/** Answers how many places are free again: what is being paid for is not given back. */
export function release(sale: Sale, session: string): number {
  const before = sale.holds
  end(sale, (its) => its.session === session && its.order === undefined)
  return before.reduce((all, its) => (sale.holds.includes(its) ? all : all + its.quantity), 0)
}

/** A cart whose time is over, and which nobody has ended. */
export function leave(sale: Sale, session: string, tier: TierName, quantity: number): void {
  sale.holds.push({ session, tier, quantity, isDue: true, order: undefined })
}

/** The time to pay an order is over, and nobody has ended it. */
export function lapse(sale: Sale, order: Order): void {
  for (const its of sale.holds) if (its.order === order) its.isDue = true
  order.isLate = true
}

export function expireHolds(sale: Sale): number {
  const before = sale.holds.length
  end(sale, ({ isDue }) => isDue)
  return before - sale.holds.length
}

export function expireOrders(sale: Sale): number {
  const late = sale.orders.filter(
    (order) =>
      order.status === 'pending' &&
      order.isLate &&
      !sale.holds.some((its) => its.order === order && !its.isDue),
  )
  for (const order of late) endOrder(sale, order)
  return late.length
}

/** It will not be paid any more, and holds nothing. */
export function endOrder(sale: Sale, order: Order): void {
  if (order.status !== 'pending') return
  end(sale, (its) => its.order === order)
  order.status = 'expired'
}

/** Buys a cart, for which what the session holds of it is taken. Refused, the session holds what it held. */
export function checkout(sale: Sale, session: string | undefined, cart: Cart): string {
  const before = sale.holds.map((its) => ({ ...its }))
  const fresh = `order ${sale.orders.length}`
  const begun =
    session === undefined ? { session: fresh, missing: cart } : takeOver(sale, session, fresh, cart)
  const code = hold(sale, begun.session, begun.missing)
  if (code !== 'success') {
    if (session !== undefined) sale.holds = before
    return code
  }
  const order: Order = {
    index: sale.orders.length,
    cart,
    status: 'pending',
    session: 'open',
    isLate: false,
    isGivenUp: false,
    tickets: [],
    payments: [],
    refunds: [],
  }
  sale.orders.push(order)
  for (const its of sale.holds)
    if (its.session === begun.session && cart[its.tier] !== undefined) its.order = order
  if (totalOf(order) === 0) {
    order.session = undefined
    issue(sale, order)
  }
  return code
}

/** What is held as it is bought is bought as it stands; else it is given back, and held anew. */
function takeOver(
  sale: Sale,
  session: string,
  fresh: string,
  cart: Cart,
): { session: string; missing: Cart } {
  const own = sale.holds.filter((its) => its.session === session && cart[its.tier] !== undefined)
  const taken = own.filter((its) => its.order === undefined && !its.isDue)
  const wanted = (its: Hold) => cart[its.tier] ?? 0
  if (own.every((its) => its.order === undefined) && taken.every((its) => its.quantity <= wanted(its))) {
    const held = (tier: TierName) => taken.find((its) => its.tier === tier)?.quantity ?? 0
    return {
      session,
      missing: Object.fromEntries(itemsOf(cart).map(([tier, quantity]) => [tier, quantity - held(tier)])),
    }
  }
  end(sale, (its) => taken.includes(its) && its.quantity <= wanted(its))
  for (const its of taken) if (its.quantity > wanted(its)) its.quantity -= wanted(its)
  return { session: fresh, missing: cart }
}

/** Paid, or free of charge: its tickets, once. */
export function issue(sale: Sale, order: Order): void {
  end(sale, (its) => its.order === order)
  order.status = 'paid'
  order.tickets = itemsOf(order.cart).flatMap(([tier, quantity]) =>
    Array.from({ length: quantity }, () => ({ tier, status: 'valid' as const, scan: 'none' as const })),
  )
}

/** Holds all of a cart or nothing. What is due of one's own ends first; what is due of others, where too few are left. */
function hold(sale: Sale, session: string, cart: Cart): string {
  const items = itemsOf(cart)
  if (sale.cancellation !== undefined) return 'TIER_INACTIVE'
  const isGone = ([tier, quantity]: readonly [TierName, number]) =>
    freeIn(sale, tier) < quantity && !sale.holds.some((its) => its.tier === tier && its.isDue)
  if (items.some(isGone)) return 'INSUFFICIENT_TICKETS'
  const refusals: string[] = []
  const ownOf = (tier: TierName) => sale.holds.find((its) => its.session === session && its.tier === tier)
  for (const [tier, quantity] of items) {
    end(sale, (its) => its === ownOf(tier) && its.isDue)
    if (freeIn(sale, tier) < quantity) end(sale, (its) => its.tier === tier && its.isDue)
    if (ownOf(tier)?.order !== undefined) refusals.push('FORBIDDEN')
    else if (freeIn(sale, tier) < quantity) refusals.push('INSUFFICIENT_TICKETS')
  }
  if (refusals.length > 0) return refusals.includes('FORBIDDEN') ? 'FORBIDDEN' : 'INSUFFICIENT_TICKETS'
  for (const [tier, quantity] of items) {
    const own = ownOf(tier)
    if (own === undefined) sale.holds.push({ session, tier, quantity, isDue: false, order: undefined })
    else own.quantity += quantity
  }
  return 'success'
}
