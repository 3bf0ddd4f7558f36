import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addStaff, addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { assertLawful, signedIn, valueAs } from '../support/callers.ts'
import { validate } from '../support/gates.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

const db = await lawfulDatabase()
type Event = Awaited<ReturnType<typeof eventAt>>

/** An event whose door is as `change` says, and a ticket of it. */
async function eventAt(change: string) {
  const house = await openBoxOffice(db)
  const [id] = await buyTickets(db, house.eventId, await addTier(db, house.eventId), 1)
  if (change !== '') await db.rows(`update events set ${change} where id = $1`, [house.eventId])
  return {
    ...house,
    id: String(id),
    code: await db.value<string>('select qr_code from tickets where id = $1', [id]),
  }
}

const doors: Readonly<Record<string, (event: Event) => Promise<string | null | undefined>>> = {
  scan_ticket_atomic: async ({ id, staffId }) =>
    (
      await valueAs<{ error_message: string | null }>(
        db.client,
        signedIn(staffId),
        'select to_jsonb(s) from scan_ticket_atomic($1, $2) s',
        [id, staffId],
      )
    ).error_message,
  atomic_ticket_checkin: async ({ id, staffId }) =>
    (
      await valueAs<{ error?: string }>(
        db.client,
        signedIn(staffId),
        'select atomic_ticket_checkin($1, $2)',
        [id, staffId],
      )
    ).error,
  validate_qr: async ({ businessId, code }) => (await validate(db.client, businessId, { code })).outcome,
}
const OPEN = [null, undefined, 'ADMITTED']
const statusOf = ({ id }: Event) => db.value<string>('select status from tickets where id = $1', [id])

const CLOSED = [
  ['before entry begins', `entry_from = now() + interval '1 hour'`, 'TOO_EARLY', /Entry has not begun/],
  [
    'after entry ends',
    `entry_until = now() - interval '1 minute', entry_from = now() - interval '1 hour'`,
    'TOO_LATE',
    /Entry is over/,
  ],
  ['at an event whose status is cancelled', `status = 'cancelled'`, 'EVENT_CANCELLED', /event is cancelled/],
] as const

describe('which door has which rules', () => {
  for (const [when, change, code, message] of CLOSED) {
    it(`${when} the two verbs of the documents admit, validate_qr refuses`, async () => {
      for (const [name, open] of Object.entries(doors)) {
        const event = await eventAt(change)
        const answer = await open(event)
        if (name === 'validate_qr') assert.equal(answer, code)
        else assert.ok(OPEN.includes(answer), `${name} ${answer}`)
        assert.equal(await statusOf(event), name === 'validate_qr' ? 'valid' : 'used')
      }
    })

    it(`${when} none of them admits where the doors are strict`, async () => {
      await db.rows('update ticketing.settings set strict_doors = true')
      try {
        for (const [name, open] of Object.entries(doors)) {
          const event = await eventAt(change)
          assert.match(String(await open(event)), name === 'scan_ticket_atomic' ? message : new RegExp(code))
          assert.equal(await statusOf(event), 'valid')
        }
      } finally {
        await db.rows('update ticketing.settings set strict_doors = false')
      }
    })
  }

  it('strict doors admit while the door is open', async () => {
    await db.rows('update ticketing.settings set strict_doors = true')
    try {
      for (const open of Object.values(doors)) assert.ok(OPEN.includes(await open(await eventAt(''))))
    } finally {
      await db.rows('update ticketing.settings set strict_doors = false')
    }
  })
})

describe('while cancel_event sends the money back', () => {
  it('no door admits a ticket whose turn has not come: its money is on its way', async () => {
    for (const [name, open] of Object.entries(doors)) {
      const event = await eventAt('')
      await buyTickets(db, event.eventId, await addTier(db, event.eventId), 1)
      const owner = signedIn(await addStaff(db, event.businessId, 'owner'))
      const cancel = () =>
        valueAs<{ left: number; done: boolean }>(
          db.client,
          owner,
          'select ticketing.cancel_event($1, p_limit => 1)',
          [event.eventId],
        )
      // One order of two: the other is this one's or not, and no door may tell.
      assert.equal((await cancel()).left, 1)
      const before = await statusOf(event)
      const answer = await open(event)
      assert.ok(!OPEN.includes(answer), `${name} ${answer}`)
      assert.equal(await statusOf(event), before)
      assert.equal((await cancel()).done, true)
      assert.equal(await statusOf(event), 'refunded')
      await assertLawful(db)
    }
  })

  it('atomic_ticket_checkin says it by the code that it has for this', async () => {
    const event = await eventAt('')
    await db.rows(`insert into ticketing.cancellations (event_id) values ($1)`, [event.eventId])
    assert.equal(await doors['atomic_ticket_checkin']?.(event), 'INVALID_STATUS')
    assert.match(String(await doors['scan_ticket_atomic']?.(event)), /event is cancelled/)
    await db.rows('delete from ticketing.cancellations where event_id = $1', [event.eventId])
    assert.ok(OPEN.includes(await doors['atomic_ticket_checkin']?.(event)))
  })
})
