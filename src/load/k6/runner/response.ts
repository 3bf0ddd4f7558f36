import { Buffer } from 'node:buffer'
import type { ExchangeResult, Timings } from './exchange.ts'

export type Refuse = (what: string, instead: string) => never
export type ResponseType = 'text' | 'binary' | 'none'

/** The response that a script gets: the fields of k6's, without cookies, HTML and forms. */
export class Response {
  readonly url: string
  readonly status: number
  readonly status_text: string
  readonly proto: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | ArrayBuffer | null
  readonly timings: Timings
  readonly error: string
  readonly error_code: number
  readonly request: { readonly method: string; readonly url: string; readonly body: string }
  #json: { readonly value: unknown } | undefined
  readonly #refuse: Refuse

  constructor(result: ExchangeResult, request: Response['request'], type: ResponseType, refuse: Refuse) {
    this.#refuse = refuse
    this.url = request.url
    this.status = result.status
    this.status_text = result.statusText
    this.proto = result.httpVersion
    this.headers = canonicalHeaders(result.rawHeaders)
    this.body = result.failure === undefined ? bodyOf(result, type, refuse) : null
    this.timings = result.timings
    this.error = result.failure?.message ?? ''
    this.error_code = result.failure?.code ?? (result.status >= 400 ? 1000 + result.status : 0)
    this.request = request
  }

  /** The body as JSON, or the part of it that a path like `items.0.id` names. */
  json(selector?: string): unknown {
    if (this.body === null) throw new Error('the body is null so it cannot be read as JSON')
    const text = typeof this.body === 'string' ? this.body : Buffer.from(this.body).toString('utf8')
    this.#json ??= { value: JSON.parse(text) }
    return selector === undefined ? this.#json.value : select(this.#json.value, selector, this.#refuse)
  }

  get cookies(): never {
    return this.#refuse('response.cookies', "read response.headers['Set-Cookie']")
  }

  html(): never {
    return this.#refuse('response.html()', 'read response.body')
  }

  submitForm(): never {
    return this.#refuse('response.submitForm()', 'send the request yourself')
  }

  clickLink(): never {
    return this.#refuse('response.clickLink()', 'send the request yourself')
  }
}

export function headerValues(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name)
}

const canonical = new Map<string, string>()

function canonicalHeaders(raw: readonly string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = canonicalName(raw[at] ?? '')
    const value = raw[at + 1] ?? ''
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  return headers
}

function canonicalName(name: string): string {
  const known = canonical.get(name)
  if (known !== undefined) return known
  const canonicalForm = name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())
  canonical.set(name, canonicalForm)
  return canonicalForm
}

function bodyOf(
  { status, body, rawHeaders }: ExchangeResult,
  type: ResponseType,
  refuse: Refuse,
): string | ArrayBuffer | null {
  if (type === 'none' || status === 204 || status === 304) return null
  const encoding = headerValues(rawHeaders, 'content-encoding')[0] ?? 'identity'
  if (encoding !== 'identity') refuse(`a response in ${encoding}`, 'do not ask for a compressed one')
  if (type === 'text') return body.toString('utf8')
  const copy = new ArrayBuffer(body.length)
  body.copy(new Uint8Array(copy))
  return copy
}

/** Plain paths only: of the selectors of k6 the ones with `#`, `*`, `?`, `|`, `@` or `\` are refused. */
function select(value: unknown, selector: string, refuse: Refuse): unknown {
  if (/[#*?|@\\]/.test(selector))
    refuse(`the selector '${selector}' of response.json()`, "use plain paths like 'items.0.id'")
  let part: unknown = value
  for (const key of selector.split('.')) {
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, key)) return undefined
    part = Reflect.get(part, key)
  }
  return part
}
