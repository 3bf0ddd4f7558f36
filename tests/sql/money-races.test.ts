import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { GUARANTEES } from '../../src/core/guarantees.ts'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { addTier, type BoxOffice, openBoxOffice } from '../support/box-office.ts'
import { assertLawful, refusalOf } from '../support/callers.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import {
  booksOf,
  completed,
  countsOf,
  eventOf,
  expired,
  lapse,
  type MoneyAnswer,
  type PlacedOrder,
  paidOrder,
  placeOrder,
  receive,
  refundOf,
  refuseRefund,
  requestRefund,
  sessionOf,
  settle,
  settleRefund,
  standOf,
} from '../support/money.ts'
import { type Naive, racesIn } from '../support/race.ts'

/** A house of its own; a naive one is the same but for what was taken out of its verbs. */
interface House {
  readonly db: TestDatabase
  readonly box: BoxOffice
  readonly gate: pg.Client
  readonly crowd: readonly pg.Client[]
}

const CROWD = 8

async function openHouse(naive: Naive = async () => {}): Promise<House> {
  const db = await testDatabase()
  const box = await openBoxOffice(db)
  await naive(db)
  const crowd = await Promise.all(Array.from({ length: CROWD }, () => db.connect()))
  return { db, box, gate: await db.connect(), crowd }
}

const house = await openHouse()

const race = racesIn(house, openHouse)

type Work = (client: pg.Client) => Promise<MoneyAnswer>

/** Starts `works` one after the other while the gate holds `lock`; each waits, for the gate or for one before it. */
async function behind(
  { db, gate, crowd }: House,
  lock: string,
  works: readonly Work[],
): Promise<MoneyAnswer[]> {
  await gate.query('begin')
  await gate.query(lock)
  const answers: Promise<MoneyAnswer>[] = []
  let running = 0
  try {
    for (const work of works) {
      const client = crowd[answers.length]
      if (client === undefined) throw new Error(`a race has at most ${CROWD} runners`)
      running++
      const answer = work(client).finally(() => running--)
      // One that is refused at once does not wait; what it says is judged with the others.
      const done = answer.then(
        () => {},
        () => {},
      )
      answers.push(answer)
      await Promise.race([untilWaiting(db, running), done])
    }
  } finally {
    await gate.query('commit')
  }
  return Promise.all(answers)
}

const tierOf = ({ tierId }: PlacedOrder) =>
  `select pg_advisory_xact_lock(hashtextextended('tier:${tierId}', 0))`
const REFUNDS = 'lock table ticketing.refunds in exclusive mode'
const SCANS = 'lock table scan_logs in exclusive mode'

const outcomes = (answers: readonly MoneyAnswer[]) =>
  answers.map((a) => (a.duplicate ? 'duplicate' : (a.outcome ?? a.error ?? 'success'))).sort()

/** Every refusal of a guarantee gone: check, then act, and nothing behind it. */
const without =
  (...numbers: readonly number[]) =>
  async (db: TestDatabase) => {
    for (const guarantee of GUARANTEES.filter((g) => numbers.includes(g.number)))
      for (const protection of guarantee.protections.filter((p) => p.role === 'refuses'))
        await takeAway(db.client, protection)
  }

/** A verb in which fragments were replaced. */
const changed =
  (...edits: readonly (readonly [fn: string, fragment: string, replacement: string])[]) =>
  async (db: TestDatabase) =>
    takeAway(db.client, { name: 'naive', role: 'refuses', kind: 'decision', object: '', without: edits })

const NO_ORDER_LOCK: readonly (readonly [string, string, string])[] = [
  ['ticketing.lock_order', "perform ticketing.lock_key('order:' || p_order_id);", ''],
  ['ticketing.lock_order', ' for no key update;', ';'],
]

