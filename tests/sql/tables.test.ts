import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { openBoxOffice } from '../support/box-office.ts'
import {
  ANON,
  assertLawful,
  type Caller,
  refusalOf,
  rowsAs,
  SERVICE,
  signedIn,
  valueAs,
} from '../support/callers.ts'
import { letIn } from '../support/door.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly message?: string
  readonly remaining?: number
  readonly reservation_id?: string
  readonly claim_id?: string
  readonly qr_token?: string
  readonly already_cancelled?: boolean
  readonly starts_at?: string
}

const db = await lawfulDatabase()
const { businessId, staffId } = await openBoxOffice(db)
const theirs = await openBoxOffice(db)
const ada = signedIn(randomUUID())
const ben = signedIn(randomUUID())
const staff = signedIn(staffId)
const stranger = signedIn(theirs.staffId)

const offer = (total: number | null, once: boolean) =>
  db.value<string>(
    `insert into discounts (business_id, title, total_people, one_claim_per_person) values ($1, 'Offer', $2, $3) returning id`,
    [businessId, total, once],
  )
const claim = (id: string, people: number, caller: Caller = ada) =>
  valueAs<Answer>(db.client, caller, 'select claim_offer_spots_atomically($1, $2)', [id, people])
const release = (id: string, people: number, caller: Caller = ada) =>
  rowsAs(db.client, caller, 'select release_offer_spots($1, $2)', [id, people])

describe('an offer that a person claims once', () => {
  it('refuses the second claim with what remains, and lets others claim', async () => {
    const id = await offer(5, true)
    const { claim_id, qr_token, remaining } = await claim(id, 2)
    assert.equal(remaining, 3)
    const { message, ...second } = await claim(id, 1)
    // With the claim that the guest has: its first answer may have been lost.
    const known = { error: 'ALREADY_CLAIMED', remaining, claim_id, qr_token, status: 'claimed' }
    assert.deepEqual(second, { success: false, ...known })
    assert.match(message ?? '', /one claim a person/)
    assert.equal((await claim(id, 4)).error, 'ALREADY_CLAIMED', 'before it is said that too few are left')
    assert.equal((await claim(id, 3, ben)).success, true)
    assert.equal((await claim(await offer(null, true), 1)).remaining, -1)
  })

  it('may be claimed again by who gave the places back, all of them', async () => {
    const id = await offer(5, true)
    await claim(id, 3)
    await release(id, 2)
    assert.equal((await claim(id, 1)).error, 'ALREADY_CLAIMED')
    await release(id, 1)
    assert.equal((await claim(id, 5)).remaining, 0)
  })

  it('stays claimed by who was let in', async () => {
    const id = await offer(5, true)
    await letIn(db.client, 'claim', (await claim(id, 1)).claim_id)
    await release(id, 1)
    assert.equal((await claim(id, 1)).error, 'ALREADY_CLAIMED')
    for (const status of ['claimed', 'released'])
      assert.deepEqual(
        await refusalOf(db.rows('update offer_claims set status = $2 where discount_id = $1', [id, status])),
        { code: '23514', by: 'trg_claim_legal_change' },
      )
  })

  it('asks nothing of the service, which claims for nobody', async () => {
    const id = await offer(5, true)
    assert.equal((await claim(id, 1, SERVICE)).success, true)
    assert.equal((await claim(id, 1, SERVICE)).success, true)
  })

  it('is the offer to say, whatever a claim says of itself, and by trigger and index alike', async () => {
    const id = await offer(5, true)
    await claim(id, 1)
    const again = () =>
      db.rows(
        'insert into offer_claims (discount_id, user_id, party_size, one_per_person) values ($1, $2, 1, false)',
        [id, ada.userId],
      )
    assert.deepEqual(await refusalOf(again()), { code: '23505', by: 'uniq_claim_person' })
    await db.rows('begin')
    await db.rows('drop index uniq_claim_person')
    assert.deepEqual(await refusalOf(again()), { code: '23505', by: 'trg_check_offer_spots' })
    await db.rows('rollback')
    const moved = db.rows('update offer_claims set user_id = $2 where discount_id = $1', [id, ben.userId])
    assert.deepEqual(await refusalOf(moved), { code: '23514', by: 'trg_claim_legal_change' })
  })
})

