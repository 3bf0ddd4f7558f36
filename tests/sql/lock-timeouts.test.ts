import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { addLapsedHold, ask, codeOf, guestOrder, reserveBatch } from '../support/buying.ts'
import { refusalOf, SERVICE, valueAs } from '../support/callers.ts'
import { advisory, openCrowd, row, whileLocked } from '../support/crowd.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

const db = await lawfulDatabase()
const { businessId, eventId } = await openBoxOffice(db)
const at = await openCrowd(db, 1)

describe('a lock that does not come', async () => {
  const tierId = await addTier(db, eventId)
  const paid = await addTier(db, eventId)
  const [ticketId] = await buyTickets(db, eventId, paid, 1)
  const orderId = await db.value<string>('select order_id from tickets where id = $1', [ticketId])
  const offerId = await db.value<string>(
    `insert into discounts (business_id, title, total_people) values ($1, 'Offer', 3) returning id`,
    [businessId],
  )
  const slotId = await db.value<string>(
    `insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
     values ($1, 5, '19:00', '22:00', 9, 10) returning id`,
    [businessId],
  )
  await reserveBatch(db.client, [tierId], 1, 'waits')
  const cart = JSON.stringify([{ tier_id: tierId, quantity: 1 }])
  const order = guestOrder(eventId, tierId, 1, 'waits')
  const tierKey = advisory(`tier:${tierId}`)
  const tierRow = row('ticket_tiers', tierId)
  const verbs: readonly [string, string, readonly unknown[], string][] = [
    [
      'reserve_tickets_atomically, at the tier',
      'select reserve_tickets_atomically($1, 1)',
      [tierId],
      tierKey,
    ],
    ['reserve_tickets_atomically, at its row', 'select reserve_tickets_atomically($1, 1)', [tierId], tierRow],
    ['reserve_tickets_batch, at the tier', 'select reserve_tickets_batch($1)', [cart], tierKey],
    ['reserve_tickets_batch, at its row', 'select reserve_tickets_batch($1)', [cart], tierRow],
    ['extend_ticket_holds', `select extend_ticket_holds('waits', 1)`, [], tierKey],
    ['release_ticket_holds', `select release_ticket_holds('waits')`, [], tierRow],
    [
      'checkout, at its key',
      'select ticketing.checkout($1)',
      [order],
      advisory(`key:${businessId}:service:waits`),
    ],
    ['checkout, at the tier', 'select ticketing.checkout($1)', [order], tierKey],
    [
      'issue_order_tickets, at the order',
      'select issue_order_tickets($1)',
      [orderId],
      advisory(`order:${orderId}`),
    ],
    ['issue_order_tickets, at its row', 'select issue_order_tickets($1)', [orderId], row('orders', orderId)],
    [
      'atomic_ticket_checkin',
      'select atomic_ticket_checkin($1, null)',
      [ticketId],
      row('tickets', String(ticketId)),
    ],
    [
      'scan_ticket_atomic',
      `select jsonb_build_object('success', success, 'error', case when error_message like 'Server busy%' then 'LOCK_TIMEOUT' end)
       from scan_ticket_atomic($1, null)`,
      [ticketId],
      row('tickets', String(ticketId)),
    ],
    [
      'sync_offline_scan',
      `select jsonb_build_object('success', success, 'error', case when error_message like 'Server busy%' then 'LOCK_TIMEOUT' end)
       from sync_offline_scan($1, null, now())`,
      [ticketId],
      row('tickets', String(ticketId)),
    ],
    [
      'undo_scan',
      `select ticketing.undo_scan('ticket', $1, 'why', p_scanned_at => now())`,
      [ticketId],
      row('tickets', String(ticketId)),
    ],
    [
      'claim_offer_spots_atomically',
      'select claim_offer_spots_atomically($1, 1)',
      [offerId],
      advisory(`offer:${offerId}`),
    ],
    [
      'claim_offer_spots_atomically, at its row',
      'select claim_offer_spots_atomically($1, 1)',
      [offerId],
      row('discounts', offerId),
    ],
    [
      'book_slot_atomically',
      `select book_slot_atomically($1, '2083-01-01', '19:30', 1, 'Ada')`,
      [businessId],
      advisory(`slot:${slotId}:2083-01-01`),
    ],
    [
      'book_slot_atomically, at its row',
      `select book_slot_atomically($1, '2083-01-01', '19:30', 1, 'Ada')`,
      [businessId],
      row('slots', slotId),
    ],
  ]
  const raising: readonly [string, string, readonly unknown[], string][] = [
    ['release_tickets', 'select release_tickets($1, 1)', [tierId], tierKey],
    ['release_offer_spots', 'select release_offer_spots($1, 1)', [offerId], advisory(`offer:${offerId}`)],
  ]

  for (const [what, sql, values, lock] of verbs) {
    it(`${what}: answers LOCK_TIMEOUT before the statement is cancelled`, async () => {
      assert.equal(codeOf(await whileLocked(at, lock, (client) => ask(client, sql, values))), 'LOCK_TIMEOUT')
    })
  }
  for (const [what, sql, values, lock] of raising) {
    it(`${what}: raises PT503, having no answer`, async () => {
      assert.deepEqual(await refusalOf(whileLocked(at, lock, (client) => ask(client, sql, values))), {
        code: 'PT503',
      })
    })
  }
  it('claim_order_ticketing says no, and expire_ticket_holds leaves the tier to the next run', async () => {
    await db.rows('update orders set tickets_issued_at = null where id = $1', [orderId])
    const claim = (client: pg.Client) =>
      valueAs(client, SERVICE, 'select claim_order_ticketing($1)', [orderId])
    assert.equal(await whileLocked(at, advisory(`order:${orderId}`), claim), false)
    const due = await addTier(db, eventId)
    await addLapsedHold(db, eventId, due, 1)
    const expire = (client: pg.Client) => valueAs(client, SERVICE, 'select expire_ticket_holds()')
    assert.equal(await whileLocked(at, advisory(`tier:${due}`), expire), 0)
    assert.equal(await expire(db.client), 1)
  })
})
