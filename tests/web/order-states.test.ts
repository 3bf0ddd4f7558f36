import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { orderPage as render, sheetOf } from '../../src/api/pages/order-page.ts'
import { openPool } from '../../src/db/pool.ts'
import { ANON } from '../../src/desk/callers.ts'
import { ORDER_STATES, type OrderState, orderPage as readOrder } from '../../src/desk/orders.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { CODES } from '../support/codes.ts'
import { completed, type PlacedOrder, placeOrder, receive } from '../support/money.ts'
import {
  all,
  allAreCancelled,
  allAreVoid,
  authorisesDebit,
  db,
  debitFails,
  dispute,
  givesUp,
  holdsLapse,
  isCancelled,
  isOver,
  isScanned,
  nothing,
  nothingIsSentAgain,
  oneIsVoid,
  onOrder,
  othersBuy,
  pays,
  paysAgain,
  refund,
  returnArrives,
  type Story,
  sentFromDashboard,
  sessionExpires,
  timeIsOver,
} from './stories.ts'

const database = await openPool(db.url, { max: 2, name: 'order-states' })
after(() => database.close())

interface Row {
  readonly when: string
  readonly story: Story
  readonly state: OrderState['state']
  readonly says: RegExp
  readonly never?: RegExp
}

const NO_TICKET = /Show the code|class="code"/

