import { Buffer } from 'node:buffer'
import { URL, URLSearchParams } from 'node:url'
import { createAgents, type ExchangeResult, exchange, localFailure, type Outgoing } from '../exchange.ts'
import { asRecord, durationMs, refuseUnknown, textValues } from '../input.ts'
import { log } from '../log.ts'
import { headerValues, Response, type ResponseType } from '../response.ts'
import { unsupported } from '../stop.ts'
import { loudly, refuse, sample } from '../test.ts'
import { begin, type VirtualUser } from '../vu.ts'
import { withTags } from './metrics.ts'

/** `k6/http`, the asynchronous part: a call that blocks one user would block all of them on the one thread here. */
export function httpModule(user: VirtualUser): object {
  const blocking = Object.fromEntries(blockingCalls.map((name) => [name, () => refuseBlocking(user, name)]))
  const absent = Object.fromEntries(
    absentParts.map((name) => [name, () => refuse(user.test, `http.${name}()`, 'leave it out')]),
  )
  return {
    ...blocking,
    ...absent,
    asyncRequest: (method: string, url: unknown, body?: unknown, params?: unknown) =>
      loudly(user.test, () => asyncRequest(user, method, url, body, params)),
    expectedStatuses: (...statuses: unknown[]) => loudly(user.test, () => expectedStatuses(statuses)),
    setResponseCallback: (callback: unknown) => {
      user.isExpectedStatus = loudly(user.test, () => statusCallback(callback))
    },
  }
}

const blockingCalls = ['get', 'post', 'put', 'patch', 'del', 'head', 'options', 'request', 'batch']
const absentParts = ['url', 'file', 'cookieJar', 'CookieJar']
const PARAMS = ['headers', 'tags', 'timeout', 'responseCallback', 'responseType', 'redirects']
const defaultTimeoutMs = 60_000
const loggedFailuresMax = 20
const failuresLogged = new WeakMap<object, number>()

type StatusCallback = ((status: number) => boolean) | null

interface Params {
  readonly headers: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, unknown>>
  readonly timeoutMs: number
  readonly isExpected: StatusCallback
  readonly responseType: ResponseType
  readonly followsRedirects: boolean
}

function refuseBlocking(user: VirtualUser, name: string): never {
  const verb = name === 'del' ? 'DELETE' : name.toUpperCase()
  const instead =
    name === 'request' || name === 'batch'
      ? 'http.asyncRequest(method, url, body, params)'
      : `http.asyncRequest('${verb}', url, body, params)`
  return refuse(user.test, `http.${name}(), which blocks,`, `scenarios use \`await ${instead}\``)
}

function asyncRequest(
  user: VirtualUser,
  method: string,
  target: unknown,
  body: unknown,
  values: unknown,
): Promise<Response> {
  const params = readParams(user, values)
  const request = { url: String(target), method: method.toUpperCase(), body: readBody(body), params }
  const { promise, resolve, reject } = Promise.withResolvers<Response>()
  let cancel = (): void => undefined
  const end = begin(user, () => cancel())
  const finish = (result: ExchangeResult) =>
    end(() => settle(() => responseOf(user, request, result), resolve, reject))
  try {
    const url = webUrl(request.url)
    if (url === undefined) finish(localFailure(`no http or https URL: '${request.url}'`))
    else cancel = exchange(agentsOf(user), outgoingOf(user, request, url), finish)
  } catch (error) {
    end(() => reject(error))
  }
  return promise
}

interface Request {
  readonly url: string
  readonly method: string
  readonly body: { readonly content: string | Uint8Array | undefined; readonly isForm: boolean }
  readonly params: Params
}

function settle<T>(make: () => T, resolve: (made: T) => void, reject: (error: unknown) => void): void {
  try {
    resolve(make())
  } catch (error) {
    reject(error)
  }
}

function outgoingOf(user: VirtualUser, { method, body, params }: Request, url: URL): Outgoing {
  const cookies = user.cookies.get(url.host)
  const headers = {
    'User-Agent': user.test.options?.userAgent ?? 'admit-once',
    ...(body.isForm ? { 'Content-Type': 'application/x-www-form-urlencoded' } : {}),
    ...(cookies === undefined
      ? {}
      : { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }),
    ...(body.content === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body.content)) }),
    ...params.headers,
  }
  return { method, url, headers, body: body.content, timeoutMs: params.timeoutMs }
}

