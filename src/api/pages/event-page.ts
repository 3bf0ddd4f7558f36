import { html } from 'hono/html'
import { EMAIL_LENGTH_MAX } from '../../core/email.ts'
import { PERSON_NAME_LENGTH_MAX, QUANTITY_MAX } from '../../core/limits.ts'
import type { EventView, TierView } from '../../desk/events.ts'
import { type Calendar, calendarIn, count, minutesLeft } from './dates.ts'
import { placeOf } from './home-page.ts'
import { type Html, layout, type Page } from './layout.ts'
import { money } from './money.ts'

/** What a buyer typed, and what was wrong with it; a fresh form has a new key and nothing else. */
export interface BuyForm {
  /** Makes a second click the first one's: it names what is bought by this view of the page. */
  readonly key: string
  /** By tier id, as typed. */
  readonly quantities: ReadonlyMap<string, string>
  readonly name: string
  readonly email: string
  /** What the page that was sent had shown: full prices, by tier id. */
  readonly shown?: { readonly currency: string; readonly prices: ReadonlyMap<string, string> } | undefined
  /** Sentences: about all of it, and by field name. */
  readonly problem?: string
  readonly wrong?: ReadonlyMap<string, string>
  readonly status?: number
}

/** An order of this browser for this event that still waits for its payment. */
export interface WaitingOrder {
  readonly path: string
  readonly expiresAt: string
  /** By tier id. */
  readonly held: ReadonlyMap<string, number>
}

/** How many of a tier they hold. */
export function heldOf(tierId: string, waiting: readonly WaitingOrder[]): number {
  return waiting.reduce((sum, { held }) => sum + (held.get(tierId) ?? 0), 0)
}

export interface EventPage {
  readonly event: EventView
  readonly form: BuyForm
  readonly waiting?: readonly WaitingOrder[]
}

/** An event, and the form that buys its tickets. Works without a script. */
export function eventPage({ event, form, waiting = [] }: EventPage, now: Date): Page {
  const calendar = calendarIn(event.time_zone)
  const body = html`<article>
${hero(event, calendar)}
${waiting.map((order) => waitingNotice(order, calendar, now))}
${event.description ? html`<p class="prose" dir="auto">${event.description}</p>` : null}
${buyForm({ event, form, waiting }, calendar)}
</article>`
  const title = form.problem === undefined ? event.title : `Not yet: ${event.title}`
  return { status: form.status ?? 200, body: layout({ title, body }) }
}

function hero(event: EventView, calendar: Calendar): Html {
  const place = placeOf(event)
  const state = event.status === 'cancelled' ? 'Cancelled' : event.is_over ? 'Over' : null
  return html`<header class="hero">
<div class="face"><p class="organiser" dir="auto">${event.organiser}</p><h1 dir="auto">${event.title}</h1>
${state === null ? null : html`<span class="badge">${state}</span>`}</div>
<dl class="stub">
<div><dt>When</dt><dd><time datetime="${event.start_at}">${calendar.day(event.start_at)}<br>${calendar.span(event.start_at, event.end_at)}</time></dd></div>
${place === '' ? null : html`<div><dt>Where</dt><dd dir="auto">${place}</dd></div>`}
</dl>
</header>`
}

function waitingNotice({ path, expiresAt }: WaitingOrder, calendar: Calendar, now: Date): Html {
  return html`<section class="notice" role="status">
<p>Your tickets are held until ${calendar.time(expiresAt)}, ${minutesLeft(expiresAt, now)} from now. They are not paid yet.</p>
<p><a class="button" href="${path}">Continue with your order</a></p>
${giveUpForm(path)}
</section>`
}

/** The button that gives an order up, by its page's path. */
export function giveUpForm(path: string): Html {
  return html`<form method="post" action="${path}/cancel"><button type="submit" class="plain">Give these tickets back</button></form>`
}

function buyForm({ event, form, waiting = [] }: EventPage, calendar: Calendar): Html {
  const buyable = event.tiers.filter((tier) => tier.is_buyable)
  const initial = buyable.length === 1 ? '1' : '0'
  const rows = event.tiers.map((tier) =>
    tierRow({ tier, event, form, initial, calendar, held: heldOf(tier.id, waiting) }),
  )
  if (buyable.length === 0) {
    return html`${problemNotice(form)}
<h2>Tickets</h2>
<div class="tiers">${rows.length === 0 ? html`<p class="tier">There are no tickets yet.</p>` : rows}</div>`
  }
  return html`<form method="post" action="/events/${event.slug}/checkout">
${problemNotice(form)}
<input type="hidden" name="key" value="${form.key}">
<input type="hidden" name="${SHOWN_CURRENCY}" value="${event.currency}">
<fieldset><legend><h2>Tickets</h2></legend><div class="tiers">${rows}</div></fieldset>
<fieldset><legend><h2>Who they are for</h2></legend><div class="fields">
${field({ name: 'name', label: 'Name', type: 'text', autocomplete: 'name', max: PERSON_NAME_LENGTH_MAX, value: form.name }, form)}
${field({ name: 'email', label: 'E-mail', type: 'email', autocomplete: 'email', max: EMAIL_LENGTH_MAX, value: form.email }, form)}
</div></fieldset>
<div class="act"><button type="submit">Buy tickets</button>
<p class="quiet">Your tickets are held while you pay. Prices include all fees.</p></div>
</form>`
}

