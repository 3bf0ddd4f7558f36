import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { addTier, type BoxOffice, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { type Caller, SERVICE, valueAs } from '../support/callers.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { bookedTable, claimedOffer, soldTicket } from '../support/door.ts'
import { doublesOf, type Synced, truth } from '../support/gates.ts'
import { ago, outcomeOf } from '../support/offline.ts'
import { openQrGate, plain } from '../support/qr-gate.ts'

const { db, house, other, staff, scan, logOf } = await openQrGate()
const tomorrow = await anotherEvent(db, house, 'Tomorrow')

/** An event of the same house that admits now as well: nothing but the gate's event tells the two apart. */
async function anotherEvent(on: TestDatabase, { businessId }: BoxOffice, title: string): Promise<BoxOffice> {
  const [event] = await on.rows<{ id: string; slug: string }>(
    `insert into events (business_id, slug, title, start_at, end_at, status, currency)
     values ($1, 'e-' || left(gen_random_uuid()::text, 8), $2, now() + interval '20 hours', now() + interval '26 hours',
       'published', 'EUR') returning id, slug`,
    [businessId, title],
  )
  return { ...house, businessId, eventId: String(event?.id), eventSlug: String(event?.slug) }
}

const statusOf = (id: string) => db.value<string>('select status from tickets where id = $1', [id])
const syncAs = (caller: Caller, scans: readonly object[]) =>
  valueAs<Synced>(db.client, caller, 'select ticketing.sync_offline_scans($1, $2)', [
    JSON.stringify(scans),
    house.businessId,
  ])

describe("a gate of tonight's event", () => {
  for (const [by, event] of [
    ['id', house.eventId],
    ['slug', house.eventSlug],
  ] as const)
    it(`that names it by its ${by} admits its own tickets`, async () => {
      assert.equal((await scan({ ...plain(await soldTicket(db, house)), event })).outcome, 'ADMITTED')
    })

  it("refuses a ticket of tomorrow's, says of which event it is, uses nothing, and writes it down", async () => {
    const shown = await soldTicket(db, tomorrow)
    for (const event of [house.eventId, house.eventSlug]) {
      const { outcome, qr_type, details } = await scan({ ...plain(shown), event })
      assert.deepEqual(
        [outcome, qr_type, details?.['event_id'], details?.['event_title']],
        ['WRONG_EVENT', 'ticket', tomorrow.eventId, 'Tomorrow'],
      )
    }
    assert.equal(await statusOf(shown.id), 'valid')
    const row = { device_id: 'gate 1', scan_success: false, error_code: 'WRONG_EVENT' }
    assert.deepEqual(await logOf('ticket_id', shown.id), [row, row])
    assert.equal(
      await db.value('select bool_and(gate_event_id = $2) from scan_logs where ticket_id = $1', [
        shown.id,
        house.eventId,
      ]),
      true,
    )
    assert.equal((await scan({ ...plain(shown), event: tomorrow.eventSlug })).outcome, 'ADMITTED')
  })

  it('says so whatever the ticket is besides: used, refunded, or asked for again', async () => {
    const opening = { ...plain(await soldTicket(db, tomorrow)), scan_id: 'opening' }
    assert.equal((await scan(opening)).outcome, 'ADMITTED')
    assert.equal((await scan({ ...opening, event: house.eventId })).outcome, 'WRONG_EVENT')
    const gone = await soldTicket(db, tomorrow, 'refunded')
    assert.equal((await scan({ ...plain(gone), event: house.eventId })).outcome, 'WRONG_EVENT')
  })

  it('is one row for each scan, however often it is sent', async () => {
    const shown = await soldTicket(db, tomorrow)
    for (const scan_id of ['a', 'a', 'b']) await scan({ ...plain(shown), event: house.eventId, scan_id })
    assert.equal((await logOf('ticket_id', shown.id)).length, 2)
  })

  it("lets in claims and bookings of the house, which are no event's", async () => {
    for (const shown of [await claimedOffer(db, house), await bookedTable(db, house, 0)])
      assert.equal((await scan({ ...plain(shown), event: house.eventId })).outcome, 'ADMITTED')
  })

  it('learns nothing of what is nothing of the house', async () => {
    const shown = await soldTicket(db, other)
    assert.equal((await scan({ ...plain(shown), event: house.eventId })).outcome, 'UNKNOWN')
  })

  for (const [what, event] of [
    ['that there is not', randomUUID()],
    ['that there is not, by a slug', 'no-such-event'],
    ['of another business', other.eventId],
    ['without a name', ''],
  ] as const)
    it(`that names an event ${what} is set up wrongly and told so: EVENT_NOT_FOUND, nothing used`, async () => {
      const shown = await soldTicket(db, house)
      for (const caller of [staff, SERVICE])
        assert.equal((await scan({ ...plain(shown), event }, caller)).error, 'EVENT_NOT_FOUND')
      assert.equal(await statusOf(shown.id), 'valid')
      assert.deepEqual(await logOf('ticket_id', shown.id), [])
    })
})

describe('the verbs that take a ticket by its id', () => {
  const verbs: readonly [string, string, (answer: Record<string, unknown>) => unknown][] = [
    [
      'scan_ticket_atomic',
      'select to_jsonb(s) from scan_ticket_atomic($1, $2, p_event_id => $3) s',
      (answer) => answer['error_message'],
    ],
    [
      'atomic_ticket_checkin',
      'select atomic_ticket_checkin($1, $2, p_event_id => $3)',
      (answer) => answer['message'],
    ],
  ]
  for (const [verb, sql, message] of verbs)
    it(`${verb} refuses a ticket of another event than p_event_id, and admits where it names none`, async () => {
      const { id } = await soldTicket(db, tomorrow)
      const call = (eventId: string | null) =>
        valueAs<Record<string, unknown>>(db.client, staff, sql, [id, house.staffId, eventId])
      assert.match(String(message(await call(house.eventId))), /another event/)
      assert.equal(await statusOf(id), 'valid')
      assert.equal((await call(null))['success'], true)
    })

  it('sync_offline_scan keeps it, and uses nothing', async () => {
    const { id } = await soldTicket(db, tomorrow)
    const answer = await valueAs<{ success: boolean; error_message: string }>(
      db.client,
      staff,
      'select to_jsonb(s) from sync_offline_scan($1, $2, now(), null, $3) s',
      [id, house.staffId, house.eventId],
    )
    assert.match(answer.error_message, /another event/)
    assert.equal(await statusOf(id), 'valid')
    assert.equal((await logOf('ticket_id', id)).length, 1)
  })
})

describe("what a gate without network let in with tomorrow's ticket", () => {
  it('is recorded once and reported at both events, and the ticket stays good for its own', async () => {
    const { id } = await soldTicket(db, tomorrow)
    const told = [{ ticket_id: id, scanned_at: ago(1000), device_id: 'd', event: house.eventSlug }]
    for (let time = 0; time < 2; time++) {
      const [result] = (await syncAs(staff, told)).results ?? []
      assert.ok(result)
      assert.deepEqual([outcomeOf(result), result.ticket_id], ['WRONG_EVENT', id])
      assert.equal((result as { event?: { title: string } }).event?.title, 'Tomorrow')
    }
    assert.equal((await logOf('ticket_id', id)).length, 1)
    assert.equal(await statusOf(id), 'valid')
    for (const eventId of [house.eventId, tomorrow.eventId]) {
      const mine = (await doublesOf(db, eventId)).filter(({ ticket_id }) => ticket_id === id)
      assert.deepEqual(
        mine.map(({ status, counted, other: beside }) => [status, counted, beside.error_code]),
        [['valid', null, 'WRONG_EVENT']],
      )
    }
    assert.equal([...(await truth(db, tomorrow.eventId)).values()].includes('valid'), true)
    await syncAs(staff, [{ ticket_id: id, scanned_at: ago(0), device_id: 'e', event: tomorrow.eventId }])
    assert.equal(await statusOf(id), 'used')
  })

  it('is judged again where the gate names its event right, in the same row', async () => {
    const { id } = await soldTicket(db, tomorrow)
    const told = { ticket_id: id, scanned_at: ago(1000), device_id: 'd' }
    assert.deepEqual((await syncAs(staff, [{ ...told, event: house.eventId }])).results?.map(outcomeOf), [
      'WRONG_EVENT',
    ])
    assert.deepEqual((await syncAs(staff, [{ ...told, event: tomorrow.eventId }])).results?.map(outcomeOf), [
      'admitted',
    ])
    assert.equal((await logOf('ticket_id', id)).length, 1)
  })

  for (const [what, event] of [
    ['that there is not', 'no-such-event'],
    ['of another business', other.eventId],
  ] as const)
    it(`an event ${what} loses no entry: it is judged without, and noted`, async () => {
      const { id } = await soldTicket(db, tomorrow)
      const [result] = (await syncAs(staff, [{ ticket_id: id, scanned_at: ago(0), event }])).results ?? []
      assert.deepEqual([result?.success, result?.disbelieved], [true, ['event']])
    })

  it('a refund of it that fails does not count that entry', async () => {
    const { id } = await soldTicket(db, tomorrow)
    await syncAs(staff, [{ ticket_id: id, scanned_at: ago(0), event: house.eventId }])
    await db.rows(`update tickets set status = 'refunding' where id = $1`, [id])
    await db.rows('select ticketing.give_back_tickets(array[$1::uuid])', [id])
    assert.equal(await statusOf(id), 'valid')
  })
})

describe('the law admitted_once', () => {
  /** A house whose verb takes no notice of the gate's event. */
  const twins: readonly [string, string, fragment: string, replacement: string, call: string][] = [
    [
      "a ticket that another event's gate let in",
      'ticketing.admit_ticket',
      'elsif p_gate_event_id <> v_scan.event_id then',
      'elsif false then',
      'select scan_ticket_atomic($1, null, p_event_id => $2)',
    ],
    [
      'one that an offline scan there used up',
      'ticketing.admit_offline',
      "when v_own.gate_event_id <> v_ticket.event_id then 'WRONG_EVENT'",
      '',
      'select sync_offline_scan($1, null, now(), null, $2)',
    ],
  ]
  for (const [what, fn, fragment, replacement, call] of twins)
    it(`sees ${what}: the naive twin`, async () => {
      const naive = await testDatabase()
      const without = [[fn, fragment, replacement]] as const
      await takeAway(naive.client, { name: 'naive', role: 'refuses', kind: 'decision', object: '', without })
      const tonight = await openBoxOffice(naive)
      const later = await anotherEvent(naive, tonight, 'Later')
      const [id] = await buyTickets(naive, later.eventId, await addTier(naive, later.eventId), 1)
      await naive.rows(call, [id, tonight.eventId])
      assert.deepEqual(await naive.rows('select ticket_id from ticketing.law_admitted_once'), [
        { ticket_id: id },
      ])
    })
})
