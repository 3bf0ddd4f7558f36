import assert from 'node:assert/strict'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import pg from 'pg'
import { jwtSecretOf, standInKeyOf, ticketKeyOf, webhookSecretOf } from '../../src/cli/secrets.ts'
import { readConfig } from '../../src/config.ts'
import { findEmbedded } from '../../src/embedded/embedded.ts'
import { testDatabase } from '../support/database.ts'
import { admitOnce, newHome, nothingLeftOf, run, startOffice } from './support.ts'

test('start: open in one command, an order by the printed line, Ctrl-C in the middle of 200 loses nothing, the next start goes on', async (t) => {
  const home = newHome()
  const env = { ADMIT_ONCE_HOME: home }
  const first = await startOffice(env)

  await t.test('it answers health-check, and says what it runs on', () => assertSaysWhatItRunsOn(first))
  await t.test('the printed curl orders two tickets, and the same line again gets the same two', () =>
    assertPrintedOrderWorks(first, home, t),
  )
  await t.test('a second start on the same home is refused with 3 and says who is there', async () => {
    const second = await admitOnce(['start', '--port', '0'], env)
    assert.deepEqual([second.code, second.stdout], [3, ''])
    assert.match(second.stderr, new RegExp(`^${join(home, 'postgres')} is in use by process \\d+\\.`))
  })

  let acknowledged: readonly string[] = []
  await t.test(
    'Ctrl-C in the middle of 200 orders: who was answered has a ticket, and nothing is left running',
    async () => {
      acknowledged = await orderUntil(first, 200, 20, () => {
        first.signal('SIGINT')
        // npm passes on what the terminal sent to all: one Ctrl-C, twice.
        setTimeout(() => first.signal('SIGINT', 'process'), 50)
      })
      const ended = await first.ended
      assert.deepEqual([ended.code, ended.stderr], [0, ''])
      assert.ok(acknowledged.length >= 20)
      await nothingLeftOf(home)
    },
  )

  const second = await startOffice(env)
  await t.test('the next start has the same keys and data, and no second demo event', async () => {
    assert.deepEqual([second.anonKey, second.secretKey], [first.anonKey, first.secretKey])
    assert.equal(await ticketsOf(home, acknowledged), acknowledged.length)
    assert.ok(!second.output().includes('demo event'))
    assert.equal((await admitOnce(['check'], env)).code, 0)
  })

  await t.test(
    'kill -9 in the middle of 200 orders: who was answered has a ticket after the next start',
    async () => {
      const answered = await orderUntil(second, 200, 20, () => second.signal('SIGKILL'))
      assert.equal((await second.ended).code, null)
      await nothingLeftOf(home)
      // No server runs: the command starts the database for itself.
      const check = await admitOnce(['check'], env)
      assert.deepEqual([check.code, check.stderr], [0, ''])
      await nothingLeftOf(home)
      const third = await startOffice(env)
      assert.equal(await ticketsOf(home, answered), answered.length)
      third.signal('SIGTERM', 'process')
      assert.equal((await third.ended).code, 0)
      await nothingLeftOf(home)
    },
  )
})

type Office = Awaited<ReturnType<typeof startOffice>>

async function assertSaysWhatItRunsOn(first: Office): Promise<void> {
  const health = await fetch(`${first.url}/functions/v1/health-check`, { method: 'POST' })
  assert.equal(health.status, 200)
  assert.deepEqual(((await health.json()) as { payments: object }).payments, { mode: 'stand-in' })
  assert.match(first.output(), /payments {5}stand-in of Stripe, no money moves\n/)
  assert.match(first.output(), /STRIPE_WEBHOOK_SECRET=whsec_[\w-]+\n {2}STRIPE_TEST_SK=sk_test_\w+\n/)
  assert.ok(!first.output().includes('Whoever reaches this server'))
  assert.match(first.output(), /\/events\/summer-night$/m)
  assert.match(first.output(), /PostgreSQL 18\.\d+ \(embedded\)/)
  assert.ok(!first.output().includes('\u001b'))
}

