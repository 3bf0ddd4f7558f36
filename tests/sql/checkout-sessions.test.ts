import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { ANON, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'
import { checkoutsIn } from '../support/paid-checkout.ts'

const db = await lawfulDatabase()
const { sale, buy, service, free } = checkoutsIn(db)

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
    assert.equal((await status(`free_${order.order_id}_${secret}`))['status'], 'complete')
    // As it was called before 0.2.0.
    assert.equal((await status(`free_${secret}`))['status'], 'complete')
    for (const wrong of [`free_${randomUUID()}_${secret}`, `free__${secret}`, `free_${order.order_id}_`])
      assert.equal((await status(wrong))['error'], 'SESSION_NOT_FOUND', wrong)
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
