import { Buffer } from 'node:buffer'
import { performance } from 'node:perf_hooks'
import { clearTimeout, setTimeout } from 'node:timers'
import { URL } from 'node:url'
import { withTags } from './api/metrics.ts'
import { parseCookie } from './cookies.ts'
import { createAgents, type ExchangeResult, exchange, localFailure, type Outgoing } from './exchange.ts'
import { log } from './log.ts'
import { redirected } from './redirect.ts'
import { maskedUrl, type Request, webUrl } from './request.ts'
import { headerValues, Response } from './response.ts'
import { refuse, sample, type Test } from './test.ts'
import { begin, type VirtualUser } from './vu.ts'

/** Sends a request, follows its redirects, and measures each exchange. Rejects where a redirect cannot be followed. */
export async function send(user: VirtualUser, request: Request): Promise<Response> {
  let current = request
  for (let followed = 0; ; followed += 1) {
    const result = await exchangeOnce(user, current)
    if (result.failure !== undefined && user.test.options?.throws === true)
      throw new Error(`${current.method} ${maskedUrl(current.url)}: ${result.failure.message}`)
    const next = followed < request.params.redirectsMax ? redirected(request, current, result) : undefined
    if (next === undefined) return responseOf(user, current, result)
    current = next
  }
}

/** What a user sends to a host of itself: who it is. */
export function userHeaders(user: VirtualUser, url: URL): Readonly<Record<string, string>> {
  const cookies = user.cookies.cookiesFor(url).map(({ name, value }) => `${name}=${value}`)
  return {
    'User-Agent': user.test.options?.userAgent ?? 'admit-once',
    ...(cookies.length === 0 ? {} : { Cookie: cookies.join('; ') }),
  }
}

const loggedFailuresMax = 20
const failuresLogged = new WeakMap<object, number>()
const stages = ['blocked', 'connecting', 'tls_handshaking', 'sending', 'waiting', 'receiving'] as const

function exchangeOnce(user: VirtualUser, request: Request): Promise<ExchangeResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ExchangeResult>()
  begin(user, (end) => {
    const finish = (result: ExchangeResult) =>
      end(() => {
        try {
          measure(user, request, result)
          keepCookies(request, result)
          resolve(result)
        } catch (error) {
          reject(error)
        }
      })
    return afterTurn(user.test, () => {
      try {
        const url = webUrl(request.url)
        if (url !== undefined) return exchange(agentsOf(user), outgoingOf(user, request, url), finish)
        finish(localFailure(`no http or https URL: '${maskedUrl(request.url)}'`))
      } catch (error) {
        end(() => reject(error))
      }
      return () => undefined
    })
  })
  return promise
}

/** Rate limit: sends at once, or when those who asked before have sent; the wait is no part of a request's times. */
function afterTurn(test: Test, start: () => () => void): () => void {
  const rps = test.options?.rps
  if (rps === undefined) return start()
  const nowMs = performance.now()
  const atMs = Math.max(nowMs, test.nextTurnAtMs)
  test.nextTurnAtMs = atMs + 1000 / rps
  const timer = setTimeout(() => {
    cancel = start()
  }, atMs - nowMs)
  let cancel = () => clearTimeout(timer)
  return () => cancel()
}

function outgoingOf(user: VirtualUser, { method, body, params }: Request, url: URL): Outgoing {
  const cookies = cookieHeader(params, url)
  const headers: Record<string, string> = { 'User-Agent': user.test.options?.userAgent ?? 'admit-once' }
  if (cookies !== '') headers['Cookie'] = cookies
  if (url.username !== '') headers['Authorization'] = basicAuthorization(url)
  if (body.contentType !== undefined) headers['Content-Type'] = body.contentType
  if (params.compression.length > 0) headers['Content-Encoding'] = params.compression.join(', ')
  if (body.content !== undefined) headers['Content-Length'] = String(Buffer.byteLength(body.content))
  Object.assign(headers, params.headers)
  return { method, url: withoutCredentials(url), headers, body: body.content, timeoutMs: params.timeoutMs }
}

/** Those of the jar, and of the request itself, which may replace them. */
function cookieHeader({ jar, cookies }: Request['params'], url: URL): string {
  const sent = new Map(jar.cookiesFor(url).map(({ name, value }) => [name, value]))
  for (const { name, value, replaces } of cookies) if (replaces || !sent.has(name)) sent.set(name, value)
  return [...sent].map(([name, value]) => `${name}=${value}`).join('; ')
}

function basicAuthorization({ username, password }: URL): string {
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return `Basic ${Buffer.from(credentials).toString('base64')}`
}

function withoutCredentials(url: URL): URL {
  if (url.username === '') return url
  const plain = new URL(url)
  plain.username = ''
  plain.password = ''
  return plain
}

function agentsOf(user: VirtualUser): NonNullable<VirtualUser['agents']> {
  const options = user.test.options
  user.agents ??= createAgents({
    reuse: options?.noConnectionReuse !== true,
    verify: options?.insecureSkipTLSVerify !== true,
  })
  return user.agents
}

function responseOf(
  user: VirtualUser,
  { url, method, body, params }: Request,
  result: ExchangeResult,
): Response {
  const sent = { method, url, body: typeof body.content === 'string' ? body.content : '' }
  const cookies = headerValues(result.rawHeaders, 'set-cookie').flatMap(
    (header) => parseCookie(header, new URL(url)) ?? [],
  )
  return new Response(result, sent, params.responseType, cookies, (what, instead) =>
    refuse(user.test, what, instead),
  )
}

function measure(user: VirtualUser, { url, method, params }: Request, result: ExchangeResult): void {
  const { timings, failure, status } = result
  const expected = params.isExpected?.(status)
  const custom = withTags(user, params.tags)
  const name = maskedUrl(custom['name'] ?? url)
  const tags: Record<string, string> = { ...custom, name, url: name, method, status: String(status) }
  if (expected !== undefined) tags['expected_response'] = String(expected)
  if (result.httpVersion !== '') tags['proto'] = result.httpVersion
  if (failure !== undefined) tags['error'] = failure.message
  if (failure !== undefined || status >= 400) tags['error_code'] = String(failure?.code ?? 1000 + status)
  sample(user.test, 'http_reqs', 1, tags)
  sample(user.test, 'http_req_duration', timings.duration, tags)
  for (const stage of stages) sample(user.test, `http_req_${stage}`, timings[stage], tags)
  if (expected !== undefined) sample(user.test, 'http_req_failed', expected ? 0 : 1, tags)
  user.traffic.sent += result.sent
  user.traffic.received += result.received
  if (failure !== undefined)
    logFailure(user.test, `Request Failed: ${method} ${maskedUrl(url)}: ${failure.message}`)
}

function logFailure(test: object, message: string): void {
  const logged = (failuresLogged.get(test) ?? 0) + 1
  failuresLogged.set(test, logged)
  if (logged <= loggedFailuresMax) log('warning', message)
  if (logged === loggedFailuresMax) log('warning', 'further failures of requests are counted, not logged')
}

function keepCookies({ url, params }: Request, { rawHeaders }: ExchangeResult): void {
  for (const header of headerValues(rawHeaders, 'set-cookie')) {
    const from = new URL(url)
    const cookie = parseCookie(header, from)
    if (cookie !== undefined) params.jar.set(from, cookie)
  }
}
