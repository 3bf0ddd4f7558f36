import { html } from 'hono/html'
import { qrSpelling } from '../../core/code-token.ts'
import type { OrderState, OrderTicket, OrderView } from '../../desk/orders.ts'
import type { CodeSigner } from '../code-signer.ts'
import { amount, type Calendar, calendarIn, count, minutesLeft } from './dates.ts'
import { giveUpForm } from './event-page.ts'
import { placeOf } from './home-page.ts'
import { type Html, layout, type Page } from './layout.ts'
import { money } from './money.ts'
import { wordsFor } from './order-state.ts'
import { qrCode } from './qr-code.ts'

/** Tickets on one page: each is a drawing and, printed, a sheet. */
const PAGE_TICKETS = 50

/** What a page shows of an order's tickets. */
interface Sheet {
  /** From 1; no page that is not there. */
  readonly page: number
  readonly pages: number
  /** How many come before it. */
  readonly before: number
  /** With what its QR says, where it has one. */
  readonly tickets: readonly { readonly ticket: OrderTicket; readonly shown: string | undefined }[]
}

/** The tickets of the page that was asked for, the nearest where there is none. */
export function sheetOf(
  { tickets, event, state }: OrderView,
  codes: CodeSigner,
  pageNumber: number = 1,
): Sheet {
  const pages = Math.max(1, Math.ceil(tickets.length / PAGE_TICKETS))
  const page = Math.min(Math.max(1, Math.trunc(pageNumber) || 1), pages)
  const before = (page - 1) * PAGE_TICKETS
  const shown = tickets
    .slice(before, before + PAGE_TICKETS)
    .map((ticket) => ({ ticket, shown: state.admits > 0 ? shownCode(event.id, ticket, codes) : undefined }))
  return { page, pages, before, tickets: shown }
}

/** An order as it is now, with its tickets; printed, it is one ticket a sheet. `path` is where it is shown. */
export function orderPage(view: OrderView, sheet: Sheet, path: string, now: Date): Page {
  const calendar = calendarIn(view.event.time_zone)
  const words = wordsFor(view, now)
  const until = view.order.expires_at
  const body = html`<section class="state screen" role="status">
<h1>${words.title}</h1>
${words.sentences.map((sentence) => html`<p class="lead">${sentence}</p>`)}
${words.payUrl === undefined || until === null ? null : payNow({ view, url: words.payUrl, until, path }, calendar, now)}
${words.refreshSeconds === undefined ? null : html`<p class="quiet">This page looks again by itself. <a href="">Look now</a></p>`}
</section>
${ticketList(view, sheet, calendar)}
${summary(view, calendar)}`
  const title = `${words.title} · ${view.event.title}`
  return {
    status: 200,
    body: layout({ title, body, refreshSeconds: words.refreshSeconds }),
    headers: { 'X-Robots-Tag': 'noindex' },
  }
}

interface PayNow {
  readonly view: OrderView
  readonly url: string
  readonly until: string
  readonly path: string
}

function payNow({ view: { order }, url, until, path }: PayNow, calendar: Calendar, now: Date): Html {
  return html`<p>Held for you until <time datetime="${until}">${calendar.time(until)}</time>: ${minutesLeft(until, now)} left.</p>
<p><a class="button pay" href="${url}">Pay ${money(order.total_cents, order.currency)}</a></p>
${giveUpForm(path)}`
}

function ticketList(
  { tickets, event, order, state }: OrderView,
  sheet: Sheet,
  calendar: Calendar,
): Html | null {
  if (tickets.length === 0) return null
  const links = sheet.pages === 1 ? null : pageLinks(sheet, tickets.length)
  return html`${links}<ol class="tickets" aria-label="Your tickets">
${sheet.tickets.map(({ ticket, shown }, at) => {
  const number = sheet.before + at + 1
  return html`<li class="${shown === undefined ? 'gone' : ticket.status}">
<div class="face">
<div><p class="number">Ticket ${amount(number)} of ${amount(tickets.length)}</p><h2 dir="auto">${event.title}</h2>
<p><time datetime="${event.start_at}">${calendar.day(event.start_at)}, ${calendar.time(event.start_at)}</time></p>
<p class="where" dir="auto">${placeOf(event)}</p></div>
<dl><div><dt>Ticket</dt><dd dir="auto">${ticket.tier_name}</dd></div>
${order.customer_name === null ? null : html`<div><dt>Name</dt><dd dir="auto">${order.customer_name}</dd></div>`}</dl>
</div>
<div class="stub">${stub({ ticket, number, shown, state }, calendar)}</div>
</li>`
})}
</ol>
${links}${state.admits === 0 ? null : keepNote(sheet)}`
}