describe('cancel_claim', () => {
  const cancel = (id: string | null | undefined, caller: Caller = ada) =>
    valueAs<Answer>(db.client, caller, 'select cancel_claim($1)', [id])
  const claimed = async () => {
    const offerId = await offer(5, true)
    return { offerId, claimId: (await claim(offerId, 3)).claim_id ?? '' }
  }
  const remaining = (offerId: string) =>
    db.value<number>('select people_remaining from discounts where id = $1', [offerId])

  const refusals: readonly [string, (id: string) => string | null, Caller, string, string][] = [
    ['a guest who is not signed in', (id) => id, ANON, 'claimed', 'UNAUTHORIZED'],
    ['no claim', () => null, ada, 'claimed', 'CLAIM_NOT_FOUND'],
    ['a claim that is none', () => randomUUID(), ada, 'claimed', 'CLAIM_NOT_FOUND'],
    ["somebody else's", (id) => id, ben, 'claimed', 'CLAIM_NOT_FOUND'],
    ["one of another house's offers", (id) => id, stranger, 'claimed', 'CLAIM_NOT_FOUND'],
    ['a party that was admitted', (id) => id, staff, 'redeemed', 'ALREADY_USED'],
  ]
  for (const [what, of, caller, status, code] of refusals)
    it(`refuses ${what} with ${code}, and gives nothing back`, async () => {
      const { offerId, claimId } = await claimed()
      if (status === 'redeemed') await letIn(db.client, 'claim', claimId)
      assert.equal((await cancel(of(claimId), caller)).error, code)
      assert.equal(await remaining(offerId), 2)
    })

  for (const [who, caller] of [
    ['its guest', ada],
    ["the house's staff", staff],
    ['the service', SERVICE],
  ] as const)
    it(`gives ${who} the places back, once, however often it is asked, and the guest may claim again`, async () => {
      const { offerId, claimId } = await claimed()
      const answers = [await cancel(claimId, caller), await cancel(claimId, caller)]
      assert.deepEqual(
        answers.map(({ success, already_cancelled }) => [success, already_cancelled]),
        [
          [true, false],
          [true, true],
        ],
      )
      assert.equal(await remaining(offerId), 5)
      assert.equal((await claim(offerId, 5)).remaining, 0)
    })
})

describe('the size of an offer', () => {
  it('may be any number that there is', async () => {
    const id = await offer(null, false)
    await claim(id, 4)
    for (const total of [2_147_483_647, null, 5])
      await db.rows('update discounts set total_people = $2 where id = $1', [id, total])
    const born = await offer(2_147_483_647, false)
    assert.equal((await claim(born, 4)).remaining, 2_147_483_643)
    await db.rows('update discounts set total_people = 10 where id = $1', [born])
    assert.equal((await claim(born, 7)).error, 'INSUFFICIENT_SPOTS')
  })

  const resize = (id: string, total: number | null, caller: Caller) =>
    rowsAs(
      db.client,
      caller,
      'update discounts set total_people = $2 where id = $1 returning people_remaining',
      [id, total],
    )
  it('is changed by a manager, never below what is claimed; the refusal counts rows and needs no counter', async () => {
    await db.rows(`update business_staff set role = 'manager'`)
    const id = await offer(null, false)
    await claim(id, 4)
    assert.deepEqual(await resize(id, 6, staff), [{ people_remaining: 2 }])
    assert.deepEqual(await refusalOf(resize(id, 3, staff)), { code: '23514', by: 'trg_check_offer_size' })
    await release(id, 1)
    assert.deepEqual(await resize(id, 3, staff), [{ people_remaining: 0 }])
    assert.deepEqual(await resize(id, 9, stranger), [])
  })
})

