import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { afterEach, describe, it } from 'node:test'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { addTier, openBoxOffice, type TierOptions } from '../support/box-office.ts'
import { ANON, assertLawful, type Caller, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'

interface Answer {
  readonly success: boolean
  readonly error_code?: string
  readonly order_id: string
  readonly status: string
  readonly is_free: boolean
  readonly subtotal_cents: number
  readonly fees_cents: number
  readonly total_cents: number
  readonly currency: string
  readonly expires_at: string
  readonly order_url: string
  readonly hold_ids: readonly string[]
  readonly replayed: boolean
  readonly tickets: readonly object[] | null
  readonly payment: Payment
}

interface Payment {
  readonly attempt: number
  readonly state: string
  readonly key: string
  readonly parameters: Parameters
  readonly session_id: string | null
  readonly expires_at: string
}

interface Parameters {
  readonly line_items: readonly { quantity: number; price_data: { unit_amount: number; currency: string } }[]
  readonly expires_at: number
  readonly [name: string]: unknown
}

const db = await testDatabase()

afterEach(() => assertLawful(db))

/** An event with its own currency and fees, and one tier. */
async function sale(
  tier: TierOptions = {},
  event: { currency?: string; fixed?: number; points?: number } = {},
) {
  const { eventId, eventSlug } = await openBoxOffice(db)
  await db.rows(
    'update events set currency = $2, fee_fixed_cents = $3, fee_basis_points = $4 where id = $1',
    [eventId, event.currency ?? 'EUR', event.fixed ?? 0, event.points ?? 0],
  )
  return { eventId, eventSlug, tierId: await addTier(db, eventId, { priceCents: 2500, total: 10, ...tier }) }
}

function buy(
  eventId: string,
  items: Readonly<Record<string, number>>,
  more: object = {},
  caller: Caller = ANON,
) {
  const request = {
    endpoint: 'test',
    event: eventId,
    items: Object.entries(items).map(([tier, quantity]) => ({ tier, quantity })),
    customer_name: 'Ada Buyer',
    customer_email: 'ada@example.org',
    public_url: 'https://tickets.example',
    ...more,
  }
  return valueAs<Answer>(db.client, caller, 'select ticketing.checkout($1)', [JSON.stringify(request)])
}

const service = <T>(name: string, ...values: unknown[]) =>
  valueAs<T>(
    db.client,
    SERVICE,
    `select ticketing.${name}(${values.map((_, i) => `$${i + 1}`).join(', ')})`,
    values.map((value) => (typeof value === 'object' ? JSON.stringify(value) : value)),
  )

const free = (tierId: string) =>
  db.value<number>(
    'select total_quantity - sold_quantity - reserved_quantity from ticket_tiers where id = $1',
    [tierId],
  )

describe('a checkout that costs something', () => {
  it('holds the tickets until the payment deadline, and tells the buyer an earlier end', async () => {
    const { eventId, eventSlug, tierId } = await sale({}, { fixed: 50, points: 1000 })
    const answer = await buy(eventId, { [tierId]: 2 })
    assert.equal(answer.status, 'pending')
    assert.equal(answer.is_free, false)
    assert.equal(answer.tickets, null)
    assert.deepEqual(
      [answer.subtotal_cents, answer.fees_cents, answer.total_cents, answer.currency],
      [5000, 600, 5600, 'EUR'],
    )
    const [times] = await db.rows<{ told: number; session: number; deadline: number }>(
      `select extract(epoch from o.expires_at - o.created_at)::int / 60 as told,
         extract(epoch from s.expires_at - o.created_at)::int / 60 as session,
         extract(epoch from h.expires_at - o.created_at)::int / 60 as deadline
       from orders o join ticket_holds h on h.order_id = o.id join ticketing.checkout_sessions s on s.order_id = o.id
       where o.id = $1`,
      [answer.order_id],
    )
    assert.deepEqual(times, { told: 15, session: 46, deadline: 48 })
    assert.equal(answer.hold_ids.length, 1)
    const { parameters, ...payment } = answer.payment
    assert.equal(payment.key, `session:${answer.order_id}:1`)
    assert.equal(payment.state, 'creating')
    assert.equal(parameters.expires_at, Date.parse(payment.expires_at) / 1000)
    assert.equal(parameters['client_reference_id'], answer.order_id)
    assert.equal(parameters['cancel_url'], `https://tickets.example/events/${eventSlug}`)
    assert.equal(parameters['success_url'], answer.order_url)
    assert.deepEqual(
      parameters.line_items.map((line) => [
        line.quantity,
        line.price_data.unit_amount,
        line.price_data.currency,
      ]),
      [
        [2, 2500, 'eur'],
        [1, 600, 'eur'],
      ],
    )
  })

  it('lets the free tickets of a mixed cart wait for the payment', async () => {
    const { eventId, tierId } = await sale()
    const gift = await addTier(db, eventId, { total: 3 })
    const answer = await buy(eventId, { [tierId]: 1, [gift]: 3 })
    assert.equal(answer.status, 'pending')
    assert.equal(
      await db.value('select count(*)::int from tickets where order_id = $1', [answer.order_id]),
      0,
    )
    assert.equal(await free(gift), 0)
  })

  const amounts: readonly [string, number, number, number, number, number | string][] = [
    ['EUR', 2500, 0, 0, 1, 2500],
    ['EUR', 999, 0, 250, 1, 1024],
    ['EUR', 1010, 0, 250, 2, 2070],
    ['EUR', 50, 0, 0, 1, 50],
    ['EUR', 49, 0, 0, 1, 'AMOUNT_NOT_CHARGEABLE'],
    ['GBP', 30, 0, 0, 1, 30],
    ['JPY', 500, 0, 333, 1, 517],
    ['JPY', 49, 0, 0, 1, 'AMOUNT_NOT_CHARGEABLE'],
    ['KWD', 1000, 0, 333, 1, 1030],
    ['KWD', 1005, 0, 0, 1, 'AMOUNT_NOT_CHARGEABLE'],
    ['ISK', 50_000, 0, 333, 1, 51_700],
    ['ISK', 50_050, 0, 0, 1, 'AMOUNT_NOT_CHARGEABLE'],
    ['EUR', 50_000_000, 0, 0, 2, 'AMOUNT_NOT_CHARGEABLE'],
  ]
  for (const [currency, price, fixed, points, quantity, expected] of amounts) {
    it(`charges ${quantity} × ${price} ${currency} with ${points} basis points: ${expected}`, async () => {
      const { eventId, tierId } = await sale({ priceCents: price }, { currency, fixed, points })
      const answer = await buy(eventId, { [tierId]: quantity })
      assert.equal(answer.success ? answer.total_cents : answer.error_code, expected)
      if (!answer.success) assert.equal(await free(tierId), 10)
    })
  }

  it('has one currency an event: a tier of another is refused', async () => {
    const { eventId } = await sale()
    await assert.rejects(
      db.rows(
        `insert into ticket_tiers (event_id, slug, name, currency, total_quantity) values ($1, 'usd', 'X', 'USD', 1)`,
        [eventId],
      ),
      { code: '23503' },
    )
  })
})

describe('a key', () => {
  it('resumes a pending order, in the state that it has by now', async () => {
    const { eventId, tierId } = await sale()
    const key = { idempotency_key: randomUUID() }
    const first = await buy(eventId, { [tierId]: 1 }, key)
    assert.equal(first.replayed, false)
    await service('open_session', first.order_id, 1, {
      id: `cs_${first.order_id}`,
      url: 'https://pay.example/x',
    })
    const second = await buy(eventId, { [tierId]: 1 }, key)
    assert.deepEqual(
      [second.order_id, second.replayed, second.payment.state, second.payment.session_id],
      [first.order_id, true, 'open', `cs_${first.order_id}`],
    )
    assert.equal(await free(tierId), 9)
  })

  it('at sold out gives the winner its win again', async () => {
    const { eventId, tierId } = await sale({ total: 1 })
    const key = { idempotency_key: randomUUID() }
    const winner = await buy(eventId, { [tierId]: 1 }, key)
    assert.equal((await buy(eventId, { [tierId]: 1 })).error_code, 'INSUFFICIENT_TICKETS')
    assert.equal((await buy(eventId, { [tierId]: 1 }, key)).order_id, winner.order_id)
  })

  it('whose time is over waits for the provider, then starts anew', async () => {
    const { eventId, tierId } = await sale({ total: 1 })
    const key = { idempotency_key: randomUUID() }
    const first = await buy(eventId, { [tierId]: 1 }, key)
    await db.rows(`update orders set expires_at = now() - interval '1 second' where id = $1`, [
      first.order_id,
    ])
    assert.equal((await buy(eventId, { [tierId]: 1 }, key)).error_code, 'HOLD_EXPIRED')
    assert.deepEqual(await service('refuse_session', first.order_id, 1, 'no'), { success: true, released: 1 })
    const second = await buy(eventId, { [tierId]: 1 }, key)
    assert.equal(second.success, true)
    assert.notEqual(second.order_id, first.order_id)
    assert.equal((await buy(eventId, { [tierId]: 1 }, key)).order_id, second.order_id)
  })

  it('used by ten at once makes one order', async () => {
    const { eventId, tierId } = await sale({ total: 3 })
    const key = { idempotency_key: randomUUID() }
    const clients = await Promise.all(Array.from({ length: 10 }, () => db.connect()))
    const answers = await Promise.all(
      clients.map((client) =>
        valueAs<Answer>(client, ANON, 'select ticketing.checkout($1)', [
          JSON.stringify({ event: eventId, items: [{ tier: tierId, quantity: 1 }], ...key }),
        ]),
      ),
    )
    assert.equal(new Set(answers.map((answer) => answer.order_id)).size, 1)
    assert.equal(await free(tierId), 2)
  })
})

describe('a limit per person', () => {
  it('holds across tabs, sessions, purchases and the case of an address', async () => {
    const { eventId, tierId } = await sale({ priceCents: 0, maxPerPerson: 2, total: 100 })
    assert.equal((await buy(eventId, { [tierId]: 1 })).success, true)
    assert.equal((await buy(eventId, { [tierId]: 2 })).error_code, 'LIMIT_EXCEEDED')
    assert.equal((await buy(eventId, { [tierId]: 1 }, { customer_email: 'ADA@Example.org' })).success, true)
    assert.equal((await buy(eventId, { [tierId]: 1 })).error_code, 'LIMIT_EXCEEDED')
    assert.equal((await buy(eventId, { [tierId]: 2 }, { customer_email: 'bob@example.org' })).success, true)
  })

  it('counts a user under any address, what is only held too, and gives back what is released', async () => {
    const { eventId, tierId } = await sale({ maxPerPerson: 2, total: 100 })
    const ada = signedIn(randomUUID())
    const first = await buy(eventId, { [tierId]: 1 }, { customer_email: 'one@example.org' }, ada)
    const reserve = () =>
      valueAs<{ success: boolean; error?: string }>(
        db.client,
        ada,
        'select reserve_tickets_atomically($1, 1)',
        [tierId],
      )
    assert.equal((await reserve()).success, true)
    assert.equal((await reserve()).error, 'LIMIT_EXCEEDED')
    assert.equal(
      (await buy(eventId, { [tierId]: 1 }, { customer_email: 'two@example.org' }, ada)).error_code,
      'LIMIT_EXCEEDED',
    )
    await service('refuse_session', first.order_id, 1, 'no')
    assert.equal((await reserve()).success, true)
  })

  it('refuses a guest who is nobody', async () => {
    const { tierId } = await sale({ maxPerPerson: 2 })
    const answer = await valueAs<{ error: string }>(
      db.client,
      ANON,
      'select reserve_tickets_atomically($1, 1)',
      [tierId],
    )
    assert.equal(answer.error, 'PERSON_REQUIRED')
  })

  it('judged before the lock lets two tabs have too many; ours does not', async () => {
    const race = async (verb: string) => {
      const { eventId, tierId } = await sale({ priceCents: 0, maxPerPerson: 1, total: 100 })
      const blocker = await db.connect()
      await blocker.query('begin')
      await blocker.query('select ticketing.lock_tiers(array[$1::uuid])', [tierId])
      const tabs = await Promise.all([db.connect(), db.connect()])
      const request = {
        event: eventId,
        items: [{ tier: tierId, quantity: 1 }],
        customer_email: 'ada@example.org',
      }
      const answers = tabs.map((tab) =>
        valueAs<Answer>(tab, SERVICE, `select ticketing.${verb}($1)`, [JSON.stringify(request)]),
      )
      await untilWaiting(db, 2)
      await blocker.query('commit')
      return (await Promise.all(answers)).filter((answer) => answer.success).length
    }
    await db.rows(`create function ticketing.naive_checkout(p_request jsonb) returns jsonb language plpgsql security definer as $$
      declare v_tier uuid := p_request #>> '{items,0,tier}';
      begin
        if ticketing.person_quantity((p_request ->> 'event')::uuid, v_tier, null, p_request ->> 'customer_email', now()) >= 1 then
          return '{"success": false}';
        end if;
        update ticket_tiers set max_per_person = null where id = v_tier;
        return ticketing.checkout(p_request);
      end $$`)
    assert.equal(await race('naive_checkout'), 2)
    assert.equal(await race('checkout'), 1)
  })
})

describe('a checkout session', () => {
  const opened = async (more: object = {}) => {
    const { eventId, tierId } = await sale({ total: 5 })
    const order = await buy(eventId, { [tierId]: 1 }, more)
    const sessionId = `cs_${order.order_id}`
    await service('open_session', order.order_id, 1, { id: sessionId, url: 'https://pay.example/x' })
    return { order, sessionId, tierId, eventId }
  }
  const status = (sessionId: string) =>
    valueAs<Record<string, unknown>>(db.client, ANON, 'select ticketing.checkout_session_status($1)', [
      sessionId,
    ])

  it('is unknown until it is known', async () => {
    assert.equal((await status('cs_nobody'))['error'], 'SESSION_NOT_FOUND')
    assert.equal((await status('free_'))['error'], 'SESSION_NOT_FOUND')
  })

  it('is pending, and is given more time once, when little is left', async () => {
    const { order, sessionId } = await opened()
    const calm = await status(sessionId)
    assert.deepEqual([calm['status'], calm['can_extend_hold'], calm['extended']], ['pending', true, false])
    await db.rows(`update orders set expires_at = now() + interval '3 minutes' where id = $1`, [
      order.order_id,
    ])
    const extended = await status(sessionId)
    assert.deepEqual([extended['extended'], extended['can_extend_hold']], [true, false])
    assert.equal(
      await db.value(
        'select round(extract(epoch from expires_at - now()) / 60)::int from orders where id = $1',
        [order.order_id],
      ),
      13,
    )
    await db.rows(`update orders set expires_at = now() + interval '3 minutes' where id = $1`, [
      order.order_id,
    ])
    assert.equal((await status(sessionId))['extended'], false)
  })

  it('looked at by ten tabs at once is extended once', async () => {
    const { order, sessionId } = await opened()
    await db.rows(`update orders set expires_at = now() + interval '3 minutes' where id = $1`, [
      order.order_id,
    ])
    const tabs = await Promise.all(Array.from({ length: 10 }, () => db.connect()))
    const answers = await Promise.all(
      tabs.map((tab) =>
        valueAs<{ extended: boolean }>(tab, ANON, 'select ticketing.checkout_session_status($1)', [
          sessionId,
        ]),
      ),
    )
    assert.equal(answers.filter((answer) => answer.extended).length, 1)
  })

  it('of a free order is complete at once', async () => {
    const { eventId, tierId } = await sale({ priceCents: 0 })
    const order = await buy(eventId, { [tierId]: 1 })
    const secret = order.order_url.split('/').at(-1)
    assert.equal((await status(`free_${secret}`))['status'], 'complete')
  })

  it('that was opened too late is said to be abandoned', async () => {
    const { eventId, tierId } = await sale()
    const order = await buy(eventId, { [tierId]: 1 })
    await db.rows(`update orders set expires_at = now() where id = $1`, [order.order_id])
    const answer = await service<{ abandoned: boolean }>('open_session', order.order_id, 1, {
      id: 'cs_late',
      url: 'x',
    })
    assert.equal(answer.abandoned, true)
  })

  it('is leased to one job at a time, with what there is to do', async () => {
    const other = await opened()
    const { eventId, tierId } = await sale()
    const silent = await buy(eventId, { [tierId]: 1 })
    const over = await opened()
    await db.rows('update ticketing.checkout_sessions set ask_at = null')
    await db.rows('update ticketing.checkout_sessions set ask_at = now() where order_id = any ($1)', [
      [other.order.order_id, silent.order_id, over.order.order_id],
    ])
    await db.rows('update orders set expires_at = now() where id = $1', [over.order.order_id])
    const [one, two] = await Promise.all([db.connect(), db.connect()])
    const due = await Promise.all(
      [one, two].map((client) =>
        valueAs<{ order_id: string; action: string; key: string }[]>(
          client,
          SERVICE,
          'select ticketing.due_sessions()',
        ),
      ),
    )
    const actions = Object.fromEntries(due.flat().map(({ order_id, action }) => [order_id, action]))
    assert.equal(due.flat().length, 3)
    assert.deepEqual(actions, {
      [other.order.order_id]: 'ask',
      [silent.order_id]: 'create',
      [over.order.order_id]: 'expire',
    })
    assert.deepEqual(await service('due_sessions', 20), [])
  })

  it('whose creation was never answered is given up before the provider forgets its key', async () => {
    const { eventId, tierId } = await sale()
    const order = await buy(eventId, { [tierId]: 1 })
    await db.rows(
      `update ticketing.checkout_sessions set created_at = now() - interval '24 hours', ask_at = now() where order_id = $1`,
      [order.order_id],
    )
    assert.deepEqual(await service('due_sessions', 20), [])
    assert.equal(
      await db.value('select status from ticketing.checkout_sessions where order_id = $1', [order.order_id]),
      'expired',
    )
  })
})

describe('what is being paid for', () => {
  it('neither grows, nor moves its end, nor is given back by who knows its session', async () => {
    const { eventId, tierId } = await sale({ total: 10 })
    const ada = signedIn(randomUUID())
    const order = await buy(eventId, { [tierId]: 1 }, {}, ada)
    const [before] = await db.rows<{ session_id: string }>(
      'select session_id, quantity, status, expires_at from ticket_holds where order_id = $1',
      [order.order_id],
    )
    const cart = JSON.stringify([{ tier_id: tierId, quantity: 2 }])
    const as = (sql: string, ...values: unknown[]) =>
      valueAs<{ error_code?: string; error?: string }>(db.client, ada, sql, values)
    const session = before?.session_id
    assert.equal((await as('select reserve_tickets_batch($1, $2)', cart, session)).error_code, 'FORBIDDEN')
    assert.equal((await as('select extend_ticket_holds($1, 30)', session)).error, 'ALREADY_EXTENDED')
    assert.deepEqual(await as('select release_ticket_holds($1)', session), { success: true, released: 0 })
    await as('select release_tickets($1, 1)', tierId)
    assert.deepEqual(
      await db.rows('select session_id, quantity, status, expires_at from ticket_holds where order_id = $1', [
        order.order_id,
      ]),
      [before],
    )
  })
})

describe('expire_orders', () => {
  it('ends orders after their deadline, not before, and gives everything back once', async () => {
    const { eventId, tierId } = await sale({ total: 5 })
    const late = await buy(eventId, { [tierId]: 2 })
    const early = await buy(eventId, { [tierId]: 1 })
    await db.rows(`update orders set expires_at = now() where id = any ($1)`, [
      [late.order_id, early.order_id],
    ])
    // Only the deadline of the first has passed.
    await db.rows(`alter table ticket_holds disable trigger trg_hold_legal_change`)
    await db.rows(`update ticket_holds set expires_at = now() where order_id = $1`, [late.order_id])
    await db.rows(`alter table ticket_holds enable trigger trg_hold_legal_change`)
    const jobs = await Promise.all(Array.from({ length: 4 }, () => db.connect()))
    const ended = await Promise.all(
      jobs.map((job) => valueAs<number>(job, SERVICE, 'select ticketing.expire_orders()')),
    )
    assert.equal(
      ended.reduce((sum, n) => sum + n, 0),
      1,
    )
    assert.equal(await free(tierId), 4)
    assert.deepEqual(
      await db.rows('select status from orders where event_id = $1 order by created_at', [eventId]),
      [{ status: 'expired' }, { status: 'pending' }],
    )
  })

  it('passes by an order that somebody is working on', async () => {
    const { eventId, tierId } = await sale()
    const order = await buy(eventId, { [tierId]: 1 })
    await db.rows(`update orders set expires_at = now() where id = $1`, [order.order_id])
    await db.rows(`update ticket_holds set status = 'released', ended_at = now() where order_id = $1`, [
      order.order_id,
    ])
    const worker = await db.connect()
    await worker.query('begin')
    await worker.query('select ticketing.lock_order($1)', [order.order_id])
    assert.equal(await service('expire_orders', 100), 0)
    await worker.query('commit')
    assert.equal(await service('expire_orders', 100), 1)
  })
})