const paidOnce = { order: 'paid', tickets: { valid: 2 }, payments: { kept: 1 }, refunds: {} }

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
        Array(CROWD).fill((client: pg.Client) => receive(client, event)),
      )
      assert.deepEqual(outcomes(answers), ['ISSUED', ...Array(CROWD - 1).fill('duplicate')])
      assert.deepEqual(await standOf(at.db, order), paidOnce)
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
      assert.deepEqual(await standOf(at.db, order), paidOnce)
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
      assert.deepEqual(await standOf(at.db, order), paidOnce)
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
      const answer = await at.gate.query('begin')
      assert.equal(answer.command, 'BEGIN')
      // The checkout is asked for on the gate's connection, and its transaction stays open.
      const order = await placeOrder(
        {
          ...at.db,
          value: async <T>(sql: string, values?: readonly unknown[]) =>
            Object.values((await at.gate.query(sql, [...(values ?? [])])).rows[0] ?? {})[0] as T,
        },
        { eventId: at.box.eventId, tierId },
      )
      const [client] = at.crowd as [pg.Client]
      const told = receive(client, completed(order))
      try {
        await Promise.race([untilWaiting(at.db, 1), told])
      } finally {
        await at.gate.query('commit')
      }
      assert.equal((await told).outcome, 'ISSUED')
    },
    changed([
      'ticketing.apply_session',
      'v_order := ticketing.lock_order(ticketing.order_named(p_session));',
      'select * into v_order from public.orders o where o.id = ticketing.order_named(p_session);',
    ]),
  )
})

describe('a crash', () => {
  it('between mark and effect keeps neither: the event is sent again, and has its effect', async () => {
    const order = await placeOrder(house.db, { eventId: house.box.eventId })
    const event = completed(order)
    await house.gate.query('begin')
    await house.gate.query('select ticketing.receive_webhook($1)', [event])
    await house.gate.query('rollback')
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
    assert.deepEqual(await standOf(house.db, order), paidOnce)
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
    assert.deepEqual(await standOf(house.db, order), paidOnce)
  })
})

describe('refunds at once', () => {
  const NO_LOCKS = changed(
    ...NO_ORDER_LOCK,
    [
      'ticketing.request_refund',
      'perform ticketing.lock_tiers(array(select i.tier_id from public.order_items i where i.order_id = p_order_id));',
      '',
    ],
    ['ticketing.lock_tickets', 'for no key update', ''],
  )

  race(
    'one ticket, four clerks: one refund, the others are told which',
    async (at) => {
      const order = await paidOrder(at.db, { eventId: at.box.eventId })
      const [ticket] = order.tickets as [string]
      const works = Array(4).fill((client: pg.Client) => requestRefund(client, order.orderId, [ticket]))
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

describe('a lock that does not come', () => {
  /** The budget is four fifths of this, so that the answer comes before PostgreSQL cancels the statement. */
  const STATEMENT_TIMEOUT = '400ms'

  async function whileLocked<T>(lock: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const [client] = house.crowd as [pg.Client]
    await house.gate.query('begin')
    await house.gate.query(lock)
    await client.query(`set statement_timeout = '${STATEMENT_TIMEOUT}'`)
    try {
      return await work(client)
    } finally {
      await house.gate.query('commit')
      await client.query('reset statement_timeout')
    }
  }

  const orderLock = ({ orderId }: PlacedOrder) =>
    `select pg_advisory_xact_lock(hashtextextended('order:${orderId}', 0))`

  for (const [where, lockOf] of [
    ['the order', orderLock],
    ['a tier', tierOf],
  ] as const) {
    it(`at ${where}: an event raises 55P03, keeps nothing, and has its effect when it is sent again`, async () => {
      const order = await placeOrder(house.db, { eventId: house.box.eventId })
      const event = completed(order)
      const told = refusalOf(whileLocked(lockOf(order), (client) => receive(client, event)))
      assert.deepEqual(await told, { code: '55P03' })
      const again = await receive(house.db.client, event)
      assert.deepEqual([again.duplicate, again.outcome], [false, 'ISSUED'])
    })

    it(`at ${where}: the verbs of payments and refunds answer LOCK_TIMEOUT`, async () => {
      const order = await placeOrder(house.db, { eventId: house.box.eventId })
      const paid = await paidOrder(house.db, { eventId: house.box.eventId })
      const refund = await requestRefund(house.db.client, paid.orderId)
      const told = refundOf(paid, { metadata: { refund_id: refund.refund_id } })
      const calls: readonly [PlacedOrder, Work][] = [
        [order, (client) => settle(client, sessionOf(order))],
        [paid, (client) => requestRefund(client, paid.orderId)],
        [paid, (client) => settleRefund(client, told)],
        [paid, (client) => refuseRefund(client, refund.refund_id)],
      ]
      for (const [locked, call] of calls)
        assert.equal((await whileLocked(lockOf(locked), call)).error, 'LOCK_TIMEOUT')
      assert.deepEqual((await standOf(house.db, paid))['tickets'], { refunding: 2 })
      await assertLawful(house.db)
    })
  }
})
