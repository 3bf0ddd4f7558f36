import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient as createSupabase } from '@supabase/supabase-js'
import { createClient, drawKey, type FetchOptions, type RetryOptions } from '../../src/client/index.ts'
import { openShop } from '../api/shop.ts'
import { addTier } from '../support/box-office.ts'
import { openNetwork } from './network.ts'

const { db, house, server, tokenOf } = await openShop()
const network = await openNetwork(server.url)
const { anon } = server.authenticator.keys
const tier = await addTier(db, house.eventId)
const cart = {
  eventId: house.eventId,
  items: [{ tierId: tier, quantity: 1 }],
  customerName: 'Ada',
  customerEmail: 'ada@example.org',
}
const open = (options: Partial<FetchOptions> & RetryOptions = {}) =>
  createClient({ url: network.url, apiKey: anon, backoffMs: 5, ...options })
const tokenOfSomebody = async () => (await tokenOf(randomUUID())).authorization.replace('Bearer ', '')
const never = () => new Promise<never>(() => {})

describe('each attempt', () => {
  test('has a time limit', async () => {
    network.expect('hang', 'hang')
    const { error } = await open({ timeoutMs: 100, retries: 1 }).call('create-ticket-checkout', cart)
    assert.deepEqual([error?.code, error?.outcome, network.seen.length], ['NO_ANSWER', 'unknown', 2])
    assert.match(String(error?.message), /within 100 ms/)
    network.expect('hang')
    assert.equal((await open({ timeoutMs: 2_000 }).call('create-ticket-checkout', cart)).error, null)
    assert.equal(network.seen[0]?.key, network.seen[1]?.key)
  })

  test('asks for the token anew', async () => {
    const tokens = [await tokenOfSomebody(), await tokenOfSomebody()]
    network.expect('cut')
    const client = open({ accessToken: async () => tokens[network.seen.length] })
    assert.equal((await client.call('health-check')).error, null)
    assert.deepEqual(
      network.seen.map(({ headers }) => headers['authorization']),
      tokens.map((token) => `Bearer ${token}`),
    )
  })

  for (const [what, accessToken] of [
    ['that never comes', never],
    ['that cannot be had', () => Promise.reject(new Error('offline'))],
    [
      'whose getter throws',
      () => {
        throw new Error('broken')
      },
    ],
  ] as const)
    test(`ends without a token ${what}: nothing was sent, and nothing done`, async () => {
      network.expect()
      const client = open({ accessToken, timeoutMs: 50, retries: 1 })
      const { error } = await client.call('process-refund', { orderId: house.eventId })
      assert.deepEqual([error?.code, error?.outcome, network.seen.length], ['NOT_SENT', 'refused', 0])
      assert.ok(error?.cause instanceof Error)
    })

  test('waits for a token within its time, and tries again for one', async () => {
    let asked = 0
    const accessToken = async () => (asked++ === 0 ? never() : tokenOfSomebody())
    network.expect()
    assert.equal((await open({ accessToken, timeoutMs: 1_000 }).call('health-check')).error, null)
    assert.deepEqual([asked, network.seen.length], [2, 1])
  })
})

describe('what can never be sent throws at once, and nothing is sent:', () => {
  for (const idempotencyKey of ['', 'ключ', 'a\nb', 'k'.repeat(256)]) {
    test(`the key ${JSON.stringify(idempotencyKey).slice(0, 20)}`, async () => {
      network.expect()
      await assert.rejects(open().call('create-ticket-checkout', cart, { idempotencyKey }), RangeError)
      assert.equal(network.seen.length, 0)
    })
  }
  test('a header, an API key', () => {
    assert.throws(() => open({ headers: { 'x-note': 'a\nb' } }), TypeError)
    assert.throws(() => open({ apiKey: 'ключ' }), TypeError)
  })
})

describe('a body', () => {
  test('that cannot be JSON throws at once', async () => {
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    network.expect()
    await assert.rejects(open().call('create-ticket-checkout', circular as never), TypeError)
    await assert.rejects(open().rpc('reserve_tickets_batch', circular as never), TypeError)
    assert.equal(network.seen.length, 0)
  })

  test('is the same in each attempt, whatever becomes of the object', async () => {
    const changing = structuredClone(cart)
    network.expect('cut')
    const asked = open().call('create-ticket-checkout', changing)
    changing.customerName = 'Eve'
    assert.equal((await asked).error, null)
    assert.deepEqual(
      network.seen.map(({ body }) => JSON.parse(body).customerName),
      ['Ada', 'Ada'],
    )
  })
})

