import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { behind } from '../support/crowd.ts'
import {
  booksOf,
  completed,
  eventOf,
  type MoneyAnswer,
  paidOrder,
  placeOrder,
  receive,
  requestRefund,
} from '../support/money.ts'
import { type House, NO_ORDER_LOCK, openHouse, outcomes, tierOf } from '../support/money-races.ts'
import { changed, racesIn } from '../support/race.ts'

const house = await openHouse()
const race = racesIn(house, openHouse)

type Work = (client: pg.Client) => Promise<MoneyAnswer>
const REFUNDS = 'lock table ticketing.refunds in exclusive mode'
const SCANS = 'lock table scan_logs in exclusive mode'

describe('refunds at once', () => {
  const NO_LOCKS = changed(
    ...NO_ORDER_LOCK,
    ['ticketing.request_refund', 'perform ticketing.lock_order_tiers(p_order_id);', ''],
    ['ticketing.lock_tickets', 'for no key update', ''],
  )

  race(
    'one ticket, four clerks: one refund, the others are told which',
    async (at) => {
      const order = await paidOrder(at.db, { eventId: at.box.eventId })
      const [ticket] = order.tickets as [string]
      const works = Array<Work>(4).fill((client: pg.Client) => requestRefund(client, order.orderId, [ticket]))
      const answers = await behind(at, REFUNDS, works)
      assert.deepEqual(outcomes(answers), [...Array(3).fill('ALREADY_REFUNDED'), 'success'])
      const ids = answers.map((answer) => answer.refund_id ?? answer.refund_ids?.[0])
      assert.equal(new Set(ids).size, 1)
    },
    NO_LOCKS,
  )

  race(
    'different tickets, and a part that had gone before: together never more than was paid',
    async (at) => {
      const order = await paidOrder(at.db, { eventId: at.box.eventId })
      const part = { id: 're_part', status: 'succeeded', amount: 3000, payment_intent: order.paymentId }
      await receive(at.db.client, eventOf('refund.created', { ...part, id: `re_${order.orderId}` }))
      const works = order.tickets.map(
        (ticket): Work =>
          (client) =>
            requestRefund(client, order.orderId, [ticket]),
      )
      const answers = await behind(at, REFUNDS, works)
      assert.deepEqual(answers.map((answer) => answer.amount_cents).sort(), [0, 1000])
    },
    NO_LOCKS,
  )

  race(
    'a refund that is asked for while the order is paid waits, and takes its tickets',
    async (at) => {
      const order = await placeOrder(at.db, { eventId: at.box.eventId })
      const answers = await behind(at, tierOf(order), [
        (client) => receive(client, completed(order)),
        (client) => requestRefund(client, order.orderId),
      ])
      assert.deepEqual(outcomes(answers), ['ISSUED', 'success'])
      assert.deepEqual(await booksOf(at.db, order), { captured: 4000, pending: -4000 })
    },
    changed(...NO_ORDER_LOCK),
  )
})

describe('refund against scan', () => {
  const scan =
    (at: House, ticket: string): Work =>
    async (client) =>
      (await client.query('select atomic_ticket_checkin($1, $2) as answer', [ticket, at.box.staffId])).rows[0]
        .answer
  const naive = changed(['ticketing.lock_tickets', 'for no key update', ''])
  const either = async (at: House, gate: string, scansFirst: boolean) => {
    const order = await paidOrder(at.db, { eventId: at.box.eventId })
    const [ticket] = order.tickets as [string]
    const works: Work[] = [(client) => requestRefund(client, order.orderId, [ticket]), scan(at, ticket)]
    const answers = await behind(at, gate, scansFirst ? works.reverse() : works)
    const [refund, admitted] = scansFirst ? [answers[1], answers[0]] : answers
    assert.deepEqual([refund?.success, admitted?.success], [!scansFirst, scansFirst])
    return refund
  }

  race(
    'the gate was first: the ticket is used, and the refund is refused',
    async (at) => {
      assert.equal((await either(at, SCANS, true))?.error, 'TICKET_USED')
    },
    naive,
  )

  it('the refund was first: the gate refuses', () => either(house, REFUNDS, false).then(() => {}))
})
