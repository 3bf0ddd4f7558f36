import type { OrderState, OrderView } from '../../desk/orders.ts'
import { count } from './dates.ts'
import { money } from './money.ts'

/** What an order's page says first: words for the state that the database tells, and nothing decided here. */
export interface Words {
  readonly title: string
  readonly sentences: readonly string[]
  /** Where to pay, while that makes sense. */
  readonly payUrl?: string
  /** Something is about to change: look again after this long. */
  readonly refreshSeconds?: number
}

export function wordsFor(view: OrderView, now: Date): Words {
  const { state, order, payment } = view
  const [title, ...sentences] = headline(view)
  const age = now.getTime() - Date.parse(order.created_at)
  return {
    title,
    sentences: [...sentences, ...moneySentences(state, order.currency)],
    ...(state.state === 'to_pay' && payment?.url ? { payUrl: payment.url } : {}),
    ...(CHANGING.has(state.state) && age < REFRESH_MS_MAX ? { refreshSeconds: REFRESH_SECONDS } : {}),
  }
}

/** States that end by themselves, most of them soon. */
const CHANGING: ReadonlySet<OrderState['state']> = new Set([
  ...(['opening', 'to_pay', 'checking', 'giving_up'] as const),
  ...(['issuing', 'confirming', 'confirming_late'] as const),
])

/** How often a page that waits looks again, and how long after the order at most. */
const REFRESH_SECONDS = 3
const REFRESH_MS_MAX = 45 * 60 * 1000

type Issued = 'valid' | 'used' | 'part' | 'over' | 'void' | 'refunding' | 'refunded'
type Unissued = Exclude<OrderState['state'], Issued>
type Headline = readonly [title: string, ...sentences: string[]]

/** A title, and what follows from it. */
function headline(view: OrderView): Headline {
  const { state, tickets } = view
  const name = state.state
  switch (name) {
    case 'valid':
      return [tickets.length === 1 ? 'Your ticket' : 'Your tickets', SHOW]
    case 'used':
      return [
        tickets.length === 1 ? 'Your ticket' : 'Your tickets',
        'Scanned at the door. A ticket admits once.',
      ]
    case 'part':
      return [
        'Your tickets',
        `${count(state.admits, 'ticket')} of ${tickets.length} ${state.admits === 1 ? 'admits' : 'admit'}; the others do not any more.`,
        SHOW,
      ]
    case 'over':
      return ['This event is over', 'Its doors are closed, and these tickets admit nobody any more.']
    case 'void':
      return ['Not valid any more', 'The organiser made these tickets void: they admit nobody.']
    case 'refunding':
      return ['Refund on its way', 'These tickets do not admit while their money goes back.']
    case 'refunded':
      return [refundedTitle(state), 'These tickets do not admit any more.']
    default:
      return unissued(view, name)
  }
}

const SHOW = 'Show the code at the door, on this screen or on paper. Each admits one person, once.'
const NOTHING = 'Nothing was charged.'
const IF_PAID = 'If you paid, your tickets come here, or the money goes back to you.'

function refundedTitle({ owed_cents, coming_cents, back_cents }: OrderState): string {
  if (owed_cents > 0) return 'Your refund has failed so far'
  if (coming_cents > 0) return 'Refund on its way'
  return back_cents > 0 ? 'Refunded' : 'Given back'
}

