import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { URL, URLSearchParams } from 'node:url'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { CookieJar } from './cookies.ts'
import { asRecord, durationMs, refuseUnknown, textValues } from './input.ts'
import type { ResponseType } from './response.ts'
import { unsupported } from './stop.ts'
import type { VirtualUser } from './vu.ts'

/** One request as a script asks for it. */
export interface Request {
  readonly url: string
  readonly method: string
  readonly body: Body
  readonly params: Params
}

interface Body {
  readonly content: string | Uint8Array | undefined
  /** Of what the runner makes out of an object; undefined where the script made the body itself. */
  readonly contentType: string | undefined
}

interface Params {
  readonly headers: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, unknown>>
  readonly timeoutMs: number
  readonly isExpected: StatusCallback
  readonly responseType: ResponseType
  readonly redirectsMax: number
  readonly jar: CookieJar
  readonly cookies: readonly { readonly name: string; readonly value: string; readonly replaces: boolean }[]
  readonly compression: readonly string[]
}

type StatusCallback = ((status: number) => boolean) | null

/** Reads what `http.request()` takes; what it does not know is refused by name. */
export function readRequest(
  user: VirtualUser,
  method: string,
  target: unknown,
  body: unknown,
  values: unknown,
): Request {
  const { url, name } = readTarget(target)
  const params = readParams(user, values)
  const tags =
    name === undefined || params.tags['name'] !== undefined ? params.tags : { ...params.tags, name }
  const compressed = compress(readBody(body), params.compression)
  return { url, method: method.toUpperCase(), body: compressed, params: { ...params, tags } }
}

/** A file of a multipart form: what `http.file()` makes. */
export interface FilePart {
  readonly data: unknown
  readonly filename: string
  readonly content_type: string
}

export function webUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined
}

/** An address as samples and the log may tell it: without its user and password, in the form of k6. */
export function maskedUrl(text: string): string {
  return text.replace(
    /^([a-z][a-z\d+.-]*:\/\/)([^/?#]*)@/i,
    (_, scheme: string, credentials: string) =>
      `${scheme}${credentials.includes(':') ? '****:****' : '****'}@`,
  )
}

/** Matcher of `http.expectedStatuses()`: numbers and ranges. */
export function matcherOf(statuses: readonly unknown[]): (status: number) => boolean {
  const matchers = statuses.map((entry) => {
    if (typeof entry === 'number') return (status: number) => status === entry
    const { min, max } = asRecord(entry, 'a status range')
    if (typeof min !== 'number' || typeof max !== 'number')
      throw new TypeError('expectedStatuses() takes numbers and {min, max} ranges')
    return (status: number) => status >= min && status <= max
  })
  if (matchers.length === 0) throw new TypeError('expectedStatuses() needs at least one status')
  return (status) => matchers.some((matches) => matches(status))
}

export function statusCallback(callback: unknown): StatusCallback {
  if (callback === null) return null
  if (typeof callback === 'object' && callback !== undefined && 'expectedStatuses' in callback)
    return matcherOf(callback.expectedStatuses as unknown[])
  throw unsupported('a response callback of your own', 'use http.expectedStatuses(…)')
}

const PARAMS = [
  ...['headers', 'tags', 'timeout', 'responseCallback', 'responseType', 'redirects', 'cookies', 'jar'],
  ...['compression', 'auth'],
]
const defaultTimeoutMs = 60_000
const defaultRedirectsMax = 10
const compressors: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: (bytes) => gzipSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
  br: (bytes) => brotliCompressSync(bytes),
}

function readParams(user: VirtualUser, values: unknown): Params {
  const params = asRecord(values ?? {}, 'the params of a request')
  refuseUnknown(params, PARAMS, 'the request parameter')
  const { headers, tags, timeout, responseCallback, redirects, jar, auth, compression = '' } = params
  if (auth !== undefined && auth !== 'basic')
    throw unsupported(`the authentication '${String(auth)}'`, "use 'basic' with https://user:password@host")
  return {
    headers: textValues(headers ?? {}, 'headers'),
    tags: asRecord(tags ?? {}, 'tags'),
    timeoutMs: timeout === undefined ? defaultTimeoutMs : durationMs(timeout, 'timeout'),
    isExpected: responseCallback === undefined ? user.isExpectedStatus : statusCallback(responseCallback),
    responseType: readResponseType(user, params['responseType']),
    redirectsMax:
      typeof redirects === 'number' ? redirects : (user.test.options?.maxRedirects ?? defaultRedirectsMax),
    jar: jarOf(jar) ?? user.cookies,
    cookies: readCookies(params['cookies']),
    compression: readCompression(String(compression)),
  }
}

function readResponseType(user: VirtualUser, given: unknown): ResponseType {
  const type = given ?? (user.test.options?.discardResponseBodies === true ? 'none' : 'text')
  if (type === 'text' || type === 'binary' || type === 'none') return type
  throw new Error(`responseType '${String(type)}' is none of text, binary, none`)
}

function readCompression(given: string): readonly string[] {
  const algorithms = given.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]))
  const stranger = algorithms.find((name) => !Object.hasOwn(compressors, name))
  if (stranger === undefined) return algorithms
  throw unsupported(`the compression '${stranger}'`, `use ${Object.keys(compressors).join(', ')}`)
}

