import { html } from 'hono/html'
import type { Availability, EventView } from '../../desk/events.ts'
import { type Calendar, calendarIn } from './dates.ts'
import { type Html, layout, type Page } from './layout.ts'
import { money } from './money.ts'

/** Everything that is on sale, the soonest first. */
export function homePage(events: readonly EventView[]): Page {
  const body =
    events.length === 0
      ? html`<section class="message"><h1>Nothing is on sale</h1><p class="lead">There is no event to buy tickets for at the moment.</p></section>`
      : html`<h1>On sale</h1>
<ul class="events">
${events.map((event) => row(event))}
</ul>`
  return { status: 200, body: layout({ title: 'Events on sale', body }) }
}

function row(event: EventView): Html {
  const calendar = calendarIn(event.time_zone)
  const { day, month, weekday } = calendar.leaf(event.start_at)
  return html`<li><a href="/events/${event.slug}">
<time class="leaf" datetime="${event.start_at}">${weekday} <b>${day}</b> ${month}</time>
<div><h2 dir="auto">${event.title}</h2>
<p class="quiet">${calendar.day(event.start_at)}, ${calendar.time(event.start_at)}</p>
${placeOf(event) === '' ? null : html`<p class="quiet" dir="auto">${placeOf(event)}</p>`}</div>
<div class="price">${priceOf(event, calendar)}</div>
</a></li>`
}

/** Venue and city, as far as they are known. */
export function placeOf({
  venue,
  city,
}: {
  readonly venue: string | null
  readonly city: string | null
}): string {
  return [venue, city].filter((part) => part !== null && part !== '').join(', ')
}

/** The least that a ticket costs; where none can be had now, why. */
function priceOf({ tiers, currency }: EventView, calendar: Calendar): Html {
  const are = (availability: Availability) => tiers.filter((tier) => tier.availability === availability)
  const open = are('open').map((tier) => tier.full_price_cents)
  if (open.length > 0) {
    const paid = open.filter((price) => price > 0)
    if (paid.length === 0) return html`<b>Free</b>`
    const least = html`<b>${money(Math.min(...paid), currency)}</b>`
    if (paid.length < open.length) return html`free and from ${least}`
    return Math.max(...paid) > Math.min(...paid) ? html`from ${least}` : least
  }
  if (are('all_held').length > 0) return html`all in carts`
  const opens = are('opens')
    .flatMap(({ opens_at }) => opens_at ?? [])
    .sort()[0]
  return opens === undefined ? html`Sold out` : html`on sale from ${calendar.moment(opens)}`
}
