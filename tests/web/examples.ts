import { randomUUID } from 'node:crypto'
import type { EventView, TierView } from '../../src/desk/events.ts'
import type { OrderState, OrderTicket, OrderView } from '../../src/desk/orders.ts'

/** The moment at which the examples are looked at. */
export const NOW = new Date('2026-11-21T12:00:00Z')

/** A tier that can be bought, or as changed; its price with its fee is summed, as the database does. */
export function tierOf(changes: Partial<TierView> = {}): TierView {
  const { price_cents = 2500, fee_cents = 125, availability = 'open' } = changes
  return {
    id: randomUUID(),
    name: 'Floor',
    price_cents,
    fee_cents,
    full_price_cents: price_cents + fee_cents,
    max_per_order: 10,
    availability,
    is_buyable: availability === 'open' || availability === 'all_held',
    left: 100,
    held: 0,
    opens_at: null,
    quantity_max: 10,
    ...changes,
  }
}

export function eventOf(changes: Partial<EventView> = {}): EventView {
  return {
    id: randomUUID(),
    slug: 'gala',
    title: 'Gala',
    description: 'An evening.',
    organiser: 'The House',
    time_zone: 'Europe/Athens',
    start_at: '2026-11-28T18:00:00+00:00',
    end_at: '2026-11-28T23:00:00+00:00',
    venue: 'Main Hall',
    city: 'Athens',
    status: 'published',
    is_over: false,
    currency: 'EUR',
    tiers: [tierOf()],
    ...changes,
  }
}

export function ticketOf(changes: Partial<OrderTicket> = {}): OrderTicket {
  return {
    id: randomUUID(),
    tier_name: 'Floor',
    status: 'valid',
    qr_code: randomUUID().replaceAll('-', ''),
    checked_in_at: null,
    ...changes,
  }
}

/** What the database says of two tickets that were paid and admit, or as changed. */
export function stateOf(changes: Partial<OrderState> = {}): OrderState {
  return {
    state: 'valid',
    may_charge: false,
    reason: null,
    admits: 2,
    charged_cents: 5250,
    back_cents: 0,
    coming_cents: 0,
    owed_cents: 0,
    disputed_cents: 0,
    dispute: null,
    second: false,
    ...changes,
  }
}

/** Two paid tickets, or as changed. */
export function orderOf(
  order: Partial<OrderView['order']> = {},
  rest: Partial<Omit<OrderView, 'order'>> = {},
): OrderView {
  const { id, slug, title, start_at, end_at, time_zone, venue, city, status } = eventOf()
  return {
    order: {
      id: randomUUID(),
      status: 'paid',
      customer_name: 'Ada',
      subtotal_cents: 5000,
      fees_cents: 250,
      total_cents: 5250,
      currency: 'EUR',
      created_at: '2026-11-21T11:59:00+00:00',
      expires_at: '2026-11-21T12:14:00+00:00',
      ...order,
    },
    state: stateOf(),
    event: { id, slug, title, start_at, end_at, time_zone, venue, city, status },
    items: [
      { tier_id: randomUUID(), tier_name: 'Floor', quantity: 2, unit_price_cents: 2500, unit_fee_cents: 125 },
    ],
    tickets: [ticketOf(), ticketOf()],
    payment: { url: null },
    refunds: [],
    ...rest,
  }
}

/** An order that waits for its payment, and can be paid. */
export function pendingOrder(state: OrderState['state'], order: Partial<OrderView['order']> = {}): OrderView {
  const unpaid = stateOf({ state, may_charge: true, admits: 0, charged_cents: 0 })
  const rest = { state: unpaid, tickets: [], payment: { url: 'https://pay.example/1' } }
  return orderOf({ status: 'pending', ...order }, rest)
}