// Nothing that is waited for here ends by itself before the test does.
describe('who gives up is told at once', { timeout: 20_000 }, () => {
  const LONG = { timeoutMs: 600_000, backoffMs: 600_000, retryAfterSecondsMax: 600 }
  const giveUpOnce = async (isSo: () => boolean, client = open(LONG)) => {
    const controller = new AbortController()
    const asked = client.call('create-ticket-checkout', cart, { signal: controller.signal })
    while (!isSo()) await delay(5)
    controller.abort(new Error('the page was left'))
    const { error } = await asked
    assert.ok(error)
    assert.equal(error.code, 'ABORTED')
    assert.equal((error.cause as Error).message, 'the page was left')
    return error
  }
  const isAsked = () => network.seen.length === 1
  test('before anything was sent', async () => {
    network.expect()
    const { error } = await open().call('create-ticket-checkout', cart, { signal: AbortSignal.abort() })
    assert.deepEqual([error?.code, error?.outcome, network.seen.length], ['ABORTED', 'refused', 0])
  })
  test('while a token is waited for', async () => {
    network.expect()
    let isWaitedFor = false
    const accessToken = () => {
      isWaitedFor = true
      return never()
    }
    const { outcome } = await giveUpOnce(() => isWaitedFor, open({ ...LONG, accessToken }))
    assert.deepEqual([outcome, network.seen.length], ['refused', 0])
  })
  test('while an answer is waited for: it may have been done', async () => {
    network.expect('hang')
    const { outcome, idempotencyKey } = await giveUpOnce(isAsked)
    assert.deepEqual([outcome, idempotencyKey], ['unknown', network.seen[0]?.key])
    assert.equal(network.seen.length, 1)
  })

  /** Notes when a body is read, and when nothing more is waited for but a pause: timers come after promises. */
  const openListening = () => {
    const heard = { head: false, all: false }
    const noting = <Value>(work: Promise<Value>) => work.finally(() => setTimeout(() => (heard.all = true)))
    const listening: typeof fetch = async (...args) => {
      const response = await fetch(...args).catch((error) => noting(Promise.reject(error)))
      const read = response.text.bind(response)
      response.text = () => {
        heard.head = true
        return noting(read())
      }
      return response
    }
    return { heard, client: open({ ...LONG, fetch: listening }) }
  }

  test('while the body of an answer is waited for', async () => {
    network.expect({ status: 200, body: '{"success":true}', ends: 'never' })
    const { heard, client } = openListening()
    assert.equal((await giveUpOnce(() => heard.head, client)).outcome, 'unknown')
  })
  test('between two attempts, by what the first one has told', async () => {
    const busy = JSON.stringify({ success: false, code: 'SERVER_BUSY', error: 'SERVER_BUSY: x' })
    const headers = { 'content-type': 'application/json', 'retry-after': '600' }
    for (const [fate, outcome] of [
      [{ status: 503, body: busy, headers }, 'refused'],
      ['lose', 'unknown'],
    ] as const) {
      network.expect(fate)
      const { heard, client } = openListening()
      assert.equal((await giveUpOnce(() => heard.all, client)).outcome, outcome)
      assert.equal(network.seen.length, 1)
    }
  })
})

describe('over a given client of supabase-js', () => {
  test('its own fetch, headers and token go with every attempt', async () => {
    const tokens = [await tokenOfSomebody(), await tokenOfSomebody()]
    const urls: string[] = []
    const supabase = createSupabase(network.url, anon, {
      // With which supabase.auth cannot be asked for anything.
      accessToken: async () => tokens[network.seen.length] ?? null,
      global: {
        headers: { 'x-shop': 'gala' },
        fetch: (url, init) => {
          urls.push(String(url))
          return fetch(url, init)
        },
      },
    })
    const client = createClient({ supabase, backoffMs: 5 })
    network.expect('lose')
    assert.equal((await client.call('create-ticket-checkout', cart)).error, null)
    const keys = network.seen.map(({ key }) => key)
    assert.ok(keys[0] !== undefined && keys[0] === keys[1])
    assert.equal(network.seen[1]?.headers['content-type'], 'application/json')
    for (const ask of [
      () => client.call('gate-list', { event: house.eventSlug }),
      () => client.rpc('release_ticket_holds', { p_session_id: 'x' }),
    ]) {
      network.expect('cut')
      const { error } = await ask()
      assert.ok(error === null || error.code === 'EVENT_NOT_FOUND', error?.code)
      assert.deepEqual(
        network.seen.map(({ headers }) => [headers['authorization'], headers['apikey'], headers['x-shop']]),
        tokens.map((token) => [`Bearer ${token}`, anon, 'gala']),
      )
    }
    assert.equal(urls.length, 6)
  })

  test('a token that never comes has a time limit too', async () => {
    const supabase = createSupabase(network.url, anon, { accessToken: never })
    network.expect()
    const client = createClient({ supabase, timeoutMs: 50, retries: 1, backoffMs: 5 })
    for (const { error } of [
      await client.call('health-check'),
      await client.rpc('local_time', { p_business_id: house.businessId, p_local: '2027-07-10 20:00' }),
    ])
      assert.deepEqual([error?.code, error?.outcome], ['NO_ANSWER', 'unknown'])
  })
})

test('a key is drawn without crypto.randomUUID, which pages by plain HTTP lack, and no two are the same', () => {
  const keys = Array.from({ length: 1000 }, drawKey)
  assert.equal(new Set(keys).size, keys.length)
  for (const key of keys)
    assert.match(key, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
})

test('what is out of bounds is refused when the client is made', () => {
  for (const wrong of [
    { retries: 4 },
    { retries: -1 },
    { timeoutMs: 0 },
    { backoffMs: Number.NaN },
    { retryAfterSecondsMax: -1 },
  ])
    assert.throws(() => open(wrong), RangeError)
  assert.throws(() => open({ url: 'nowhere' }), TypeError)
})
