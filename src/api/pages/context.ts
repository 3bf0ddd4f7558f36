import type { Lane } from '../../core/capacity.ts'
import type { Database } from '../../db/pool.ts'
import type { FunctionContext } from '../functions/contract.ts'
import { type OriginRules, originOf } from '../origin.ts'

/** What the pages need of the server. */
export interface PageContext extends Omit<FunctionContext, 'caller' | 'publicUrl'>, OriginRules {
  /** Where what only reads is asked, beside `database`, where buyers may wait for each other. */
  readonly databases: Readonly<Record<Lane, Database>>
}

/**
 * Whether a page of another site sent this: a visit there must not hold tickets here. Browsers say so by themselves; what says
 * nothing is no browser.
 */
export function isCrossSite(request: Request, context: PageContext): boolean {
  const site = request.headers.get('sec-fetch-site')
  if (site !== null) return site !== 'same-origin' && site !== 'none'
  const origin = request.headers.get('origin')
  if (origin === null) return false
  // Not the scheme: a proxy may end TLS without our knowing.
  const host = URL.parse(origin)?.host
  return host !== new URL(request.url).host && host !== new URL(originOf(request, context)).host
}