async function assertPrintedOrderWorks(first: Office, home: string, t: TestContext): Promise<void> {
  const line = /^ *(curl [\s\S]*?'\{[\s\S]*?\}')$/m.exec(first.output())?.[1] ?? ''
  if ((await run('sh', ['-c', 'command -v curl']).ended).code !== 0) {
    t.diagnostic('curl is not installed: its printed line was not run')
    return
  }
  const order = async () =>
    JSON.parse((await run('sh', ['-c', line.replace('curl', 'curl -sS')]).ended).stdout)
  const { orderId, isFree, success } = await order()
  assert.deepEqual({ isFree, success }, { isFree: true, success: true })
  assert.equal((await order()).orderId, orderId)
  assert.equal(await count(home, 'select count(*)::int from tickets where order_id = $1', [orderId]), 2)
}

test('Ctrl-C in the middle of a paid sale: who paid has a ticket after the next start, once', async () => {
  const home = newHome()
  const env = { ADMIT_ONCE_HOME: home }
  const first = await startOffice(env)
  const paid = await payUntil(first.url, 40, 5, () => first.signal('SIGINT'))
  const ended = await first.ended
  assert.deepEqual([ended.code, ended.stderr], [0, ''])
  assert.ok(paid.length >= 5)
  await nothingLeftOf(home)

  // What the stand-in had not delivered it delivers now.
  const env2 = { ...env, PUBLIC_URL: 'https://tickets.example.org/', STRIPE_SECRET_KEY: 'stand-in' }
  const second = await startOffice(env2)
  assert.match(
    second.output(),
    /URL {10}https:\/\/tickets\.example\.org \(listens on http:\/\/127\.0\.0\.1:\d+\)\n/,
  )
  assert.match(second.output(), /WARNING: Whoever reaches this server gets paid tickets without paying/)
  const end = performance.now() + ISSUED_MS_MAX
  while ((await ticketsOf(home, paid)) < paid.length) {
    assert.ok(performance.now() < end, `${await ticketsOf(home, paid)} tickets for ${paid.length} payments`)
  }
  assert.equal(await ticketsOf(home, paid), paid.length)
  assert.equal((await admitOnce(['check'], env)).code, 0)
  second.signal('SIGTERM', 'process')
  assert.equal((await second.ended).code, 0)
})

