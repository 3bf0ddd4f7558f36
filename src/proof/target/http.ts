import type { Http, HttpAnswer, HttpBody, HttpOptions } from '../../adapter/index.ts'
import { reasonOf, TargetError } from './failure.ts'
import { isLoopback } from './hosts.ts'

/** All requests of a run: where they may go, how many there may be, and how many there were. */
export interface Traffic {
  /** Origins that were named beforehand; the machine itself is always allowed. */
  readonly origins: ReadonlySet<string>
  readonly requestsMax: number
  requests: number
}

/** One call's HTTP: requests to `baseUrl` with a buyer's cookies, until `signal` aborts, and no more than `requestsMax`. */
export interface HttpCall {
  readonly traffic: Traffic
  readonly baseUrl: string
  readonly cookies: Cookies
  readonly signal: AbortSignal
  readonly requestsMax: number
}

export interface CallHttp extends Http {
  /** The status of the last answer, for adapters that do not say what they were answered. */
  lastStatus(): number | undefined
  /** The last request and its answer, in a few words. */
  last(): string | undefined
}

export function openHttp(call: HttpCall): CallHttp {
  let requests = 0
  let lastStatus: number | undefined
  let last: string | undefined
  const send = async (method: string, path: string, body?: HttpBody, options: HttpOptions = {}) => {
    if (++requests > call.requestsMax) throw new TargetError('TOO_MANY_REQUESTS', tooMany(call.requestsMax))
    last = `${method} ${path} was not answered`
    const answer = await request(call, method, path, body, options)
    lastStatus = answer.status
    last =
      `${method} ${path} was answered ${answer.status} ${reasonOf(answer.text).slice(0, WORDS_SHOWN)}`.trimEnd()
    return answer
  }
  return {
    send,
    get: (path, options) => send('GET', path, undefined, options),
    post: (path, body, options) => send('POST', path, body, options),
    lastStatus: () => lastStatus,
    last: () => last,
  }
}

const WORDS_SHOWN = 80

function tooMany(most: number): string {
  return `one call of the adapter made more than ${most} requests. Say in \`requestsPerCall\` how many it needs.`
}

async function request(
  { traffic, baseUrl, cookies, signal }: HttpCall,
  method: string,
  path: string,
  body: HttpBody,
  options: HttpOptions,
): Promise<HttpAnswer> {
  const url = urlOf(baseUrl, path)
  if (!traffic.origins.has(url.origin) && !isLoopback(url.hostname))
    throw new TargetError('FOREIGN_HOST', `${url.origin} is none of the adapter's \`urls\`. Name it there.`)
  if (traffic.requests >= traffic.requestsMax)
    throw new TargetError(
      'TOO_MANY_REQUESTS',
      `the run has made the ${traffic.requestsMax} that it announced.`,
    )
  traffic.requests++
  const cookie = cookies.headerFor(url)
  const headers = { ...typeOf(body), ...cookie, ...lowerCase(options.headers ?? {}) }
  try {
    const init = { method, headers, redirect: 'manual', signal, ...bodyOf(body) } as const
    const response = await fetch(url, init)
    cookies.keep(url, response.headers.getSetCookie())
    return answerOf(response, await textOf(response), `${method} ${url.pathname}`)
  } catch (error) {
    if (error instanceof TargetError) throw error
    throw connectionError(error, url.origin, signal)
  }
}

function urlOf(baseUrl: string, path: string): URL {
  try {
    return new URL(/^https?:/.test(path) ? path : `${baseUrl}/${path.replace(/^\//, '')}`)
  } catch {
    throw new TargetError('ADAPTER_FAILED', `it asked for ${path}, which is no URL.`)
  }
}

/** Whatever broke on the way: nobody knows whether the request was worked. */
function connectionError(error: unknown, origin: string, signal: AbortSignal): TargetError {
  if (signal.aborted) return new TargetError('NO_ANSWER', `${origin} did not answer in time.`)
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return NEVER_ARRIVED.includes(code)
    ? new TargetError('UNREACHABLE', `nothing answers at ${origin} (${code}).`)
    : new TargetError('NO_ANSWER', `${origin} broke off: ${brokenBy(cause)}`)
}

/** OpenSSL's words for a server that does not speak TLS say nothing to anybody. */
function brokenBy(cause: unknown): string {
  const reason = reasonOf(cause)
  return /wrong version number|packet length too long/i.test(reason)
    ? 'it speaks no TLS: is it http://?'
    : reason
}

const NEVER_ARRIVED = ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN']

function answerOf(response: Response, text: string, what: string): HttpAnswer {
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text,
    json: <Body>() => {
      try {
        return JSON.parse(text) as Body
      } catch {
        const came = text === '' ? 'nothing' : reasonOf(text).slice(0, 80)
        throw new TargetError('NO_JSON', `${what} answered ${response.status} and no JSON: ${came}`)
      }
    },
  }
}

const BODY_BYTES_MAX = 16 * 1024 * 1024

/** A body that does not end is cut off. */
async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new Error(`more than ${BODY_BYTES_MAX} bytes came`)
  }
  return Buffer.concat(chunks).toString()
}

function typeOf(body: HttpBody): Record<string, string> {
  const isJson = typeof body === 'object' && !(body instanceof URLSearchParams)
  return isJson ? { 'content-type': 'application/json' } : {}
}

function bodyOf(body: HttpBody): { readonly body?: string | URLSearchParams } {
  if (body === undefined) return {}
  return { body: typeof body === 'string' || body instanceof URLSearchParams ? body : JSON.stringify(body) }
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** A cookie jar that knows hosts, and neither paths nor lifetimes: a purchase is over before any ends. */
export interface Cookies {
  headerFor(url: URL): Record<string, string>
  keep(url: URL, setCookies: readonly string[]): void
}

export function openCookies(): Cookies {
  const jar = new Map<string, string>()
  return {
    headerFor: ({ hostname }) => {
      const own = [...jar].filter(([name]) => name.startsWith(`${hostname} `)).map(([, pair]) => pair)
      return own.length === 0 ? {} : { cookie: own.join('; ') }
    },
    keep: ({ hostname }, setCookies) => {
      for (const line of setCookies) {
        const [pair = ''] = line.split(';')
        const key = `${hostname} ${pair.split('=')[0]?.trim()}`
        if (/;\s*max-age=0\b/i.test(line) || /^[^=]*=\s*$/.test(pair)) jar.delete(key)
        else jar.set(key, pair.trim())
      }
    },
  }
}
