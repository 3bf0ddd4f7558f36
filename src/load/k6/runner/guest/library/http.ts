import { formRequest, linkRequest, type PageRequest } from '../../html/forms.ts'
import type { Selection } from '../../html/selection.ts'
import { selectJson } from '../../json-path.ts'
import { ask, askWithBytes, refuse } from './bridge.ts'
import { dom, parseHTML } from './html.ts'
import { askLater } from './start.ts'

type Values = Readonly<Record<string, unknown>>

/** `k6/http` of a user who may block: each call returns when its answer is there. */
export const get = (url: unknown, params?: unknown) => request('GET', url, null, params)
export const head = (url: unknown, params?: unknown) => request('HEAD', url, null, params)
export const post = (url: unknown, body?: unknown, params?: unknown) => request('POST', url, body, params)
export const put = (url: unknown, body?: unknown, params?: unknown) => request('PUT', url, body, params)
export const patch = (url: unknown, body?: unknown, params?: unknown) => request('PATCH', url, body, params)
export const del = (url: unknown, body?: unknown, params?: unknown) => request('DELETE', url, body, params)
export const options = (url: unknown, body?: unknown, params?: unknown) =>
  request('OPTIONS', url, body, params)

export function request(method: unknown, url: unknown, body?: unknown, params?: unknown): Response {
  return responseOf(askWithBytes('http.request', String(method), url, sendable(body), readable(params)))
}

export async function asyncRequest(
  method: unknown,
  url: unknown,
  body?: unknown,
  params?: unknown,
): Promise<Response> {
  return responseOf(await askLater('http.later', String(method), url, sendable(body), readable(params)))
}

/** Requests side by side, in a list or under names; the answers come back in the same shape. */
export function batch(requests: unknown): unknown {
  if (typeof requests !== 'object' || requests === null)
    throw new Error('http.batch() takes a list or an object')
  const names = Object.keys(requests)
  const flat = Object.values(requests).flatMap((entry) => {
    const [method, address, body, params] = batchEntry(entry)
    return [String(method), address, sendable(body), readable(params)]
  })
  const answers = (askWithBytes('http.batch', ...flat) as unknown[]).map(responseOf)
  if (Array.isArray(requests)) return answers
  return Object.fromEntries(names.map((name, at) => [name, answers[at]]))
}

export function expectedStatuses(...statuses: unknown[]): object {
  ask('http.expectedStatuses', statuses)
  return { expectedStatuses: statuses }
}

export function setResponseCallback(callback: unknown): void {
  ask('http.setResponseCallback', callback === null ? null : readable({ responseCallback: callback }))
}

/** Names all URLs of one template by the template. */
export function url(parts: readonly string[], ...values: unknown[]): object {
  const whole = parts.map((part, at) => (at === 0 ? part : `${values[at - 1]}${part}`)).join('')
  return { url: whole, name: parts.join('$' + '{}') }
}

export function file(data: unknown, filename?: string, content_type?: string): object {
  return { $file: true, data, filename: filename ?? String(Date.now()), content_type: content_type ?? '' }
}

export class CookieJar {
  readonly $jar: unknown

  constructor(id?: unknown) {
    this.$jar = id ?? ask('jar.create')
  }

  cookiesForURL(address: string): unknown {
    return ask('jar.read', this.$jar, address)
  }

  set(address: string, name: string, value: unknown, cookie: object = {}): boolean {
    ask('jar.set', this.$jar, address, name, String(value), cookie)
    return true
  }

  clear(address: string): void {
    ask('jar.clear', this.$jar, address, null)
  }

  delete(address: string, name: string): void {
    ask('jar.clear', this.$jar, address, name)
  }
}

/** The jar of this user, which starts empty in each iteration. */
export function cookieJar(): CookieJar {
  ask('jar.own')
  return new CookieJar(0)
}

export class Response {
  readonly body: unknown
  readonly url: string
  #json: { readonly value: unknown } | undefined

  constructor(fields: Values) {
    Object.assign(this, fields)
    this.body = fields['body']
    this.url = String(fields['url'])
  }

  /** The body as JSON, or the part of it that a path like `items.0.id` names. */
  json(selector?: string): unknown {
    if (this.body === null) throw new Error("the body is null so we can't transform it to JSON")
    this.#json ??= { value: JSON.parse(this.#text()) }
    return selector === undefined ? this.#json.value : selectJson(this.#json.value, selector, refuse)
  }

  /** The body as a page, or what a selector finds in it. */
  html(selector?: string): Selection<number> {
    if (this.body === null) throw new Error("the body is null so we can't transform it to HTML")
    const page = parseHTML(this.#text())
    return selector === undefined ? page : page.find(selector)
  }

  submitForm(given: Values = {}): Response {
    return follow(formRequest(dom, this.html(), this.url, given))
  }

  clickLink(given: Values = {}): Response {
    return follow(linkRequest(dom, this.html(), this.url, given))
  }

  #text(): string {
    if (typeof this.body === 'string') return this.body
    return String(askWithBytes('text.decode', this.body))
  }
}

export default {
  asyncRequest,
  batch,
  cookieJar,
  CookieJar,
  del,
  expectedStatuses,
  file,
  get,
  head,
  options,
  patch,
  post,
  put,
  request,
  setResponseCallback,
  url,
}

function responseOf(fields: unknown): Response {
  return new Response(fields as Values)
}

function follow({ method, url: address, body, params }: PageRequest): Response {
  return request(method, address, body, params)
}

/** JSON has no `undefined`. */
function sendable(body: unknown): unknown {
  return body instanceof String ? String(body) : (body ?? null)
}

function readable(params: unknown): unknown {
  if (params === undefined || params === null) return null
  if (typeof params !== 'object') throw new Error('the params of a request must be an object')
  const { responseCallback } = params as Values
  if (typeof responseCallback === 'function')
    refuse('a response callback of your own', 'use http.expectedStatuses(…)')
  return params
}

function batchEntry(entry: unknown): readonly unknown[] {
  if (typeof entry === 'string') return ['GET', entry, null, null]
  if (Array.isArray(entry)) return [entry[0], entry[1], entry[2], entry[3]]
  const { method = 'GET', url: address, body, params } = entry as Values
  return [method, address, body, params]
}
