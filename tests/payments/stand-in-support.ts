import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { Stripe } from 'stripe'
import { listen } from '../../src/api/listen.ts'
import { openStandIn, type StandIn, type StandInOptions } from '../../src/payments/stand-in.ts'

export const SECRET_KEY = 'sk_test_stand_in_of_the_tests'
const WEBHOOK_SECRET = 'whsec_of_the_tests'

/** Bound of every wait for deliveries. */
const IDLE_S_MAX = 20

export interface Scene extends AsyncDisposable {
  readonly url: string
  readonly stripe: Stripe
  /** The stand-in itself, without HTTP. */
  readonly fetch: StandIn['fetch']
  /** Where events go. */
  readonly endpoint: string
  /** What the endpoint was sent, in the order of arrival; verified by the SDK. */
  readonly events: Stripe.Event[]
  /** What the endpoint answers, attempt by attempt; 200 when nothing is left. */
  readonly answers: number[]
  /** `/stand-in/<path>` with the secret key; throws for anything but success. */
  control(path: string, body?: object | null): Promise<Json>
  /** What a script does on the pay page. */
  pay(session: Stripe.Checkout.Session, means: object): Promise<{ status: number; body: Json }>
  /** Returns when every event was delivered or given up. */
  delivered(): Promise<readonly string[]>
}

export type Json = Readonly<Record<string, unknown>>

/** A stand-in over real HTTP, the SDK that talks to it, and an endpoint that takes its events. */
export async function openScene(options: Partial<StandInOptions> = {}): Promise<Scene> {
  const endpoint = await openEndpoint()
  let url = ''
  const standIn = await openStandIn({
    secretKey: SECRET_KEY,
    webhookSecret: WEBHOOK_SECRET,
    webhookUrl: () => endpoint.url,
    publicUrl: () => url,
    ...options,
  })
  const server = await listen(new Hono().all('*', (c) => standIn.fetch(c.req.raw)))
  url = server.url
  const control = controlOf(url)
  return {
    url,
    endpoint: endpoint.url,
    stripe: stripeAt(`${url}/api.stripe.com`),
    events: endpoint.events,
    answers: endpoint.answers,
    fetch: standIn.fetch,
    control,
    pay: (session, means) => payAt(session.url ?? '', means),
    delivered: async () => {
      const { idle } = await control(`deliveries?wait=idle&seconds=${IDLE_S_MAX}`)
      if (idle !== true) throw new Error(`deliveries are not done after ${IDLE_S_MAX} s`)
      return endpoint.events.map(({ type }) => type)
    },
    [Symbol.asyncDispose]: async () => {
      await standIn.close()
      await server.close()
      await endpoint.close()
    },
  }
}

/** The SDK against another host than Stripe's. */
export function stripeAt(base: string, key = SECRET_KEY): Stripe {
  const httpClient = Stripe.createFetchHttpClient((input: string | URL | Request, init?: RequestInit) =>
    fetch(String(input instanceof Request ? input.url : input).replace('https://api.stripe.com', base), init),
  )
  return new Stripe(key, { httpClient, maxNetworkRetries: 0 })
}

/** A cart that Stripe accepts; what is given replaces what is there. */
export function cart(
  changes: Partial<Stripe.Checkout.SessionCreateParams> = {},
): Stripe.Checkout.SessionCreateParams {
  return {
    mode: 'payment',
    line_items: [line(2500, 'eur', 2)],
    success_url: 'https://box.example/done?session={CHECKOUT_SESSION_ID}',
    cancel_url: 'https://box.example/back',
    client_reference_id: 'order-1',
    metadata: { order_id: 'order-1' },
    payment_intent_data: { metadata: { order_id: 'order-1' } },
    ...changes,
  }
}

export function line(unit_amount: number, currency = 'eur', quantity = 1) {
  return { quantity, price_data: { currency, unit_amount, product_data: { name: 'General admission' } } }
}

/** A session that was paid, with its payment intent's id. */
export async function paidSession(scene: Scene, card = '4242424242424242', changes = {}) {
  const session = await scene.stripe.checkout.sessions.create(cart(changes))
  await scene.pay(session, { card })
  const paid = await scene.stripe.checkout.sessions.retrieve(session.id)
  return { session: paid, payment: String(paid.payment_intent) }
}

export async function payAt(url: string, means: object): Promise<{ status: number; body: Json }> {
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(means) })
  return { status: response.status, body: await jsonOf(response) }
}

export async function jsonOf(response: Response): Promise<Json> {
  return (await response.json()) as Json
}

function controlOf(url: string) {
  return async (path: string, body?: object | null): Promise<Json> => {
    const headers = { Authorization: `Bearer ${SECRET_KEY}`, 'Content-Type': 'application/json' }
    const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const response = await fetch(`${url}/stand-in/${path}`, { headers, ...sent })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return jsonOf(response)
  }
}

async function openEndpoint() {
  const events: Stripe.Event[] = []
  const answers: number[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const signature = String(request.headers['stripe-signature'])
      const status = answers.shift() ?? 200
      if (status === 200) {
        events.push(Stripe.webhooks.constructEvent(Buffer.concat(chunks), signature, WEBHOOK_SECRET))
      }
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/webhook`,
    events,
    answers,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What is not named may be anything; without a status it is 400, without a type an invalid request. */
export interface Refusal {
  readonly status?: number
  readonly type?: string
  readonly code?: string
  readonly param?: string
  readonly message?: RegExp
}

/** The call fails as Stripe's API refuses, seen through the SDK. */
export async function refuses(call: () => Promise<unknown>, expected: Refusal): Promise<void> {
  const { message = /./, status = 400, type = 'StripeInvalidRequestError', ...rest } = expected
  await assert.rejects(call, (error) => {
    assert(error instanceof Stripe.errors.StripeError)
    assert.match(error.message, message)
    const { statusCode, code, param } = error
    const seen = { status: statusCode, type: error.type, code, param }
    assert.deepEqual({ ...seen, status, type, ...rest }, seen)
    return true
  })
}
