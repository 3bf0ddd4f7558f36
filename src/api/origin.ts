/** Where people reach this server. */
export interface OriginRules {
  /** What the operator says; it decides alone. */
  readonly publicUrl: string | undefined
  /** The server's own address, once it listens. */
  readonly ownUrl?: (() => string | undefined) | undefined
}

/**
 * What links to this server begin with; they hold the secrets of orders. Without a public URL only programs on this machine are
 * served: a name of this machine in their request is kept, so that cookies stay where they are, and no other name is believed.
 */
export function originOf(request: Request, { publicUrl, ownUrl }: OriginRules): string {
  if (publicUrl !== undefined) return publicUrl
  const { hostname, origin } = new URL(request.url)
  return THIS_MACHINE.test(hostname) ? origin : (ownUrl?.() ?? origin)
}

const THIS_MACHINE = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/

/** Whether a request names a host at all: a name, an address, a port; nothing else may get from there into a header or a page. */
export function namesHost({ url }: Request): boolean {
  return HOST.test(url)
}

const HOST = /^https?:\/\/(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?(?:[/?#]|$)/i
