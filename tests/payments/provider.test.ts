import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import Stripe from 'stripe'
import {
  type CallFailure,
  openStripe,
  type PaymentProvider,
  type StripeOptions,
} from '../../src/payments/provider.ts'
import { sampleParameters } from '../../src/payments/smoke.ts'
import { noStripeMock, startStripeMock } from './stripe-mock.ts'

const SECRET_KEY = 'sk_test_c3VwZXJzZWNyZXQ'
const WEBHOOK_SECRET = 'whsec_c3VwZXJzZWNyZXQ'
const BUYER = 'buyer@example.org'

const CALLS: readonly (readonly [string, (provider: PaymentProvider) => Promise<{ kind: string }>])[] = [
  ['createSession', (p) => p.createSession(sampleParameters(Date.now()), 'key')],
  ['retrieveSession', (p) => p.retrieveSession('cs_test_1')],
  ['expireSession', (p) => p.expireSession('cs_test_1')],
  ['refund', (p) => p.refund(REFUND, 'refund:1')],
  ['listRefunds', (p) => p.listRefunds('pi_1')],
]

const REFUND = { refund_id: '1', order_id: '2', payment_id: 'pi_1', amount_cents: 100, currency: 'EUR' }

const stripeError = (type: string, code?: string, param?: string) =>
  JSON.stringify({ error: { type, code, param, message: `No, ${BUYER} with ${SECRET_KEY} may not.` } })

const ENDINGS: readonly (readonly [
  name: string,
  status: number,
  body: string,
  kind: string,
  code: string,
])[] = [
  [
    'invalid parameters',
    400,
    stripeError('invalid_request_error', 'amount_too_small', 'amount'),
    'refused',
    'amount_too_small',
  ],
  [
    'a parameter without a code',
    400,
    stripeError('invalid_request_error'),
    'refused',
    'invalid_request_error',
  ],
  [
    'a refund of what is refunded',
    400,
    stripeError('invalid_request_error', 'charge_already_refunded'),
    'refused',
    'charge_already_refunded',
  ],
  ['a card error', 402, stripeError('card_error', 'card_declined'), 'refused', 'card_declined'],
  [
    'no rights',
    403,
    stripeError('invalid_request_error', 'more_permissions_required'),
    'unknown',
    'permission_error',
  ],
  [
    'no such thing',
    404,
    stripeError('invalid_request_error', 'resource_missing', 'id'),
    'refused',
    'resource_missing',
  ],
  [
    'a key that is in use',
    409,
    stripeError('idempotency_error', 'idempotency_key_in_use'),
    'unknown',
    'idempotency_key_in_use',
  ],
  ['a lock', 409, stripeError('invalid_request_error', 'lock_timeout'), 'unknown', 'lock_timeout'],
  ['other parameters under a key', 400, stripeError('idempotency_error'), 'unknown', 'idempotency_error'],
  ['a wrong key of ours', 401, stripeError('invalid_request_error'), 'unknown', 'authentication_error'],
  ['too many requests', 429, stripeError('invalid_request_error', 'rate_limit'), 'unknown', 'rate_limit'],
  ['an error of theirs', 500, stripeError('api_error'), 'unknown', 'api_error'],
  ['a bad gateway', 502, '<html>bad gateway</html>', 'unknown', 'api_error'],
  ['an answer that is no JSON', 200, 'what?', 'unknown', 'api_error'],
  [
    'another server, which refuses in JSON of its own',
    404,
    '{"success":false,"error":"NOT_FOUND"}',
    'unknown',
    'NOT_FOUND',
  ],
]

for (const [name, status, body, kind, code] of ENDINGS) {
  test(`${name} (${status}): the outcome is ${kind}, ${code}, for every call, and nothing of a key or a buyer is told`, async () => {
    const failures: CallFailure[] = []
    const provider = await providerAt((_, response) => response.writeHead(status).end(body), failures)
    for (const [call, make] of CALLS) {
      const { cause: _, ...outcome } = { cause: undefined, ...(await make(provider)) }
      assert.equal(outcome.kind, kind, call)
      const told = inspect([outcome, failures.at(-1)], { depth: null })
      assert.ok(told.includes(code), `${call}: ${told}`)
      assert.ok(!told.includes(BUYER) && !told.includes(SECRET_KEY), told)
      assert.equal(failures.at(-1)?.call, call)
    }
  })
}