const table: readonly Row[] = [
  {
    when: 'its pay page is open',
    story: nothing,
    state: 'to_pay',
    says: /Waiting for your payment.*>Pay €/s,
  },
  {
    when: 'its pay page is not known yet',
    story: onOrder(
      `update ticketing.checkout_sessions set status = 'creating', url = null where order_id = $1`,
    ),
    state: 'opening',
    says: /Opening the payment/,
  },
  { when: 'its time is over', story: timeIsOver, state: 'checking', says: /Checking your payment/ },
  {
    when: 'its holds lapsed before the provider was heard of',
    story: holdsLapse,
    state: 'checking',
    says: /If you paid, your tickets come here, or the money goes back/,
  },
  {
    when: 'nobody paid',
    story: all(timeIsOver, sessionExpires),
    state: 'expired',
    says: /Nothing was charged/,
  },
  { when: 'it is being given up', story: givesUp, state: 'giving_up', says: /You gave this order up/ },
  {
    when: 'it was given up',
    story: all(givesUp, sessionExpires),
    state: 'given_up',
    says: /Order given up.*Nothing was charged/s,
  },
  {
    when: 'the provider refused it',
    story: onOrder(
      `with s as (update ticketing.checkout_sessions set status = 'creating' where order_id = $1 returning order_id)
       select ticketing.refuse_session(order_id, 1, 'no') from s`,
    ),
    state: 'not_opened',
    says: /could not be opened.*Nothing was charged/s,
  },
  {
    when: 'a bank confirms a debit',
    story: authorisesDebit,
    state: 'confirming',
    says: /Your tickets are held/,
  },
  {
    when: 'a bank confirms a debit and the holds lapsed',
    story: all(authorisesDebit, holdsLapse),
    state: 'confirming_late',
    says: /tickets are not held any more.*Do not pay a second time/s,
  },
  {
    when: 'the debit failed',
    story: all(authorisesDebit, debitFails),
    state: 'failed',
    says: /The payment failed.*Nothing was charged/s,
  },
  {
    when: 'the debit failed after the holds had lapsed',
    story: all(authorisesDebit, holdsLapse, debitFails),
    state: 'failed',
    says: /The payment failed/,
  },
  {
    when: 'the event is cancelled before it was paid',
    story: isCancelled,
    state: 'event_cancelled',
    says: /This event is cancelled.*Do not pay.*If you paid, the money goes back/s,
  },
  {
    when: 'the event is cancelled while a bank confirms a debit',
    story: all(authorisesDebit, isCancelled),
    state: 'event_cancelled',
    says: /If you paid, the money goes back/,
    never: /are held/,
  },
  {
    when: 'the event is cancelled after nobody paid',
    story: all(timeIsOver, sessionExpires, isCancelled),
    state: 'event_cancelled',
    says: /Nothing was charged/,
  },
  { when: 'the event is over before it was paid', story: isOver, state: 'event_over', says: /Do not pay/ },
  {
    when: 'the event is over while a bank confirms a debit',
    story: all(authorisesDebit, isOver),
    state: 'event_over',
    says: /If you paid, the money goes back/,
    never: /are held/,
  },
  {
    // No verb leaves an order so. The owner's SQL can, and issue_order_tickets is for such an order.
    when: 'it was set to paid by hand, and its tickets are to be issued',
    story: onOrder(`update orders set status = 'paid' where id = $1`),
    state: 'issuing',
    says: /Your tickets are being made.*The order is paid/s,
    never: /Nothing was charged|>Pay €/,
  },
  {
    when: 'it was cancelled by hand after nobody paid',
    story: all(timeIsOver, sessionExpires, onOrder(`update orders set status = 'cancelled' where id = $1`)),
    state: 'cancelled',
    says: /This order is cancelled; it has no tickets.*Nothing was charged/s,
  },
  { when: 'it is paid', story: pays, state: 'valid', says: /Show the code at the door/ },
  { when: 'all of it was scanned', story: all(pays, isScanned), state: 'used', says: /Scanned at the door/ },
  {
    when: 'the event of its tickets is cancelled',
    story: all(pays, isCancelled),
    state: 'event_cancelled',
    says: /Its tickets admit nobody.*has not been sent back: ask the organiser/s,
    never: NO_TICKET,
  },
  {
    when: 'the event of its tickets is over',
    story: all(pays, isOver),
    state: 'over',
    says: /admit nobody any more/,
    never: NO_TICKET,
  },
  {
    when: 'all its tickets are being refunded',
    story: all(pays, refund(null, 'pending')),
    state: 'refunding',
    says: /€41\.40 is on its way back/,
    never: NO_TICKET,
  },
  {
    when: 'it was refunded',
    story: all(pays, refund(null, 'succeeded')),
    state: 'refunded',
    says: /<h1>Refunded<.*€41\.40 went back to you/s,
    never: NO_TICKET,
  },
  {
    when: 'its refund was refused',
    story: all(pays, refund(null, 'refused')),
    state: 'valid',
    says: /Show the code/,
    never: /went back|on its way back/,
  },
  {
    when: 'its refund went and came back, and is sent again',
    story: all(pays, refund(null, 'succeeded', 'failed')),
    state: 'refunded',
    says: /Refund on its way.*€41\.40 is on its way back/s,
    never: /went back|class="code"/,
  },
  {
    when: 'its refund went and came back, and nobody sends it',
    story: all(pays, refund(null, 'succeeded', 'failed'), nothingIsSentAgain),
    state: 'refunded',
    says: /Your refund has failed so far.*€41\.40 is owed to you.*Given back/s,
    never: /went back|on its way back|Refunded|Keep the address/,
  },
  {
    when: 'one of two tickets was refunded',
    story: all(pays, refund(1, 'succeeded')),
    state: 'part',
    says: /1 ticket of 2 admits.*€20\.70 went back/s,
  },
  {
    when: 'one of two tickets is being refunded',
    story: all(pays, refund(1, 'pending')),
    state: 'part',
    says: /€20\.70 is on its way back/,
  },
  {
    when: 'one of two tickets is void',
    story: all(pays, oneIsVoid),
    state: 'part',
    says: /1 ticket of 2 admits/,
  },
  {
    when: 'all its tickets are void',
    story: all(pays, allAreVoid),
    state: 'void',
    says: /The organiser made these tickets void/,
    never: /Show the code|class="code"|went back/,
  },
  {
    when: 'all its tickets are void and their places free',
    story: all(pays, allAreCancelled),
    state: 'void',
    says: /The organiser made these tickets void/,
    never: /Show the code|class="code"|went back/,
  },
  {
    when: 'a part was sent back in the dashboard',
    story: all(pays, sentFromDashboard(500)),
    state: 'valid',
    says: /Show the code.*€5\.00 went back/s,
  },
  {
    when: 'its bank disputes it',
    story: all(pays, dispute('needs_response')),
    state: 'valid',
    says: /disputing/,
  },
  {
    when: 'its bank took the money back',
    story: all(pays, dispute('needs_response'), dispute('lost')),
    state: 'valid',
    says: /Your bank took €41\.40/,
  },
  {
    when: 'it was paid twice',
    story: all(pays, paysAgain),
    state: 'valid',
    says: /paid twice.*€41\.40 is on its way back/s,
  },
  {
    when: 'its payment came when the tickets were gone',
    story: all(timeIsOver, sessionExpires, othersBuy, pays),
    state: 'returned',
    says: /Your money is going back.*came when the tickets were gone.*€41\.40 is on its way/s,
    never: /went back to you|Nothing was charged/,
  },
  {
    when: 'such a payment is back',
    story: all(timeIsOver, sessionExpires, othersBuy, pays, returnArrives),
    state: 'returned',
    says: /<h1>Your money went back/,
    never: /on its way|Nothing was charged/,
  },
  {
    when: 'such a payment cannot be sent back',
    story: all(timeIsOver, sessionExpires, othersBuy, pays, nothingIsSentAgain),
    state: 'returned',
    says: /Your money has not gone back yet.*is owed to you/s,
  },
  {
    when: 'its payment was another amount',
    story: (order) => receive(db.client, completed(order, { amount_total: 100 })),
    state: 'returned',
    says: /not what the order costs.*€1\.00 is on its way/s,
    never: /Payment on its way|>Pay €/,
  },
  {
    when: 'it was paid after the event was cancelled',
    story: all(isCancelled, pays),
    state: 'returned',
    says: /The event is cancelled. You have no tickets/,
  },
  {
    when: 'it was paid after the event was over',
    story: all(isOver, pays),
    state: 'returned',
    says: /came when the event was over/,
  },
]

