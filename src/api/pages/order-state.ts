import type { OrderView } from '../../desk/orders.ts'

/** What an order's page says first. */
export interface OrderState {
  readonly title: string
  readonly sentence: string
  /** Where to pay, while that makes sense. */
  readonly payUrl?: string
  /** Something is about to change: look again after this long. */
  readonly refreshSeconds?: number
}

export function orderState(view: OrderView, now: Date): OrderState {
  switch (view.order.status) {
    case 'pending':
      return pendingState(view, now)
    case 'paid':
    case 'partially_refunded':
      return paidState(view)
    case 'refunded':
      return { title: 'Refunded', sentence: 'Your money went back; these tickets no longer admit.' }
    case 'cancelled':
      return { title: 'Order cancelled', sentence: 'This order is cancelled; it has no tickets.' }
    default:
      return expiredState(view)
  }
}

function pendingState({ order, payment }: OrderView, now: Date): OrderState {
  const age = now.getTime() - Date.parse(order.created_at)
  const refresh = age < REFRESH_MS_MAX ? { refreshSeconds: REFRESH_SECONDS } : {}
  if (payment?.state === 'complete') {
    const sentence =
      'The payment is confirmed by your bank, which can take some days. Your tickets are held, and will be on this page.'
    return { title: 'Payment on its way', sentence, ...refresh }
  }
  if (order.given_up_at !== null) {
    const sentence =
      'You gave this order up. Its payment page is being closed; its tickets go back on sale then. If you paid in the last moment, they come back here.'
    return { title: 'Giving the tickets back', sentence, ...refresh }
  }
  if (order.expires_at !== null && Date.parse(order.expires_at) <= now.getTime()) {
    const sentence =
      'The time to pay is over. If you paid just now, wait a moment: your tickets, or your money, come back.'
    return { title: 'Checking your payment', sentence, ...refresh }
  }
  if (payment?.state !== 'open' || payment.url === null) {
    return {
      title: 'Opening the payment',
      sentence: 'Your tickets are held. The page to pay on is being opened.',
      ...refresh,
    }
  }
  const sentence = 'Not paid yet. If you paid just now, wait a moment: your tickets are about to be here.'
  return { title: 'Waiting for your payment', sentence, payUrl: payment.url, ...refresh }
}

/** How often a page that waits looks again, and how long after the order at most. */
const REFRESH_SECONDS = 3
const REFRESH_MS_MAX = 45 * 60 * 1000

function paidState({ order, tickets }: OrderView): OrderState {
  const admitting = tickets.filter(({ status }) => status === 'valid' || status === 'used').length
  if (order.status === 'partially_refunded' && admitting < tickets.length) {
    return { title: 'Your tickets', sentence: 'A part of this order was refunded; the other tickets admit.' }
  }
  return {
    title: tickets.length === 1 ? 'Your ticket' : 'Your tickets',
    sentence: 'Show the code at the door, on this screen or on paper. Each admits one person, once.',
  }
}

function expiredState({ order, refunds }: OrderView): OrderState {
  if (order.given_up_at !== null && refunds.length === 0) {
    const sentence = 'You gave this order up, and its tickets went back on sale. Nothing was charged.'
    return { title: 'Order given up', sentence }
  }
  const sentence =
    refunds.length === 0
      ? 'It was not paid in time, and its tickets went back on sale. Nothing was charged.'
      : 'Your payment came when its tickets were gone, so the money goes back to you.'
  return { title: 'This order has expired', sentence }
}