test('a provider that never answers, stops in the middle or hangs up leaves the outcome unknown within the time limit, after one request', async () => {
  const endings: RequestListener[] = [
    () => {},
    (_, response) => response.writeHead(200, { 'Content-Type': 'application/json' }).write('{"id":'),
    (request) => request.socket.destroy(),
  ]
  for (const ending of endings) {
    let requests = 0
    const provider = await providerAt((request, response) => {
      requests++
      ending(request, response)
    })
    for (const [call, make] of CALLS) {
      const outcome = await make(provider)
      assert.deepEqual(
        [outcome.kind, 'code' in outcome && outcome.code],
        ['unknown', 'connection_error'],
        call,
      )
    }
    assert.equal(requests, CALLS.length)
  }
})

test('only keys of real money are live', () => {
  const isLive = (secretKey: string) => openStripe({ secretKey, webhookSecret: WEBHOOK_SECRET }).livemode
  assert.deepEqual(['sk_live_1', 'rk_live_1', 'sk_test_1', 'rk_test_1', 'sk_test_live_1'].map(isLive), [
    true,
    true,
    false,
    false,
    false,
  ])
})

test('an event is read when it is signed with our secret within five minutes, to the letter', async () => {
  const provider = openStripe({ secretKey: SECRET_KEY, webhookSecret: WEBHOOK_SECRET })
  const body = JSON.stringify({
    id: 'evt_1',
    object: 'event',
    type: 'ping',
    data: { object: { name: 'Zoë' } },
  })
  const { webhooks } = new Stripe(SECRET_KEY)
  const sign = (payload: string, secondsAgo = 0, secret = WEBHOOK_SECRET) =>
    webhooks.generateTestHeaderString({
      payload,
      secret,
      timestamp: Math.floor(Date.now() / 1000) - secondsAgo,
    })
  assert.deepEqual(await provider.readEvent(body, sign(body)), JSON.parse(body))
  assert.deepEqual(await provider.readEvent(body, sign(body, 290)), JSON.parse(body))
  const ofTwo = openStripe({ secretKey: SECRET_KEY, webhookSecret: `${WEBHOOK_SECRET},whsec_second` })
  for (const secret of [WEBHOOK_SECRET, 'whsec_second'])
    assert.deepEqual(await ofTwo.readEvent(body, sign(body, 0, secret)), JSON.parse(body))
  for (const secret of ['whsec_other', `${WEBHOOK_SECRET},whsec_second`])
    assert.equal(await ofTwo.readEvent(body, sign(body, 0, secret)), undefined)
  const refused: readonly (readonly [string, string, string | null])[] = [
    ['missing', body, null],
    ['empty', body, ''],
    ['nonsense', body, 't=1,v1=abc'],
    ['without a time', body, sign(body).replace(/t=\d+,/, '')],
    ['old', body, sign(body, 310)],
    ['of another secret', body, sign(body, 0, 'whsec_other')],
    ['of another body', body.replace('ping', 'pong'), sign(body)],
    ['of the same JSON in other letters', `${body} `, sign(body)],
    ['of no JSON', 'ping', sign('ping')],
    ['of nothing', '', sign('')],
    ['of a number', '1', sign('1')],
  ]
  for (const [name, sent, signature] of refused) {
    assert.equal(await provider.readEvent(sent, signature), undefined, name)
  }
})

test('every call that the code makes is taken by stripe-mock, which refuses parameters that Stripe does not know', {
  skip: noStripeMock,
}, async () => {
  const provider = stripeAt(await startStripeMock())
  for (const [call, make] of CALLS) assert.equal((await make(provider)).kind, 'done', call)
  const unknown = { ...sampleParameters(Date.now()), refundable: 'yes' }
  assert.equal((await provider.createSession(unknown, 'other')).kind, 'refused')
})

/** A provider at an HTTP server that answers like this. */
async function providerAt(listener: RequestListener, failures: CallFailure[] = []): Promise<PaymentProvider> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return stripeAt(`http://127.0.0.1:${port}`, { timeoutMs: 200, report: (failure) => failures.push(failure) })
}

function stripeAt(apiUrl: string, options: Partial<StripeOptions> = {}): PaymentProvider {
  return openStripe({ secretKey: SECRET_KEY, webhookSecret: WEBHOOK_SECRET, apiUrl, ...options })
}
