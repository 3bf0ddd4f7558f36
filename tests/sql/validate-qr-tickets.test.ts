import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { overlap } from '../../src/proof/interleaving/overlap.ts'
import { openBoxOffice } from '../support/box-office.ts'
import { SERVICE, valueAs } from '../support/callers.ts'
import { type Shown, soldTicket } from '../support/door.ts'
import { type Answer, openQrGate, PRESENTED, plain, signed, UNKNOWN } from '../support/qr-gate.ts'

const { db, house, staff, scan, logOf } = await openQrGate()

describe('a ticket at a gate', () => {
  type Make = () => Promise<Shown>
  /** A ticket of an event of its own, changed by SQL. */
  const ticketOf = async (event: string) => {
    const own = await openBoxOffice(db)
    await db.rows('insert into business_staff (business_id, user_id) values ($1, $2)', [
      own.businessId,
      house.staffId,
    ])
    const shown = await soldTicket(db, own)
    await db.rows(`update events set ${event} where id = $1`, [own.eventId])
    return { ...shown, business: own.businessId }
  }
  const tickets: readonly [what: string, Make, outcome: string][] = [
    ['is fresh', () => soldTicket(db, house), 'ADMITTED'],
    ['is refunded', () => soldTicket(db, house, 'refunded'), 'REFUNDED'],
    ['is being refunded', () => soldTicket(db, house, 'refunding'), 'REFUNDING'],
    ['is cancelled', () => soldTicket(db, house, 'cancelled'), 'CANCELLED'],
    ['is of a cancelled event', () => ticketOf(`status = 'cancelled'`), 'EVENT_CANCELLED'],
    ['comes a day and a minute before', () => ticketOf(startsIn('24 hours 1 minute')), 'TOO_EARLY'],
    ['comes a day less a minute before', () => ticketOf(startsIn('23 hours 59 minutes')), 'ADMITTED'],
    ['comes six hours less a minute after the end', () => ticketOf(endedAgo('5:59')), 'ADMITTED'],
    ['comes six hours after the end', () => ticketOf(endedAgo('6:00')), 'TOO_LATE'],
    ['comes before the entry', () => ticketOf(`entry_from = now() + interval '1 minute'`), 'TOO_EARLY'],
    ['comes when the entry has begun', () => ticketOf('entry_from = now()'), 'ADMITTED'],
    ['comes when the entry is over', () => ticketOf('entry_until = now()'), 'TOO_LATE'],
  ]
  const startsIn = (time: string) =>
    `start_at = now() + interval '${time}', end_at = now() + interval '2 days'`
  const endedAgo = (time: string) =>
    `start_at = now() - interval '1 day', end_at = now() - interval '${time}'`
  for (const [what, make, outcome] of tickets) {
    it(`a ticket that ${what}: ${outcome}, as token and as plain code`, async () => {
      for (const spell of [plain, (shown: Shown) => signed(shown, 'ticket')]) {
        const shown: Shown & { business?: string } = await make()
        const answer = await scan(spell(shown), staff, shown.business ?? house.businessId)
        assert.deepEqual([answer.success, answer.outcome, answer.qr_type], [true, outcome, 'ticket'])
        assert.deepEqual(await logOf('ticket_id', shown.id), [
          { device_id: 'gate 1', scan_success: outcome === 'ADMITTED', error_code: logged(outcome) },
        ])
        const status = await db.value('select status from tickets where id = $1', [shown.id])
        assert.equal(status === 'used', outcome === 'ADMITTED')
      }
    })
  }
  /** In the log what does not admit by its status has one code. */
  const logged = (outcome: string) =>
    outcome === 'ADMITTED' ? null : /^REFUND|^CANCELLED/.test(outcome) ? 'INVALID_STATUS' : outcome

  it('a used ticket: ALREADY_USED with the time of the first scan, also when the event is over or cancelled', async () => {
    const shown = await ticketOf('title = title')
    const first = await scan(plain(shown), staff, shown.business)
    await db.rows(`update events set status = 'cancelled' where id = $1`, [shown.scopeId])
    const second = await scan(plain(shown), staff, shown.business)
    assert.equal(second.outcome, 'ALREADY_USED')
    assert.ok(first.details?.['checked_in_at'])
    assert.deepEqual(second.details, { ...first.details, checked_in_device: 'gate 1' })
  })

  it('a ticket that is deleted by hand while its scan waits is nothing of ours, with network and without', async () => {
    const clients = [await db.connect(), await db.connect()] as const
    const scans: readonly (readonly [
      (shown: Shown) => [sql: string, argument: unknown],
      (answer: Answer) => unknown,
      unknown,
    ])[] = [
      [
        ({ code }) => [
          'select ticketing.validate_qr($1)',
          { business_id: house.businessId, presented: PRESENTED, code },
        ],
        (answer) => answer,
        UNKNOWN,
      ],
      [
        ({ id }) => [
          'select ticketing.sync_offline_scans($1)',
          JSON.stringify([{ ticket_id: id, scanned_at: new Date().toISOString() }]),
        ],
        ({ results = [] }) => results.map(({ error }) => error),
        ['NOT_FOUND'],
      ],
    ]
    for (const [callOf, told, expected] of scans) {
      const shown = await soldTicket(db, house)
      const remove = (client: pg.Client) => client.query('delete from tickets where id = $1', [shown.id])
      const [sql, argument] = callOf(shown)
      const judge = (client: pg.Client) => valueAs<Answer>(client, SERVICE, sql, [argument])
      const [, answer] = await overlap(db, clients, remove, judge)
      assert.deepEqual(told(answer), expected)
    }
  })

  it('an online scan that an earlier one beat says so when it is sent again, in one row', async () => {
    const shown = await soldTicket(db, house)
    await db.rows(`update tickets set created_at = now() - interval '1 day' where id = $1`, [shown.id])
    const opening = { ...plain(shown), scan_id: 'opening' }
    await scan(opening)
    await db.rows(`select ticketing.sync_offline_scan($1, null, now() - interval '1 hour', 'early')`, [
      shown.id,
    ])
    const { outcome, details } = await scan(opening)
    assert.deepEqual([outcome, details?.['checked_in_device']], ['ALREADY_USED', 'early'])
    assert.equal(await db.value('select count(*)::int from scan_logs where ticket_id = $1', [shown.id]), 2)
  })
})
