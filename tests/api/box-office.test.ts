import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'
import { type Ask, ask, serve } from './scratch.ts'

const db = await testDatabase()
const house = await openBoxOffice(db)
const server = await serve(db.url, { max: 2 })
after(() => server[Symbol.asyncDispose]())

describe('the installed box office over HTTP', () => {
  const rpc = (name: string, body: unknown) => ask(server, `/rest/v1/rpc/${name}`, { body })
  const checkout = (tierId: string, quantity: number, headers: Ask['headers'] = {}) =>
    ask(server, '/functions/v1/create-ticket-checkout', {
      headers,
      body: {
        eventId: house.eventSlug,
        items: [{ tierId, quantity }],
        customerName: 'Ada',
        customerEmail: 'ada@example.org',
      },
    })

  it('holds a ticket by RPC, and gives it back without a body', async () => {
    const tier = await addTier(db, house.eventId)
    const held = await rpc('reserve_tickets_atomically', { p_tier_id: tier, p_quantity: 2 })
    assert.deepEqual([held.status, held.json().success], [200, true])
    const released = await rpc('release_tickets', { p_tier_id: tier, p_quantity: 1 })
    assert.deepEqual([released.status, released.text], [204, ''])
  })

  it('orders free tickets by slug, once under one key, and says when they are gone', async () => {
    const tier = await addTier(db, house.eventId, { total: 2, slug: 'general-admission' })
    const key = { 'idempotency-key': 'one' }
    const first = await checkout('general-admission', 2, key)
    const again = await checkout('general-admission', 2, key)
    assert.deepEqual([first.status, again.status, again.text], [200, 200, first.text])
    assert.equal(again.headers.get('x-idempotent-replay'), 'true')
    const other = await checkout('general-admission', 1, key)
    assert.deepEqual([other.status, other.json().code], [422, 'IDEMPOTENCY_KEY_REUSED'])
    const gone = await checkout('general-admission', 1)
    assert.deepEqual([gone.status, gone.json().code], [409, 'INSUFFICIENT_TICKETS'])
    assert.equal(await db.value<number>('select sold_quantity from ticket_tiers where id = $1', [tier]), 2)
  })

  it('is healthy, and names a protection that was taken away', async () => {
    // An answer is kept for a second: another server asks anew.
    const healthNow = async () => {
      await using other = await serve(db.url)
      return await ask(other, '/functions/v1/health-check')
    }
    assert.equal((await healthNow()).status, 200)
    const [trigger] = await db.rows<{ name: string }>(
      `select tgname as name from pg_trigger where tgrelid = 'tickets'::regclass and not tgisinternal order by 1 limit 1`,
    )
    await db.rows(`alter table tickets disable trigger ${trigger?.name}`)
    const missing = await healthNow()
    assert.deepEqual([missing.status, missing.json().code], [503, 'PROTECTION_MISSING'])
    assert.ok(missing.text.includes(trigger?.name ?? '?'))
    await db.rows(`alter table tickets enable trigger ${trigger?.name}`)
  })

  it('answers bad arguments to every verb by a coded refusal, never by a fault', async () => {
    const verbs = await db.rows<Verb>(VERBS)
    assert.ok(verbs.length > 10)
    for (const { name, parameters } of verbs) {
      for (const value of BAD_VALUES) {
        const body = `{${parameters.map((parameter) => `${JSON.stringify(parameter)}:${value}`).join(',')}}`
        for (const apikey of [server.authenticator.keys.anon, server.authenticator.keys.serviceRole]) {
          const got = await ask(server, `/rest/v1/rpc/${name}`, { body, headers: { apikey } })
          assert.ok(got.status < 500, `${name} ${body}: ${got.status} ${got.text}`)
          if (got.status >= 300) assert.match(String(got.json().code), /^\w{5,8}$/)
        }
      }
    }
    assert.deepEqual(
      server.logged.filter((line) => 'error' in JSON.parse(line)),
      [],
    )
  })
})

interface Verb {
  readonly name: string
  readonly parameters: readonly string[]
}

/** Every parameter of a verb gets the same JSON value. */
const BAD_VALUES = [
  'null',
  '0',
  '-1',
  '1.5',
  '99999999999',
  '1e400',
  '""',
  '"x"',
  '"\\u0000"',
  '"00000000-0000-0000-0000-000000000000"',
  '[]',
  '{}',
  '[null]',
  '[{}]',
  '[{"tier_id":"x","quantity":"y"}]',
  '[[1]]',
  'true',
  '"infinity"',
  '"1-1-1"',
]

const VERBS = `
  select p.proname as name, coalesce(array_agg(a.name::text order by a.place) filter (where a.name is not null), '{}') as parameters
  from pg_proc p
  left join lateral unnest(p.proargnames, coalesce(p.proargmodes, array_fill('i'::"char", array[cardinality(p.proargnames)])))
    with ordinality as a(name, mode, place) on a.mode = 'i'
  where p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype
  group by p.oid, p.proname order by 1`
