import type { Database } from '../../db/pool.ts'
import { ANON } from '../../desk/callers.ts'
import { orderPage } from '../../desk/orders.ts'
import type { WaitingOrder } from './event-page.ts'

/**
 * Who comes back from the payment to the event's page finds the order that waits there, and buying the same again is that
 * order: a cookie, for this event only, names it. It says nothing to scripts or to other sites.
 */
export interface Waiting extends WaitingOrder {
  /** The form's, with which it was made. */
  readonly key: string
}

/** The order that the browser's cookie names, while it can still be paid. */
export async function readWaiting(
  request: Request,
  database: Database,
  now: Date,
): Promise<Waiting | undefined> {
  const found = COOKIE.exec(request.headers.get('cookie') ?? '')
  if (found === null) return undefined
  const [, key = '', id = '', secret = ''] = found
  const view = await orderPage(database, ANON, { order_id: id, secret })
  if (!view.success || view.order.status !== 'pending' || view.order.expires_at === null) return undefined
  if (Date.parse(view.order.expires_at) <= now.getTime()) return undefined
  return { key, path: `/orders/${id}/${secret}`, expiresAt: view.order.expires_at }
}

const COOKIE = /(?:^|; )order=([\da-f-]{36})\.([\da-f-]{36})\.([\da-f]{32})(?:;|$)/

/** The cookie that names an order by its page's path. */
export function waitingCookie(key: string, path: string, slug: string, publicUrl: string): string {
  const value = [key, ...path.split('/').slice(-2)].join('.')
  const secure = publicUrl.startsWith('https:') ? '; Secure' : ''
  return `order=${value}; Path=/events/${slug}; Max-Age=${COOKIE_SECONDS}; HttpOnly; SameSite=Lax${secure}`
}

/** Longer than any order can wait for its first payment. */
const COOKIE_SECONDS = 3600
