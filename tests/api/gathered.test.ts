import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import process from 'node:process'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { LIMITS } from '../../src/api/admission.ts'
import { mintToken } from '../../src/api/keys.ts'
import { eventually } from '../../src/embedded/processes.ts'
import { assertLawful } from '../support/callers.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { type Answer, ask, JWT_SECRET, type ServeOptions, serve, type TestServer } from './scratch.ts'

const SEED = Number(process.env['SEED'] ?? 20_261_130)
const RUNS = Number(process.env['RUNS'] ?? 250)

/** PostgREST answers the same with this preference, and this server sends the call alone. */
const ALONE = { prefer: 'handling=lenient' }
const ONE = 'reserve_tickets_atomically'
const CART = 'reserve_tickets_batch'

const [EVENT, ELSEWHERE, HOT, FEW, FAR, USER] = Array.from({ length: 6 }, () => randomUUID()) as [
  ...string[],
] as [string, string, string, string, string, string]

interface House {
  readonly db: TestDatabase
  readonly server: TestServer
}

/** A server with the same two businesses and tiers, under the same ids, in a database of its own. */
async function openHouse(app: ServeOptions['app'] = {}): Promise<House> {
  const db = await testDatabase()
  for (const [eventId, tiers] of [
    [EVENT, [HOT, FEW]],
    [ELSEWHERE, [FAR]],
  ] as const) {
    await db.rows(
      `with b as (insert into businesses (slug, name) values ($1::text, 'House') returning id)
       insert into events (id, business_id, slug, title, start_at, end_at, status)
         select $1::uuid, id, $1::text, 'Gala', now() + interval '1 day', now() + interval '2 days', 'published' from b`,
      [eventId],
    )
    for (const id of tiers)
      await db.rows(
        `insert into ticket_tiers (id, event_id, slug, name, price_cents, currency, total_quantity, max_per_order)
         select $1::uuid, e.id, $1::text, 'Floor', 0, e.currency, $3, 10 from events e where e.id = $2`,
        [id, eventId, id === FEW ? 3 : 1_000_000],
      )
  }
  const server = await serve(db.url, { max: 6, app })
  after(() => server[Symbol.asyncDispose]())
  return { db, server }
}

const rpc = ({ server }: House, name: string, body: unknown, headers: Record<string, string> = {}) =>
  ask(server, `/rest/v1/rpc/${name}`, { body, headers })

const signedIn = { authorization: `Bearer ${await mintToken(JWT_SECRET, { sub: USER })}` }

/** Ids by first mention and times left out, so that two houses say the same. */
function plain({ status, text, headers }: Answer): unknown {
  const known = new Map<string, number>([HOT, FEW, FAR, EVENT, USER].map((id, i) => [id, i]))
  const said = text
    .replaceAll(/"expires_at": ?"[^"]+"/g, '"expires_at": "then"')
    .replaceAll(/(session_|guest:|service:)?[\w-]{32,}/g, (id) => {
      known.set(id, known.get(id) ?? known.size)
      return `#${known.get(id)}`
    })
  return { status, said, type: headers.get('content-type'), range: headers.get('content-range') }
}

/** Bodies as people write them: good ones, and what is almost one. */
function bodies(): fc.Arbitrary<readonly [string, string]> {
  const tier = fc.constantFrom(
    HOT,
    HOT,
    FEW,
    FAR,
    HOT.toUpperCase(),
    randomUUID(),
    `{${HOT}}`,
    HOT.slice(1),
    '',
    ' ',
  )
  const odd = fc.constantFrom<unknown>(
    ...[null, 0, -1, 1.5, 1e20, 2 ** 31, -(2 ** 31), '2', ' 2 ', '', true, [], {}, 'x\u0000', '\ud800'],
  )
  const quantity = fc.oneof({ weight: 4, arbitrary: fc.constantFrom<unknown>(1, 2, 3, 11, 1000) }, odd)
  const line = fc.record({ tier_id: tier, quantity }, { requiredKeys: [] })
  const lines = fc.array(line, { maxLength: 3 })
  const one = fc
    .record({ p_tier_id: fc.oneof({ weight: 6, arbitrary: tier }, odd), p_quantity: quantity })
    .map((body) => [ONE, body] as const)
  const cart = fc
    .record(
      {
        p_reservations: fc.oneof({ weight: 8, arbitrary: lines }, odd, fc.jsonValue()),
        p_session_id: fc.oneof(
          fc.constantFrom<unknown>(null, 's1', 'é "\\ \n', 'x'.repeat(201), 'service:x'),
          odd,
        ),
        p_user_id: fc.oneof(fc.constantFrom<unknown>(null, null, USER, randomUUID()), odd),
        p_expires_minutes: fc.oneof(fc.constantFrom<unknown>(1, 15, 60, 61), odd),
      },
      { requiredKeys: ['p_reservations'] },
    )
    .map((body) => [CART, body] as const)
  return fc
    .tuple(fc.oneof(one, cart), fc.constantFrom(...SPELLINGS))
    .map(([[name, body], spell]) => [name, spell(body)])
}

