import { moment } from './answers.ts'
import { flag, integer, optional, text, uuid } from './parameters.ts'
import { verb } from './verb.ts'

/** The next events that sell, or will: at most 100, the soonest first. */
export const eventsOnSale = verb('events_on_sale', 'pages', {}).gives<readonly EventView[]>()

/** When the clock of a business shows a time, `YYYY-MM-DD HH:MM`. */
export const localTime = verb('local_time', 'buyers', { business_id: uuid, local: text }).gives(moment)

/** Everything that an event's page shows; not of a draft. */
export const eventPage = verb('event_page', 'pages', { slug: text })
  .refuses('EVENT_NOT_FOUND')
  .answers<{ readonly event: EventView }>()

/** An event as pages show it; times are ISO 8601, amounts minor units. */
export interface EventView {
  readonly id: string
  readonly slug: string
  readonly title: string
  readonly description: string | null
  readonly organiser: string
  /** The zone of the venue, in which its times are told. */
  readonly time_zone: string
  readonly start_at: string
  readonly end_at: string
  readonly venue: string | null
  readonly city: string | null
  readonly status: string
  readonly is_over: boolean
  readonly currency: string
  readonly tiers: readonly TierView[]
}

/**
 * `open`: `left` can be bought now. `all_held`: none is left, and `held` are in carts and may come back. `opens`: at `opens_at`.
 */
export type Availability = 'open' | 'all_held' | 'sold_out' | 'opens' | 'closed'

export interface TierView {
  readonly id: string
  readonly name: string
  readonly price_cents: number
  /** What the event adds to a ticket. */
  readonly fee_cents: number
  readonly full_price_cents: number
  readonly max_per_order: number | null
  readonly availability: Availability
  /** Asking makes sense: of what is all held, what lapsed comes back when it is asked for. */
  readonly is_buyable: boolean
  readonly left: number
  readonly held: number
  readonly opens_at: string | null
  /** The most that one order may ask for. */
  readonly quantity_max: number
}

/** Calls an event off, by its id or slug, and ends a batch of its orders; asked again, it goes on. */
export const cancelEvent = verb('cancel_event', 'buyers', {
  event: text,
  reason: optional(text),
  force: optional(flag),
  limit: optional(integer),
})
  .refuses('INVALID_REQUEST', 'EVENT_NOT_FOUND', 'FORBIDDEN', 'LOCK_TIMEOUT')
  .answers<{
    readonly event_id: string
    readonly done: boolean
    readonly orders: number
    readonly left: number
    readonly pending: number
    readonly returning: number
    readonly returned: number
    readonly failed: number
  }>()

/** Goes on with cancelled events, and gives how many orders it ended. */
export const continueCancellations = verb('continue_cancellations', 'buyers', {
  limit: optional(integer),
}).gives<number>()
