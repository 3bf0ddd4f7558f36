import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { scopeOf } from '../../src/api/code-signer.ts'
import { assertLawful } from '../support/callers.ts'
import { CODES } from '../support/codes.ts'
import { ask } from './scratch.ts'
import { openShop } from './shop.ts'

const shop = await openShop()
const { db, house, server } = shop
const DATE = '2086-01-04'

interface Body {
  readonly qr?: string
  readonly success?: boolean
  readonly error?: string
  readonly code?: string
  readonly remaining?: number
  readonly reservation_id?: string
  readonly claimId?: string
  readonly status?: string
}

type Who = Record<string, string>

async function rpc(verb: string, body: object, headers: Who = {}): Promise<{ status: number; body: Body }> {
  const got = await ask(server, `/rest/v1/rpc/${verb}`, { body, headers })
  return { status: got.status, body: got.text === '' ? {} : (JSON.parse(got.text) as Body) }
}

const guests = (count: number) => Promise.all(Array.from({ length: count }, () => shop.tokenOf(randomUUID())))

describe('an offer over HTTP', () => {
  const offer = (total: number, once = true) =>
    db.value<string>(
      `insert into discounts (business_id, title, total_people, one_claim_per_person) values ($1, 'Offer', $2, $3) returning id`,
      [house.businessId, total, once],
    )
  const claim = async (discountId: string, partySize: number, who: Who) => {
    const { status, body, headers } = await shop.call('claim-offer', { discountId, partySize }, who)
    return { status, body: body as Body, replay: headers.get('x-idempotent-replay') }
  }

  it('is claimed once under a key, and a retry has the same code', async () => {
    const id = await offer(5, false)
    const ada = { ...(await shop.tokenOf(randomUUID())), 'idempotency-key': randomUUID() }
    const first = await claim(id, 2, ada)
    const again = await claim(id, 2, ada)
    assert.deepEqual([first.status, first.replay, again.status, again.replay], [200, null, 200, 'true'])
    assert.deepEqual(again.body, first.body)
    assert.equal(first.body.remaining, 3)
    const other = await claim(id, 1, ada)
    assert.deepEqual([other.status, other.body.code], [422, 'IDEMPOTENCY_KEY_REUSED'])
    await rpc('cancel_claim', { p_claim_id: first.body.claimId }, ada)
    assert.equal((await claim(id, 2, ada)).body.status, 'released')
    const bad = await claim(id, 2, { ...ada, 'idempotency-key': 'k'.repeat(256) })
    assert.deepEqual([bad.status, bad.body.code], [400, 'INVALID_REQUEST'])
  })

  it('names the field that is wrong as it was sent', async () => {
    const ada = await shop.tokenOf(randomUUID())
    for (const [sent, field] of [
      [{ discountId: 'x', partySize: 1 }, 'discountId'],
      [{ discountId: randomUUID() }, 'partySize'],
      [{}, 'discountId'],
      [{ p_discount_id: 'x', p_party_size: 1 }, 'p_discount_id'],
      [{ p_discount_id: randomUUID() }, 'p_party_size'],
      [[], ''],
    ] as const) {
      const { status, body } = await shop.call('claim-offer', sent, ada)
      assert.deepEqual([status, body['field']], [400, field])
    }
  })

  it('is claimed once a person: 409 ALREADY_CLAIMED, with what remains and the code that the person has', async () => {
    const id = await offer(5)
    const ada = await shop.tokenOf(randomUUID())
    const first = await claim(id, 2, ada)
    assert.equal(first.status, 200)
    const { status, body } = await claim(id, 1, ada)
    const { error, ...refusal } = body
    assert.match(error ?? '', /^ALREADY_CLAIMED: /)
    assert.equal(status, 409)
    // The refusal's own code has the field's name; the claim's is beside it.
    const { code, qr, ...had } = first.body
    assert.deepEqual(refusal, {
      ...had,
      success: false,
      code: 'ALREADY_CLAIMED',
      claimCode: code,
      claimQr: qr,
    })
  })

  it('is given back by RPC with 204, never above the total', async () => {
    const id = await offer(5, false)
    const [ada = {}, ben = {}] = await guests(2)
    await claim(id, 4, ada)
    const back = (who: Who, people: number) =>
      rpc('release_offer_spots', { p_discount_id: id, p_party_size: people }, who)
    assert.equal((await back(ben, 4)).status, 204)
    assert.equal((await claim(id, 2, ben)).status, 409)
    for (let n = 0; n < 3; n++) assert.equal((await back(ada, 3)).status, 204)
    assert.equal(await db.value('select people_remaining from discounts where id = $1', [id]), 5)
  })

  it('of ten guests at once as many have it as there are places', async () => {
    const id = await offer(6)
    const answers = await Promise.all((await guests(10)).map((who) => claim(id, 2, who)))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [
      ...Array(3).fill(200),
      ...Array(7).fill(409),
    ])
    await assertLawful(db)
  })
})

