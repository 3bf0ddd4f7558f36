import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addStaff, openBoxOffice } from '../support/box-office.ts'
import { type Caller, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

const db = await lawfulDatabase()
const { businessId } = await openBoxOffice(db)
const guest = signedIn(randomUUID())
const door = signedIn(await addStaff(db, businessId, 'door'))
await db.rows(`update businesses set time_zone = 'Asia/Kathmandu' where id = $1`, [businessId])

/** A table so many minutes from now, in a slot that began three hours ago and goes on for three, by the house's clock. */
async function book(caller: Caller, minutes: number, party = 2) {
  const [at] = await db.rows<{ date: string; time: string }>(
    `with t as (select now() at time zone b.time_zone as now, now() at time zone b.time_zone - interval '3 hours' as from_
       from businesses b where b.id = $1),
     s as (insert into slots (business_id, date, time_from, time_to, capacity, max_party_size)
       select $1, t.from_::date, t.from_::time(0), (t.from_ + interval '6 hours')::time(0), 10, 4 from t)
     select t.from_::date::text as date, to_char(t.now + make_interval(mins => $2), 'HH24:MI') as time from t`,
    [businessId, minutes],
  )
  return valueAs<{ success: boolean; error?: string }>(
    db.client,
    caller,
    'select book_slot_atomically($1, $2, $3, $4, $5)',
    [businessId, at?.date, at?.time, party, 'Ada'],
  )
}

describe('a table at a time that is past', () => {
  const cases: readonly [string, Caller, number, string | undefined][] = [
    ['a guest, an hour ago', guest, -60, 'TIME_PASSED'],
    ['a guest, two minutes ago', guest, -2, 'TIME_PASSED'],
    ['a guest, in two minutes', guest, 2, undefined],
    ['a guest, in an hour', guest, 60, undefined],
    ['a member of staff elsewhere', signedIn(randomUUID()), -60, 'TIME_PASSED'],
    ['the door of the house', door, -60, undefined],
    ['the service', SERVICE, -60, undefined],
  ]
  for (const [who, caller, minutes, error] of cases)
    it(`${who}: ${error ?? 'is booked'}`, async () => {
      const answer = await book(caller, minutes)
      assert.deepEqual([answer.error, answer.success], [error, error === undefined])
    })
  it('is past before it is too large', async () => {
    assert.equal((await book(guest, -60, 9)).error, 'TIME_PASSED')
    assert.equal((await book(guest, 60, 9)).error, 'PARTY_TOO_LARGE')
  })
})
