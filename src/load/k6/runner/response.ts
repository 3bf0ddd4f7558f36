import { Buffer } from 'node:buffer'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import type { AnyNode } from 'domhandler'
import type { Cookie } from './cookies.ts'
import type { ExchangeResult, Timings } from './exchange.ts'
import { createDom } from './html/dom.ts'
import { Selection } from './html/selection.ts'
import { selectJson } from './json-path.ts'
import type { Refuse } from './stop.ts'

export type ResponseType = 'text' | 'binary' | 'none'

/** The response that a script gets: the fields and methods of k6's. */
export class Response {
  readonly url: string
  readonly status: number
  readonly status_text: string
  readonly proto: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | ArrayBuffer | null
  readonly cookies: Readonly<Record<string, readonly Cookie[]>>
  readonly timings: Timings
  readonly error: string
  readonly error_code: number
  readonly request: { readonly method: string; readonly url: string; readonly body: string }
  #json: { readonly value: unknown } | undefined
  readonly #refuse: Refuse

  constructor(
    result: ExchangeResult,
    request: Response['request'],
    type: ResponseType,
    cookies: readonly Cookie[],
    refuse: Refuse,
  ) {
    this.#refuse = refuse
    this.url = request.url
    this.status = result.status
    this.status_text = result.statusText
    this.proto = result.httpVersion
    this.headers = canonicalHeaders(result.rawHeaders)
    this.cookies = Object.groupBy(cookies, ({ name }) => name) as Response['cookies']
    this.body = result.failure === undefined ? bodyOf(result, type, refuse) : null
    this.timings = result.timings
    this.error = result.failure?.message ?? ''
    this.error_code = result.failure?.code ?? (result.status >= 400 ? 1000 + result.status : 0)
    this.request = request
  }

  /** The body as JSON, or the part of it that a path like `items.0.id` names. */
  json(selector?: string): unknown {
    if (this.body === null) throw new Error('the body is null so it cannot be read as JSON')
    this.#json ??= { value: JSON.parse(this.#text()) }
    return selector === undefined ? this.#json.value : selectJson(this.#json.value, selector, this.#refuse)
  }

  /** The body as a page, or what a selector finds in it. */
  html(selector?: string): Selection<AnyNode> {
    if (this.body === null) throw new Error("the body is null so we can't transform it to HTML")
    const page = Selection.parse(createDom(this.#refuse), this.#text())
    return selector === undefined ? page : page.find(selector)
  }

  /** Blocks, as `clickLink()` does: a script that names them runs as a guest. */
  submitForm(): never {
    return this.#refuse('submitForm() by another name', 'write `response.submitForm(…)` where it is called')
  }

  clickLink(): never {
    return this.#refuse('clickLink() by another name', 'write `response.clickLink(…)` where it is called')
  }

  #text(): string {
    const { body } = this
    return typeof body === 'string' ? body : Buffer.from(body ?? new ArrayBuffer()).toString('utf8')
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
  const plain = decompressed(body, headerValues(rawHeaders, 'content-encoding'), refuse)
  if (type === 'text') return plain.toString('utf8')
  const copy = new ArrayBuffer(plain.length)
  plain.copy(new Uint8Array(copy))
  return copy
}

const decompressors: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gunzipSync(bytes),
  deflate: (bytes) => inflateSync(bytes),
  br: (bytes) => brotliDecompressSync(bytes),
}

function decompressed(body: Buffer, encodings: readonly string[], refuse: Refuse): Buffer {
  const names = encodings.flatMap((line) => line.split(',').map((name) => name.trim().toLowerCase()))
  return names.reduceRight((bytes, name) => {
    const decompress = decompressors[name]
    if (decompress === undefined) refuse(`a response in ${name}`, 'ask for none, or for gzip, deflate or br')
    return bytes.length === 0 ? bytes : (decompress as (bytes: Buffer) => Buffer)(bytes)
  }, body)
}