const LIVE_KEY = 'sk_live_c2VjcmV0'
const REFUSED: readonly (readonly [Record<string, string>, RegExp])[] = [
  [
    { STRIPE_SECRET_KEY: LIVE_KEY },
    /^STRIPE_SECRET_KEY is a live key: .* Set STRIPE_LIVE=yes if you mean it\.\n$/,
  ],
  [{ STRIPE_SECRET_KEY: LIVE_KEY, STRIPE_LIVE: 'true' }, /^STRIPE_LIVE must be "yes" or left out\.\n$/],
  [
    { STRIPE_SECRET_KEY: LIVE_KEY, STRIPE_LIVE: 'yes', STRIPE_API_URL: 'http://127.0.0.1:1' },
    /^STRIPE_API_URL is set: a live key goes to Stripe alone/,
  ],
  [{ STRIPE_LIVE: 'yes' }, /^STRIPE_LIVE is set, and STRIPE_SECRET_KEY is no key of Stripe\.\n$/],
  [
    { STRIPE_API_URL: 'http://127.0.0.1:1', STRIPE_SECRET_KEY: 'stand-in' },
    /^STRIPE_API_URL is set, and STRIPE_SECRET_KEY is no key/,
  ],
  [{ PUBLIC_URL: 'https://tickets.example.org/shop' }, /^PUBLIC_URL must have no path/],
  [
    { PUBLIC_URL: 'https://tickets.example.org' },
    /^Strangers reach this server, and STRIPE_SECRET_KEY is not set/,
  ],
  [{ HOST: '0.0.0.0' }, /^PUBLIC_URL is needed, as HOST is 0\.0\.0\.0/],
  [{ CLIENT_ADDRESS_HEADER: 'x-forwarded-for' }, /^PUBLIC_URL is needed, as a proxy stands before/],
  [{ ALLOWED_REDIRECTS: 'https://a.example' }, /^PUBLIC_URL is needed, as ALLOWED_REDIRECTS is set/],
  [
    { STRIPE_SECRET_KEY: LIVE_KEY, STRIPE_LIVE: 'yes', STRIPE_WEBHOOK_SECRET: 'whsec_c2VjcmV0' },
    /^PUBLIC_URL is needed, as real money moves/,
  ],
  [{ STRIPE_SECRET_KEY: 'pk_test_1' }, /^STRIPE_SECRET_KEY must be a secret or restricted key of Stripe/],
  [
    { STRIPE_WEBHOOK_SECRET: 'secret' },
    /^STRIPE_WEBHOOK_SECRET must be the webhook endpoint's secret: whsec_…\.\n$/,
  ],
  [
    { STRIPE_WEBHOOK_SECRET: 'whsec_a,' },
    /^STRIPE_WEBHOOK_SECRET must be the webhook endpoint's secret: whsec_…\.\n$/,
  ],
  [
    { ALLOWED_REDIRECTS: 'https://a.example, b.example' },
    /^ALLOWED_REDIRECTS must list origins .*not "b\.example"\.\n$/,
  ],
  [{ TICKET_SIGNING_KEY: 'short' }, /^TICKET_SIGNING_KEY must be 32 random bytes in base64url/],
  [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL must be error, warn or info\.\n$/],
  [{ RATE_LIMIT: '-1' }, /^RATE_LIMIT must be a whole number of requests a second/],
]

test('Stripe itself is used where its key is set: in test mode, or live where it is meant', async () => {
  await Promise.all(
    REFUSED.map(async ([env, words]) => {
      const ended = await admitOnce(['start', '--port', '0'], { ADMIT_ONCE_HOME: newHome(), ...env })
      assert.match(ended.stderr, words)
      assert.ok(!ended.stderr.includes(LIVE_KEY))
      assert.deepEqual([ended.code, ended.stdout], [3, ''])
    }),
  )
  const { url } = await testDatabase(null)
  const env = { ADMIT_ONCE_HOME: newHome(), DATABASE_URL: url, STRIPE_SECRET_KEY: 'sk_test_c2VjcmV0' }
  const without = await admitOnce(['start', '--port', '0'], env)
  assert.match(without.stderr, /^STRIPE_WEBHOOK_SECRET is missing\. Stripe shows it where/)
  const office = await startOffice({ ...env, STRIPE_WEBHOOK_SECRET: 'whsec_c2VjcmV0' })
  assert.match(office.output(), /payments {5}Stripe, test mode, no money moves\n/)
  assert.ok(!office.output().includes('c2VjcmV0'))
  assert.match(office.output(), /keys {9}made of .*shown at a terminal only\n/)
  office.signal('SIGTERM', 'process')
  assert.equal((await office.ended).code, 0)
})

test('a load run never gets a live key, whatever else is set', async () => {
  const env = { STRIPE_SECRET_KEY: 'sk_live_c2VjcmV0', STRIPE_LIVE: 'yes' }
  for (const command of [['prove'], ['fixtures', 'reserve-race'], ['stripe-smoke']]) {
    const ended = await admitOnce(command, env)
    assert.match(ended.stderr, /^STRIPE_SECRET_KEY is a live key: .* never runs with one/)
    assert.deepEqual([ended.code, ended.stdout], [3, ''])
  }
})