/** Of an order without tickets. Every state has its words: the compiler counts them. */
function unissued({ state, event, tickets }: OrderView, name: Unissued): Headline {
  const charged = state.may_charge ? IF_PAID : NOTHING
  switch (name) {
    case 'event_cancelled':
      return cancelledEvent(state, tickets.length)
    case 'event_over':
      return ['This event is over', 'Do not pay for it any more.', state.may_charge ? GOES_BACK : NOTHING]
    case 'issuing':
      return ['Your tickets are being made', 'The order is paid. They will be on this page in a moment.']
    case 'returned':
      return [returnedTitle(state), RETURNED[state.reason ?? ''] ?? 'This order has no tickets.']
    case 'confirming':
      return [
        'Payment on its way',
        'It is confirmed by your bank, which can take some days. Your tickets are held, and will be on this page.',
      ]
    case 'confirming_late':
      return [
        'Payment on its way, tickets not held',
        'Your bank is still confirming the payment, and the tickets are not held any more. When the money arrives you get them if some are left; else it goes back to you. Do not pay a second time before.',
      ]
    case 'failed':
      return ['The payment failed', `Your bank did not pay, and the tickets went back on sale. ${NOTHING}`]
    case 'giving_up':
      return [
        'Giving the tickets back',
        `You gave this order up. Its payment page is being closed. ${IF_PAID}`,
      ]
    case 'given_up':
      return ['Order given up', `You gave this order up, and its tickets went back on sale. ${charged}`]
    case 'checking':
      return [
        'Checking your payment',
        `The time to pay is over. If you paid just now, wait a moment. ${IF_PAID}`,
      ]
    case 'to_pay':
      return [
        'Waiting for your payment',
        'Not paid yet. If you paid just now, wait a moment: your tickets are about to be here.',
      ]
    case 'opening':
      return ['Opening the payment', 'Your tickets are held. The page to pay on is being opened.']
    case 'not_opened':
      return ['The payment could not be opened', `The tickets went back on sale. ${NOTHING}`]
    case 'cancelled':
      return ['Order cancelled', `This order is cancelled; it has no tickets. ${charged}`]
    case 'expired':
      return [
        'This order has expired',
        `It was not paid in time, and its tickets for ${event.title} went back on sale. ${charged}`,
      ]
  }
}

const GOES_BACK = 'If you paid, the money goes back to you.'

function cancelledEvent(state: OrderState, tickets: number): Headline {
  const title = 'This event is cancelled'
  if (tickets === 0) return [title, 'Do not pay for it any more.', state.may_charge ? GOES_BACK : NOTHING]
  const known = state.back_cents + state.coming_cents + state.owed_cents + state.disputed_cents
  const kept = state.charged_cents > known ? ['Your payment has not been sent back: ask the organiser.'] : []
  return [title, 'Its tickets admit nobody.', ...kept]
}

function returnedTitle({ owed_cents, coming_cents, back_cents }: OrderState): string {
  if (owed_cents > 0) return 'Your money has not gone back yet'
  if (coming_cents > 0) return 'Your money is going back'
  return back_cents > 0 ? 'Your money went back' : 'This order has no tickets'
}

/** Why a payment was not kept. */
const RETURNED: Readonly<Record<string, string>> = {
  TOO_LATE: 'Your payment came when the tickets were gone. You have no tickets.',
  AMOUNT_MISMATCH: 'Your payment was not what the order costs. You have no tickets.',
  EVENT_CANCELLED: 'The event is cancelled. You have no tickets.',
  EVENT_OVER: 'Your payment came when the event was over. You have no tickets.',
  SECOND_PAYMENT: 'The order had been paid before.',
}

/** Where the money is; nothing where it stays where it belongs. */
function moneySentences(state: OrderState, currency: string): readonly string[] {
  const price = (cents: number) => money(cents, currency)
  const said: string[] = []
  if (state.second) said.push('This order was paid twice, and the second payment is not kept.')
  if (state.back_cents > 0) said.push(`${price(state.back_cents)} went back to you.`)
  if (state.coming_cents > 0)
    said.push(`${price(state.coming_cents)} is on its way back to you; banks take some days.`)
  if (state.owed_cents > 0)
    said.push(`${price(state.owed_cents)} is owed to you: sending it back has failed. Ask the organiser.`)
  if (state.dispute === 'open') said.push('Your bank is disputing the payment.')
  if (state.dispute === 'lost')
    said.push(`Your bank took ${price(state.disputed_cents)} of the payment back.`)
  return said
}
