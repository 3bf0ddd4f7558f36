import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { endSession } from '../../src/payments/checkout.ts'
import { addTier, addUnjudgedTier } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
import { freshKey, openShop, type ShopAnswer, SPELLINGS } from './shop.ts'

const shop = await openShop()
const { db, house } = shop
const ABSENT = '00000000-0000-0000-0001-000000000099'

/** What one spelling calls the parts that all answers have. */
interface Words {
  readonly orderId: string
  readonly url: string
  readonly code: string
  readonly soldOut: string
}

const WORDS: Readonly<Record<string, Words>> = {
  'create-ticket-checkout': { orderId: 'orderId', url: 'url', code: 'code', soldOut: 'INSUFFICIENT_TICKETS' },
  'enhanced-checkout': {
    orderId: 'order_id',
    url: 'session_url',
    code: 'error_code',
    soldOut: 'INSUFFICIENT_INVENTORY',
  },
  'create-checkout-session': {
    orderId: 'orderId',
    url: 'url',
    code: 'code',
    soldOut: 'INSUFFICIENT_TICKETS',
  },
  'guest-checkout': {
    orderId: 'order_id',
    url: 'session_url',
    code: 'error_code',
    soldOut: 'INSUFFICIENT_INVENTORY',
  },
}

for (const [name, spell] of Object.entries(SPELLINGS)) {
  const words = WORDS[name] as Words
  const code = ({ status, body }: Pick<ShopAnswer, 'status' | 'body'>) => [status, body[words.code]]
  const buy = (tier: string, quantity: number, headers = {}, event = house.eventId) =>
    shop.call(name, spell(event, tier, quantity), headers)
  const soldOf = (tier: string) =>
    db.value<number>('select sold_quantity from ticket_tiers where id = $1', [tier])
  const heldOf = (tier: string) =>
    db.value<number>('select reserved_quantity from ticket_tiers where id = $1', [tier])

  describe(name, () => {
    it('a page that sends text or a form, as a browser does unasked, is refused; a script sends what it likes', async () => {
      const tier = await addTier(db, house.eventId)
      const origin = { Origin: 'https://elsewhere.example' }
      // No key and no token, with which a browser would ask first.
      const send = async (quantity: number, headers: Record<string, string>) => {
        const body = JSON.stringify(spell(house.eventId, tier, quantity))
        const url = `${shop.server.url}/functions/v1/${name}`
        const response = await fetch(url, { method: 'POST', headers, body })
        return { status: response.status, body: (await response.json()) as ShopAnswer['body'] }
      }
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=a',
      ])
        assert.deepEqual(code(await send(10, { ...origin, 'content-type': type })), [400, 'INVALID_REQUEST'])
      assert.equal(await soldOf(tier), 0)
      assert.equal((await send(1, { ...origin, 'content-type': 'application/json' })).status, 200)
      assert.equal((await send(1, { 'content-type': 'text/plain' })).status, 200)
      const supabaseJs = { ...origin, 'content-type': 'text/plain;charset=UTF-8', apikey: 'any' }
      assert.equal((await send(1, supabaseJs)).status, 200)
    })

    it('issues a free cart at once, and gives the page of the order', async () => {
      const tier = await addTier(db, house.eventId)
      const { status, body } = await buy(tier, 2)
      assert.equal(status, 200)
      assert.match(String(body[words.url]), new RegExp(`/orders/${body[words.orderId]}/[0-9a-f]{32}$`))
      assert.equal(await soldOf(tier), 2)
      if (name === 'create-ticket-checkout') assert.deepEqual([body['success'], body['isFree']], [true, true])
      if (name === 'create-checkout-session') assert.match(String(body['sessionId']), /^free_/)
    })

    it('holds a cart that costs something, and sends to the pay page', async () => {
      const tier = await addTier(db, house.eventId, { priceCents: 2500 })
      const { status, body } = await buy(tier, 2)
      assert.equal(status, 200, JSON.stringify(body))
      assert.match(String(body[words.url]), /checkout\.stripe\.com\/c\/pay\/cs_test_/)
      assert.deepEqual([await heldOf(tier), await soldOf(tier)], [2, 0])
      const total = await db.value<string>('select total_cents from orders where id = $1', [
        body[words.orderId],
      ])
      assert.equal(Number(total), 5000)
    })

    it('refuses more than was shown with 409 and the new total, and sells for less', async () => {
      const tier = await addTier(db, house.eventId, { priceCents: 9900 })
      const shown = spell(house.eventId, tier, 1)
      for (const field of ['expectedTotalCents', 'expected_total_cents']) {
        const got = await shop.call(name, { ...shown, [field]: 2500 })
        assert.deepEqual(code(got), [409, 'PRICE_CHANGED'])
        assert.deepEqual([got.body['total_cents'], got.body['currency']], [9900, 'EUR'])
        const wrong = await shop.call(name, { ...shown, [field]: '9900' })
        assert.deepEqual([wrong.status, wrong.body['field']], [400, field])
      }
      const foreign = { expectedTotalCents: 9900, expected_currency: 'GBP' }
      assert.deepEqual(code(await shop.call(name, { ...shown, ...foreign })), [409, 'PRICE_CHANGED'])
      assert.equal(await heldOf(tier), 0)
      assert.equal((await shop.call(name, { ...shown, expectedTotalCents: 10_000 })).status, 200)
    })

    it('finds event and tier by slug', async () => {
      const slug = `slug-of-${name}`
      const tier = await addTier(db, house.eventId, { slug, priceCents: 1000 })
      assert.equal((await buy(slug, 1, {}, house.eventSlug)).status, 200)
      assert.equal(await heldOf(tier), 1)
    })

    it('says sold out in its own words, with 409', async () => {
      const tier = await addTier(db, house.eventId, { total: 1, priceCents: 1000 })
      const got = await buy(tier, 2)
      assert.deepEqual(code(got), [409, words.soldOut])
      assert.match(String(got.body['error']), new RegExp(`${words.soldOut}.*Not enough tickets`))
      if (words.soldOut === 'INSUFFICIENT_INVENTORY') assert.match(String(got.body['error']), /insufficient/)
      assert.deepEqual([await heldOf(tier), await soldOf(tier)], [0, 0])
    })

    it('answers the same to the same key, and takes the key for no other request', async () => {
      for (const priceCents of [0, 1500]) {
        const tier = await addTier(db, house.eventId, { total: 2, priceCents })
        const key = freshKey()
        const first = await buy(tier, 2, key)
        const again = await buy(tier, 2, key)
        assert.deepEqual([first.status, again.status, again.body], [200, 200, first.body])
        assert.deepEqual(
          [first, again].map(({ headers }) => headers.get('x-idempotent-replay')),
          [null, 'true'],
        )
        assert.deepEqual(code(await buy(tier, 1, key)), [422, 'IDEMPOTENCY_KEY_REUSED'])
        assert.deepEqual(code(await buy(tier, 2, freshKey())), [409, words.soldOut])
      }
    })

    it('never keeps "sold out" under a key', async () => {
      const tier = await addTier(db, house.eventId, { total: 1, priceCents: 1000 })
      const key = freshKey()
      assert.equal((await buy(tier, 2, key)).status, 409)
      await db.rows('update ticket_tiers set total_quantity = 2 where id = $1', [tier])
      assert.equal((await buy(tier, 2, key)).status, 200)
    })

    it('begins anew under a key whose hold has expired, and says so while its payment may still arrive', async () => {
      const tier = await addTier(db, house.eventId, { total: 2, priceCents: 1000 })
      const key = freshKey()
      const first = (await buy(tier, 2, key)).body[words.orderId]
      await db.rows(`update orders set expires_at = now() - interval '1 second' where id = $1`, [first])
      assert.deepEqual(code(await buy(tier, 2, key)), [410, 'HOLD_EXPIRED'])
      const session = await db.value<string>(
        'select session_id from ticketing.checkout_sessions where order_id = $1',
        [first],
      )
      await endSession(shop.server.database, shop.payments, session)
      const again = await buy(tier, 2, key)
      assert.equal(again.status, 200)
      assert.notEqual(again.body[words.orderId], first)
      assert.equal(again.headers.get('x-idempotent-replay'), null)
    })

    const refusals: readonly (readonly [what: string, code: string, status: number, tier: object])[] = [
      ['a tier that is closed', 'TIER_INACTIVE', 409, { status: 'closed' }],
      ['a sale that has not begun', 'SALE_NOT_OPEN', 409, { saleStartAt: '2999-01-01' }],
      ['a sale that is over', 'SALE_NOT_OPEN', 409, { saleEndAt: '2001-01-01' }],
      ['more than an order may have', 'LIMIT_EXCEEDED', 409, { maxPerOrder: 1 }],
      ['a total that nobody can charge', 'AMOUNT_NOT_CHARGEABLE', 400, { priceCents: 10 }],
    ]
    for (const [what, refusal, status, tier] of refusals) {
      it(`refuses ${what} with ${status} ${refusal}`, async () => {
        const add = refusal === 'AMOUNT_NOT_CHARGEABLE' ? addUnjudgedTier : addTier
        const id = await add(db, house.eventId, { priceCents: 1000, ...tier })
        const got = await buy(id, 2)
        assert.deepEqual(code(got), [status, refusal])
        assert.match(String(got.body['error']), new RegExp(`^${refusal}: \\w`))
      })
    }

    it('refuses what is not there, or over', async () => {
      const tier = await addTier(db, house.eventId, { priceCents: 1000 })
      for (const event of [ABSENT, 'no-such-event']) {
        assert.deepEqual(code(await buy(tier, 1, {}, event)), [404, 'EVENT_NOT_FOUND'])
      }
      for (const id of [ABSENT, 'no-such-tier'])
        assert.deepEqual(code(await buy(id, 1)), [404, 'TIER_NOT_FOUND'])
      const [over] = await db.rows<{ id: string }>(
        `insert into events (business_id, slug, title, start_at, end_at, status)
         values ($1, $2, 'Over', now() - interval '2 days', now() - interval '1 day', 'published') returning id`,
        [house.businessId, `over-${name}`],
      )
      const old = await addTier(db, over?.id ?? '', { priceCents: 1000 })
      assert.deepEqual(code(await buy(old, 1, {}, over?.id)), [410, 'EVENT_ENDED'])
    })

    it('refuses what is no cart, and names the field', async () => {
      for (const quantity of [0, -1, 1.5, 1001]) {
        assert.deepEqual(code(await buy(ABSENT, quantity)), [400, 'INVALID_QUANTITY'])
      }
      for (const body of [{}, [], null, '{"a":', '\u0000']) {
        assert.deepEqual(code(await shop.call(name, body)), [400, 'INVALID_REQUEST'])
      }
      const good = spell(ABSENT, 'x', 1)
      for (const field of Object.keys(good).filter((key) => !OPTIONAL.has(key))) {
        const got = await shop.call(name, { ...good, [field]: 7 })
        assert.deepEqual([...code(got), got.body['field']], [400, 'INVALID_REQUEST', field])
        assert.match(String(got.body['error']), new RegExp(field))
      }
      const long = await buy(ABSENT, 1, { 'idempotency-key': 'x'.repeat(256) })
      assert.deepEqual([...code(long), long.body['field']], [400, 'INVALID_REQUEST', 'Idempotency-Key'])
    })

    for (const field of ['sessionId', 'session_id'])
      it(`buys what the session holds that ${field} names`, async () => {
        const tier = await addTier(db, house.eventId, { priceCents: 1000, total: 2 })
        const session = randomUUID()
        await db.rows('select reserve_tickets_batch($1, $2)', [
          JSON.stringify([{ tier_id: tier, quantity: 2 }]),
          session,
        ])
        assert.deepEqual(code(await buy(tier, 2)).slice(0, 1), [409])
        const cart = { ...spell(house.eventId, tier, 2), [field]: session }
        assert.equal((await shop.call(name, cart)).status, 200)
        assert.equal((await shop.call(name, { ...cart, [field]: 7 })).body['field'], field)
      })

    it('speaks its own words for a body that is too large too', async () => {
      assert.deepEqual(code(await shop.call(name, 'x'.repeat(70_000))), [413, 'PAYLOAD_TOO_LARGE'])
    })

    it('tells what the provider refuses (502), and gives the tickets back', async () => {
      const tier = await addTier(db, house.eventId, { priceCents: 1000 })
      const key = freshKey()
      await db.rows(`update events set title = 'Gala'`)
      await breakParameters('{"no_such_parameter": "x"}')
      const refused = await buy(tier, 1, key)
      await breakParameters(null)
      assert.deepEqual(code(refused), [502, 'PAYMENT_REFUSED'])
      assert.equal(await heldOf(tier), 0)
      assert.equal((await buy(tier, 1, key)).status, 200)
    })
  })
}

/** Prices and what else the request says and nobody asks. */
const OPTIONAL = new Set(['totalAmount'])

/** Makes the database store a call that the provider refuses; null: no more. */
async function breakParameters(more: string | null): Promise<void> {
  await db.rows(
    more === null
      ? 'drop trigger if exists break_parameters on ticketing.checkout_sessions'
      : `create or replace function break_parameters() returns trigger language plpgsql as
         $$ begin new.parameters := new.parameters || '${more}'; return new; end $$`,
  )
  if (more === null) return
  await db.rows(`create trigger break_parameters before insert on ticketing.checkout_sessions
    for each row execute function break_parameters()`)
}

describe('all checkouts', () => {
  it('leave the laws whole', () => assertLawful(db))
})
