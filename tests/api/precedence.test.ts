import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, suite, test } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { freshKey, openShop, type ShopAnswer, SPELLINGS } from './shop.ts'

const shop = await openShop()
const { db, house } = shop
const ABSENT = '00000000-0000-4000-8000-000000000000'

/** What JSON can say where a number from 1 to 1000 belongs; each stands in a body as it is written here. */
const NO_QUANTITIES = [
  '0',
  '-1',
  '1001',
  '1.5',
  '1e20',
  '1e400',
  '2147483648',
  '"2"',
  'null',
  'true',
  '[1]',
  '{}',
]

/** NaN and its kin become null on their way; these stay as they are written. */
function withNumber(body: object, written: string): string {
  return JSON.stringify(body).replaceAll(`${MARK}`, written)
}

const MARK = 424242

const codeOf = ({ status, body }: ShopAnswer) => [
  status,
  body['code'] ?? body['error_code'] ?? String(body['error']).split(':')[0],
]

for (const [name, spell] of Object.entries(SPELLINGS)) {
  suite(`${name} refuses in the order that the verb documents`, () => {
    let tier = ''
    const usedKey = freshKey()
    before(async () => {
      tier = await addTier(db, house.eventId, { priceCents: 0, total: 100 })
      const first = await shop.call(name, spell(house.eventId, tier, 1), usedKey)
      assert.equal(first.status, 200)
    })
    const send = (event: string, of: string, quantity: string, headers = {}) =>
      shop.call(name, withNumber(spell(event, of, MARK), quantity), headers)

    for (const quantity of NO_QUANTITIES) {
      test(`a quantity of ${quantity}`, async () => {
        assert.deepEqual(codeOf(await send(ABSENT, tier, quantity)), [404, 'EVENT_NOT_FOUND'])
        assert.deepEqual(codeOf(await send(house.eventId, tier, quantity)), [400, 'INVALID_QUANTITY'])
        assert.deepEqual(codeOf(await send(house.eventId, ABSENT, quantity)), [400, 'INVALID_QUANTITY'])
        for (const event of [ABSENT, house.eventId]) {
          assert.deepEqual(codeOf(await send(event, tier, quantity, usedKey)), [
            422,
            'IDEMPOTENCY_KEY_REUSED',
          ])
        }
      })
    }

    test('a list that is no cart, of an event that is none', async () => {
      for (const items of ['[]', `[${Array(51).fill(JSON.stringify(lineOf(spell(ABSENT, tier, 1))))}]`]) {
        const body = (event: string) => JSON.stringify(spell(event, tier, 1)).replace(/\[\{.*\}\]/, items)
        assert.deepEqual(codeOf(await shop.call(name, body(ABSENT))), [404, 'EVENT_NOT_FOUND'])
        assert.deepEqual(codeOf(await shop.call(name, body(house.eventId))), [400, 'INVALID_REQUEST'])
      }
    })

    test('a line without a quantity is no request', async () => {
      const body = JSON.stringify(spell(ABSENT, tier, 1))
        .replace(/"quantity":1,?/, '')
        .replace(',}', '}')
      assert.deepEqual(codeOf(await shop.call(name, body)), [400, 'INVALID_REQUEST'])
    })
  })
}

/** The first line of a cart, whatever it is called. */
function lineOf(body: object): unknown {
  return Object.values(body).find(Array.isArray)?.[0]
}

suite('claim-offer refuses in the order that the verb documents', () => {
  let offer = ''
  let ada: Record<string, string> = {}
  const usedKey = freshKey()
  before(async () => {
    offer = await db.value<string>(
      `insert into discounts (business_id, title, total_people) values ($1, 'Offer', 50) returning id`,
      [house.businessId],
    )
    ada = await shop.tokenOf(randomUUID())
    const first = await shop.call('claim-offer', { discountId: offer, partySize: 1 }, { ...ada, ...usedKey })
    assert.equal(first.status, 200)
  })
  const spellings = [
    (discountId: string) => ({ discountId, partySize: MARK }),
    (p_discount_id: string) => ({ p_discount_id, p_party_size: MARK }),
  ]

  for (const size of NO_QUANTITIES) {
    test(`a party of ${size}, before who asks, for what, and under which key`, async () => {
      for (const spell of spellings) {
        const send = (id: string, headers = {}) =>
          shop.call('claim-offer', withNumber(spell(id), size), headers)
        assert.deepEqual(codeOf(await send(offer)), [400, 'INVALID_PARTY_SIZE'])
        assert.deepEqual(codeOf(await send(ABSENT, ada)), [400, 'INVALID_PARTY_SIZE'])
        assert.deepEqual(codeOf(await send(offer, { ...ada, ...usedKey })), [400, 'INVALID_PARTY_SIZE'])
      }
    })
  }

  test('a guest is told so before the offer is looked up, and without an offer there is no key of its business', async () => {
    const send = (headers: object) =>
      shop.call('claim-offer', { discountId: ABSENT, partySize: 2 }, headers as Record<string, string>)
    assert.deepEqual(codeOf(await send({})), [401, 'UNAUTHORIZED'])
    for (const key of [usedKey, {}])
      assert.deepEqual(codeOf(await send({ ...ada, ...key })), [404, 'OFFER_NOT_FOUND'])
  })
})

suite('book-slot refuses in the order that the verb documents', () => {
  let ada: Record<string, string> = {}
  const usedKey = freshKey()
  const booking = () => ({
    businessId: house.businessId,
    date: '2086-01-04',
    time: '19:00',
    partySize: MARK,
    name: 'Ada',
  })
  before(async () => {
    ada = await shop.tokenOf(randomUUID())
    await db.rows(
      `insert into slots (business_id, date, time_from, time_to, capacity, max_party_size)
       values ($1, '2086-01-04', '18:00', '22:00', 9, 9)`,
      [house.businessId],
    )
    const first = await shop.call('book-slot', withNumber(booking(), '2'), { ...ada, ...usedKey })
    assert.equal(first.status, 200)
  })

  for (const size of NO_QUANTITIES) {
    test(`a party of ${size}`, async () => {
      const send = (changes: object, headers = {}) =>
        shop.call('book-slot', withNumber({ ...booking(), ...changes }, size), headers)
      assert.deepEqual(codeOf(await send({})), [401, 'UNAUTHORIZED'])
      assert.deepEqual(codeOf(await send({ name: 'x'.repeat(201) }, ada)), [400, 'INVALID_REQUEST'])
      assert.deepEqual(codeOf(await send({ date: '2999-01-01' }, ada)), [400, 'INVALID_REQUEST'])
      assert.deepEqual(codeOf(await send({}, ada)), [400, 'INVALID_PARTY_SIZE'])
      assert.deepEqual(codeOf(await send({ businessId: ABSENT }, ada)), [400, 'INVALID_PARTY_SIZE'])
      assert.deepEqual(codeOf(await send({}, { ...ada, ...usedKey })), [400, 'INVALID_PARTY_SIZE'])
    })
  }

  test('a guest is told so whatever else is wrong', async () => {
    assert.deepEqual(codeOf(await shop.call('book-slot', { partySize: 0 })), [401, 'UNAUTHORIZED'])
  })
})
