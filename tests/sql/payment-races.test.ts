import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { addTier } from '../support/box-office.ts'
import { assertLawful, refusalOf } from '../support/callers.ts'
import { behind, CROWD } from '../support/crowd.ts'
import {
  booksOf,
  completed,
  countsOf,
  eventOf,
  expired,
  lapse,
  type MoneyAnswer,
  type PlacedOrder,
  placeOrder,
  receive,
  sessionOf,
  standOf,
} from '../support/money.ts'
import { type House, NO_ORDER_LOCK, openHouse, outcomes, PAID_ONCE, tierOf } from '../support/money-races.ts'
import { changed, racesIn, without } from '../support/race.ts'

const house = await openHouse()
const race = racesIn(house, openHouse)

type Work = (client: pg.Client) => Promise<MoneyAnswer>

describe('webhooks at once', () => {
  race(
    'one event, eight times: one has the effect, the others are duplicates',
    async (at) => {
      const tierId = await addTier(at.db, at.box.eventId, { priceCents: 2000, total: 100 })
      const order = await placeOrder(at.db, { eventId: at.box.eventId, tierId })
      const event = completed(order)
      const answers = await behind(
        at,
        tierOf(order),
        Array<Work>(CROWD).fill((client: pg.Client) => receive(client, event)),
      )
      assert.deepEqual(outcomes(answers), ['ISSUED', ...Array(CROWD - 1).fill('duplicate')])
      assert.deepEqual(await standOf(at.db, order), PAID_ONCE)
    },
    without(4),
  )

  race(
    'completed and async_payment_succeeded of one payment: its tickets are issued once',
    async (at) => {
      const order = await placeOrder(at.db, { eventId: at.box.eventId })
      const answers = await behind(at, tierOf(order), [
        (client) => receive(client, completed(order)),
        (client) => receive(client, eventOf('checkout.session.async_payment_succeeded', sessionOf(order))),
      ])
      assert.deepEqual(outcomes(answers), ['ALREADY_ISSUED', 'ISSUED'])
      assert.deepEqual(await standOf(at.db, order), PAID_ONCE)
    },
    without(4),
  )

  race(
    'two payments of one order: one is kept, the other goes back, once',
    async (at) => {
      const order = await placeOrder(at.db, { eventId: at.box.eventId })
      const second = { ...order, paymentId: `${order.paymentId}_second` }
      const works = [order, second, order, second].map(
        (one): Work =>
          (client) =>
            receive(client, completed(one)),
      )
      assert.deepEqual(outcomes(await behind(at, tierOf(order), works)), [
        'ALREADY_ISSUED',
        'ISSUED',
        'RETURNED',
        'RETURNED',
      ])
      assert.deepEqual(await booksOf(at.db, order), { captured: 8000, tickets: -4000, pending: -4000 })
    },
    without(4),
  )

  for (const [what, first] of [
    ['completed, then expired', 'completed'],
    ['expired, then completed', 'expired'],
  ]) {
    const run = async (at: House) => {
      const order = await placeOrder(at.db, { eventId: at.box.eventId })
      const works: Work[] = [
        (client) => receive(client, completed(order)),
        (client) => receive(client, expired(order)),
      ]
      await behind(at, tierOf(order), first === 'completed' ? works : works.reverse())
      assert.deepEqual(await standOf(at.db, order), PAID_ONCE)
      assert.deepEqual(await countsOf(at.db, order.tierId), { sold: 2, held: 0 })
    }
    // The other way round the naive one is lucky.
    if (first === 'completed') race(`${what}, at once: the payment wins`, run, changed(...NO_ORDER_LOCK))
    else it(`${what}, at once: the payment wins`, () => run(house))
  }

  race(
    'an event that comes before its checkout has committed waits for it',
    async (at) => {
      const tierId = await addTier(at.db, at.box.eventId, { priceCents: 2000 })
      const answer = await at.holder.query('begin')
      assert.equal(answer.command, 'BEGIN')
      // The checkout is asked for on the holder's connection, and its transaction stays open.
      const order = await placeOrder(
        {
          ...at.db,
          value: async <T>(sql: string, values?: readonly unknown[]) =>
            Object.values((await at.holder.query(sql, [...(values ?? [])])).rows[0] ?? {})[0] as T,
        },
        { eventId: at.box.eventId, tierId },
      )
      const [client] = at.crowd as [pg.Client]
      const told = receive(client, completed(order))
      try {
        await Promise.race([untilWaiting(at.db, 1), told])
      } finally {
        await at.holder.query('commit')
      }
      await assert.equal((await told).outcome, 'ISSUED')
    },
    changed(['ticketing.lock_session_told', 'perform ticketing.lock_order(v_order_id);', '']),
  )
})