/** JSON that JSON.stringify does not write. */
const SPELLINGS: readonly ((body: object) => string)[] = [
  (body) => JSON.stringify(body),
  (body) => JSON.stringify(body),
  (body) => JSON.stringify(body, null, 2),
  (body) => JSON.stringify(body).replaceAll(/:(\d+)([,}])/g, ':$1.0$2'),
  (body) => JSON.stringify(body).replaceAll(/:(\d+)([,}])/g, ': $1e0$2'),
  (body) => JSON.stringify(body).replace(/^\{("\w+"):/, '{$1:null,$1:'),
  (body) => JSON.stringify(body).replaceAll('-', '\\u002d'),
  (body) => JSON.stringify([body]),
  (body) => `${JSON.stringify(body)} x`,
]

describe('reserving calls that are sent together', () => {
  it('are answered as calls that are sent alone, whatever their bodies say', async () => {
    const [ours, theirs] = [await openHouse(), await openHouse()]
    const callers = fc.constantFrom<Record<string, string>>({}, signedIn, {
      authorization: `Bearer ${ours.server.authenticator.keys.serviceRole}`,
    })
    const said = new Set<string | number>()
    const told = await fc.check(
      fc.asyncProperty(bodies(), callers, async ([name, body], caller) => {
        const together = await rpc(ours, name, body, caller)
        const alone = await rpc(theirs, name, body, { ...caller, ...ALONE })
        assert.deepEqual(plain(together), plain(alone))
        said.add(
          /"(?:INSUFFICIENT_TICKETS|INVALID_QUANTITY)"|"success": true/.exec(together.text)?.[0] ??
            together.status,
        )
      }),
      { numRuns: RUNS, seed: SEED },
    )
    assert.equal(told.failed, false, fc.defaultReportMessage(told) ?? '')
    for (const one of ['"success": true', '"INSUFFICIENT_TICKETS"', '"INVALID_QUANTITY"', 400])
      assert.ok(said.has(one), `no ${one}`)
    for (const { db } of [ours, theirs]) await assertLawful(db)
  })

  it('wait on one connection for a busy tier, and those for others do not wait', async () => {
    const house = await openHouse()
    const ids = Array.from({ length: 40 }, (_, i) => i)
    const held = await whileBusy(house, HOT, async () => {
      const buyers = ids.map(() => rpc(house, ONE, { p_tier_id: HOT, p_quantity: 1 }))
      assert.ok(await eventually(5_000, async () => (await waiting(house)) === 1))
      const alone = rpc(house, ONE, { p_tier_id: HOT, p_quantity: 1 }, ALONE)
      assert.ok(await eventually(5_000, async () => (await waiting(house)) === 2), 'alone waits beside them')
      assert.equal((await rpc(house, ONE, { p_tier_id: FAR, p_quantity: 1 })).json()['success'], true)
      return [...buyers, alone]
    })
    for (const answer of await Promise.all(held)) assert.equal(answer.json()['success'], true, answer.text)
    assert.equal(await house.db.value(`select reserved_quantity from ticket_tiers where id = $1`, [HOT]), 41)
  })

  it('are first come, first served', async () => {
    const house = await openHouse()
    const asked = await whileBusy(house, FEW, async () => {
      const buyers: Promise<Answer>[] = []
      for (let i = 0; i < 8; i++) {
        buyers.push(rpc(house, ONE, { p_tier_id: FEW, p_quantity: 1 }, { 'x-request-id': `${i}` }))
        await arrived(house.server, i + 1)
      }
      return buyers
    })
    const won = (await Promise.all(asked)).map((answer) => answer.json()['success'])
    assert.deepEqual(won, [true, true, true, false, false, false, false, false])
  })

  it('are told to come again where half of the places wait for the same tier; the others are for other tiers', async () => {
    const house = await openHouse({ limits: { places: { ...LIMITS.places, buyers: 8 } } })
    const one = { p_tier_id: HOT, p_quantity: 1 }
    const asked = await whileBusy(house, HOT, async () => {
      const buyers: Promise<Answer>[] = []
      for (let i = 0; i < 4; i++) {
        buyers.push(rpc(house, ONE, one))
        await arrived(house.server, i + 1)
      }
      const refused = await rpc(house, ONE, one)
      assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1'])
      assert.equal((await rpc(house, ONE, { p_tier_id: FAR, p_quantity: 1 })).json()['success'], true)
      return buyers
    })
    for (const answer of await Promise.all(asked)) assert.equal(answer.json()['success'], true, answer.text)
  })

  it('are alone where they name several tiers: one that is sold out says so while another is busy', async () => {
    const house = await openHouse()
    assert.equal((await rpc(house, ONE, { p_tier_id: FEW, p_quantity: 3 })).json()['success'], true)
    await whileBusy(house, HOT, async () => {
      const cart = [
        { tier_id: HOT, quantity: 1 },
        { tier_id: FEW, quantity: 1 },
      ]
      const answer = await rpc(house, CART, { p_reservations: cart })
      assert.match(answer.text, /INSUFFICIENT_TICKETS/)
      assert.equal(await waiting(house), 0)
    })
  })

  it('fail by themselves where one of them makes SQL fail, and the log has its code', async () => {
    const house = await openHouse()
    await house.db.rows(`create function refuse_three() returns trigger language plpgsql as $$
      begin if new.quantity = 3 then raise exception 'three is a crowd' using errcode = 'AO999'; end if; return new; end $$`)
    await house.db.rows(
      'create trigger refuse_three before insert on ticket_holds for each row execute function refuse_three()',
    )
    const asked = await whileBusy(house, HOT, async () =>
      [1, 3, 2, 1].map((quantity) => rpc(house, ONE, { p_tier_id: HOT, p_quantity: quantity })),
    )
    const answers = await Promise.all(asked)
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 400, 200, 200],
    )
    assert.match(answers[1]?.text ?? '', /"code":"AO999","message":"three is a crowd"/)
    const told = house.server.logged
      .map((line) => JSON.parse(line))
      .filter(({ event }) => event === 'batch_refused')
    assert.deepEqual(
      told.map(({ level, verb, sqlstate }) => [level, verb, sqlstate]),
      [['warn', 'reserve', 'AO999']],
    )
    assert.equal(await house.db.value(`select reserved_quantity from ticket_tiers where id = $1`, [HOT]), 4)
  })

  it('are refused as calls alone are, where the role lost its right or the door is another', async () => {
    const house = await openHouse()
    const asks = [
      [ONE, { p_tier_id: HOT, p_quantity: 1 }],
      [CART, { p_reservations: [{ tier_id: HOT, quantity: 1 }] }],
    ] as const
    const answers = async (headers = {}) =>
      Promise.all(asks.map(async ([name, body]) => plain(await rpc(house, name, body, headers))))
    await house.db.rows(`revoke execute on function public.${ONE}, public.${CART} from anon, public`)
    assert.deepEqual(await answers(), await answers(ALONE))
    assert.deepEqual((await rpc(house, ...asks[0])).status, 401)
    await house.db.rows(`grant execute on function public.${ONE}, public.${CART} to anon`)
    await house.db.rows(`create or replace function public.${ONE}(p_tier_id uuid, p_quantity integer) returns jsonb
      language sql as $$ select '{"success": false, "error": "TIER_INACTIVE", "message": "Closed by us.", "available": 7}'::jsonb $$`)
    assert.equal((await rpc(house, ...asks[0])).json()['available'], 7)
    assert.equal(await house.db.value(`select reserved_quantity from ticket_tiers where id = $1`, [HOT]), 0)
  })
})

/** While `work` runs somebody else has the tier's lock; what it began goes on afterwards. */
async function whileBusy<Result>(
  { db }: House,
  tierId: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const holder = await db.connect()
  await holder.query('begin')
  await holder.query('select from ticket_tiers where id = $1 for update', [tierId])
  try {
    return await work()
  } finally {
    await holder.query('rollback')
  }
}

const waiting = ({ db }: House) =>
  db.value<number>(`select count(*)::int from pg_stat_activity
    where application_name = 'api-test' and wait_event_type = 'Lock' and datname = current_database()`)

/** So many requests are in work. */
async function arrived({ url, authenticator }: TestServer, count: number): Promise<void> {
  const isThere = async () => {
    const response = await fetch(`${url}/metrics`, {
      headers: { authorization: `Bearer ${authenticator.keys.serviceRole}` },
    })
    const taken = /^admit_once_lane_places_taken\{lane="buyers"\} (\d+)$/m.exec(await response.text())
    return Number(taken?.[1]) === count
  }
  assert.ok(await eventually(5_000, isThere))
}
