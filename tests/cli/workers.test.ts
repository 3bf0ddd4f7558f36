import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import pg from 'pg'
import { openWorkers } from '../../src/cli/workers.ts'
import { readConfig } from '../../src/config.ts'
import { openLog } from '../../src/core/log.ts'
import { findEmbedded } from '../../src/embedded/embedded.ts'
import { testDatabase } from '../support/database.ts'
import { admitOnce, familyOf, goneAll, newHome, nothingLeftOf, startOffice } from './support.ts'

const SALE = `
  with b as (insert into businesses (slug, name) values ('workers', 'Workers') returning id),
    e as (insert into events (business_id, slug, title, start_at, end_at, status)
      select id, 'workers', 'Workers', now() + interval '1 day', now() + interval '2 days', 'published' from b returning id, currency)
  insert into ticket_tiers (event_id, slug, name, price_cents, currency, total_quantity)
    select e.id, t.slug, t.slug, 0, currency, t.total from e, (values ('hot', 40), ('floor', 1000000)) t (slug, total)`

const TOKEN = 'of-the-scraper-alone'
/** As often as it was asked. */
const LIKE_HEALTH = /^admit_once_requests_total\{route="\/functions\/v1\/health-check".*\} 20$/m
const HAPPENS_MS_MAX = 30_000

const database = await testDatabase()