function readCookies(given: unknown): Params['cookies'] {
  return Object.entries(asRecord(given ?? {}, 'cookies')).map(([name, entry]) => {
    if (typeof entry !== 'object' || entry === null) return { name, value: String(entry), replaces: false }
    const { value, replace } = asRecord(entry, `the cookie '${name}'`)
    return { name, value: String(value), replaces: replace === true }
  })
}

/** What a script holds as a jar has the jar itself under this key. */
export const JAR = Symbol('cookie jar')

function jarOf(given: unknown): CookieJar | undefined {
  if (given === undefined || given === null) return undefined
  if (typeof given === 'object' && JAR in given) return given[JAR] as CookieJar
  throw new Error('the jar of a request must be an http.CookieJar')
}

function readTarget(target: unknown): { readonly url: string; readonly name: string | undefined } {
  if (typeof target !== 'object' || target === null || !('url' in target))
    return { url: String(target), name: undefined }
  return { url: String(target.url), name: 'name' in target ? String(target.name) : undefined }
}

function readBody(body: unknown): Body {
  if (body === undefined || body === null) return { content: undefined, contentType: undefined }
  if (typeof body !== 'object') return { content: String(body), contentType: undefined }
  if (body instanceof Uint8Array) return { content: body, contentType: undefined }
  if (body instanceof ArrayBuffer) return { content: new Uint8Array(body), contentType: undefined }
  const fields = asRecord(body, 'a form')
  return Object.values(fields).some(isFile) ? multipart(fields) : form(fields)
}

function form(fields: Readonly<Record<string, unknown>>): Body {
  const pairs: [string, string][] = Object.entries(fields).flatMap(([name, value]) =>
    Array.isArray(value)
      ? value.map((one): [string, string] => [name, String(one)])
      : [[name, String(value)]],
  )
  return {
    content: new URLSearchParams(pairs).toString(),
    contentType: 'application/x-www-form-urlencoded',
  }
}

function isFile(value: unknown): value is FilePart {
  return typeof value === 'object' && value !== null && '$file' in value
}

const boundaryBytes = 16

function multipart(fields: Readonly<Record<string, unknown>>): Body {
  const boundary = randomBytes(boundaryBytes).toString('hex')
  const parts = Object.entries(fields).flatMap(([name, value]) => {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"`
    if (!isFile(value)) return [`${head}\r\n\r\n${String(value)}\r\n`]
    const type = value.content_type === '' ? 'application/octet-stream' : value.content_type
    return [
      `${head}; filename="${quoted(value.filename)}"\r\nContent-Type: ${type}\r\n\r\n`,
      bytesOf(value.data),
      '\r\n',
    ]
  })
  const content = Buffer.concat([...parts, `--${boundary}--\r\n`].map((part) => Buffer.from(part)))
  return { content, contentType: `multipart/form-data; boundary=${boundary}` }
}

function quoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
}

function bytesOf(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data
  return data instanceof ArrayBuffer ? new Uint8Array(data) : Buffer.from(String(data))
}

function compress(body: Body, algorithms: readonly string[]): Body {
  if (body.content === undefined || algorithms.length === 0) return body
  const bytes = algorithms.reduce<Uint8Array>(
    (content, name) => compressors[name]?.(content) ?? content,
    Buffer.from(body.content),
  )
  return { ...body, content: bytes }
}
