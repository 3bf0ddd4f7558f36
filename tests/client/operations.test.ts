import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { functions } from '../../src/api/functions/index.ts'
import { createClient } from '../../src/client/index.ts'
import { FUNCTIONS, VERBS } from '../../src/client/operations.ts'
import { judge } from '../../src/client/verdict.ts'
import { REFUSALS, refusalEntry } from '../../src/core/refusals.ts'
import { VERBS as REGISTRY } from '../../src/desk/verbs.ts'

test('the client knows every function that callers ask, and how', () => {
  const known = Object.entries(FUNCTIONS)
  assert.deepEqual(
    known.map(([name]) => name),
    [...functions.keys()].filter((name) => name !== 'stripe-webhook'),
  )
  for (const [name, { method }] of known) assert.ok(functions.get(name)?.methods.includes(method), name)
})

test('keyed are the functions that read an Idempotency-Key', () => {
  for (const [name, { repetition }] of Object.entries(FUNCTIONS))
    assert.equal(repetition === 'keyed', functions.get(name)?.isKeyed === true, name)
})

test('the client knows every verb with a door, and what it gives', () => {
  const doors = [...readFileSync('sql/public.sql', 'utf8').matchAll(/function public\.(\w+)\(/g)].map(
    ([, name = '']) => name,
  )
  assert.deepEqual(Object.keys(VERBS), doors)
  for (const [name, { returns }] of Object.entries(VERBS))
    assert.equal(returns, REGISTRY.get(name)?.returns, name)
})

test('a refusal for which the server names a time to wait is retried, but for a rate limit', () => {
  for (const code of Object.keys(REFUSALS) as (keyof typeof REFUSALS)[]) {
    const { status, retryAfterSeconds } = refusalEntry(code)
    const verdict = judge({ status, retryAfter: null, value: { success: false, code } }, 'object')
    const isRetried = verdict.kind === 'busy' || verdict.kind === 'lost'
    assert.equal(isRetried, retryAfterSeconds !== undefined && status !== 429, code)
  }
})

test('calls are typed by the OpenAPI document: what is wrong does not compile', () => {
  const client = createClient({ url: 'http://127.0.0.1:9' })
  const cart = {
    event_id: 'gala',
    contact_email: 'ada@example.org',
    items: [{ tier_id: 'floor', quantity: 1 }],
  }
  const calls = [
    async () =>
      (await client.call('guest-checkout', cart, { idempotencyKey: 'k' })).data?.pricing.total_cents,
    // @ts-expect-error: a field that no such answer has
    async () => (await client.call('guest-checkout', cart)).data?.sessionId,
    // @ts-expect-error: data may be null
    async () => (await client.call('guest-checkout', cart)).data.url,
    // @ts-expect-error: a body without what must be in it
    () => client.call('guest-checkout', { event_id: 'gala' }),
    // @ts-expect-error: no body, where one is needed
    () => client.call('guest-checkout'),
    // @ts-expect-error: a refund reads no key
    () => client.call('process-refund', { orderId: 'x' }, { idempotencyKey: 'k' }),
    // @ts-expect-error: the provider's
    () => client.call('stripe-webhook', {}),
    // @ts-expect-error: a verb of the vault
    () => client.rpc('checkout', {}),
    // @ts-expect-error: a number
    () => client.rpc('release_tickets', { p_tier_id: 'x', p_quantity: '2' }),
    () => client.rpc('expire_ticket_holds'),
  ]
  assert.equal(calls.length, 10)
})