describe('two workers of one server', () => {
  let office: Awaited<ReturnType<typeof startOffice>>
  let url = ''
  const home = newHome()

  before(async () => {
    await database.client.query(SALE)
    office = await startOffice(
      {
        ADMIT_ONCE_HOME: home,
        DATABASE_URL: database.url,
        LOG_LEVEL: 'info',
        METRICS_TOKEN: TOKEN,
        PUBLIC_URL: 'https://tickets.example.org',
        STRIPE_SECRET_KEY: 'stand-in',
        CLIENT_ADDRESS_HEADER: 'x-forwarded-for',
      },
      '--no-demo',
      '--workers',
      '2',
    )
    url = /listens on (http:[^)]+)/.exec(office.output())?.[1] ?? ''
  })
  after(async () => {
    // A test that failed has left it.
    if ((await workersOf(office.pid)).length > 0) office.signal('SIGKILL')
    await nothingLeftOf(home)
  })

  const order = (tier: string, key: string = randomUUID()) =>
    ask(`${url}/functions/v1/create-ticket-checkout`, {
      headers: { apikey: office.anonKey, 'Content-Type': 'application/json', 'Idempotency-Key': key },
      body: JSON.stringify({
        eventId: 'workers',
        items: [{ tierId: tier, quantity: 1 }],
        customerName: 'Ada',
        customerEmail: 'ada@example.org',
      }),
    })
  /** Which worker answered each request of this route so far. */
  const answeredBy = (path: string) =>
    office
      .output()
      .split('\n')
      .flatMap((line) =>
        line.startsWith('{') && line.includes(`"path":"${path}"`) ? [JSON.parse(line)] : [],
      )
      .map(({ worker }) => Number(worker))
  const assertSound = async (orders: Iterable<string>) => {
    const lost = await database.rows(
      'select a.id from unnest($1::uuid[]) a (id) where not exists (select from tickets t where t.order_id = a.id)',
      [[...orders]],
    )
    assert.deepEqual(lost, [], 'acknowledged and not there')
    assert.deepEqual(await database.rows('select law, rows from ticketing.broken_laws()'), [])
  }
  /** Six buyers, until `strike` is over; gives whom it told that an order is theirs, by their keys. */
  const buyWhile = async (strike: (acknowledged: ReadonlyMap<string, string>) => Promise<void>) => {
    const acknowledged = new Map<string, string>()
    let isOver = false
    const buy = async () => {
      for (let key = randomUUID(); !isOver; ) {
        const { orderId } = await order('floor', key)
        if (orderId === undefined) continue
        const known = acknowledged.get(key)
        assert.equal(known ?? orderId, orderId, 'one key, two orders')
        acknowledged.set(key, orderId)
        // Now and then an answer is lost, and the buyer asks again, whichever worker hears it.
        if (known !== undefined || acknowledged.size % 5 !== 0) key = randomUUID()
      }
    }
    const buyers = Array.from({ length: 6 }, buy)
    await strike(acknowledged).finally(() => {
      isOver = true
    })
    await Promise.all(buyers)
    return acknowledged
  }

  it('both answer on one port, and a scrape adds up what both counted', async () => {
    const route = '/functions/v1/health-check'
    await Promise.all(Array.from({ length: 20 }, () => ask(`${url}${route}`, { body: '' })))
    await until(() => answeredBy(route).length === 20)
    assert.deepEqual(new Set(answeredBy(route)), new Set([1, 2]))
    for (let scrape = 0; scrape < 6; scrape++) {
      const text = await metricsOf(url)
      assert.match(text, LIKE_HEALTH)
      // Those of one server, and of the database once.
      for (const line of [
        'admit_once_workers 2',
        'admit_once_database_up 1',
        'admit_once_pool_connections_max{pool="buyers"} 20',
        'admit_once_lane_places{lane="buyers"} 2000',
        'admit_once_tickets{state="free"} 1000040',
        'admit_once_error_share_max{kind="server_error"} 0.001',
      ])
        assert.ok(text.split('\n').includes(line), line)
    }
  })

  it('a rate is that of one server, whichever worker a client meets', async () => {
    const startedMs = performance.now()
    const tries = await Promise.all(
      Array.from({ length: 100 }, () =>
        ask(`${url}/auth/v1/otp`, {
          headers: { 'x-forwarded-for': '203.0.113.7', apikey: office.anonKey },
          body: '{}',
        }),
      ),
    )
    const refilled = Math.ceil((performance.now() - startedMs) / 2_000)
    const letOn = tries.filter(({ status }) => status !== 429).length
    assert.ok(letOn >= 30 && letOn <= 30 + refilled, `${letOn} of 30 and ${refilled}`)
    const answered = await Promise.all(
      Array.from({ length: 10 }, () =>
        ask(`${url}/auth/v1/otp`, {
          headers: { apikey: office.anonKey, 'Content-Type': 'application/json' },
          body: JSON.stringify({ email: 'ada@example.org' }),
        }),
      ),
    )
    assert.equal(answered.filter(({ status }) => status !== 429).length, 1, 'one mail to one address')
    assert.deepEqual(new Set(answeredBy('/auth/v1/otp')), new Set([1, 2]))
  })

  it('200 buyers for 40 tickets at both: 40 are sold, and nobody is told otherwise', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => order('hot')))
    const won = answers.flatMap(({ orderId }) => orderId ?? [])
    const lost = answers.flatMap(({ orderId, code }) => (orderId === undefined ? [code] : []))
    assert.equal(won.length, 40)
    assert.deepEqual(new Set(lost), new Set(['INSUFFICIENT_TICKETS']))
    await assertSound(won)
    assert.deepEqual(new Set(answeredBy('/functions/v1/create-ticket-checkout')), new Set([1, 2]))
  })

  /** With a socket each: so many that each worker has some. */
  const guests: Guest[] = []
  after(async () => {
    await Promise.all(guests.map(({ client }) => client.realtime.disconnect()))
  })

  it('subscribers hear of each other, whichever worker each is with, and once', async () => {
    guests.push(
      ...(await Promise.all(Array.from({ length: 12 }, (_, n) => openGuest(url, office.anonKey, n)))),
    )
    await until(() => guests.every((guest) => presentAt(guest) === 12))
    const [first] = guests
    await first?.channel.send({ type: 'broadcast', event: 'word', payload: { by: 'socket' } })
    const sent = await ask(`${url}/realtime/v1/api/broadcast`, {
      headers: { apikey: office.anonKey, 'Content-Type': 'application/json' },
      body: JSON.stringify({ messages: [{ topic: 'hall', event: 'word', payload: { by: 'http' } }] }),
    })
    assert.equal(sent.status, 202)
    await database.rows(`select realtime.send('{"by":"sql"}'::jsonb, 'word', 'hall', false)`)
    const all = ['http', 'socket', 'sql']
    await until(() => guests.every(({ heard }, n) => heard.length === (n === 0 ? 2 : 3)))
    for (const { heard } of guests.slice(1)) assert.deepEqual(heard.toSorted(), all)
    assert.deepEqual(first?.heard.toSorted(), ['http', 'sql'])
  })

  it('one is killed under load: no order is lost, the other serves, it comes back, and what it counted stays', async () => {
    const [victim, survivor] = await workersOf(office.pid)
    assert.ok(victim !== undefined && survivor !== undefined)
    const acknowledged = await buyWhile(async (orders) => {
      await until(() => orders.size > 20)
      process.kill(victim, 'SIGKILL')
      await office.printed(/"event":"worker_ended".*/)
      const before = orders.size
      await until(() => orders.size > before + 20)
      const said = /"event":"worker_ended","worker":(\d),"pid":(\d+),"ended_with":"SIGKILL"/.exec(
        office.output(),
      )
      assert.equal(said?.[2], String(victim))
      const answeredBefore = answeredBy('/functions/v1/create-ticket-checkout').length
      await until(() =>
        answeredBy('/functions/v1/create-ticket-checkout').slice(answeredBefore).includes(Number(said?.[1])),
      )
    })
    await assertSound(acknowledged.values())
    // Who was there at the one that was killed is gone, and the new one is told who is there.
    const stayed = guests.filter(({ isCut }) => !isCut()).length
    assert.ok(stayed > 0 && stayed < guests.length)
    await until(() => guests.every((guest) => guest.isJoined() && presentAt(guest) === stayed))
    const now = await workersOf(office.pid)
    assert.equal(now.length, 2)
    assert.ok(now.includes(survivor) && !now.includes(victim))
    // Of which the one that was killed had answered some.
    assert.match(await metricsOf(url), LIKE_HEALTH)
  })

  it('SIGTERM under load: it ends in order, and nothing that was answered is lost', async () => {
    const family = await familyOf(office.pid)
    const acknowledged = await buyWhile(async (orders) => {
      await until(() => orders.size > 20)
      // As a service manager does: to every process.
      office.signal('SIGTERM')
      const { code } = await office.ended
      assert.equal(code, 0)
    })
    await goneAll(family)
    await assertSound(acknowledged.values())
    assert.match(office.output(), /stopping: finishing what was accepted/)
    assert.equal(office.output().split('"event":"worker_ended"').length, 2, 'of the one that was killed')
  })
})

