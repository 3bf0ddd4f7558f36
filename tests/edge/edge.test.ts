import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, it } from 'node:test'
import { exportJWK, SignJWT } from 'jose'
import { JWT_SECRET, SECRET_KEY, WEBHOOK_SECRET } from '../api/secrets.ts'
import { openShop } from '../api/shop.ts'
import { addTier } from '../support/box-office.ts'
import { SEED } from '../support/codes.ts'
import { testDatabase } from '../support/database.ts'
import { noDeno, startWorkers, type Workers } from '../support/deno.ts'

const shop = await openShop()
const { db, house, server } = shop

/** What a hosted project gives its functions, and the secrets that its operator adds. */
const HOSTED = {
  SUPABASE_URL: 'https://project.supabase.co',
  SUPABASE_DB_URL: db.url,
  SUPABASE_ANON_KEY: 'the older public key',
  SUPABASE_SERVICE_ROLE_KEY: 'the older secret key',
  SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_of_project"}',
  SUPABASE_SECRET_KEYS: '{"default":"sb_secret_of_project","jobs":"sb_secret_of_jobs"}',
  JWT_SECRET,
  TICKET_SIGNING_KEY: SEED,
  STRIPE_SECRET_KEY: SECRET_KEY,
  STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
  STRIPE_API_URL: `${server.url}/api.stripe.com`,
}

async function hosted(changes: Readonly<Record<string, string>> = {}): Promise<Workers> {
  const workers = await startWorkers({ ...HOSTED, ...changes })
  after(() => workers[Symbol.asyncDispose]())
  return workers
}

const post = async ({ url }: Workers, name: string, headers: Record<string, string>, body: object = {}) => {
  const response = await fetch(`${url}/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('on the edge', { skip: noDeno }, () => {
  it("the project's keys are keys: the older two, and all of the newer ones", async () => {
    const workers = await hosted()
    const daemon = (headers: Record<string, string>) => post(workers, 'ticket-expiry-daemon', headers)
    for (const key of ['the older secret key', 'sb_secret_of_project', 'sb_secret_of_jobs']) {
      assert.equal((await daemon({ apikey: key })).status, 200, key)
    }
    assert.equal((await daemon({ authorization: 'Bearer the older secret key' })).status, 200)
    for (const key of ['the older public key', 'sb_publishable_of_project', 'sb_secret_of_nobody']) {
      assert.equal((await daemon({ apikey: key })).status, 401, key)
    }
  })

  it("a user's token holds that the project's Auth signed with a key of its own, and no stranger's", async () => {
    const [own, strange] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }))
    const kid = 'of-the-project'
    const auth = createServer(async ({ url }, response) => {
      const keys =
        own === undefined ? [] : [{ ...(await exportJWK(own.publicKey)), kid, alg: 'ES256', use: 'sig' }]
      const isKeys = url === '/auth/v1/.well-known/jwks.json'
      response
        .writeHead(isKeys ? 200 : 404, { 'content-type': 'application/json' })
        .end(JSON.stringify({ keys }))
    })
    auth.listen(0, '127.0.0.1')
    await once(auth, 'listening')
    after(() => auth.close())
    const workers = await hosted({ SUPABASE_URL: `http://127.0.0.1:${(auth.address() as AddressInfo).port}` })
    const offer = await db.value<string>(
      `insert into discounts (business_id, title, total_people) values ($1, 'Half price', 5) returning id`,
      [house.businessId],
    )
    for (const [pair, status] of [
      [own, 200],
      [strange, 401],
    ] as const) {
      assert.ok(pair)
      const token = await new SignJWT({ sub: randomUUID(), role: 'authenticated', aud: 'authenticated' })
        .setProtectedHeader({ alg: 'ES256', kid })
        .setExpirationTime('1h')
        .sign(pair.privateKey)
      const headers = { authorization: `Bearer ${token}` }
      const got = await post(workers, 'claim-offer', headers, { discountId: offer, partySize: 1 })
      assert.equal(got.status, status, JSON.stringify(got.body))
    }
  })

  it('links lead to the project where no other address is named', async () => {
    const tier = await addTier(db, house.eventId)
    const items = [{ tierId: tier, quantity: 1 }]
    const order = { eventId: house.eventId, items, customerName: 'Ada', customerEmail: 'ada@example.org' }
    const got = await post(await hosted(), 'create-ticket-checkout', {}, order)
    assert.equal(got.status, 200, JSON.stringify(got.body))
    const links = JSON.stringify(got.body).match(/https?:\/\/[^/"]+/g) ?? []
    assert.ok(links.length > 0)
    assert.deepEqual([...new Set(links)], ['https://project.supabase.co'])
  })

  it('the daemon does what the jobs of a server do: a refund that was not sent goes out', async () => {
    const tier = await addTier(db, house.eventId, { priceCents: 1500 })
    const items = [{ tierId: tier, quantity: 1 }]
    const order = { eventId: house.eventId, items, customerName: 'Ada', customerEmail: 'ada@example.org' }
    const bought = await shop.call('create-ticket-checkout', order, { 'idempotency-key': randomUUID() })
    assert.equal((await shop.pay(String(bought.body['url']))).status, 'complete')
    await shop.delivered()
    const orderId = await db.value<string>(
      'select id from orders where status = $1 order by created_at desc limit 1',
      ['paid'],
    )
    await db.rows(`select ticketing.request_refund(p_order_id => $1, p_ticket_ids => null)`, [orderId])
    const pending = () =>
      db.value<string>('select status from ticketing.refunds where order_id = $1', [orderId])
    assert.equal(await pending(), 'queued')
    await db.rows('update ticketing.refunds set ask_at = now() where order_id = $1', [orderId])
    await post(await hosted(), 'ticket-expiry-daemon', { apikey: 'sb_secret_of_project' })
    assert.ok(['pending', 'succeeded'].includes(await pending()), await pending())
  })

  it('a secret that is missing, or a database that has nothing of ours, is 503; and no connection is left', async () => {
    const bare = await testDatabase(null)
    const connections = () =>
      bare.value<number>(
        `select count(*)::integer from pg_stat_activity where datname = current_database() and application_name = 'admit-once edge'`,
      )
    for (const changes of [
      { TICKET_SIGNING_KEY: '' },
      { JWT_SECRET: '' },
      { STRIPE_WEBHOOK_SECRET: '' },
      {},
    ]) {
      const workers = await hosted({ SUPABASE_DB_URL: bare.url, ...changes })
      for (let times = 0; times < 3; times++) {
        const got = await post(workers, 'health-check', {})
        assert.deepEqual([got.status, got.body['code']], [503, 'DATABASE_UNREACHABLE'])
      }
    }
    // A backend ends a moment after its connection.
    const endMs = performance.now() + 30_000
    while ((await connections()) > 0) assert.ok(performance.now() < endMs, 'connections are left')
  })
})
