import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type pg from 'pg'
import { overlap } from '../../src/proof/interleaving/overlap.ts'
import { addTier } from '../support/box-office.ts'
import { bookedTable, claimedOffer, type Shown, soldTicket } from '../support/door.ts'
import { type House, heldAt, minutesAgo, openHouse, statusOf, verdictOf } from '../support/gate-races.ts'
import { doublesOf, scanOnline, sync, syncOne, validate } from '../support/gates.ts'
import { paidOrder, refundOf, refuseRefund, settleRefund } from '../support/money.ts'
import { changed, racesIn } from '../support/race.ts'

const race = racesIn(await openHouse(), openHouse)

describe('scans that are brought while money goes back', () => {
  race(
    'a sync and a refund of the same tickets never wait in a circle',
    async (at) => {
      const order = await orderIn(at)
      const answers = await heldAt(at, String(order.tickets[1]), [
        (client) => sync(client, scansOf(order.tickets)),
        (client) => refundAll(client, order),
      ])
      assert.equal(answers[0].success, true)
      assert.ok(answers[1].success || answers[1].error === 'TICKET_USED', answers[1].error)
    },
    changed(['ticketing.sync_offline_scans', 'order by s.ticket_id', 'order by s.ticket_id desc']),
  )

  race(
    'a sync and a refund from the dashboard never wait in a circle',
    async (at) => {
      const order = await orderIn(at)
      const answers = await heldAt(at, String(order.tickets[1]), [
        (client) => sync(client, scansOf(order.tickets)),
        (client) => settleRefund(client, refundOf(order)),
      ])
      assert.deepEqual([answers[0].success, answers[1].outcome], [true, 'REFUNDED'])
    },
    changed(['ticketing.succeed_refund', 'perform ticketing.lock_order_tickets(p_refund.order_id);', '']),
  )

  race(
    'a sync and a refund that fails never wait in a circle',
    async (at) => {
      const order = await orderIn(at)
      const { refund_id } = await refundAll(at.gates[0], order)
      const answers = await heldAt(at, String(order.tickets[1]), [
        (client) => sync(client, scansOf(order.tickets)),
        (client) => refuseRefund(client, refund_id),
      ])
      assert.deepEqual([answers[0].success, answers[1].success], [true, true])
    },
    changed(['ticketing.fail_refund', 'perform ticketing.lock_order_tickets(p_refund.order_id);', '']),
  )

  race(
    'a refund that fails gives no ticket back with which somebody was let in meanwhile: the first entry counts',
    async (at) => {
      const { tickets, ...order } = await orderIn(at)
      const [let_in, kept] = [String(tickets[0]), String(tickets[1])]
      const { refund_id } = await refundAll(at.gates[0], order)
      await syncOne(at.gates[0], let_in, minutesAgo(10), 'late')
      await syncOne(at.gates[0], let_in, minutesAgo(20), 'early')
      await syncOne(at.gates[0], let_in, '1970-01-01', 'dead')
      await refuseRefund(at.gates[0], refund_id)
      assert.deepEqual([await statusOf(at, let_in), await statusOf(at, kept)], ['used', 'valid'])
      assert.equal(verdictOf(await scanOnline(at.gates[1], let_in, 'online')), 'already')
      const doubles = (await doublesOf(at.db, at.box.eventId)).filter(({ ticket_id }) => ticket_id === let_in)
      assert.deepEqual(
        doubles.map(({ counted, other }) => [counted?.device_id, other.device_id]),
        [
          ['early', 'late'],
          ['early', 'dead'],
        ],
      )
    },
    changed(['ticketing.count_first_opening', 's.offline or s.scan_success', 's.scan_success']),
  )

  race(
    'a refund of a scanned ticket that fails gives it to the earlier entry of which it heard meanwhile',
    async (at) => {
      const { tickets, ...order } = await orderIn(at)
      const ticket = String(tickets[0])
      await scanOnline(at.gates[0], ticket, 'online')
      const { refund_id } = await refundAll(at.gates[0], order, true)
      await syncOne(at.gates[0], ticket, minutesAgo(20), 'early')
      await refuseRefund(at.gates[0], refund_id)
      const doubles = (await doublesOf(at.db, at.box.eventId)).filter(({ ticket_id }) => ticket_id === ticket)
      assert.deepEqual(
        doubles.map(({ counted, other }) => [counted?.device_id, other.device_id]),
        [['early', 'online']],
      )
    },
    changed(['ticketing.count_first_opening', 's.offline or s.scan_success', 's.scan_success']),
  )

  race(
    'a gate that meets a refund as it fails lets in, or says why not',
    async (at) => {
      const { tickets, ...order } = await orderIn(at)
      const { refund_id } = await refundAll(at.gates[0], order)
      const code = await at.db.value<string>('select qr_code from tickets where id = $1', [tickets[0]])
      const [, scan, hasWaited] = await overlap(
        at.db,
        at.gates,
        (client) => client.query(`select ticketing.refuse_refund($1, 'no')`, [refund_id]),
        (client) => validate(client, at.box.businessId, { code }),
      )
      assert.deepEqual([scan.outcome, hasWaited], ['ADMITTED', true])
    },
    changed(['ticketing.admit_ticket', 'for v_try in 1..2 loop', 'for v_try in 1..1 loop']),
  )

  /** Three tickets, dear enough that money goes back, whose rows lie in the table in the opposite order. */
  const orderIn = async ({ db, box }: House) => {
    const tierId = await addTier(db, box.eventId, { priceCents: 2000 })
    const order = await paidOrder(db, { eventId: box.eventId, tierId, quantity: 3 })
    const tickets = order.tickets.toSorted()
    for (const id of tickets.toReversed())
      for (const status of ['refunding', 'valid'])
        await db.rows(`update tickets set status = $2, created_at = now() - interval '1 day' where id = $1`, [
          id,
          status,
        ])
    return { ...order, tickets }
  }
  const scansOf = (ids: readonly string[]) =>
    ids.map((ticket_id) => ({ ticket_id, scanned_at: minutesAgo(1), device_id: 'd' }))
  const refundAll = async (
    client: pg.Client,
    { orderId }: { readonly orderId: string },
    force: boolean = false,
  ) => {
    const sql = 'select ticketing.request_refund($1, p_force => $2) as answer'
    return (await client.query(sql, [orderId, force])).rows[0]?.answer as {
      success: boolean
      error?: string
      refund_id?: string
    }
  }
})

describe('one scan, sent twice at once', () => {
  const kinds: readonly [string, (house: House) => Promise<Shown>, string][] = [
    ['ticket', ({ db, box }) => soldTicket(db, box), 'ticket_id'],
    ['claim', ({ db, box }) => claimedOffer(db, box), 'claim_id'],
    ['booking', ({ db, box }) => bookedTable(db, box, 0), 'reservation_id'],
  ]
  for (const [kind, make, column] of kinds)
    race(
      `of a ${kind}: both are told that it admits, at the same time, and it is one row`,
      async (at) => {
        const { id, code } = await make(at)
        const scan = { code, device_id: 'a', scan_id: 'opening' }
        const send = (client: pg.Client) => validate(client, at.box.businessId, scan)
        const answers = await overlap(at.db, at.gates, send, send)
        assert.deepEqual([answers[0].outcome, answers[1].outcome, answers[2]], ['ADMITTED', 'ADMITTED', true])
        assert.deepEqual(answers[1].details, answers[0].details)
        assert.equal(await at.db.value(`select count(*)::int from scan_logs where ${column} = $1`, [id]), 1)
      },
      changed(['ticketing.is_same_scan', 'return ', 'return false and ']),
    )
})