function keepNote({ pages }: Sheet): Html {
  return html`<p class="quiet screen">Keep the address of this page: it is your proof. Printed, it gives one ticket a sheet${
    pages === 1 ? '' : ', the tickets of this page: print each page'
  }.</p>`
}

function pageLinks({ page, pages, before, tickets }: Sheet, total: number): Html {
  const link = (to: number, words: string) =>
    to < 1 || to > pages ? null : html`<a href="?page=${to}">${words}</a>`
  return html`<nav class="pages screen" aria-label="Pages of tickets">
<span>Tickets ${amount(before + 1)} to ${amount(before + tickets.length)} of ${amount(total)}</span>
${link(page - 1, 'Earlier tickets')}
${link(page + 1, 'More tickets')}
</nav>`
}

/** Where gates would not believe the signature, the plain code, about which the database decides. */
function shownCode(eventId: string, { status, qr_code }: OrderTicket, codes: CodeSigner): string | undefined {
  if (!ADMITS.has(status)) return undefined
  return codes.isRevoked ? qr_code.toUpperCase() : qrSpelling(codes.token('ticket', eventId, qr_code))
}

interface Stub {
  readonly ticket: OrderTicket
  readonly number: number
  readonly shown: string | undefined
  readonly state: OrderState
}

/** Why a ticket that is valid by itself does not admit. */
const CLOSED: Readonly<Record<string, string>> = { event_cancelled: 'Event cancelled', over: 'Event over' }

/** What the gate reads, and what is typed where it cannot; or why there is nothing to read. */
function stub({ ticket, number, shown, state }: Stub, calendar: Calendar): Html {
  const badge = badgeOf(ticket, state, calendar) ?? CLOSED[state.state]
  const mark = badge === undefined ? null : html`<span class="badge">${badge}</span>`
  if (shown === undefined) return html`${mark}`
  return html`${mark}<div class="code" role="img" aria-label="QR code of ticket ${number}">${qrCode(shown)}</div>
<p class="letters">${ticket.qr_code.match(/.{1,4}/g)?.join(' ') ?? ''}</p>`
}

/** Tickets whose code is shown: the gate itself knows that a used one was used. */
const ADMITS = new Set(['valid', 'used'])

function badgeOf(
  { status, checked_in_at }: OrderTicket,
  state: OrderState,
  calendar: Calendar,
): string | undefined {
  switch (status) {
    case 'valid':
      return undefined
    case 'used':
      return checked_in_at === null ? 'Used' : `Used ${calendar.moment(checked_in_at)}`
    case 'refunding':
      return 'Being refunded'
    case 'refunded':
      // Its money is another matter, and may not be there yet.
      return state.owed_cents + state.coming_cents > 0 ? 'Given back' : 'Refunded'
    default:
      return 'Not valid'
  }
}

function summary({ order, items, refunds, event, state }: OrderView, calendar: Calendar): Html {
  const price = (cents: number) => money(cents, order.currency)
  // What was free is given back without any money.
  const moved = refunds.filter(({ amount_cents, status }) => amount_cents > 0 && status !== 'failed')
  const owed = state.owed_cents > 0 ? [{ amount_cents: state.owed_cents, status: 'failed' }] : []
  return html`<section class="screen"><h2>Your order</h2>
<dl class="sums">
${items.map((item) => html`<div><dt>${item.quantity} × <bdi>${item.tier_name}</bdi></dt><dd>${price(item.quantity * item.unit_price_cents)}</dd></div>`)}
${order.fees_cents === 0 ? null : html`<div><dt>Fees</dt><dd>${price(order.fees_cents)}</dd></div>`}
<div class="total"><dt>Total</dt><dd>${order.total_cents === 0 ? 'Free' : price(order.total_cents)}</dd></div>
${[...moved, ...owed].map((refund) => html`<div><dt>${REFUND_WORDS[refund.status] ?? 'Refund'}</dt><dd>${price(-refund.amount_cents)}</dd></div>`)}
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