test('secrets are made once, by whoever is first, and an empty one that a crash left is made anew', async () => {
  const home = newHome()
  const config = readConfig({ ADMIT_ONCE_HOME: home })
  for (const [secretOf, file] of [
    [jwtSecretOf, 'jwt-secret'],
    [webhookSecretOf, 'stripe-webhook-secret'],
    [ticketKeyOf, 'ticket-key'],
    [standInKeyOf, 'stand-in-key'],
  ] as const) {
    await mkdir(home, { recursive: true })
    await writeFile(join(home, file), '')
    const secrets = await Promise.all(Array.from({ length: 8 }, () => secretOf(config)))
    assert.equal(new Set(secrets).size, 1, file)
    assert.ok((secrets[0]?.length ?? 0) >= 32)
    assert.equal((await stat(join(home, file))).mode & 0o777, 0o600)
  }
  assert.deepEqual((await readdir(home)).sort(), [
    'jwt-secret',
    'stand-in-key',
    'stripe-webhook-secret',
    'ticket-key',
  ])
})

const ISSUED_MS_MAX = 30_000

/** So many buyers at once, who order and pay; gives the orders whose payment the provider acknowledged. */
async function payUntil(
  url: string,
  buyers: number,
  payments: number,
  strike: () => void,
): Promise<readonly string[]> {
  const paid: string[] = []
  const post = async (to: string, body: object) => {
    const headers = { 'Content-Type': 'application/json', Accept: 'application/json' }
    // The server is gone: nothing was promised.
    const answer = await fetch(to, { method: 'POST', headers, body: JSON.stringify(body) }).catch(
      () => undefined,
    )
    return (await answer?.json().catch(() => ({}))) as Record<string, string> | undefined
  }
  await Promise.all(
    Array.from({ length: buyers }, async (_, buyer) => {
      const order = await post(`${url}/functions/v1/guest-checkout`, {
        event_id: 'summer-night',
        contact_email: `ada-${buyer}@example.org`,
        items: [{ tier_id: 'front-row', quantity: 1 }],
      })
      if (order?.['session_url'] === undefined) return
      const pay = await post(order['session_url'], { card: '4242424242424242' })
      if (pay?.['payment_status'] !== 'paid') return
      paid.push(order['order_id'] ?? '')
      if (paid.length === payments) strike()
    }),
  )
  return paid
}

/** So many buyers at once; `strike` comes after the first answers. Gives the orders that were answered with success. */
async function orderUntil(
  { url, anonKey }: { readonly url: string; readonly anonKey: string },
  buyers: number,
  answers: number,
  strike: () => void,
): Promise<readonly string[]> {
  const acknowledged: string[] = []
  await Promise.all(
    Array.from({ length: buyers }, async (_, buyer) => {
      const body = {
        eventId: 'summer-night',
        items: [{ tierId: 'general-admission', quantity: 1 }],
        customerName: 'Ada',
        customerEmail: `ada-${buyer}@example.org`,
      }
      const order = await fetch(`${url}/functions/v1/create-ticket-checkout`, {
        method: 'POST',
        headers: { apikey: anonKey, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      })
        .then(async (response) => (await response.json()) as { success: boolean; orderId: string })
        // The server is gone: nothing was promised.
        .catch(() => undefined)
      if (order?.success !== true) return
      acknowledged.push(order.orderId)
      if (acknowledged.length === answers) strike()
    }),
  )
  return acknowledged
}

function ticketsOf(home: string, orders: readonly string[]): Promise<number> {
  return count(home, 'select count(*)::int from tickets where order_id = any($1)', [orders])
}

async function count(home: string, sql: string, values: unknown[]): Promise<number> {
  const client = new pg.Client({ connectionString: await findEmbedded(join(home, 'postgres')) })
  await client.connect()
  try {
    return (await client.query<{ count: number }>(sql, values)).rows[0]?.count ?? -1
  } finally {
    await client.end()
  }
}
