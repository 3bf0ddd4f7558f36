import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { openBoxOffice } from '../support/box-office.ts'
import { ANON, type Caller, refusalOf, rowsAs, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly message?: string
  readonly reservation_id?: string
  readonly slot_time_from?: string
  readonly preferred_time?: string
  readonly confirmation_code?: string
  readonly qr_token?: string
  readonly max_party_size?: number
}

const db = await lawfulDatabase()
const { businessId, staffId } = await openBoxOffice(db)
const ada = signedIn(randomUUID())
const FRIDAY = '2083-01-01'
const SATURDAY = '2083-01-02'

type Slot = { from: string; to: string; capacity?: number; party?: number; date?: string; active?: boolean }

/** A business of its own with these slots; on Fridays where no date is given. */
async function houseWith(...slots: readonly Slot[]): Promise<string> {
  const house = await db.value<string>(
    `insert into businesses (slug, name) values ('s-' || left(gen_random_uuid()::text, 8), 'House') returning id`,
  )
  for (const { from, to, capacity = 10, party = 10, date, active = true } of slots)
    await db.rows(
      `insert into slots (business_id, date, weekday, time_from, time_to, capacity, max_party_size, active)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [house, date ?? null, date === undefined ? 5 : null, from, to, capacity, party, active],
    )
  return house
}

type Booking = Partial<{
  business: string | null
  date: string | null
  time: string | null
  party: number | null
  name: string | null
  phone: string | null
  caller: Caller
}>

function book(house: string, booking: Booking = {}): Promise<Answer> {
  const {
    business = house,
    date = FRIDAY,
    time = '19:30',
    party = 2,
    name = 'Ada',
    phone = null,
    caller = ada,
  } = booking
  return valueAs(db.client, caller, 'select book_slot_atomically($1, $2, $3, $4, $5, $6)', [
    business,
    date,
    time,
    party,
    name,
    phone,
  ])
}

const evening = { from: '19:00', to: '22:00' }

describe('book_slot_atomically', () => {
  const refusals: readonly [string, Booking, string][] = [
    ['a guest', { caller: ANON }, 'UNAUTHORIZED'],
    ['a guest with a bad party', { caller: ANON, party: 0 }, 'UNAUTHORIZED'],
    ['no business', { business: null }, 'INVALID_REQUEST'],
    ['no date', { date: null }, 'INVALID_REQUEST'],
    ['a date without end', { date: 'infinity' }, 'INVALID_REQUEST'],
    ['the last date that there is', { date: '5874897-12-31' }, 'INVALID_REQUEST'],
    ['the last date that has a time', { date: '294276-12-31' }, 'INVALID_REQUEST'],
    ['the first date that there is', { date: '4714-11-24 BC' }, 'INVALID_REQUEST'],
    ['no time', { time: null }, 'INVALID_REQUEST'],
    ['a time that is none', { time: '25:00' }, 'INVALID_REQUEST'],
    ['midnight as 24:00', { time: '24:00' }, 'INVALID_REQUEST'],
    ['a word for a time', { time: 'now' }, 'INVALID_REQUEST'],
    ['a time in other digits', { time: '١٩:٣٠' }, 'INVALID_REQUEST'],
    ['no name', { name: null }, 'INVALID_REQUEST'],
    ['an empty name', { name: '' }, 'INVALID_REQUEST'],
    ['a name of blanks', { name: ' \t ' }, 'INVALID_REQUEST'],
    ['a name of 201 characters', { name: 'n'.repeat(201) }, 'INVALID_REQUEST'],
    ['a phone number of 51 characters', { phone: '1'.repeat(51) }, 'INVALID_REQUEST'],
    ['no party', { party: null }, 'INVALID_PARTY_SIZE'],
    ['a party of 0', { party: 0 }, 'INVALID_PARTY_SIZE'],
    ['a negative party', { party: -3 }, 'INVALID_PARTY_SIZE'],
    ['a party of 1001', { party: 1001 }, 'INVALID_PARTY_SIZE'],
    ['an unknown business', { business: randomUUID() }, 'NO_SLOTS'],
    ['another weekday', { date: SATURDAY }, 'NO_SLOTS'],
    ['a time before', { time: '18:59' }, 'TIME_NOT_IN_SLOT'],
    ['a time at the end', { time: '22:00' }, 'TIME_NOT_IN_SLOT'],
    ['a party of 11 where 10 sit', { party: 11 }, 'PARTY_TOO_LARGE'],
  ]
  for (const [what, booking, code] of refusals) {
    it(`refuses ${what} with ${code}, and books nothing`, async () => {
      const house = await houseWith(evening)
      assert.equal((await book(house, booking)).error, code)
      assert.equal(
        await db.value('select count(*)::int from reservations where business_id = $1', [house]),
        0,
      )
    })
  }

  it('books to the last cover of that evening, and of the next one anew', async () => {
    const house = await houseWith(evening)
    const answer = await book(house, { party: 8 })
    assert.deepEqual(
      [answer.preferred_time, answer.slot_time_from, answer.max_party_size],
      ['19:30', '19:00', 10],
    )
    assert.match(answer.confirmation_code ?? '', /^[0-9A-F]{10}$/)
    assert.match(answer.qr_token ?? '', /^[0-9a-f]{32}$/)
    assert.equal((await book(house, { party: 3 })).error, 'SLOT_FULL')
    assert.equal((await book(house, { party: 2, caller: SERVICE })).success, true)
    assert.equal((await book(house, { party: 1 })).error, 'SLOT_FULL')
    assert.equal((await book(house, { party: 10, date: '2083-01-08' })).success, true)
  })

  it('finds a time after midnight in the evening on which the slot begins', async () => {
    const house = await houseWith({ from: '22:00', to: '02:00' })
    for (const [time, ok] of [
      ['22:00', true],
      ['23:59', true],
      ['0:30', true],
      ['02:00', false],
      ['21:59', false],
    ] as const)
      assert.equal((await book(house, { time })).success, ok, time)
    assert.equal((await book(house, { time: '0:30', date: SATURDAY })).error, 'NO_SLOTS')
  })

  it('takes the whole day where a slot ends when it begins', async () => {
    const house = await houseWith({ from: '00:00', to: '00:00' })
    assert.equal((await book(house, { time: '13:00' })).success, true)
  })

  it('lets the slots of a date replace those of its weekday', async () => {
    const house = await houseWith(evening, { from: '12:00', to: '14:00', date: FRIDAY })
    assert.equal((await book(house)).error, 'TIME_NOT_IN_SLOT')
    assert.equal((await book(house, { time: '12:00' })).success, true)
    assert.equal((await book(house, { date: '2083-01-08' })).success, true)
  })

  it('takes a party while the slot is open, and none when it is over', async () => {
    for (const [agoMinutes, expected] of [
      [24 * 60 - 5, undefined],
      [24 * 60 + 5, 'TIME_NOT_IN_SLOT'],
    ] as const) {
      // It is open for a day from then on.
      const [start] = await db.rows<{ date: string; from: string }>(
        `select to_char(at, 'YYYY-MM-DD') as date, to_char(at, 'HH24:MI') as from
         from (select (now() - $1::int * interval '1 minute') at time zone 'UTC' as at) t`,
        [agoMinutes],
      )
      const { date = '', from = '' } = start ?? {}
      const house = await houseWith({ from, to: from, date })
      assert.equal((await book(house, { date, time: from, caller: SERVICE })).error, expected)
    }
  })

  it('does not see a slot that is off', async () => {
    assert.equal((await book(await houseWith({ ...evening, active: false }))).error, 'NO_SLOTS')
  })

  it('of two slots at a time takes the one with room for the party', async () => {
    const house = await houseWith(
      { ...evening, party: 2, capacity: 50 },
      { from: '19:15', to: '22:00', party: 6, capacity: 6 },
    )
    assert.equal((await book(house, { party: 5 })).slot_time_from, '19:15')
    assert.equal((await book(house, { party: 2 })).slot_time_from, '19:00')
  })

  it('gives the covers of a cancelled party back, and does not let it come back', async () => {
    const house = await houseWith(evening)
    await book(house, { party: 10 })
    await db.rows(`update reservations set status = 'cancelled' where business_id = $1`, [house])
    assert.equal((await book(house, { party: 10 })).success, true)
    const back = db.rows(
      `update reservations set status = 'confirmed' where business_id = $1 and status = 'cancelled'`,
      [house],
    )
    assert.deepEqual(await refusalOf(back), { code: '23514', by: 'trg_reservation_legal_change' })
  })

  it('counts an evening once, whatever the style of dates of who books', async () => {
    const house = await houseWith(evening)
    await book(house, { party: 6 })
    await db.rows(`set datestyle = 'SQL, DMY'`)
    assert.equal((await book(house, { party: 6 })).error, 'SLOT_FULL')
    await db.rows('reset datestyle')
  })
})

describe('what a house bounds', () => {
  it('is how far away an evening may be, in whole days', async () => {
    const house = await houseWith({ from: '00:00', to: '00:00', date: 'today' })
    for (let ahead = 1; ahead <= 31; ahead++)
      await db.rows(
        `insert into slots (business_id, date, time_from, time_to, capacity, max_party_size)
         values ($1, current_date + $2::int, '00:00', '00:00', 9, 9)`,
        [house, ahead],
      )
    await db.rows(`update ticketing.settings set booking_ahead = '30 days'`)
    const on = async (days: number) =>
      book(house, { date: await db.value('select (current_date + $1::int)::text', [days]), time: '23:59' })
    assert.equal((await on(30)).success, true)
    const { error, message } = await on(31)
    assert.deepEqual([error, message], ['INVALID_REQUEST', 'The date is too far away.'])
    await db.rows(`update ticketing.settings set booking_ahead = '100 years'`)
  })

  it('is how many covers one guest has of a slot on one evening: not the staff, nor the service', async () => {
    const house = await houseWith({ ...evening, capacity: 40 })
    await db.rows('update slots set max_per_person = 6 where business_id = $1', [house])
    const host = randomUUID()
    await db.rows(`insert into business_staff (business_id, user_id) values ($1, $2)`, [house, host])
    const ben = signedIn(randomUUID())
    assert.equal((await book(house, { party: 7 })).error, 'LIMIT_EXCEEDED')
    const first = await book(house, { party: 4 })
    assert.equal((await book(house, { party: 2 })).success, true)
    assert.equal((await book(house, { party: 1 })).error, 'LIMIT_EXCEEDED')
    assert.equal((await book(house, { party: 6, date: '2083-01-08' })).success, true, 'another evening')
    assert.equal((await book(house, { party: 6, caller: ben })).success, true, 'another guest')
    for (const caller of [signedIn(host), SERVICE])
      for (let time = 0; time < 2; time++)
        assert.equal((await book(house, { party: 7, caller })).success, true)
    await valueAs(db.client, ada, 'select cancel_reservation($1)', [first.reservation_id])
    assert.equal((await book(house, { party: 1 })).success, true, 'after one was given back')
  })

  it('of two slots at a time gives a guest who has enough of one the other', async () => {
    const house = await houseWith({ ...evening, capacity: 40 }, { ...evening, capacity: 10 })
    await db.rows('update slots set max_per_person = 6 where business_id = $1', [house])
    for (let time = 0; time < 2; time++) assert.equal((await book(house, { party: 6 })).success, true)
    assert.equal((await book(house, { party: 1 })).error, 'LIMIT_EXCEEDED')
  })

  it('says which text is too long', async () => {
    const house = await houseWith(evening)
    const long = (parameter: string, length: number) =>
      valueAs<Answer>(
        db.client,
        ada,
        `select book_slot_atomically($1, $2, '19:30', 2, 'Ada', ${parameter} => repeat('x', $3))`,
        [house, FRIDAY, length],
      )
    for (const [parameter, max, words] of [
      ['p_phone_number', 50, /^A phone number/],
      ['p_seating_preference', 200, /^A seating preference/],
      ['p_special_requests', 2000, /^Special requests/],
    ] as const) {
      const { error, message } = await long(parameter, max + 1)
      assert.equal(error, 'INVALID_REQUEST')
      assert.match(message ?? '', words)
      assert.equal((await long(parameter, max)).success, true)
    }
  })
})

describe('the size of a slot', () => {
  const resize = (capacity: number, caller: Caller) =>
    rowsAs(db.client, caller, 'update slots set capacity = $1 where business_id = $2 returning capacity', [
      capacity,
      businessId,
    ])

  it('is changed by a manager and by the service, never below what is booked', async () => {
    await db.rows(`update business_staff set role = 'manager' where user_id = $1`, [staffId])
    await db.rows(
      `insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size) values ($1, 5, '19:00', '22:00', 10, 10)`,
      [businessId],
    )
    await book(businessId, { party: 6 })
    assert.deepEqual(await resize(7, signedIn(staffId)), [{ capacity: 7 }])
    assert.equal((await book(businessId, { party: 2 })).error, 'SLOT_FULL')
    assert.deepEqual(await resize(8, SERVICE), [{ capacity: 8 }])
    assert.equal((await book(businessId, { party: 2 })).success, true)
    assert.deepEqual(await refusalOf(resize(7, signedIn(staffId))), {
      code: '23514',
      by: 'trg_check_slot_size',
    })
    assert.deepEqual(await resize(9, ada), [])
  })
})
