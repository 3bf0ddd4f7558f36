import { html, raw } from 'hono/html'
import { renderSVG } from 'uqr'
import type { Codes } from '../codes.ts'
import { type Calendar, calendarIn, count, minutesLeft } from './dates.ts'
import { placeOf } from './home-page.ts'
import { type Html, layout, type Page } from './layout.ts'
import { money } from './money.ts'
import { orderState } from './order-state.ts'

/** What `ticketing.order_page` answers; times are ISO 8601, amounts minor units. */
export interface OrderView {
  readonly order: {
    readonly id: string
    readonly status: string
    readonly customer_name: string | null
    readonly subtotal_cents: number
    readonly fees_cents: number
    readonly total_cents: number
    readonly currency: string
    readonly created_at: string
    readonly expires_at: string | null
  }
  readonly event: {
    readonly id: string
    readonly slug: string
    readonly title: string
    readonly start_at: string
    readonly end_at: string
    readonly time_zone: string
    readonly venue: string | null
    readonly city: string | null
    readonly status: string
  }
  readonly items: readonly OrderItem[]
  readonly tickets: readonly OrderTicket[]
  readonly payment: { readonly state: string; readonly url: string | null } | null
  readonly refunds: readonly { readonly amount_cents: number; readonly status: string }[]
}

interface OrderItem {
  readonly tier_name: string
  readonly quantity: number
  readonly unit_price_cents: number
  readonly unit_fee_cents: number
}

export interface OrderTicket {
  readonly id: string
  readonly tier_name: string
  readonly status: string
  /** What is typed at a gate that cannot read the QR. */
  readonly qr_code: string
  readonly checked_in_at: string | null
}

/** An order as it is now, with its tickets; printed, it is one ticket a sheet. */
export function orderPage(view: OrderView, codes: Codes, now: Date): Page {
  const calendar = calendarIn(view.event.time_zone)
  const state = orderState(view, now)
  const until = view.order.expires_at
  const body = html`<section class="state screen" role="status">
<h1>${state.title}</h1>
<p class="lead">${state.sentence}</p>
${state.payUrl === undefined || until === null ? null : payNow(view, state.payUrl, until, calendar, now)}
${state.refreshSeconds === undefined ? null : html`<p class="quiet">This page looks again by itself. <a href="">Look now</a></p>`}
</section>
${view.event.status === 'cancelled' ? html`<p class="notice bad screen">This event is cancelled.</p>` : null}
${ticketList(view, codes, calendar)}
${summary(view, calendar)}`
  const title = `${state.title} · ${view.event.title}`
  return {
    status: 200,
    body: layout({ title, body, refreshSeconds: state.refreshSeconds }),
    headers: { 'X-Robots-Tag': 'noindex' },
  }
}

function payNow({ order }: OrderView, url: string, until: string, calendar: Calendar, now: Date): Html {
  return html`<p>Held for you until <time datetime="${until}">${calendar.time(until)}</time>: ${minutesLeft(until, now)} left.</p>
<p><a class="button pay" href="${url}">Pay ${money(order.total_cents, order.currency)}</a></p>`
}

function ticketList({ tickets, event, order }: OrderView, codes: Codes, calendar: Calendar): Html | null {
  if (tickets.length === 0) return null
  return html`<ol class="tickets" aria-label="Your tickets">
${tickets.map(
  (ticket, at) => html`<li class="${ADMITS.has(ticket.status) ? ticket.status : 'gone'}">
<div class="face">
<div><p class="number">Ticket ${at + 1} of ${tickets.length}</p><h2 dir="auto">${event.title}</h2>
<p><time datetime="${event.start_at}">${calendar.day(event.start_at)}, ${calendar.time(event.start_at)}</time></p>
<p class="where" dir="auto">${placeOf(event)}</p></div>
<dl><div><dt>Ticket</dt><dd dir="auto">${ticket.tier_name}</dd></div>
${order.customer_name === null ? null : html`<div><dt>Name</dt><dd dir="auto">${order.customer_name}</dd></div>`}</dl>
</div>
<div class="stub">${stub(ticket, at + 1, shownCode(event.id, ticket, codes), calendar)}</div>
</li>`,
)}
</ol>
<p class="quiet screen">Keep the address of this page: it is your proof. Printed, it gives one ticket a sheet.</p>`
}

/** Where gates would not believe the signature, the plain code, about which the database decides. */
function shownCode(eventId: string, { qr_code }: OrderTicket, codes: Codes): string {
  return codes.isRevoked ? qr_code : codes.token('ticket', eventId, qr_code)
}

/** What the gate reads, and what is typed where it cannot; or why there is nothing to read. */
function stub(ticket: OrderTicket, number: number, token: string, calendar: Calendar): Html {
  const badge = badgeOf(ticket, calendar)
  const mark = badge === undefined ? null : html`<span class="badge">${badge}</span>`
  if (!ADMITS.has(ticket.status)) return html`${mark}`
  return html`${mark}<div class="code" role="img" aria-label="QR code of ticket ${number}">${qrCode(token)}</div>
<p class="letters">${ticket.qr_code.match(/.{1,4}/g)?.join(' ') ?? ''}</p>`
}

/** Tickets whose code is shown: the gate itself knows that a used one was used. */
const ADMITS = new Set(['valid', 'used'])

function badgeOf({ status, checked_in_at }: OrderTicket, calendar: Calendar): string | undefined {
  switch (status) {
    case 'valid':
      return undefined
    case 'used':
      return checked_in_at === null ? 'Used' : `Used ${calendar.moment(checked_in_at)}`
    case 'refunding':
      return 'Being refunded'
    case 'refunded':
      return 'Refunded'
    default:
      return 'Not valid'
  }
}

/** The code as a picture with the quiet zone that scanners need. */
export function qrCode(code: string): Html {
  return raw(renderSVG(code, { ecc: 'M', border: 3, pixelSize: 1 }))
}

function summary({ order, items, refunds, event }: OrderView, calendar: Calendar): Html {
  const amount = (cents: number) => money(cents, order.currency)
  return html`<section class="screen"><h2>Your order</h2>
<dl class="sums">
${items.map((item) => html`<div><dt>${item.quantity} × <bdi>${item.tier_name}</bdi></dt><dd>${amount(item.quantity * item.unit_price_cents)}</dd></div>`)}
${order.fees_cents === 0 ? null : html`<div><dt>Fees</dt><dd>${amount(order.fees_cents)}</dd></div>`}
<div class="total"><dt>Total</dt><dd>${order.total_cents === 0 ? 'Free' : amount(order.total_cents)}</dd></div>
${refunds.map((refund) => html`<div><dt>${REFUND_WORDS[refund.status] ?? 'Refund'}</dt><dd>${amount(-refund.amount_cents)}</dd></div>`)}
</dl>
<p class="quiet"><small>${count(
    items.reduce((sum, item) => sum + item.quantity, 0),
    'ticket',
  )} for <a href="/events/${event.slug}"><bdi>${event.title}</bdi></a>,
ordered ${calendar.moment(order.created_at)}. Order ${order.id}</small></p></section>`
}

const REFUND_WORDS: Readonly<Record<string, string>> = {
  queued: 'Refund on its way',
  pending: 'Refund on its way',
  succeeded: 'Refunded',
  failed: 'Refund that failed: ask the organiser',
}
