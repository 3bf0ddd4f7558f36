import { randomUUID } from 'node:crypto'

/** Requests with a larger body are refused with 413. */
const BODY_BYTES_MAX = 1024 * 1024

/** What a handler answers: plain parts, so that a Response is built once, by `toResponse`. */
export interface Reply {
  readonly status: number
  readonly body: string | null
  readonly headers: Readonly<Record<string, string>>
}

const JSON_TYPE = 'application/json; charset=utf-8'

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, body: JSON.stringify(value), headers: { 'Content-Type': JSON_TYPE, ...headers } }
}

/** Every answer carries the request's id and may be read by any page. */
export function toResponse(reply: Reply, requestId: string): Response {
  const body = NULL_BODY.has(reply.status) ? null : reply.body
  return new Response(body, {
    status: reply.status,
    headers: { ...reply.headers, ...CORS, 'x-request-id': requestId },
  })
}

/** A caller's own id is kept where it is short and plain. */
export function requestIdOf(request: Request): string {
  const given = request.headers.get('x-request-id')
  return given !== null && REQUEST_ID.test(given) ? given : randomUUID()
}

/** The body's text; undefined when it is larger than allowed. Throws a `TypeError` for what is not UTF-8. */
export async function readBody(request: Request): Promise<string | undefined> {
  const declared = request.headers.get('content-length')
  if (declared !== null) {
    return Number(declared) > BODY_BYTES_MAX ? undefined : utf8.decode(await request.arrayBuffer())
  }
  if (request.body === null) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body) {
    bytes += chunk.byteLength
    if (bytes > BODY_BYTES_MAX) return undefined
    chunks.push(chunk)
  }
  return utf8.decode(Buffer.concat(chunks))
}

export function isPreflight(request: Request): boolean {
  return request.method === 'OPTIONS' && request.headers.has('access-control-request-method')
}

export const preflight: Reply = {
  status: 204,
  body: null,
  headers: {
    'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    'Access-Control-Allow-Headers': [
      'authorization, x-client-info, apikey, content-type, x-retry-count, traceparent, tracestate, baggage',
      'prefer, accept, accept-profile, content-profile, range, idempotency-key, x-request-id, x-region',
    ].join(', '),
    'Access-Control-Max-Age': '3600',
  },
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
