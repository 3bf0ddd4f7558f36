import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { openBoxOffice } from '../support/box-office.ts'
import { ask, codeOf, tally } from '../support/buying.ts'
import { advisory, allAt, openCrowd } from '../support/crowd.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

const db = await lawfulDatabase()
const { businessId } = await openBoxOffice(db)
const at = await openCrowd(db, 20)
const [guest] = at.crowd as [pg.Client]

describe('offers and slots', () => {
  it('the last place of an offer, twenty parties: one has it', async () => {
    const id = await db.value<string>(
      `insert into discounts (business_id, title, total_people) values ($1, 'Offer', 3) returning id`,
      [businessId],
    )
    const works = at.crowd.map(
      (client) => () => ask(client, 'select claim_offer_spots_atomically($1, 2)', [id]),
    )
    assert.deepEqual(tally(await allAt(at, advisory(`offer:${id}`), works)), {
      success: 1,
      INSUFFICIENT_SPOTS: 19,
    })
  })

  const house = (capacity: number) =>
    db.value<string>(
      `with b as (insert into businesses (slug, name) values ('r-' || left(gen_random_uuid()::text, 8), 'R') returning id)
       insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
       select id, 5, '19:00', '22:00', $1, 10 from b returning business_id`,
      [capacity],
    )
  const book = (client: pg.Client, businessId: string, party: number) =>
    ask(client, `select book_slot_atomically($1, '2083-01-01', '19:30', $2, 'Ada')`, [businessId, party])

  it('the last covers of an at, twenty parties: one sits', async () => {
    const id = await house(3)
    const slot = await db.value<string>('select id from slots where business_id = $1', [id])
    const works = at.crowd.map((client) => () => book(client, id, 2))
    assert.deepEqual(tally(await allAt(at, advisory(`slot:${slot}:2083-01-01`), works)), {
      success: 1,
      SLOT_FULL: 19,
    })
  })

  it('a slot is made smaller beside its first booking: the party is judged by the new size', async () => {
    const id = await house(10)
    await at.holder.query('begin')
    await at.holder.query('update slots set capacity = 1 where business_id = $1', [id])
    const answer = book(guest, id, 2)
    await untilWaiting(db, 1)
    await at.holder.query('commit')
    assert.equal(codeOf(await answer), 'SLOT_FULL')
  })

  it('a slot is deleted beside a booking: there is no table at that time', async () => {
    const id = await house(10)
    await at.holder.query('begin')
    await at.holder.query('delete from slots where business_id = $1', [id])
    const answer = book(guest, id, 2)
    await untilWaiting(db, 1)
    await at.holder.query('commit')
    assert.equal(codeOf(await answer), 'TIME_NOT_IN_SLOT')
  })
})
