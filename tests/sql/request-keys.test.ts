import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { type Caller, refusalOf, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly error_code?: string
  readonly replayed?: boolean
  readonly status?: string
  readonly remaining?: number
  readonly claim_id?: string
  readonly reservation_id?: string
  readonly qr_token?: string
}

const FRIDAY = '2086-01-04'
const ada = signedIn(randomUUID())
const ben = signedIn(randomUUID())
const db = await lawfulDatabase()
const { businessId, eventId } = await openBoxOffice(db)

const offer = (total: number | null, once = false, at = db, house = businessId) =>
  at.value<string>(
    `insert into discounts (business_id, title, total_people, one_claim_per_person) values ($1, 'Offer', $2, $3) returning id`,
    [house, total, once],
  )
const slot = (capacity: number, at = db, house?: string) =>
  at.value<string>(
    `with n as (insert into businesses (slug, name) select 'k-' || left(gen_random_uuid()::text, 8), 'K' where $2::uuid is null returning id),
       b as (select coalesce($2::uuid, (select id from n)) as id)
     insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
       select id, 5, '19:00', '22:00', $1, 10 from b returning business_id`,
    [capacity, house],
  )

type Ask = (key: string | null, people: number, caller?: Caller, client?: pg.Client) => Promise<Answer>

const claimOf =
  (offerId: string): Ask =>
  (key, people, caller = ada, client = db.client) =>
    valueAs(client, caller, 'select ticketing.claim_offer_spots_atomically($1, $2, $3)', [
      offerId,
      people,
      key,
    ])
const bookingAt =
  (house: string, name = 'Ada'): Ask =>
  (key, people, caller = ada, client = db.client) =>
    valueAs(
      client,
      caller,
      `select ticketing.book_slot_atomically($1, $2, '19:30', $3, $4, p_idempotency_key => $5)`,
      [house, FRIDAY, people, name, key],
    )

const won = ({ claim_id, reservation_id, qr_token }: Answer) => [claim_id ?? reservation_id, qr_token]
const ignoring = ({ replayed: _, ...answer }: Answer) => answer

const kinds: readonly [
  what: string,
  make: (places: number) => Promise<Ask>,
  cancel: string,
  then: string,
  full: string,
][] = [
  [
    'a claim',
    async (places) => claimOf(await offer(places)),
    'cancel_claim',
    'released',
    'INSUFFICIENT_SPOTS',
  ],
  [
    'a booking',
    async (places) => bookingAt(await slot(places)),
    'cancel_reservation',
    'cancelled',
    'SLOT_FULL',
  ],
]

for (const [what, make, cancel, then, full] of kinds)
  describe(`${what} under a key`, () => {
    it('is made once, however often it is asked for, and the answer is the same', async () => {
      const ask = await make(4)
      const key = randomUUID()
      const first = await ask(key, 3)
      assert.deepEqual([first.success, first.replayed], [true, false])
      for (let time = 0; time < 2; time++) {
        const again = await ask(key, 3)
        assert.equal(again.replayed, true)
        assert.deepEqual(ignoring(again), ignoring(first))
      }
      assert.equal((await ask(null, 1)).success, true)
    })

    it('is another under another key, of another person, or without one', async () => {
      const ask = await make(9)
      const key = randomUUID()
      const answers = [
        await ask(key, 1),
        await ask(randomUUID(), 1),
        await ask(key, 1, ben),
        await ask(key, 1, SERVICE),
        await ask(null, 1),
        await ask(null, 1),
      ]
      assert.equal(new Set(answers.map((answer) => won(answer)[0])).size, answers.length)
    })

    it('is refused where the key was used for another request, and nothing is made', async () => {
      const ask = await make(9)
      const key = randomUUID()
      await ask(key, 1)
      assert.equal((await ask(key, 2)).error, 'IDEMPOTENCY_KEY_REUSED')
      // Of another offer of the same business; each booking here is at a business of its own.
      if (what === 'a claim') assert.equal((await (await make(9))(key, 1)).error, 'IDEMPOTENCY_KEY_REUSED')
    })

    it('is answered as it is now, once it was given back', async () => {
      const ask = await make(4)
      const key = randomUUID()
      const first = await ask(key, 4)
      await valueAs(db.client, ada, `select ${cancel}($1)`, [won(first)[0]])
      const again = await ask(key, 4)
      assert.deepEqual([again.success, again.status, won(again)], [true, then, won(first)])
      assert.equal((await ask(null, 4)).success, true)
    })

    it('that was refused is judged anew', async () => {
      const ask = await make(4)
      const key = randomUUID()
      const other = await ask(null, 4, ben)
      assert.equal((await ask(key, 2)).error, full)
      await valueAs(db.client, ben, `select ${cancel}($1)`, [won(other)[0]])
      assert.deepEqual([(await ask(key, 2)).replayed, (await ask(key, 2)).replayed], [false, true])
    })

    it('wants a key of 1 to 255 characters', async () => {
      const ask = await make(9)
      for (const [key, error] of [
        ['', 'INVALID_REQUEST'],
        ['k'.repeat(256), 'INVALID_REQUEST'],
        ['k'.repeat(255), undefined],
      ] as const)
        assert.equal((await ask(key, 1, signedIn(randomUUID()))).error, error)
    })
  })

