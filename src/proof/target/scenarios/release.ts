import { orderOf, type Shopper } from '../buyers.ts'
import { callAdapter } from '../call.ts'
import type { Target } from '../target.ts'

export async function releaseCart(target: Target, item: unknown, who: Shopper): Promise<void> {
  await callAdapter(target, 'release', who, { item, buyer: who.buyer, cart: who.cart })
  delete who.cart
}

/** Cancels or pays what the buyer was sold. */
export async function withOrder(
  target: Target,
  name: 'cancel' | 'pay',
  item: unknown,
  who: Shopper,
  baseUrl: string = who.baseUrl,
): Promise<void> {
  const input = { item, buyer: who.buyer, cart: who.cart, order: orderOf(who) ?? '' }
  await callAdapter(target, name, { ...who, baseUrl }, input)
}
