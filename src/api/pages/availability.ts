import { QUANTITY_MAX } from '../../core/limits.ts'
import type { EventView, TierView } from './events.ts'

/** Whether a tier can be bought now, and how many are left. */
export type Offer =
  | { readonly kind: 'open'; readonly left: number }
  /** None is left at this moment, but some are in carts and may come back. */
  | { readonly kind: 'all-held'; readonly held: number }
  | { readonly kind: 'sold-out' }
  | { readonly kind: 'opens'; readonly at: string }
  | { readonly kind: 'closed' }

export function offerOf(tier: TierView, event: EventView, now: Date): Offer {
  const time = now.getTime()
  const isOver = (end: string | null) => end !== null && Date.parse(end) <= time
  if (event.status !== 'published' || tier.status !== 'active') return { kind: 'closed' }
  if (isOver(event.end_at) || isOver(tier.sale_end_at)) return { kind: 'closed' }
  if (tier.sold_quantity >= tier.total_quantity) return { kind: 'sold-out' }
  if (tier.sale_start_at !== null && Date.parse(tier.sale_start_at) > time) {
    return { kind: 'opens', at: tier.sale_start_at }
  }
  const left = tier.total_quantity - tier.sold_quantity - tier.reserved_quantity
  return left > 0 ? { kind: 'open', left } : { kind: 'all-held', held: tier.reserved_quantity }
}

/** Asking for what is all held makes sense: what lapsed comes back when it is asked for. */
export function isBuyable(offer: Offer): boolean {
  return offer.kind === 'open' || offer.kind === 'all-held'
}

/** What one ticket costs, its fee included. */
export function fullPrice(tier: TierView): number {
  return tier.price_cents + tier.fee_cents
}

/** The most that one order may ask for, as far as the page knows. */
export function quantityMax(tier: TierView, offer: Offer): number {
  const some = offer.kind === 'open' ? offer.left : tier.total_quantity
  return Math.min(some, tier.max_per_order ?? QUANTITY_MAX, QUANTITY_MAX)
}
