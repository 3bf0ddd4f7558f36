import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { openBoxOffice } from '../support/box-office.ts'
import { refusalOf, rowsAs, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { letIn } from '../support/door.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

// A gate judges a booking by its slot's hours: whoever moves the slot would turn away who has booked.
const db = await lawfulDatabase()
const { businessId, staffId } = await openBoxOffice(db)
await db.rows(`update business_staff set role = 'manager'`)
const manager = signedIn(staffId)
const FRIDAY = '2083-01-01'

const KEPT = { code: '23514', by: 'trg_check_slot_times' }
const WRITTEN = { code: 'written' }

/** A slot from 19:00 to 22:00, or as said, on Fridays. */
const slotAt = (from = '19:00', to = '22:00', date: string | null = null) =>
  db.value<string>(
    `insert into slots (business_id, date, weekday, time_from, time_to, capacity, max_party_size)
     values ($1, $4, case when $4::date is null then 5 end, $2, $3, 10, 10) returning id`,
    [businessId, from, to, date],
  )
const bookAt = (slot: string, time: string, status = 'confirmed', date = FRIDAY) =>
  db.value<string>(
    `insert into reservations (business_id, slot_id, date, preferred_time, party_size, reservation_name, status)
     values ($1, $2, $3, $4, 2, 'Ada', $5) returning id`,
    [businessId, slot, date, time, status],
  )
const move = (slot: string, change: string, caller: typeof manager | typeof SERVICE = manager) =>
  refusalOf(rowsAs(db.client, caller, `update slots set ${change} where id = $1`, [slot]))

describe('a slot with a table booked for 20:00', () => {
  const changes: readonly [string, string, object][] = [
    ['begins later than that', `time_from = '20:30'`, KEPT],
    ['ends before that', `time_to = '20:00'`, KEPT],
    ['is moved to another weekday', 'weekday = 6', KEPT],
    ['is moved to another date', `weekday = null, date = '2083-01-08'`, KEPT],
    ['goes over to the next day', `time_from = '23:00', time_to = '21:00'`, KEPT],
    ['opens earlier and closes later', `time_from = '18:00', time_to = '23:30'`, WRITTEN],
    ['closes earlier, not before that', `time_from = '20:00', time_to = '20:30'`, WRITTEN],
    ['closes after midnight', `time_to = '01:00'`, WRITTEN],
    ['becomes one of that date alone', `weekday = null, date = '${FRIDAY}'`, WRITTEN],
    ['is turned off', 'active = false', WRITTEN],
  ]
  for (const [what, change, expected] of changes)
    it(`that ${what}: ${expected === KEPT ? 'refused' : 'granted'}`, async () => {
      const slot = await slotAt()
      await bookAt(slot, '20:00')
      assert.deepEqual(await move(slot, change), expected)
    })

  it('belongs to its house, for the owner too', async () => {
    const slot = await slotAt()
    await bookAt(slot, '20:00')
    const other = await openBoxOffice(db)
    const given = db.rows('update slots set business_id = $2 where id = $1', [slot, other.businessId])
    assert.deepEqual(await refusalOf(given), KEPT)
  })

  it('is moved once the table is given back', async () => {
    const slot = await slotAt()
    const id = await bookAt(slot, '20:00')
    assert.deepEqual(await move(slot, `time_from = '21:00'`, SERVICE), KEPT)
    await valueAs(db.client, SERVICE, 'select cancel_reservation($1)', [id])
    assert.deepEqual(await move(slot, `time_from = '21:00'`), WRITTEN)
  })
})

it('a table after midnight keeps its day', async () => {
  const slot = await slotAt('22:00', '02:00')
  await bookAt(slot, '00:30')
  assert.deepEqual(await move(slot, `time_from = '00:00', time_to = '01:00'`), KEPT)
  assert.deepEqual(await move(slot, `time_from = '21:00', time_to = '01:00'`), WRITTEN)
})

it('parties that are in, were given up or belong to evenings that are over keep no slot where it is', async () => {
  const slot = await slotAt()
  await letIn(db.client, 'booking', await bookAt(slot, '20:00'))
  await bookAt(slot, '20:00', 'cancelled')
  assert.deepEqual(await move(slot, `time_from = '21:00'`), WRITTEN)
  const past = await db.value<string>('select (current_date - 2)::text')
  const over = await slotAt('19:00', '22:00', past)
  await bookAt(over, '20:00', 'confirmed', past)
  assert.deepEqual(await move(over, `time_from = '21:00'`), WRITTEN)
})

it('a guest admitted at a slot that grew is admitted by its new hours', async () => {
  const slot = await slotAt()
  await bookAt(slot, '20:00')
  await move(slot, `time_to = '23:30'`)
  const ends = await db.value<Date>('select ends_at from ticketing.slot_evening($1, $2)', [slot, FRIDAY])
  assert.equal(ends.toISOString(), '2083-01-01T23:30:00.000Z')
})

it('an event whose entry begins after its end says until when', async () => {
  const entry = (from: string, until: string | null) =>
    refusalOf(
      db.rows(
        `insert into events (business_id, slug, title, start_at, end_at, entry_from, entry_until)
         values ($1, $2, 'E', '2086-01-01 20:00Z', '2086-01-01 23:00Z', $3, $4)`,
        [businessId, `e-${randomUUID().slice(0, 8)}`, from, until],
      ),
    )
  assert.deepEqual(await entry('2086-01-01 23:00Z', null), { code: '23514', by: 'check_entry_before_end' })
  assert.deepEqual(await entry('2086-01-01 22:59Z', null), WRITTEN)
  assert.deepEqual(await entry('2086-01-01 23:00Z', '2086-01-02 02:00Z'), WRITTEN)
})