describe('a table over HTTP', () => {
  const slot = (capacity: number) =>
    db.value<string>(
      `with b as (insert into businesses (slug, name) values ('t-' || left(gen_random_uuid()::text, 8), 'T') returning id)
       insert into slots (business_id, date, time_from, time_to, capacity, max_party_size)
       select id, $1, '22:00', '01:00', $2, 6 from b returning business_id`,
      [DATE, capacity],
    )
  const book = (p_business_id: string, who: Who, p_party_size = 2, p_slot_time = '00:30') =>
    rpc(
      'book_slot_atomically',
      { p_business_id, p_date: DATE, p_slot_time, p_party_size, p_reservation_name: 'Ada' },
      who,
    )
  const cancel = (p_reservation_id: string | undefined, who: Who) =>
    rpc('cancel_reservation', { p_reservation_id }, who)

  it('of ten parties at once as many sit as there are covers', async () => {
    const at = await slot(6)
    const answers = await Promise.all((await guests(10)).map((who) => book(at, who)))
    const codes = answers.map(({ body }) => body.error ?? 'success').sort()
    assert.deepEqual(codes, [...Array(7).fill('SLOT_FULL'), ...Array(3).fill('success')])
    await assertLawful(db)
  })

  it('is booked by the function too, which signs the code that the gate of the house reads', async () => {
    const at = await slot(6)
    const [ada = {}] = await guests(1)
    const asked = { businessId: at, date: DATE, time: '00:30', partySize: 2, name: 'Ada', phone: null }
    const answer = await shop.call('book-slot', asked, ada)
    const { success, code = '', startsAt, confirmationCode } = answer.body as Record<string, string>
    assert.deepEqual([answer.status, success, startsAt], [200, true, '2086-01-05T00:30:00+00:00'])
    assert.match(confirmationCode ?? '', /^[0-9A-F]{10}$/)
    const keyed = { ...ada, 'idempotency-key': randomUUID() }
    const wanted = { ...asked, partySize: 1 }
    const first = await shop.call('book-slot', wanted, keyed)
    const again = await shop.call('book-slot', wanted, keyed)
    assert.deepEqual([again.status, again.headers.get('x-idempotent-replay')], [200, 'true'])
    assert.deepEqual(again.body, first.body)
    const other = await shop.call('book-slot', { ...wanted, name: 'Eve' }, keyed)
    assert.deepEqual([other.status, other.body['code']], [422, 'IDEMPOTENCY_KEY_REUSED'])
    const reading = CODES.read(code)
    assert.deepEqual(reading.ok && [reading.kind, reading.scope], ['booking', scopeOf(at)])
    const refusals: readonly [number, string, object, Who][] = [
      [401, 'UNAUTHORIZED', {}, {}],
      [400, 'INVALID_REQUEST', { date: '2086-02-30' }, ada],
      [400, 'INVALID_REQUEST', { time: '25:00' }, ada],
      [400, 'INVALID_REQUEST', { name: '' }, ada],
      [400, 'INVALID_PARTY_SIZE', { partySize: 1.5 }, ada],
      [404, 'NO_SLOTS', { date: '2086-01-06' }, ada],
      [409, 'TIME_NOT_IN_SLOT', { time: '19:00' }, ada],
      [409, 'PARTY_TOO_LARGE', { partySize: 7 }, ada],
      [409, 'SLOT_FULL', { partySize: 4 }, ada],
    ]
    for (const [status, code, changes, who] of refusals) {
      const refused = await shop.call('book-slot', { ...asked, ...changes }, who)
      assert.deepEqual([refused.status, (refused.body as Body).code], [status, code])
    }
  })

  it('is given back by its guest and by no other, and the next party has it', async () => {
    const at = await slot(2)
    const [ada = {}, ben = {}] = await guests(2)
    const { reservation_id: id } = (await book(at, ada)).body
    assert.equal((await book(at, ben)).body.error, 'SLOT_FULL')
    assert.equal((await cancel(id, ben)).body.error, 'RESERVATION_NOT_FOUND')
    assert.equal((await cancel(id, {})).body.error, 'UNAUTHORIZED')
    assert.equal((await cancel(id, ada)).body.success, true)
    assert.equal((await book(at, ben)).body.success, true)
  })

  it('is refused in words where the request is none', async () => {
    const at = await slot(2)
    const [ada = {}] = await guests(1)
    const cases: readonly [number, string, Who, string][] = [
      [2, '00:30', {}, 'UNAUTHORIZED'],
      [2, '25:00', ada, 'INVALID_REQUEST'],
      [0, '00:30', ada, 'INVALID_PARTY_SIZE'],
      [7, '00:30', ada, 'PARTY_TOO_LARGE'],
      [2, '19:00', ada, 'TIME_NOT_IN_SLOT'],
      [3, '00:30', ada, 'SLOT_FULL'],
    ]
    for (const [party, time, who, code] of cases) {
      const { status, body } = await book(at, who, party, time)
      assert.deepEqual([status, body.error], [200, code])
    }
  })
})
