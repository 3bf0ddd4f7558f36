import type { FunctionContext } from '../functions/contract.ts'

/** What the pages need of the server. */
export interface PageContext extends Omit<FunctionContext, 'caller' | 'publicUrl'> {
  /** Where people reach this server; by default the host that each request names. */
  readonly publicUrl: string | undefined
}

export function publicUrlOf(request: Request, { publicUrl }: PageContext): string {
  return publicUrl ?? new URL(request.url).origin
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
  return host !== new URL(request.url).host && host !== new URL(publicUrlOf(request, context)).host
}