interface Facts {
  readonly payments: number
  readonly open: boolean
  readonly admitting: number
  readonly back: number
  readonly coming: number
}

/** What is so, by the tables; shares no code with the page. */
const factsOf = (order: PlacedOrder) =>
  db.value<Facts>(
    `select jsonb_build_object(
       'payments', (select count(*) from ticketing.payments where order_id = $1),
       'open', exists (select from ticketing.checkout_sessions s where s.order_id = $1 and (s.status in ('creating', 'open')
          or s.status = 'complete' and not exists (select from webhook_events w where w.order_id = $1 and w.type like '%payment_failed'))),
       'admitting', (select count(*) from tickets k join events e on e.id = k.event_id where k.order_id = $1
          and k.status in ('valid', 'used') and e.status = 'published' and e.end_at + interval '1 day' > now()),
       'back', (select coalesce(sum(amount_cents), 0) from ticketing.refunds where order_id = $1 and status = 'succeeded'),
       'coming', (select coalesce(sum(amount_cents), 0) from ticketing.refunds where order_id = $1 and status in ('queued', 'pending')))`,
    [order.orderId],
  )

const centsOf = (page: string, sentence: RegExp) =>
  Math.round(100 * Number(new RegExp(`€([\\d.]+) ${sentence.source}`).exec(page)?.[1] ?? 0))

async function placed(): Promise<PlacedOrder> {
  const { eventId } = await openBoxOffice(db)
  await db.rows('update events set fee_fixed_cents = 30, fee_basis_points = 200 where id = $1', [eventId])
  return placeOrder(db, { eventId, tierId: await addTier(db, eventId, { priceCents: 2000, total: 2 }) })
}

describe('the page of an order', () => {
  it('has a row here for every state', () => {
    const states = new Set(table.map(({ state }) => state))
    assert.deepEqual([...states].sort(), [...ORDER_STATES].sort())
  })

  for (const { when, story, state, says, never } of table) {
    it(`says what is so when ${when}`, async () => {
      const order = await placed()
      await story(order)
      const secret = await db.value<string>('select secret from orders where id = $1', [order.orderId])
      const view = await readOrder(database, ANON, { order_id: order.orderId, secret })
      assert.ok(view.success)
      const page = String(render(view, sheetOf(view, CODES), '/orders/x/y', new Date()).body)
      assert.equal(view.state.state, state)
      assert.match(page, says)
      if (never !== undefined) assert.doesNotMatch(page, never)
      const { payments, open, admitting, back, coming } = await factsOf(order)
      if (/Nothing was charged/.test(page)) assert.deepEqual([payments, open], [0, false])
      assert.equal(page.match(/class="code"/g)?.length ?? 0, admitting)
      if (/Show the code/.test(page)) assert.ok(admitting > 0)
      assert.equal(centsOf(page, /went back to you/), back)
      assert.equal(centsOf(page, /is on its way back/), coming)
      if (/>Pay €/.test(page)) assert.equal((await receive(db.client, completed(order))).outcome, 'ISSUED')
    })
  }
})
