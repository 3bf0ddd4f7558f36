import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { listen } from '../../src/api/listen.ts'
import { openPool } from '../../src/db/pool.ts'
import { SERVICE } from '../../src/desk/callers.ts'
import { checkout } from '../../src/desk/orders.ts'
import { sampleParameters } from '../../src/payments/smoke.ts'
import { openStandIn } from '../../src/payments/stand-in.ts'
import { noStripeMock, startStripeMock } from '../payments/stripe-mock.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { admitOnce } from './support.ts'

const STRIPE_SECRET_KEY = 'sk_test_stand_in_smoke'

test('stripe-smoke: against the stand-in every step is made and goes as it must', async () => {
  const env = { STRIPE_SECRET_KEY, STRIPE_API_URL: `${await openProvider()}/api.stripe.com` }
  const { code, stdout, stderr } = await admitOnce(['stripe-smoke'], env)
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^✓ opens a checkout session\n/)
  assert.match(stdout, /\n\n9 of 9 steps went as they must\.\n$/)
  assert.ok(!stdout.includes('✗') && !stdout.includes('–'))
})

test('stripe-smoke: against stripe-mock every call is taken, and what needs state is not judged', {
  skip: noStripeMock,
}, async () => {
  const env = { STRIPE_SECRET_KEY: 'sk_test_123', STRIPE_API_URL: await startStripeMock() }
  const { code, stdout } = await admitOnce(['stripe-smoke'], env)
  assert.equal(code, 0)
  assert.match(stdout, /^This is stripe-mock: .*keeps no state/)
  assert.match(stdout, /\n2 of 9 steps went as they must, 7 not judged\.\n$/)
})

test('stripe-smoke: a wrong key, nobody there, and no key at all each say what to do', async () => {
  const url = await openProvider()
  const nobody = `http://127.0.0.1:${await freePort()}`
  const wrong = await admitOnce(['stripe-smoke'], {
    STRIPE_SECRET_KEY: 'sk_test_other',
    STRIPE_API_URL: `${url}/api.stripe.com`,
  })
  assert.equal(wrong.code, 1)
  assert.match(wrong.stdout, /^✗ opens a checkout session: authentication_error.*Correct STRIPE_SECRET_KEY/)
  assert.ok(!wrong.stdout.includes('sk_test'))
  const away = await admitOnce(['stripe-smoke'], { STRIPE_SECRET_KEY, STRIPE_API_URL: nobody })
  assert.equal(away.code, 1)
  assert.match(
    away.stdout,
    /^✗ opens a checkout session: connection_error.*Check the network and STRIPE_API_URL/,
  )
  const none = await admitOnce(['stripe-smoke'])
  assert.deepEqual([none.code, none.stdout], [3, ''])
  assert.match(none.stderr, /^STRIPE_SECRET_KEY is missing\. Take the secret key of test mode/)
})

test('the call that stripe-smoke makes has the shape of those that the database stores', async () => {
  const db = await testDatabase()
  const database = await openPool(db.url, { max: 1, name: 'smoke' })
  const { eventId } = await openBoxOffice(db)
  await db.rows('update events set fee_fixed_cents = 100 where id = $1', [eventId])
  const tier = await addTier(db, eventId, { priceCents: 2_500 })
  const answer = await checkout(database, SERVICE, {
    request: {
      endpoint: 'test',
      event: eventId,
      items: [{ tier, quantity: 2 }],
      customer_email: 'ada@example.org',
      public_url: 'https://example.org',
    },
  })
  await database.close()
  assert.ok(answer.success && answer.payment !== null, JSON.stringify(answer))
  assert.deepEqual(shapeOf(sampleParameters(Date.now())), shapeOf(answer.payment.parameters))
})

/** Names and kinds, without the values. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shapeOf(part)]))
}

async function openProvider(): Promise<string> {
  let url = ''
  const standIn = await openStandIn({
    secretKey: STRIPE_SECRET_KEY,
    webhookSecret: 'whsec_smoke',
    publicUrl: () => url,
  })
  const listening = await listen({ fetch: standIn.fetch })
  url = listening.url
  after(async () => {
    await standIn.close()
    await listening.close()
  })
  return url
}
