import type { URL } from 'node:url'

/** One cookie as a response shows it, with the names of k6. */
export interface Cookie {
  readonly name: string
  readonly value: string
  readonly domain: string
  readonly path: string
  readonly http_only: boolean
  readonly secure: boolean
  readonly max_age: number
  /** Milliseconds since 1970; 0 where the cookie lasts as long as its jar. */
  readonly expires: number
}

/** Cookie jar (RFC 6265): what servers set, and scripts, and what goes back where. */
export interface CookieJar {
  /** The cookies that a request to this address carries, the longest path first. */
  cookiesFor(url: URL): readonly Cookie[]
  set(url: URL, cookie: Cookie): void
  /** Takes the cookies away that this address would get, or the one of that name. */
  clear(url: URL, name?: string): void
  empty(): void
}

export function createCookieJar(): CookieJar {
  const kept: { cookie: Cookie; isHostOnly: boolean; host: string }[] = []
  const matching = (url: URL) =>
    kept.filter(
      ({ cookie, isHostOnly, host }) =>
        (isHostOnly ? url.hostname === host : matchesDomain(url.hostname, cookie.domain)) &&
        matchesPath(url.pathname, cookie.path) &&
        (!cookie.secure || url.protocol === 'https:' || url.protocol === 'wss:') &&
        (cookie.expires === 0 || cookie.expires > Date.now()),
    )
  const remove = (entries: readonly (typeof kept)[number][]) => {
    for (const entry of entries) kept.splice(kept.indexOf(entry), 1)
  }
  return {
    cookiesFor: (url) =>
      (kept.length === 0 ? [] : matching(url))
        .map(({ cookie }) => cookie)
        .toSorted((one, other) => other.path.length - one.path.length),
    set(url, cookie) {
      const isHostOnly = cookie.domain === ''
      if (!isHostOnly && !matchesDomain(url.hostname, cookie.domain)) return
      remove(
        kept.filter(
          ({ cookie: known, host }) =>
            known.name === cookie.name &&
            known.path === cookie.path &&
            (known.domain === cookie.domain || host === url.hostname),
        ),
      )
      kept.push({ cookie, isHostOnly, host: url.hostname })
    },
    clear: (url, name) =>
      remove(matching(url).filter(({ cookie }) => name === undefined || cookie.name === name)),
    empty: () => void kept.splice(0),
  }
}

/** A `Set-Cookie` header; undefined where it names none. */
export function parseCookie(header: string, url: URL): Cookie | undefined {
  const [pair = '', ...attributes] = header.split(';').map((part) => part.trim())
  const at = pair.indexOf('=')
  if (at < 1) return undefined
  const given = new Map(
    attributes.map((attribute) => {
      const [name = '', ...value] = attribute.split('=')
      return [name.trim().toLowerCase(), value.join('=').trim()] as const
    }),
  )
  const maxAge = given.has('max-age') ? Number(given.get('max-age')) : Number.NaN
  return {
    name: pair.slice(0, at).trim(),
    value: pair.slice(at + 1).trim(),
    domain: (given.get('domain') ?? '').replace(/^\./, '').toLowerCase(),
    path: given.get('path')?.startsWith('/') ? (given.get('path') ?? '/') : defaultPath(url),
    http_only: given.has('httponly'),
    secure: given.has('secure'),
    max_age: Number.isNaN(maxAge) ? 0 : maxAge,
    expires: expiry(maxAge, given.get('expires')),
  }
}

/** A cookie that a script sets. */
export function plainCookie(
  name: string,
  value: string,
  given: Readonly<Record<string, unknown>> = {},
): Cookie {
  const maxAge = given['max_age'] === undefined ? Number.NaN : Number(given['max_age'])
  return {
    name,
    value,
    domain: String(given['domain'] ?? '').replace(/^\./, ''),
    path: String(given['path'] ?? '/'),
    http_only: given['http_only'] === true,
    secure: given['secure'] === true,
    max_age: Number.isNaN(maxAge) ? 0 : maxAge,
    expires: expiry(maxAge, given['expires'] === undefined ? undefined : String(given['expires'])),
  }
}

function expiry(maxAgeSeconds: number, date: string | undefined): number {
  if (!Number.isNaN(maxAgeSeconds)) return Math.max(1, Date.now() + maxAgeSeconds * 1000)
  const at = Date.parse(date ?? '')
  return Number.isNaN(at) ? 0 : Math.max(1, at)
}

/** RFC 6265, 5.1.4: up to the last slash of the address that set it. */
function defaultPath({ pathname }: URL): string {
  return pathname.slice(0, Math.max(1, pathname.lastIndexOf('/')))
}

function matchesDomain(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}

function matchesPath(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)
}
