import { URL } from 'node:url'
import type { ExchangeResult } from './exchange.ts'
import { maskedUrl, type Request } from './request.ts'
import { headerValues } from './response.ts'

/**
 * The request that a redirect of `current` asks for, by the rules of Go's `net/http`, which k6 has too: but for 307 and 308 the
 * body stays behind, and what is no GET or HEAD becomes a GET. `first` is where the chain began; throws where the target is no URL.
 */
export function redirected(
  first: Request,
  current: Request,
  { status, rawHeaders }: Pick<ExchangeResult, 'status' | 'rawHeaders'>,
): Request | undefined {
  const [location] = statuses.includes(status) ? headerValues(rawHeaders, 'location') : []
  if (location === undefined) return undefined
  if (!URL.canParse(location, current.url))
    throw new Error(`the redirect to '${maskedUrl(location)}' is no URL`)
  const [from, to] = [new URL(current.url), new URL(location, current.url)]
  const keepsBody = status === 307 || status === 308
  const isTrusted = isWithin(to.hostname, new URL(first.url).hostname)
  const isRelative = !URL.canParse(location) && !location.startsWith('//')
  const left = [
    'cookie',
    ...(isTrusted ? [] : sensitive),
    ...(isRelative ? [] : ['host']),
    ...(keepsBody ? [] : ofBody),
  ]
  const { params } = current
  return {
    url: to.href,
    method: keepsBody || current.method === 'HEAD' ? current.method : 'GET',
    body: keepsBody ? current.body : { content: undefined, contentType: undefined },
    params: {
      ...params,
      headers: { ...referer(from, to), ...without(params.headers, left) },
      cookies: isTrusted ? params.cookies : [],
      compression: keepsBody ? params.compression : [],
    },
  }
}

const statuses: readonly number[] = [301, 302, 303, 307, 308]
const sensitive = [
  'authorization',
  'www-authenticate',
  'cookie2',
  'proxy-authorization',
  'proxy-authenticate',
]
const ofBody = [
  ...['content-type', 'content-length', 'content-encoding', 'content-language', 'content-location'],
]

/** Credentials go on to the host that they were for, and to its subdomains. */
function isWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}

/** What the script set itself comes first; from https to http nothing is told. */
function referer(from: URL, to: URL): Readonly<Record<string, string>> {
  if (from.protocol === 'https:' && to.protocol === 'http:') return {}
  const plain = new URL(from)
  plain.username = ''
  plain.password = ''
  plain.hash = ''
  return { Referer: plain.href }
}

function without(
  headers: Readonly<Record<string, string>>,
  names: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name.toLowerCase())))
}
