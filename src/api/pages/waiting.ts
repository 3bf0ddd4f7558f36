import type { Database } from '../../db/pool.ts'
import { ANON } from '../../desk/callers.ts'
import { waitingOrders } from '../../desk/orders.ts'
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
  if (named.length === 0) return []
  const keys = new Map(named.map(([, id = '', key = '', secret = '']) => [id, { key, secret }]))
  const orders = [...keys].map(([order_id, { secret }]) => ({ order_id, secret }))
  const waiting = await waitingOrders(database, ANON, { orders })
  return waiting.flatMap(({ order_id: id, expires_at: expiresAt, held }) => {
    const known = keys.get(id)
    if (known === undefined) return []
    const path = `/orders/${id}/${known.secret}`
    return [{ ...known, id, path, expiresAt, held: new Map(Object.entries(held)) }]
  })
}

const COOKIE = /(?<=^|; )order-([\da-f-]{36})=([\da-f-]{36})\.([\da-f]{32})(?=;|$)/g

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
