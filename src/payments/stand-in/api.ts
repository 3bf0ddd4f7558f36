import type { Context } from 'hono'
import { Hono } from 'hono'
import { presents } from './authority.ts'
import { passOn, readText } from './body.ts'
import type { LostAnswer } from './chaos.ts'
import { ENDPOINTS, type Endpoint } from './endpoints.ts'
import { expandObject } from './expand.ts'
import { readForm } from './form.ts'
import { fingerprintOf, type Keys } from './idempotency.ts'
import { newId } from './ids.ts'
import { invalidRequest, StripeRefusal } from './refusal.ts'
import { objectOf, type Runtime } from './runtime.ts'
import type { KeptAnswer } from './store.ts'

/** Larger requests are refused. */
const BODY_BYTES_MAX = 1024 * 1024

/** `/v1/…` as Stripe's API answers it: form in, JSON out, errors in Stripe's words. */
export function openApi(runtime: Runtime, keys: Keys, secretKey: string): Hono {
  const app = new Hono()
  for (const endpoint of ENDPOINTS) {
    app.on(endpoint.method, endpoint.path, (c) => answer(runtime, keys, secretKey, endpoint, c))
  }
  app.notFound((c) => {
    const { pathname } = new URL(c.req.url)
    const message = `Unrecognized request URL (${c.req.method}: ${pathname.replace('/api.stripe.com', '')}).`
    return reply({ status: 404, body: errorText(invalidRequest(message)), headers: {} })
  })
  app.onError(passOn)
  return app
}

/** What goes out, unless it is lost on the way. */
interface Reply {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly lost?: LostAnswer | undefined
}

async function answer(
  runtime: Runtime,
  keys: Keys,
  secretKey: string,
  endpoint: Endpoint,
  c: Context,
): Promise<Response> {
  const requestId = newId('req_', 14)
  const key = endpoint.method === 'POST' ? (c.req.header('idempotency-key') ?? null) : null
  const headers = { 'Request-Id': requestId, ...(key === null ? {} : { 'Idempotency-Key': key }) }
  let unlock = () => {}
  try {
    authorize(c.req.raw, secretKey)
    if (runtime.dice.rateLimits()) throw RATE_LIMITED
    if (key !== null) unlock = keys.lock(key)
    const form = await formOf(c)
    return reply({
      headers,
      ...run(runtime, keys, endpoint, { id: c.req.param('id') ?? '', key, requestId, form }, c),
    })
  } catch (error) {
    if (!(error instanceof StripeRefusal)) throw error
    return reply({ status: error.status, body: errorText(error), headers })
  } finally {
    unlock()
  }
}

interface Call {
  readonly id: string
  readonly key: string | null
  readonly requestId: string
  readonly form: string
}

/** From here to the answer nothing is awaited: a call happens whole, or not at all. */
function run(
  runtime: Runtime,
  keys: Keys,
  endpoint: Endpoint,
  call: Call,
  c: Context,
): Omit<Reply, 'headers'> & Partial<Reply> {
  runtime.clock.catchUp()
  const fingerprint = fingerprintOf(new URL(c.req.url).pathname, call.form)
  const before = call.key === null ? undefined : keys.answerOf(call.key, fingerprint)
  if (before !== undefined) return { ...replay(runtime, before), headers: replayHeaders(call) }
  const input = endpoint.parameters(readForm(call.form), '')
  const done = execute(runtime, endpoint, input, call)
  if (endpoint.method === 'GET') return { status: done.status, body: done.body }
  if (call.key !== null) keep(runtime, call.key, fingerprint, done)
  return { status: done.status, body: done.body, lost: done.lost ?? runtime.dice.losesAnswer() }
}

interface Done {
  readonly status: number
  readonly body: string
  /** The id of the state that the body shows, where it shows nothing else. */
  readonly about: string | null
  readonly lost?: LostAnswer | undefined
}

function execute(runtime: Runtime, endpoint: Endpoint, input: EndpointInput, call: Call): Done {
  try {
    const mark = { id: call.requestId, idempotency_key: call.key }
    const outcome = endpoint.run(runtime, input, { id: call.id, mark })
    const object = outcome.state === undefined ? outcome.object : objectOf(runtime, outcome.state)
    const plain = input.expand === null
    const body = JSON.stringify(plain ? object : expandObject(runtime, object, input.expand ?? []))
    return { status: 200, body, about: plain ? (outcome.state?.id ?? null) : null, lost: outcome.lost }
  } catch (error) {
    if (!(error instanceof StripeRefusal && error.kept)) throw error
    return { status: error.status, body: errorText(error), about: null }
  }
}

type EndpointInput = Parameters<Endpoint['run']>[1]

function keep(runtime: Runtime, key: string, fingerprint: string, { status, body, about }: Done): void {
  const answer = { key, fingerprint, at: runtime.clock.now(), status, body: about === null ? body : null }
  runtime.record({ is: 'answered', answer, about })
}

function replay(runtime: Runtime, { status, body, state }: KeptAnswer) {
  return { status, body: body ?? (state === null ? '' : JSON.stringify(objectOf(runtime, state))) }
}

function replayHeaders({ key, requestId }: Call) {
  return { 'Request-Id': requestId, 'Idempotency-Key': key ?? '', 'Idempotent-Replayed': 'true' }
}

/** Stripe takes the key as a bearer's token or as a user's name. */
function authorize(request: Request, secretKey: string): void {
  if (presents(request, secretKey)) return
  const given = request.headers.has('authorization')
  const message = given
    ? 'Invalid API Key provided.'
    : "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
  throw new StripeRefusal(401, { type: 'invalid_request_error', message })
}

async function formOf(c: Context): Promise<string> {
  if (c.req.method === 'GET') return new URL(c.req.url).search.slice(1)
  const body = await readText(c.req.raw, BODY_BYTES_MAX)
  if (body === undefined) throw invalidRequest(`A request's body has at most ${BODY_BYTES_MAX} bytes.`)
  return body
}

function reply({ status, body, headers, lost }: Reply): Response {
  const all = { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache, no-store', ...headers }
  switch (lost) {
    case undefined:
      return new Response(body, { status, headers: all })
    case 'cut':
      return cutOff(body, status, all)
    case 'error':
      return new Response(errorText(LOST), { status: 500, headers: all })
  }
}

/** Half of it, then the connection ends: the client waits for a length that never comes. */
function cutOff(body: string, status: number, headers: Reply['headers']): Response {
  const length = { 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' }
  return new Response(body.slice(0, body.length / 2), { status, headers: { ...headers, ...length } })
}

function errorText({ body }: StripeRefusal): string {
  return JSON.stringify({ error: body })
}

const LOST = new StripeRefusal(500, {
  type: 'api_error',
  message: 'An unknown error occurred. The call may have taken effect.',
})

const RATE_LIMITED = new StripeRefusal(429, {
  type: 'rate_limit_error',
  code: 'rate_limit',
  message: 'Request rate limit exceeded. Please retry with exponential backoff.',
})
