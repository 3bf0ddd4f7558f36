import { randomUUID } from 'node:crypto'
import { BODY_BYTES_MAX } from '../core/capacity.ts'
import type { PackedBody } from './compress.ts'

/** A handler's answer as plain parts, so that a Response is built once, by `toResponse`. */
export interface Reply {
  readonly status: number
  readonly body: string | null
  readonly headers: Readonly<Record<string, string>>
  /** For the log only. */
  readonly note?: string
}

const JSON_TYPE = 'application/json; charset=utf-8'

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, body: JSON.stringify(value), headers: { 'Content-Type': JSON_TYPE, ...headers } }
}

/**
 * Every answer carries the request's id, may be read by any page and kept by nobody, and is data: no browser takes it for
 * a page or a script.
 */
export function toResponse(reply: Reply, requestId: string, packed?: PackedBody): Response {
  refuseBadHeaders(reply.headers)
  const body = NULL_BODY.has(reply.status) ? null : (packed?.body ?? reply.body)
  return new Response(body, {
    status: reply.status,
    headers: { ...GUARDS, ...reply.headers, ...packed?.headers, ...CORS, 'x-request-id': requestId },
  })
}

/**
 * Throws for what no header may hold. The server's own Response finds it only while it is being sent, too late to answer
 * otherwise.
 */
export function refuseBadHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (NO_HEADER.test(value)) throw new TypeError(`the header ${name} has characters that none may have`)
  }
}

const NO_HEADER = /[^\t\x20-\x7e\x80-\xff]/

/** A caller's own id is kept where it is short and plain. */
export function requestIdOf(request: Request): string {
  const given = request.headers.get('x-request-id')
  return given !== null && REQUEST_ID.test(given) ? given : randomUUID()
}

/** The body's text; undefined when it is larger than `bytesMax`. Throws a `TypeError` for what is not UTF-8. */
export async function readBody(
  request: Request,
  bytesMax: number = BODY_BYTES_MAX,
): Promise<string | undefined> {
  const bytes = await bytesOf(request, bytesMax)
  return bytes === undefined ? undefined : utf8.decode(bytes)
}

/** The body; undefined when it is larger than `bytesMax`. Throws when it ends before its end. */
export async function bytesOf(request: Request, bytesMax: number): Promise<Bytes | undefined> {
  const bytes = await (received.get(request) ?? read(request, bytesMax))
  return bytes !== undefined && bytes.byteLength <= bytesMax ? bytes : undefined
}

type Bytes = Uint8Array<ArrayBuffer>

/** Buffered bodies: read once, as they arrive, and looked at as often as needed. */
const received = new WeakMap<Request, Promise<Bytes | undefined>>()

/** Resolves when the body is here, was found too large, or will never be whole: whoever reads it then learns which. */
export async function receiveBody(request: Request, bytesMax: number): Promise<void> {
  const reading = read(request, bytesMax)
  received.set(request, reading)
  await reading.catch(() => {})
}

export function hasBody({ method, headers }: Request): boolean {
  if (method === 'GET' || method === 'HEAD') return false
  return headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0'
}

/** How long the body is, as the head has it; undefined where it does not say. */
export function declaredBytes({ headers }: Request): number | undefined {
  const declared = headers.get('content-length')
  return declared === null ? undefined : Number(declared)
}

async function read(request: Request, bytesMax: number): Promise<Bytes | undefined> {
  const declared = declaredBytes(request)
  if (declared !== undefined) {
    return declared > bytesMax ? undefined : new Uint8Array(await request.arrayBuffer())
  }
  if (request.body === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body) {
    bytes += chunk.byteLength
    if (bytes > bytesMax) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export function isPreflight(request: Request): boolean {
  return request.method === 'OPTIONS' && request.headers.has('access-control-request-method')
}

/** CORS preflight: the methods of this route, and the headers that known clients send or that the page names. */
export function preflight(request: Request, methods: readonly string[]): Reply {
  const headerNames = request.headers.get('access-control-request-headers') ?? ''
  return {
    status: 204,
    body: null,
    headers: {
      'Access-Control-Allow-Methods': [...new Set([...methods, 'OPTIONS'])].join(', '),
      'Access-Control-Allow-Headers': HEADER_NAMES.test(headerNames) ? `${SENT}, ${headerNames}` : SENT,
      'Access-Control-Max-Age': '3600',
      Vary: 'Access-Control-Request-Headers',
    },
  }
}

/** What supabase-js, its realtime client, tracing tools and our own pages send. */
const SENT = [
  'authorization, x-client-info, apikey, content-type, x-retry-count, traceparent, tracestate, baggage',
  'prefer, accept, accept-profile, content-profile, range, idempotency-key, x-request-id, x-region',
].join(', ')
const HEADER_NAMES = /^[\w-]{1,64}( ?, ?[\w-]{1,64}){0,31}$/

const GUARDS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

const CORS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers':
    'Content-Range, Content-Location, Location, Content-Profile, ETag, Preference-Applied, Retry-After, X-Idempotent-Replay, X-Request-Id, X-Supabase-Api-Version, X-Sb-Error-Code, X-Total-Count',
}

/** Statuses whose answers may not have a body. */
const NULL_BODY = new Set([204, 205, 304])
const REQUEST_ID = /^[\w-]{1,128}$/
const utf8 = new TextDecoder('utf-8', { fatal: true })
