import { randomUUID } from 'node:crypto'

/** REST requests with a larger body are refused with 413. */
const BODY_BYTES_MAX = 1024 * 1024

/** What a handler answers: plain parts, so that a Response is built once, by `toResponse`. */
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
export function toResponse(reply: Reply, requestId: string): Response {
  const body = NULL_BODY.has(reply.status) ? null : reply.body
  return new Response(body, {
    status: reply.status,
    headers: { ...GUARDS, ...reply.headers, ...CORS, 'x-request-id': requestId },
  })
}

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
  const declared = request.headers.get('content-length')
  if (declared !== null) {
    return Number(declared) > bytesMax ? undefined : utf8.decode(await request.arrayBuffer())
  }
  if (request.body === null) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body) {
    bytes += chunk.byteLength
    if (bytes > bytesMax) return undefined
    chunks.push(chunk)
  }
  return utf8.decode(Buffer.concat(chunks))
}

export function isPreflight(request: Request): boolean {
  return request.method === 'OPTIONS' && request.headers.has('access-control-request-method')
}

/** What a page may send: the methods of this route, and the headers of the clients or those that it names. */
export function preflight(request: Request, methods: readonly string[]): Reply {
  const asked = request.headers.get('access-control-request-headers') ?? ''
  return {
    status: 204,
    body: null,
    headers: {
      'Access-Control-Allow-Methods': [...new Set([...methods, 'OPTIONS'])].join(', '),
      'Access-Control-Allow-Headers': HEADER_NAMES.test(asked) ? `${SENT}, ${asked}` : SENT,
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
    'Content-Range, Content-Location, Location, Content-Profile, Preference-Applied, Retry-After, X-Idempotent-Replay, X-Request-Id',
}

/** Statuses whose answers may not have a body. */
const NULL_BODY = new Set([204, 205, 304])
const REQUEST_ID = /^[\w-]{1,128}$/
const utf8 = new TextDecoder('utf-8', { fatal: true })