function readParams(user: VirtualUser, values: unknown): Params {
  const params = asRecord(values ?? {}, 'the params of a request')
  refuseUnknown(params, PARAMS, 'the request parameter')
  const type = params['responseType'] ?? (user.test.options?.discardResponseBodies === true ? 'none' : 'text')
  if (type !== 'text' && type !== 'binary' && type !== 'none')
    throw new Error(`responseType '${String(type)}' is none of text, binary, none`)
  return {
    headers: textValues(params['headers'] ?? {}, 'headers'),
    tags: asRecord(params['tags'] ?? {}, 'tags'),
    timeoutMs: params['timeout'] === undefined ? defaultTimeoutMs : durationMs(params['timeout'], 'timeout'),
    isExpected:
      params['responseCallback'] === undefined
        ? user.isExpectedStatus
        : statusCallback(params['responseCallback']),
    responseType: type,
    followsRedirects:
      params['redirects'] === undefined
        ? user.test.options?.followsRedirects !== false
        : params['redirects'] !== 0,
  }
}

function webUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined
}

function readBody(body: unknown): Request['body'] {
  if (body === undefined || body === null) return { content: undefined, isForm: false }
  if (typeof body !== 'object') return { content: String(body), isForm: false }
  if (body instanceof Uint8Array) return { content: body, isForm: false }
  if (body instanceof ArrayBuffer) return { content: new Uint8Array(body), isForm: false }
  return { content: new URLSearchParams(textValues(body, 'a form')).toString(), isForm: true }
}

function agentsOf(user: VirtualUser): NonNullable<VirtualUser['agents']> {
  const options = user.test.options
  user.agents ??= createAgents({
    reuse: options?.noConnectionReuse !== true,
    verify: options?.insecureSkipTLSVerify !== true,
  })
  return user.agents
}

function responseOf(user: VirtualUser, request: Request, result: ExchangeResult): Response {
  const { url, method, body, params } = request
  const isRedirect =
    result.status >= 300 && result.status < 400 && headerValues(result.rawHeaders, 'location').length > 0
  if (isRedirect && params.followsRedirects) {
    refuse(
      user.test,
      `following the redirect of ${url}`,
      'ask for it with `redirects: 0` and follow it yourself',
    )
  }
  measure(user, request, result)
  keepCookies(user, url, result)
  const sent = { method, url, body: typeof body.content === 'string' ? body.content : '' }
  return new Response(result, sent, params.responseType, (what, instead) => refuse(user.test, what, instead))
}

function measure(user: VirtualUser, { url, method, params }: Request, result: ExchangeResult): void {
  const { timings, failure, status } = result
  const expected = params.isExpected?.(status)
  const custom = withTags(user, params.tags)
  const name = custom['name'] ?? url
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
  if (failure !== undefined) logFailure(user.test, `Request Failed: ${method} ${url}: ${failure.message}`)
}

const stages = ['blocked', 'connecting', 'tls_handshaking', 'sending', 'waiting', 'receiving'] as const

function logFailure(test: object, message: string): void {
  const logged = (failuresLogged.get(test) ?? 0) + 1
  failuresLogged.set(test, logged)
  if (logged <= loggedFailuresMax) log('warning', message)
  if (logged === loggedFailuresMax) log('warning', 'further failures of requests are counted, not logged')
}

/** Cookie jar: cookies go back to the host that set them until the iteration ends; path, domain and expiry are not looked at. */
function keepCookies(user: VirtualUser, url: string, { rawHeaders }: ExchangeResult): void {
  for (const header of headerValues(rawHeaders, 'set-cookie')) {
    const { host } = new URL(url)
    const [, name, value] = /^([^=;]+)=([^;]*)/.exec(header) ?? []
    if (name === undefined || value === undefined) continue
    user.cookies.set(host, (user.cookies.get(host) ?? new Map<string, string>()).set(name, value))
  }
}

interface ExpectedStatuses {
  readonly [MATCHER]: (status: number) => boolean
}

const MATCHER = Symbol('expected statuses')

function expectedStatuses(statuses: readonly unknown[]): ExpectedStatuses {
  const matchers = statuses.map((entry) => {
    if (typeof entry === 'number') return (status: number) => status === entry
    const { min, max } = asRecord(entry, 'a status range')
    if (typeof min !== 'number' || typeof max !== 'number')
      throw new TypeError('expectedStatuses() takes numbers and {min, max} ranges')
    return (status: number) => status >= min && status <= max
  })
  if (matchers.length === 0) throw new TypeError('expectedStatuses() needs at least one status')
  return { [MATCHER]: (status) => matchers.some((matches) => matches(status)) }
}

function statusCallback(callback: unknown): StatusCallback {
  if (callback === null) return null
  if (typeof callback === 'object' && MATCHER in callback) return (callback as ExpectedStatuses)[MATCHER]
  throw unsupported('a response callback of your own', 'use http.expectedStatuses(…)')
}
