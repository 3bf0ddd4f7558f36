import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { overlap } from '../../src/proof/interleaving/overlap.ts'
import { refusalOf } from '../support/callers.ts'
import { behind, row } from '../support/crowd.ts'
import { letIn } from '../support/door.ts'
import {
  addSlots,
  askAs,
  book,
  bookAs,
  codesOf,
  EVENING,
  eight,
  evenings,
  naive,
  openHouse,
  pair,
  slotsOf,
  type Work,
} from '../support/party-races.ts'
import { changed, type Edit, racesIn } from '../support/race.ts'

const house = await openHouse()
const race = racesIn(house, openHouse)

race(
  'the last covers of an evening, eight parties: one sits',
  async (at) => {
    const businessId = await addSlots(at, 3)
    const answers = await behind(at, slotsOf(businessId), eight(book(businessId, 2)))
    assert.deepEqual(codesOf(answers), ['success', ...Array(7).fill('SLOT_FULL')])
  },
  naive([
    [
      'ticketing.book_slot_atomically',
      "perform ticketing.lock_key('slot:' || v_slot_id || ':' || to_char(p_date, 'YYYY-MM-DD'));",
      '',
    ],
    ['ticketing.book_slot_atomically', ' for no key update;', ';'],
  ]),
)

race(
  'two slots at one time, eight parties: who finds one full sits in the other, and no cover stays empty',
  async (at) => {
    const businessId = await addSlots(at, 3, 3)
    const answers = await behind(at, slotsOf(businessId), eight(book(businessId, 1)))
    assert.deepEqual(codesOf(answers), [...Array(6).fill('success'), 'SLOT_FULL', 'SLOT_FULL'])
  },
  // Chooses its slot before it has the lock.
  changed([
    'ticketing.slots_for',
    'array_agg(s.id order by s.id) filter (where p_party_size <= s.max_party_size)',
    '(array_agg(s.id order by s.time_from) filter (where p_party_size <= s.max_party_size))[1:1]',
  ]),
)

race(
  'a table is given back beside a party that waits for it: the party has it',
  async (at) => {
    const businessId = await addSlots(at, 4)
    const ada = randomUUID()
    const booked = await book(businessId, 4, ada)(at.db.client)
    const cancel: Work = (client) =>
      askAs(client, ada, 'select cancel_reservation($1)', [
        (booked as { reservation_id?: string }).reservation_id,
      ])
    const answers = await behind(at, evenings, [cancel, book(businessId, 4)])
    assert.deepEqual(codesOf(answers), ['success', 'success'])
    assert.equal(
      await at.db.value(
        'select sum(booked_people)::int from ticketing.slot_days d join slots s on s.id = d.slot_id where s.business_id = $1',
        [businessId],
      ),
      4,
    )
  },
  changed([
    'ticketing.cancel_reservation',
    "perform ticketing.lock_key('slot:' || v_reservation.slot_id || ':' || to_char(v_reservation.date, 'YYYY-MM-DD'));",
    '',
  ]),
)

race(
  'a table is given back while its party is admitted: one of the two is told that it came too late',
  async (at) => {
    const businessId = await addSlots(at, 4)
    const ada = randomUUID()
    const booked = await book(businessId, 4, ada)(at.db.client)
    const id = (booked as { reservation_id?: string }).reservation_id
    const admit: Work = async (client) => {
      await letIn(client, 'booking', id)
      return { success: true }
    }
    const cancel: Work = (client) => askAs(client, ada, 'select cancel_reservation($1)', [id])
    const answers = await behind(at, row('reservations', id ?? ''), [admit, cancel])
    assert.deepEqual(codesOf(answers), ['success', 'ALREADY_USED'])
    assert.equal(await at.db.value('select status from reservations where id = $1', [id]), 'checked_in')
  },
  async (db) => {
    await changed(['ticketing.cancel_reservation', ' for no key update;', ';'])(db)
    await db.rows('alter table reservations disable trigger trg_reservation_legal_change')
  },
)

race(
  'the larger of two slots fills up while a small party chooses: it sits in the other',
  async ({ db, crowd }) => {
    const businessId = await addSlots({ db }, 5, 6)
    // The smaller one is looked at first, and takes no large party.
    const small = '00000000-0000-0000-0000-00000000000f'
    await db.rows('update slots set id = $2, max_party_size = 2 where business_id = $1 and capacity = 5', [
      businessId,
      small,
    ])
    const [large, two] = await overlap(db, pair(crowd), bookAs(businessId, 5), bookAs(businessId, 2))
    assert.deepEqual(codesOf([large, two]), ['success', 'success'])
    assert.equal(
      await db.value('select slot_id from reservations where business_id = $1 and party_size = 2', [
        businessId,
      ]),
      small,
    )
  },
  changed([
    'ticketing.book_slot_atomically',
    'foreach v_slot_id in array v_at.slot_ids loop',
    'foreach v_slot_id in array v_at.slot_ids[1:1] loop',
  ]),
)

const resize = (businessId: string) => (client: pg.Client) =>
  refusalOf(client.query('update slots set capacity = 1 where business_id = $1', [businessId]))
const close = (businessId: string) => (client: pg.Client) =>
  refusalOf(client.query(`update slots set time_to = '21:00' where business_id = $1`, [businessId]))
const neverWritten: Edit = [
  'ticketing.count_booked_people',
  'update public.slots set capacity = capacity where id = p_slot_id;',
  'null;',
]
const withoutSlotRow = changed(
  neverWritten,
  ['ticketing.book_slot_atomically', ' for no key update;', ';'],
  ['ticketing.check_slot_capacity', ' for no key update;', ';'],
)

race(
  'a slot is made smaller beside a raw booking that is under way: it stays as large as it must',
  async ({ db, crowd }) => {
    const businessId = await addSlots({ db }, 4)
    const insert = (client: pg.Client) =>
      client.query(
        `insert into reservations (business_id, slot_id, date, preferred_time, party_size, reservation_name)
         select $1, id, '${EVENING}', '21:30', 4, 'Raw' from slots where business_id = $1`,
        [businessId],
      )
    const [, refused] = await overlap(db, pair(crowd), insert, resize(businessId))
    assert.deepEqual(refused, { code: '23514', by: 'trg_check_slot_size' })
  },
  changed(neverWritten, ['ticketing.check_slot_capacity', ' for no key update;', ';']),
)

race(
  'a slot closes earlier beside a booking that is under way: its party would find the door shut, so it stays open',
  async ({ db, crowd }) => {
    const businessId = await addSlots({ db }, 4)
    const [booked, refused] = await overlap(db, pair(crowd), bookAs(businessId, 2), close(businessId))
    assert.equal(booked.success, true)
    assert.deepEqual(refused, { code: '23514', by: 'trg_check_slot_times' })
  },
  withoutSlotRow,
)

race(
  'a booking beside a slot that is about to close earlier: there is no table any more',
  async ({ db, crowd }) => {
    const businessId = await addSlots({ db }, 4)
    const [closed, refused] = await overlap(db, pair(crowd), close(businessId), bookAs(businessId, 2))
    assert.deepEqual([closed.code, refused.error], ['written', 'TIME_NOT_IN_SLOT'])
  },
  withoutSlotRow,
)