describe('cancel_reservation', () => {
  const FRIDAY = '2086-01-04'
  const house = async () => {
    const slot = await db.value<string>(
      `insert into slots (business_id, date, time_from, time_to, capacity, max_party_size)
       values ($1, $2, '19:00', '22:00', 4, 4) returning id`,
      [businessId, FRIDAY],
    )
    return {
      slot,
      [Symbol.asyncDispose]: async () => void (await db.rows('update slots set active = false')),
    }
  }
  const book = (people: number, caller: Caller = ada) =>
    valueAs<Answer>(db.client, caller, `select book_slot_atomically($1, '${FRIDAY}', '19:30', $2, 'Ada')`, [
      businessId,
      people,
    ])
  const cancel = (id: string | null | undefined, caller: Caller = ada) =>
    valueAs<Answer>(db.client, caller, 'select cancel_reservation($1)', [id])
  const booked = (slot: string) =>
    db.value<number>(
      'select coalesce(sum(booked_people), 0)::int from ticketing.slot_days where slot_id = $1',
      [slot],
    )

  const refusals: readonly [string, (id: string) => string | null, Caller, string, string][] = [
    ['a guest who is not signed in', (id) => id, ANON, 'confirmed', 'UNAUTHORIZED'],
    ['no booking', () => null, ada, 'confirmed', 'RESERVATION_NOT_FOUND'],
    ['a booking that is none', () => randomUUID(), ada, 'confirmed', 'RESERVATION_NOT_FOUND'],
    ["somebody else's", (id) => id, ben, 'confirmed', 'RESERVATION_NOT_FOUND'],
    ["another house's", (id) => id, stranger, 'confirmed', 'RESERVATION_NOT_FOUND'],
    ['a party that was admitted', (id) => id, ada, 'checked_in', 'ALREADY_USED'],
  ]
  for (const [what, of, caller, status, code] of refusals)
    it(`refuses ${what} with ${code}, and gives nothing back`, async () => {
      await using at = await house()
      const { reservation_id: id = '' } = await book(3)
      if (status === 'checked_in') await letIn(db.client, 'booking', id)
      else await db.rows('update reservations set status = $2 where id = $1', [id, status])
      const before = await booked(at.slot)
      assert.equal((await cancel(of(id), caller)).error, code)
      assert.equal(await booked(at.slot), before)
    })

  for (const [who, caller] of [
    ['its guest', ada],
    ["the house's staff", staff],
    ['the service', SERVICE],
  ] as const)
    it(`gives ${who} the covers back, once, however often it is asked`, async () => {
      await using at = await house()
      const { reservation_id: id } = await book(4)
      assert.equal((await book(1, ben)).error, 'SLOT_FULL')
      assert.deepEqual(await cancel(id, caller), {
        success: true,
        reservation_id: id,
        already_cancelled: false,
      })
      assert.equal((await book(3, ben)).success, true)
      assert.deepEqual(await cancel(id, caller), {
        success: true,
        reservation_id: id,
        already_cancelled: true,
      })
      assert.equal(await booked(at.slot), 3)
    })

  it('refuses one whose evening is over with EVENING_OVER, the staff too, and one that was cancelled stays so', async () => {
    const [past, gone] = await db.rows<{ id: string }>(
      `with s as (insert into slots (business_id, date, time_from, time_to, capacity, max_party_size)
         values ($1, current_date - 3, '19:00', '22:00', 9, 9) returning id, date)
       insert into reservations (business_id, slot_id, date, preferred_time, party_size, reservation_name, user_id, status)
         select $1, id, date, '19:30', 2, 'Ada', $2, u.status from s, unnest(array['confirmed', 'cancelled']) u(status)
         returning id`,
      [businessId, ada.userId],
    )
    assert.equal((await cancel(past?.id)).error, 'EVENING_OVER')
    assert.equal((await cancel(past?.id, staff)).error, 'EVENING_OVER')
    assert.equal((await cancel(gone?.id)).already_cancelled, true)
  })

  it('answers LOCK_TIMEOUT before the statement is cancelled', async () => {
    await using at = await house()
    const { reservation_id: id } = await book(1)
    const gate = await db.connect()
    await gate.query('begin')
    await gate.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`slot:${at.slot}:${FRIDAY}`])
    await db.rows(`set statement_timeout = '300ms'`)
    assert.equal((await cancel(id)).error, 'LOCK_TIMEOUT')
    await db.rows('reset statement_timeout')
    await gate.query('commit')
  })

  it('lets no party come twice: who was admitted neither waits again nor is given up', async () => {
    await using _ = await house()
    const { reservation_id: id } = await book(2)
    await letIn(db.client, 'booking', id)
    await db.rows(`update reservations set seating_preference = 'window' where id = $1`, [id])
    await assertLawful(db)
    for (const status of ['confirmed', 'cancelled'])
      assert.deepEqual(
        await refusalOf(db.rows('update reservations set status = $2 where id = $1', [id, status])),
        {
          code: '23514',
          by: 'trg_reservation_legal_change',
        },
      )
  })
})