describe('a key', () => {
  it('of a claim is none for a booking or a checkout, and the other way round', async () => {
    const claim = claimOf(await offer(null))
    const book = bookingAt(await slot(10, db, businessId))
    const tier = await addTier(db, eventId)
    const buy: Ask = (key, quantity, caller = ada) =>
      valueAs(db.client, caller, 'select ticketing.checkout($1)', [
        {
          event: eventId,
          items: [{ tier, quantity }],
          customer_name: 'Ada',
          customer_email: 'ada@example.org',
          idempotency_key: key,
        },
      ])
    for (const first of [claim, book, buy]) {
      const key = randomUUID()
      assert.equal((await first(key, 1)).success, true)
      for (const other of [claim, book, buy].filter((each) => each !== first)) {
        const { error, error_code } = await other(key, 1)
        assert.equal(error_code ?? error, 'IDEMPOTENCY_KEY_REUSED')
      }
    }
  })

  it('knows the claim of which places were given back since, and every word of a booking', async () => {
    const id = await offer(5)
    const key = randomUUID()
    const first = await claimOf(id)(key, 3)
    await valueAs(db.client, ada, 'select release_offer_spots($1, 2)', [id])
    assert.deepEqual(won(await claimOf(id)(key, 3)), won(first))
    const house = await slot(10)
    const booked = randomUUID()
    await bookingAt(house)(booked, 2)
    assert.equal((await bookingAt(house, 'Eve')(booked, 2)).error, 'IDEMPOTENCY_KEY_REUSED')
  })

  it('is kept by the unique index too', async () => {
    const raw = (table: string) =>
      db.rows(`update ${table} set request_key = 'service:one' where id in (select id from ${table} limit 2)`)
    assert.deepEqual(await refusalOf(raw('offer_claims')), { code: '23505', by: 'uniq_claim_request_key' })
    assert.deepEqual(await refusalOf(raw('reservations')), { code: '23505', by: 'uniq_booking_request_key' })
  })

  it('judged above READ COMMITTED tells who loses to try again', async () => {
    const id = await offer(null)
    const [one, two] = [await db.connect(), await db.connect()]
    await two.query(`set default_transaction_isolation = 'serializable'`)
    await two.query('begin')
    await two.query('select 1 from discounts')
    await claimOf(id)('isolated', 1, ada, one)
    await two.query(
      `select set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)`,
      [JSON.stringify({ sub: ada.userId })],
    )
    const loser = two.query('select ticketing.claim_offer_spots_atomically($1, 1, $2)', [id, 'isolated'])
    assert.deepEqual(await refusalOf(loser), { code: '40001' })
    await two.query('rollback')
  })
})

describe('one key, sent eight times at once', () => {
  const CROWD = 8
  const race = async (at: TestDatabase) => {
    const house = await at.value<string>('select id from businesses limit 1')
    const crowd = await Promise.all(Array.from({ length: CROWD }, () => at.connect()))
    const gate = await at.connect()
    for (const [ask, table] of [
      [claimOf(await offer(null, false, at, house)), 'discounts'],
      [bookingAt(await slot(100, at)), 'slots'],
    ] as const) {
      await gate.query('begin')
      await gate.query(`select from ${table} for update`)
      const answers = crowd.map((client) => ask('once', 1, ada, client).catch(() => ({ success: false })))
      await untilWaiting(at, CROWD)
      await gate.query('commit')
      const told = await Promise.all(answers)
      assert.deepEqual([...new Set(told.map(({ success }) => success))], [true])
      assert.equal(new Set(told.map((answer) => won(answer)[0])).size, 1)
    }
    await Promise.all([...crowd, gate].map((client) => client.end()))
  }

  it('makes one claim, one booking, and eight answers that are the same', () => race(db))

  it('the naive twin, which looks for the key before it has the lock, loses', async () => {
    const twin = await testDatabase()
    await openBoxOffice(twin)
    const without = [
      ['ticketing.judge_key', "perform ticketing.lock_key('key:' || request_key);", ''],
    ] as const
    await takeAway(twin.client, { name: 'naive', role: 'refuses', kind: 'decision', object: '', without })
    await twin.rows('drop index uniq_claim_request_key, uniq_booking_request_key')
    await assert.rejects(race(twin), assert.AssertionError)
  })
})
