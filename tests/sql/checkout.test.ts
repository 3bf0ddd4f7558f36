import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier, addUnjudgedTier, openBoxOffice } from '../support/box-office.ts'
import { ANON, type Caller, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

interface Answer {
  readonly success: boolean
  readonly error_code?: string
  readonly order_id?: string
  readonly replayed?: boolean
  readonly tickets?: readonly { id: string; tier_id: string; qr_code: string }[]
}

const db = await lawfulDatabase()
const { eventId, eventSlug } = await openBoxOffice(db)
const other = await openBoxOffice(db)
const ADA = randomUUID()
const tier = {
  free: await addTier(db, eventId, { total: 1000, slug: 'free' }),
  paid: await addTier(db, eventId, { priceCents: 100_000, total: 1000 }),
  cheap: await addUnjudgedTier(db, eventId, { priceCents: 49, total: 1000 }),
  personal: await addTier(db, eventId, { maxPerPerson: 2, total: 1000 }),
  none: await addTier(db, eventId, { total: 0 }),
  limited: await addTier(db, eventId, { maxPerOrder: 1 }),
  paused: await addTier(db, eventId, { status: 'paused' }),
  early: await addTier(db, eventId, { saleStartAt: '2999-01-01' }),
  elsewhere: await addTier(db, other.eventId, { slug: 'elsewhere' }),
}

const request = (items: unknown, more: object = {}) => ({
  event: eventId,
  items,
  customer_name: 'Ada Buyer',
  customer_email: 'ada@example.org',
  ...more,
})
const one = (name: unknown, quantity: unknown = 1) => [{ tier: name, quantity }]
const checkout = (body: unknown, caller: Caller = SERVICE) =>
  valueAs<Answer>(db.client, caller, 'select ticketing.checkout($1)', [
    body === null ? null : JSON.stringify(body),
  ])
const written = () =>
  db.rows(`select (select count(*) from orders) as orders, (select count(*) from tickets) as tickets,
    (select count(*) from ticket_holds) as holds, (select count(*) from idempotency_keys) as keys`)

describe('checkout', () => {
  const refusals: readonly [string, unknown, string][] = [
    ['null', null, 'INVALID_REQUEST'],
    ['json null', 'null', 'INVALID_REQUEST'],
    ['a list', [], 'INVALID_REQUEST'],
    ['a number', 5, 'INVALID_REQUEST'],
    ['an empty name', request(one('free'), { customer_name: '' }), 'INVALID_REQUEST'],
    ['a name of 201 characters', request(one('free'), { customer_name: 'n'.repeat(201) }), 'INVALID_REQUEST'],
    ['a link that is none', request(one('free'), { success_url: 'javascript:alert(1)' }), 'INVALID_REQUEST'],
    ['a way back that is none', request(one('free'), { cancel_url: 'ftp://x' }), 'INVALID_REQUEST'],
    ['an e-mail without @', request(one('free'), { customer_email: 'ada' }), 'INVALID_REQUEST'],
    ['an e-mail with a blank', request(one('free'), { customer_email: 'a da@x' }), 'INVALID_REQUEST'],
    ['an empty key', request(one('free'), { idempotency_key: '' }), 'INVALID_REQUEST'],
    [
      'a key of 256 characters',
      request(one('free'), { idempotency_key: 'k'.repeat(256) }),
      'INVALID_REQUEST',
    ],
    ['no event', request(one('free'), { event: null }), 'EVENT_NOT_FOUND'],
    ['an unknown event', request(one('free'), { event: randomUUID() }), 'EVENT_NOT_FOUND'],
    ['an unknown slug', request(one('free'), { event: 'no-such-gala' }), 'EVENT_NOT_FOUND'],
    ['no event before no items', request(null, { event: null }), 'EVENT_NOT_FOUND'],
    ['no items', request(null), 'INVALID_REQUEST'],
    ['an empty list', request([]), 'INVALID_REQUEST'],
    ['items that are an object', request({}), 'INVALID_REQUEST'],
    ['items that are numbers', request([1]), 'INVALID_REQUEST'],
    ['51 items', request(Array.from({ length: 51 }, () => one('free')[0])), 'INVALID_REQUEST'],
    ['an item without a tier', request(one(null)), 'INVALID_REQUEST'],
    ['no quantity', request([{ tier: 'free' }]), 'INVALID_QUANTITY'],
    ['a quantity of 0', request(one('free', 0)), 'INVALID_QUANTITY'],
    ['a negative quantity', request(one('free', -1)), 'INVALID_QUANTITY'],
    ['a fraction', request(one('free', 0.5)), 'INVALID_QUANTITY'],
    ['a quantity in quotes', request(one('free', '1')), 'INVALID_QUANTITY'],
    ['a huge quantity', request(one('free', 1e20)), 'INVALID_QUANTITY'],
    ['a bad quantity of an unknown tier', request(one('no-such', 0)), 'INVALID_QUANTITY'],
    ['an unknown tier', request(one(randomUUID())), 'TIER_NOT_FOUND'],
    ['an unknown slug of a tier', request(one('no-such')), 'TIER_NOT_FOUND'],
    ['a tier that is an object', request(one({ id: 1 })), 'TIER_NOT_FOUND'],
    ["another event's tier", request(one(tier.elsewhere)), 'TIER_NOT_FOUND'],
    ["another event's slug", request(one('elsewhere')), 'TIER_NOT_FOUND'],
    ['less than the provider takes', request(one(tier.cheap)), 'AMOUNT_NOT_CHARGEABLE'],
    [
      'less than the provider takes, sold out besides',
      request([...one(tier.cheap), ...one(tier.none)]),
      'AMOUNT_NOT_CHARGEABLE',
    ],
    ['more than the provider takes', request(one(tier.paid, 1000)), 'AMOUNT_NOT_CHARGEABLE'],
    [
      'a tier for persons without one',
      request(one(tier.personal), { customer_email: null }),
      'PERSON_REQUIRED',
    ],
    ['more than a person may have', request(one(tier.personal, 3)), 'LIMIT_EXCEEDED'],
    ['a paused tier', request(one(tier.paused)), 'TIER_INACTIVE'],
    ['a sale to come', request(one(tier.early)), 'SALE_NOT_OPEN'],
    ['more than one order may have', request(one(tier.limited, 2)), 'LIMIT_EXCEEDED'],
    [
      'the same tier twice, together too many',
      request([...one(tier.limited), ...one(tier.limited)]),
      'LIMIT_EXCEEDED',
    ],
    ['a tier that is sold out', request(one(tier.none)), 'INSUFFICIENT_TICKETS'],
    [
      'a cart of which one tier is sold out',
      request([...one('free'), ...one(tier.none)]),
      'INSUFFICIENT_TICKETS',
    ],
  ]
  for (const [what, body, code] of refusals) {
    it(`refuses ${what} with ${code}, under a key too, and writes nothing`, async () => {
      const before = await written()
      assert.equal((await checkout(body)).error_code, code)
      if (typeof body === 'object' && body !== null && !('idempotency_key' in body) && !Array.isArray(body))
        assert.equal((await checkout({ ...body, idempotency_key: what })).error_code, code)
      assert.deepEqual(await written(), before)
    })
  }

  it('issues a free cart at once, by id or slug, and leaves no hold behind', async () => {
    const answer = await checkout(request([...one('free', 2), ...one(tier.limited)], { event: eventSlug }))
    assert.equal(answer.success, true)
    assert.equal(answer.tickets?.length, 3)
    assert.equal(new Set(answer.tickets.map((ticket) => ticket.qr_code)).size, 3)
    assert.deepEqual(
      await db.rows(`select distinct status from ticket_holds where order_id = $1`, [answer.order_id]),
      [{ status: 'converted' }],
    )
  })

  it('repeats under a key what the first call won, and refuses another request under it', async () => {
    const body = request(one('free'), { idempotency_key: 'k1', fingerprint: 'f' })
    const first = await checkout(body)
    assert.deepEqual(await checkout(body), { ...first, replayed: true })
    assert.equal((await checkout({ ...body, fingerprint: 'g' })).error_code, 'IDEMPOTENCY_KEY_REUSED')
    assert.equal((await checkout({ ...body, items: null, event: null })).replayed, true)
  })

  it('takes the whole request for its fingerprint where none is given', async () => {
    const body = request(one('free'), { idempotency_key: 'k2' })
    const first = await checkout(body)
    assert.deepEqual(await checkout(body), { ...first, replayed: true })
    const more = request(one('free', 2), { idempotency_key: 'k2' })
    assert.equal((await checkout(more)).error_code, 'IDEMPOTENCY_KEY_REUSED')
  })

  it('keeps no refusal under a key', async () => {
    const tierId = await addTier(db, eventId, { total: 0 })
    const body = request(one(tierId), { idempotency_key: 'k3' })
    assert.equal((await checkout(body)).error_code, 'INSUFFICIENT_TICKETS')
    await db.rows('update ticket_tiers set total_quantity = 1 where id = $1', [tierId])
    assert.equal((await checkout(body)).replayed, false)
    assert.equal((await checkout(body)).replayed, true)
  })

  it('keeps the keys of users, guests and the service apart', async () => {
    const body = request(one('free'), { idempotency_key: 'k4' })
    const orders = []
    for (const caller of [ANON, signedIn(ADA), signedIn(randomUUID()), SERVICE])
      orders.push((await checkout(body, caller)).order_id)
    assert.equal(new Set(orders).size, 4)
    assert.equal(await db.value('select user_id from orders where id = $1', [orders[1]]), ADA)
  })
})