describe('a crash', () => {
  it('between mark and effect keeps neither: the event is sent again, and has its effect', async () => {
    const order = await placeOrder(house.db, { eventId: house.box.eventId })
    const event = completed(order)
    await house.holder.query('begin')
    await house.holder.query('select ticketing.receive_webhook($1)', [event])
    await house.holder.query('rollback')
    assert.equal((await standOf(house.db, order))['order'], 'pending')
    const again = await receive(house.db.client, event)
    assert.deepEqual([again.duplicate, again.outcome], [false, 'ISSUED'])
    await assertLawful(house.db)
  })

  it('between mark and effect: the naive twin, two transactions, loses the payment', async () => {
    const lost = await placeOrder(house.db, { eventId: house.box.eventId })
    const event = completed(lost)
    // The mark commits, and then the process is gone.
    await house.db.rows(`insert into webhook_events (id, type, outcome) values ($1, $2, 'RECEIVED')`, [
      event['id'],
      event['type'],
    ])
    assert.equal((await receive(house.db.client, event)).duplicate, true)
    assert.equal((await standOf(house.db, lost))['order'], 'pending')
  })
})

describe('a payment beside other buyers', () => {
  /** An order whose holds are due, and a rival who wants all of it. */
  async function lateOrder(at: House): Promise<readonly [PlacedOrder, Work]> {
    const tierId = await addTier(at.db, at.box.eventId, { priceCents: 2000, total: 2 })
    const order = await placeOrder(at.db, { eventId: at.box.eventId, tierId })
    await lapse(at.db, order)
    const rival: Work = async (client) =>
      (await client.query('select reserve_tickets_atomically($1, 2) as answer', [tierId])).rows[0].answer
    return [order, rival]
  }

  race(
    'its holds end while it commits: the tickets are its own, the rival is told',
    async (at) => {
      const [order, rival] = await lateOrder(at)
      const [paid, other] = await behind(at, tierOf(order), [
        (client) => receive(client, completed(order)),
        rival,
      ])
      assert.deepEqual([paid?.outcome, other?.success], ['ISSUED', false])
      assert.deepEqual(await countsOf(at.db, order.tierId), { sold: 2, held: 0 })
    },
    without(1),
  )

  it('a rival has its tickets first: all of the payment goes back, and nothing is oversold', async () => {
    const [order, rival] = await lateOrder(house)
    const works: Work[] = [rival, (client) => receive(client, completed(order))]
    const [other, paid] = await behind(house, tierOf(order), works)
    assert.deepEqual([other?.success, paid?.outcome, paid?.reason], [true, 'RETURNED', 'TOO_LATE'])
    assert.deepEqual(await countsOf(house.db, order.tierId), { sold: 0, held: 2 })
    await assertLawful(house.db)
  })

  it('with stock left both have theirs', async () => {
    const order = await placeOrder(house.db, { eventId: house.box.eventId })
    await lapse(house.db, order)
    const expire: Work = async (client) => {
      await client.query('select expire_ticket_holds(), ticketing.expire_orders()')
      return { success: true }
    }
    await behind(house, tierOf(order), [expire, (client) => receive(client, completed(order))])
    assert.deepEqual(await standOf(house.db, order), PAID_ONCE)
    await assertLawful(house.db)
  })

  race(
    'the tier is made smaller meanwhile: a late payment is judged by the new size',
    async (at) => {
      const order = await placeOrder(at.db, { eventId: at.box.eventId })
      await receive(at.db.client, expired(order))
      const smaller = `update ticket_tiers set total_quantity = 1 where id = '${order.tierId}'`
      const [paid] = await behind(at, smaller, [(client) => receive(client, completed(order))])
      assert.equal(paid?.reason, 'TOO_LATE')
    },
    without(1),
  )

  it('a tier is not made smaller than what is held, nor than what is sold', async () => {
    const order = await placeOrder(house.db, { eventId: house.box.eventId })
    const smaller: Work = async (client) => {
      const sql = 'update ticket_tiers set total_quantity = 1 where id = $1'
      return { success: false, error: (await refusalOf(client.query(sql, [order.tierId]))).code }
    }
    const paying: Work = (client) => receive(client, completed(order))
    assert.deepEqual(outcomes(await behind(house, tierOf(order), [smaller, paying, smaller])), [
      '23514',
      '23514',
      'ISSUED',
    ])
    assert.deepEqual(await standOf(house.db, order), PAID_ONCE)
  })
})
