import type { Database } from '../../db/pool.ts'
import { ANON } from '../../desk/callers.ts'
import { orderPage } from '../../desk/orders.ts'
import type { WaitingOrder } from './event-page.ts'

/**
 * Who comes back from the payment to the event's page finds the orders that wait there, and buying the same again is that
 * order: a cookie an order, for this event only, names it. They say nothing to scripts or to other sites.
 */
export interface Waiting extends WaitingOrder {
  /** The form's, with which it was made. */
  readonly key: string
  readonly id: string
  readonly secret: string
}

/** The orders that the browser's cookies name, while they can still be paid; the latest first. */
export async function readWaiting(request: Request, database: Database): Promise<readonly Waiting[]> {
  const named = [...(request.headers.get('cookie') ?? '').matchAll(COOKIE)].slice(-ORDERS_MAX).reverse()
  const waiting = await Promise.all(
    named.map(async ([, id = '', key = '', secret = '']): Promise<Waiting[]> => {
      const view = await orderPage(database, ANON, { order_id: id, secret })
      if (!view.success || !WAITING.has(view.state.state) || view.order.expires_at === null) return []
      const held = new Map(view.items.map(({ tier_id, quantity }) => [tier_id, quantity]))
      return [{ key, id, secret, path: `/orders/${id}/${secret}`, expiresAt: view.order.expires_at, held }]
    }),
  )
  return waiting.flat()
}

const COOKIE = /(?<=^|; )order-([\da-f-]{36})=([\da-f-]{36})\.([\da-f]{32})(?=;|$)/g

const WAITING: ReadonlySet<string> = new Set(['opening', 'to_pay'])

/** Of more orders of one browser the latest are looked for. */
const ORDERS_MAX = 5

/** The cookie that names an order by its page's path: one of its own, so that a second tab's order does not hide the first's. */
export function waitingCookie(key: string, path: string, slug: string, publicUrl: string): string {
  const [id, secret] = path.split('/').slice(-2)
  const secure = publicUrl.startsWith('https:') ? '; Secure' : ''
  return `order-${id}=${key}.${secret}; Path=/events/${slug}; Max-Age=${COOKIE_SECONDS}; HttpOnly; SameSite=Lax${secure}`
}

/** Longer than any order can wait for its first payment. */
const COOKIE_SECONDS = 3600