function problemNotice({ problem }: BuyForm): Html | null {
  if (problem === undefined) return null
  return html`<div class="notice bad" role="alert" tabindex="-1" autofocus><p><strong>${problem}</strong></p></div>`
}

interface TierRow {
  readonly tier: TierView
  readonly event: EventView
  readonly form: BuyForm
  readonly initial: string
  readonly calendar: Calendar
  /** By waiting orders of this browser, which are given up where another cart needs theirs. */
  readonly held: number
}

function tierRow({ tier, event, form, initial, calendar, held }: TierRow): Html {
  const name = quantityField(tier.id)
  const wrong = form.wrong?.get(name)
  const facts = html`<p class="quiet" id="about-${name}">${availabilityText(tier, calendar)}</p>`
  const price = html`<div class="price" id="price-${name}">${priceText(tier, event)}</div>`
  if (!tier.is_buyable) {
    return html`<div class="tier"><div><div class="name" dir="auto">${tier.name}</div>${facts}</div>${price}
<div class="none quiet" aria-hidden="true">–</div></div>`
  }
  const described = `price-${name} about-${name}${wrong === undefined ? '' : ` wrong-${name}`}`
  return html`<div class="tier"><div><label for="${name}" dir="auto">${tier.name}</label>${facts}</div>${price}
<input type="number" id="${name}" name="${name}" min="0" max="${quantityMax(tier, held)}" step="1" inputmode="numeric"
 value="${form.quantities.get(tier.id) ?? initial}" aria-describedby="${described}" autocomplete="off"${invalid(wrong)}>
<input type="hidden" name="${shownField(tier.id)}" value="${tier.full_price_cents}">
${wrongText(name, wrong)}</div>`
}

/** Of what is all in carts SQL counts everything already, what the buyer's own orders hold too. */
function quantityMax({ availability, quantity_max, max_per_order }: TierView, held: number): number {
  const most = availability === 'all_held' ? quantity_max : quantity_max + held
  return Math.min(most, max_per_order ?? QUANTITY_MAX, QUANTITY_MAX)
}

/** How a tier's quantity is called in the form. */
export function quantityField(tierId: string): string {
  return `quantity-${tierId}`
}

/** The price that the page shows, sent back with the form: another one is not charged without a word. */
export function shownField(tierId: string): string {
  return `shown-${tierId}`
}

export const SHOWN_CURRENCY = 'shown-currency'

function availabilityText(tier: TierView, calendar: Calendar): Html {
  const { availability, left, held, opens_at, max_per_order } = tier
  const limit = max_per_order === null ? '' : `, at most ${max_per_order} an order`
  switch (availability) {
    case 'open':
      return html`${left.toLocaleString('en-GB')} left${limit}`
    case 'all_held':
      return html`All in carts right now: ${count(held, 'ticket')} may come back`
    case 'sold_out':
      return html`Sold out`
    case 'opens':
      return html`On sale from <time datetime="${opens_at}">${opens_at === null ? '' : calendar.moment(opens_at)}</time>`
    case 'closed':
      return html`Not on sale`
  }
}

function priceText(tier: TierView, event: EventView): Html {
  const full = tier.full_price_cents
  const amount = html`<b>${full === 0 ? 'Free' : money(full, event.currency)}</b>`
  return tier.fee_cents === 0
    ? amount
    : html`${amount} <small>with ${money(tier.fee_cents, event.currency)} fee</small>`
}

interface Field {
  readonly name: string
  readonly label: string
  readonly type: string
  readonly autocomplete: string
  readonly max: number
  readonly value: string
}

function field({ name, label, type, autocomplete, max, value }: Field, form: BuyForm): Html {
  const wrong = form.wrong?.get(name)
  const described = wrong === undefined ? null : html` aria-describedby="wrong-${name}"`
  return html`<div><label for="${name}">${label}</label>
<input type="${type}" id="${name}" name="${name}" required maxlength="${max}" autocomplete="${autocomplete}" dir="auto"
 value="${value}"${described}${invalid(wrong)}>
${wrongText(name, wrong)}</div>`
}

function invalid(wrong: string | undefined): Html | null {
  return wrong === undefined ? null : html` aria-invalid="true"`
}

function wrongText(name: string, wrong: string | undefined): Html | null {
  return wrong === undefined ? null : html`<p class="wrong" id="wrong-${name}">${wrong}</p>`
}