test('its own PostgreSQL and stand-in: what is paid at any worker is issued; kill -9 leaves nothing', async () => {
  const home = newHome()
  const office = await startOffice({ ADMIT_ONCE_HOME: home }, '--workers', '3')
  assert.match(office.output(), /workers {6}3 processes\n/)
  const buyers = Array.from({ length: 6 }, async (_, buyer) => {
    const { session_url: pay, order_id } = await ask(`${office.url}/functions/v1/guest-checkout`, {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        event_id: 'summer-night',
        contact_email: `ada-${buyer}@example.org`,
        items: [{ tier_id: 'front-row', quantity: 1 }],
      }),
    })
    const paid = await ask(pay ?? '', {
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({ card: '4242424242424242' }),
    })
    assert.equal(paid.payment_status, 'paid')
    return order_id
  })
  const orders = await Promise.all(buyers)
  const client = new pg.Client({ connectionString: (await findEmbedded(join(home, 'postgres'))) ?? '' })
  await client.connect()
  for (let issued = 0, endMs = performance.now() + HAPPENS_MS_MAX; issued < 6; await delay(50)) {
    assert.ok(performance.now() < endMs, `${issued} tickets for 6 payments`)
    const { rows } = await client.query('select id from tickets where order_id = any($1)', [orders])
    issued = rows.length
  }
  await client.end()
  const family = await familyOf(office.pid)
  office.signal('SIGKILL', 'process')
  await goneAll(family)
  await nothingLeftOf(home)
  assert.equal(await findEmbedded(join(home, 'postgres')), undefined)
})

test('workers that die each time are started again five times in a row, then given up; the last one ends the server', async () => {
  const lines: string[] = []
  const config = readConfig({ PORT: '0', WORKERS: '2' })
  const log = openLog(
    'error',
    () => new Date(),
    (line) => lines.push(line),
  )
  const program = fileURLToPath(new URL('dying-worker.ts', import.meta.url))
  const workers = await openWorkers(config, { databaseUrl: '', log, program, restartAfterMs: 1 })
  assert.match((await workers.lost).message, /^No worker stays up/)
  const timesOf = (event: string, worker: number) =>
    lines.filter((line) => line.includes(`"event":"${event}","worker":${worker},`)).length
  for (const worker of [1, 2]) {
    assert.equal(timesOf('worker_ended', worker), 5)
    assert.equal(timesOf('worker_given_up', worker), 1)
  }
  await workers.stop()
})

test('a number of workers that cannot be is refused, before anything is started', async () => {
  const wrong = ['0', '-1', '1.5', 'x', '17', '1000']
  await Promise.all(
    wrong.map(async (workers) => {
      const ended = await admitOnce(['start', '--port', '0', `--workers=${workers}`])
      assert.deepEqual([ended.code, ended.stdout], [3, ''])
      assert.equal(ended.stderr, 'WORKERS must be a whole number from 1 to 16.\n')
    }),
  )
})

interface Guest {
  readonly client: SupabaseClient
  readonly channel: ReturnType<SupabaseClient['channel']>
  readonly heard: string[]
  isJoined(): boolean
  /** Its socket was closed; the client joins again by itself, and is not present any more. */
  isCut(): boolean
}

async function openGuest(url: string, anonKey: string, n: number): Promise<Guest> {
  const client = createClient(url, anonKey)
  const heard: string[] = []
  let isJoined = false
  let isCut = false
  const channel = client.channel('hall', { config: { presence: { key: `guest-${n}` } } })
  channel.on('broadcast', { event: 'word' }, ({ payload }) => heard.push(payload.by))
  channel.on('presence', { event: 'sync' }, () => {})
  await new Promise<void>((resolve) => {
    channel.subscribe((status) => {
      isJoined = status === 'SUBSCRIBED'
      if (isJoined) resolve()
      else isCut = true
    })
  })
  await channel.track({ n })
  return { client, channel, heard, isJoined: () => isJoined, isCut: () => isCut }
}

function presentAt({ channel }: Guest): number {
  return Object.keys(channel.presenceState()).length
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly orderId?: string
  readonly order_id?: string
  readonly session_url?: string
  readonly payment_status?: string
  readonly code?: string
}

/** A POST on a connection of its own, as strangers come; an answer without a status is none. */
function ask(
  to: string,
  {
    body,
    headers = {},
    method = 'POST',
  }: { body?: string; headers?: Record<string, string>; method?: string },
): Promise<Answer> {
  return new Promise((resolve) => {
    const gone = () => resolve({ status: 0, text: '' })
    const asking = request(to, { method, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', gone)
      response.on('end', () => {
        const parsed = text.startsWith('{') ? JSON.parse(text) : {}
        resolve({ ...parsed, status: response.statusCode ?? 0, text })
      })
    })
    asking.on('error', gone)
    asking.setTimeout(HAPPENS_MS_MAX, () => asking.destroy())
    asking.end(body)
  })
}

async function metricsOf(url: string): Promise<string> {
  const { status, text } = await ask(`${url}/metrics`, {
    method: 'GET',
    headers: { authorization: `Bearer ${TOKEN}` },
  })
  assert.equal(status, 200)
  return text
}

/** The processes that this one started; none where it is gone. */
async function workersOf(pid: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return children.split(' ').filter(Boolean).map(Number)
}

async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + HAPPENS_MS_MAX
  for (; !isSo(); await delay(20)) assert.ok(performance.now() < endMs, `it does not happen: ${isSo}`)
}
