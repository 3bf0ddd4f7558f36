import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { hasBlocked } from '../../src/proof/interleaving/lock-waits.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { type Caller, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'
import { checkoutsIn } from '../support/paid-checkout.ts'

const db = await lawfulDatabase()
const { sale, buy, service, free } = checkoutsIn(db)

interface Progress {
  readonly success: boolean
  readonly error?: string
  readonly done: boolean
  readonly orders: number
  readonly left: number
  readonly pending: number
  readonly returning: number
  readonly returned: number
  readonly failed: number
}

const cancel = (
  eventId: string | null,
  {
    reason = null,
    force = false,
    limit = 50,
    caller = SERVICE,
  }: { reason?: string | null; force?: boolean; limit?: number; caller?: Caller } = {},
) =>
  valueAs<Progress>(db.client, caller, 'select ticketing.cancel_event($1, $2, $3, $4)', [
    eventId,
    reason,
    force,
    limit,
  ])

async function paid(eventId: string, tierId: string, quantity = 2): Promise<string> {
  const { order_id, total_cents } = await buy(eventId, { [tierId]: quantity })
  await pays(order_id, total_cents)
  return order_id
}

async function pays(orderId: string, cents: number) {
  const session = {
    id: `cs_${orderId}`,
    object: 'checkout.session',
    client_reference_id: orderId,
    mode: 'payment',
    currency: 'eur',
  }
  await service('open_session', orderId, 1, { ...session, status: 'open', url: 'https://pay.example/x' })
  return service<{ outcome: string; reason?: string }>('settle_session', {
    ...session,
    status: 'complete',
    payment_status: 'paid',
    amount_total: cents,
    payment_intent: `pi_${orderId}`,
  })
}

const settleRefunds = async (eventId: string, status: string) => {
  for (const { id, amount_cents, payment_id } of await db.rows<{
    id: string
    amount_cents: string
    payment_id: string
  }>(`select id, amount_cents, payment_id from ticketing.refunds where event_id = $1 and status = 'queued'`, [
    eventId,
  ]))
    await service('settle_refund', {
      id: `re_${id}`,
      object: 'refund',
      status,
      amount: Number(amount_cents),
      currency: 'eur',
      payment_intent: payment_id,
      metadata: { refund_id: id },
    })
}

const statuses = async (eventId: string) =>
  (
    await db.rows<{ status: string }>('select status from tickets where event_id = $1 order by status', [
      eventId,
    ])
  ).map((it) => it.status)

const scanAll = (eventId: string) =>
  db.rows('select atomic_ticket_checkin(id, gen_random_uuid()) from tickets where event_id = $1', [eventId])

/** What the provider says of a paid session of an order of two. */
const paidSession = (orderId: string) => ({
  id: `cs_${orderId}`,
  object: 'checkout.session',
  client_reference_id: orderId,
  mode: 'payment',
  currency: 'eur',
  status: 'complete',
  payment_status: 'paid',
  amount_total: 5000,
  payment_intent: `pi_${orderId}`,
  metadata: { order_id: orderId, attempt: '1' },
})
const cartOf = (eventId: string, tier: string) =>
  JSON.stringify({
    event: eventId,
    items: [{ tier, quantity: 2 }],
    customer_name: 'A',
    customer_email: 'a@example.org',
  })

describe('cancel_event', () => {
  it('ends the sale, the waiting orders and the paid ones, each once, in batches, and says how far it is', async () => {
    const { eventId, tierId } = await sale({ total: 20 })
    const gratis = await addTier(db, eventId, { total: 5 })
    for (let i = 0; i < 3; i++) await paid(eventId, tierId)
    await buy(eventId, { [gratis]: 2 })
    const open = await buy(eventId, { [tierId]: 1 })
    await service('open_session', open.order_id, 1, {
      id: `cs_${open.order_id}`,
      url: 'https://pay.example/x',
    })
    const first = await cancel(eventId, { limit: 2 })
    assert.deepEqual([first.orders, first.left, first.done], [5, 3, false])
    assert.equal((await buy(eventId, { [gratis]: 1 })).error_code, 'TIER_INACTIVE')
    for (let left = 2; left > 0; left--) await service('continue_cancellations', 2)
    const all = await cancel(eventId)
    assert.deepEqual([all.left, all.pending, all.returning, all.returned], [0, 1, 3, 1])
    const due = await service<{ order_id: string; action: string }[]>('due_sessions')
    assert.equal(due.find((it) => it.order_id === open.order_id)?.action, 'expire')
    await service('settle_session', {
      id: `cs_${open.order_id}`,
      status: 'expired',
      payment_status: 'unpaid',
    })
    await settleRefunds(eventId, 'succeeded')
    const end = await cancel(eventId)
    assert.deepEqual([end.done, end.orders, end.returned, end.failed], [true, 4, 4, 0])
    assert.deepEqual([await free(tierId), await free(gratis)], [20, 5])
    assert.deepEqual(
      await db.rows(
        `select count(*)::int as refunds, sum(amount_cents)::int as cents from ticketing.refunds where event_id = $1`,
        [eventId],
      ),
      [{ refunds: 4, cents: 15_000 }],
    )
  })

  it('sends back all that is left of a payment, and what was scanned only where that is asked', async () => {
    const { eventId, tierId } = await sale()
    const orderId = await paid(eventId, tierId, 3)
    const [one] = await db.rows<{ id: string }>('select id from tickets where order_id = $1 order by id', [
      orderId,
    ])
    await db.rows(`update tickets set status = 'used', checked_in_at = now() where id = $1`, [one?.id])
    await cancel(eventId)
    await settleRefunds(eventId, 'succeeded')
    assert.deepEqual(await statuses(eventId), ['refunded', 'refunded', 'used'])
    const forced = await cancel(eventId, { force: true })
    assert.deepEqual([forced.left, forced.returning], [0, 1])
    await settleRefunds(eventId, 'succeeded')
    assert.deepEqual(await statuses(eventId), ['refunded', 'refunded', 'refunded'])
    assert.equal(
      await db.value('select sum(amount_cents)::int from ticketing.refunds where order_id = $1', [orderId]),
      7500,
    )
  })

  it('counts a refund that the provider refused as failed, leaves it alone, and sends it again when it is asked again', async () => {
    const { eventId, tierId } = await sale()
    await paid(eventId, tierId)
    await cancel(eventId)
    await settleRefunds(eventId, 'failed')
    assert.equal(await service('continue_cancellations', 50), 0)
    const again = await cancel(eventId)
    assert.deepEqual([again.returning, again.failed], [1, 0])
    await settleRefunds(eventId, 'succeeded')
    assert.equal((await cancel(eventId)).done, true)
  })

  it('a refund of a scanned ticket that the provider refused is failed as well, and is not done', async () => {
    const { eventId, tierId } = await sale()
    await paid(eventId, tierId, 1)
    await scanAll(eventId)
    await cancel(eventId, { force: true })
    await settleRefunds(eventId, 'failed')
    assert.equal(await service('continue_cancellations', 50), 0)
    const { rows } = await db.client.query<{ progress: Progress }>(
      'select ticketing.cancellation_progress($1) as progress',
      [eventId],
    )
    assert.deepEqual([rows[0]?.progress.failed, rows[0]?.progress.left], [1, 0])
    assert.deepEqual(await statuses(eventId), ['used'])
  })

  it('what is refused in the batch of the call that asked is failed, and not asked for by itself again', async () => {
    const { eventId, tierId } = await sale()
    await paid(eventId, tierId, 1)
    await cancel(eventId)
    await settleRefunds(eventId, 'failed')
    await cancel(eventId)
    await settleRefunds(eventId, 'failed')
    assert.equal(await service('continue_cancellations', 50), 0)
  })

  it('goes on by itself where it is asked again after days', async () => {
    const { eventId, tierId } = await sale()
    for (let i = 0; i < 3; i++) await paid(eventId, tierId, 1)
    await scanAll(eventId)
    await cancel(eventId)
    await db.rows(
      `update ticketing.cancellations set created_at = now() - interval '3 days', asked_at = now() - interval '3 days'
       where event_id = $1`,
      [eventId],
    )
    const again = await cancel(eventId, { force: true, limit: 1 })
    assert.deepEqual([again.left, again.returning], [2, 1])
    assert.equal(await service('continue_cancellations', 50), 2)
  })

  it('returns a payment that arrives afterwards, and the order ends with it', async () => {
    const { eventId, tierId } = await sale()
    const late = await buy(eventId, { [tierId]: 1 })
    await cancel(eventId)
    assert.deepEqual((await pays(late.order_id, 2500)).reason, 'EVENT_CANCELLED')
    assert.equal(await free(tierId), 10)
  })

  it('is for owners and managers; strangers learn nothing, and nothing happens', async () => {
    const { eventId, businessId } = await openBoxOffice(db)
    const member = async (role: string) => {
      const id = randomUUID()
      await db.rows('insert into business_staff (business_id, user_id, role) values ($1, $2, $3)', [
        businessId,
        id,
        role,
      ])
      return signedIn(id)
    }
    const refusals: readonly (readonly [string | null, object, string])[] = [
      [null, {}, 'INVALID_REQUEST'],
      [eventId, { reason: '' }, 'INVALID_REQUEST'],
      [eventId, { reason: 'x'.repeat(501) }, 'INVALID_REQUEST'],
      [eventId, { limit: 0 }, 'INVALID_REQUEST'],
      [randomUUID(), {}, 'EVENT_NOT_FOUND'],
      [eventId, { caller: signedIn(randomUUID()) }, 'EVENT_NOT_FOUND'],
      [eventId, { caller: await member('door') }, 'FORBIDDEN'],
    ]
    for (const [event, options, code] of refusals) assert.equal((await cancel(event, options)).error, code)
    assert.equal(await db.value('select status from events where id = $1', [eventId]), 'published')
    for (const role of ['manager', 'owner'])
      assert.equal((await cancel(eventId, { caller: await member(role) })).done, true)
  })

  it('goes on behind the last batch, comes back for what was busy, and then rests', async () => {
    const { eventId, tierId } = await sale({ total: 20 })
    const orders: string[] = []
    for (let i = 0; i < 5; i++) orders.push(await paid(eventId, tierId, 1))
    const other = await db.connect()
    await other.query('begin')
    await other.query(`select pg_advisory_xact_lock(hashtextextended('order:' || $1::text, 0))`, [orders[0]])
    assert.equal((await cancel(eventId, { limit: 2 })).left, 4)
    const next = () => service<number>('continue_cancellations', 2)
    assert.deepEqual([await next(), await next()], [2, 1], 'not what is behind it, twice')
    assert.equal(await next(), 0, 'it is busy')
    await other.query('rollback')
    assert.equal(await next(), 1)
    assert.deepEqual(await statuses(eventId), Array(5).fill('refunding'))
    const passedAt = () =>
      db.value<Date | null>('select passed_at from ticketing.cancellations where event_id = $1', [eventId])
    assert.equal(await passedAt(), null)
    assert.equal(await next(), 0)
    const rested = await passedAt()
    await next()
    assert.deepEqual(await passedAt(), rested, 'it was read again at once')
    assert.equal((await cancel(eventId)).success, true)
    assert.notDeepEqual(await passedAt(), rested)
  })

  it('waits for a price that staff is changing, in no circle', async () => {
    const { eventId, tierId } = await sale({ total: 20 })
    await paid(eventId, tierId, 1)
    const [staff, canceller] = [await db.connect(), await db.connect()]
    const raise = () =>
      staff.query('update ticket_tiers set price_cents = price_cents + 100 where id = $1', [tierId])
    await staff.query('begin')
    await staff.query('select from ticket_tiers where id = $1 for no key update', [tierId])
    let isDone = false
    const cancelled = valueAs<Progress>(canceller, SERVICE, 'select ticketing.cancel_event($1)', [
      eventId,
    ]).finally(() => {
      isDone = true
    })
    assert.ok(await hasBlocked(db, () => isDone), 'it did not wait')
    await raise()
    await staff.query('commit')
    assert.equal((await cancelled).returning, 1)
  })

  it('races with buyers, payments and itself: every payment goes back once, nothing stays sold', async () => {
    const { eventId, tierId } = await sale({ total: 200 })
    const gratis = await addTier(db, eventId, { total: 50 })
    const waiting: { order_id: string }[] = []
    for (let i = 0; i < 8; i++) waiting.push(await buy(eventId, { [tierId]: 2 }))
    const connections = await Promise.all(Array.from({ length: 6 }, () => db.connect()))
    const [a, b, c, d, e, f] = connections
    const call = <T>(client: typeof a, sql: string, values: unknown[]) =>
      valueAs<T>(client as never, SERVICE, sql, values)
    const repeat = async (times: number, work: (i: number) => Promise<unknown>) => {
      for (let i = 0; i < times; i++) await work(i)
    }
    await Promise.all([
      repeat(8, (i) =>
        call(a, 'select ticketing.settle_session($1)', [
          JSON.stringify(paidSession(waiting[i]?.order_id ?? '')),
        ]),
      ),
      repeat(20, () => call(b, 'select ticketing.checkout($1)', [cartOf(eventId, tierId)])),
      repeat(20, () => call(c, 'select ticketing.checkout($1)', [cartOf(eventId, gratis)])),
      repeat(10, () => call(d, 'select ticketing.cancel_event($1, null, false, 3)', [eventId])),
      repeat(10, () => call(e, 'select ticketing.continue_cancellations(3)', [])),
      repeat(10, () => call(f, 'select ticketing.expire_orders(5)', [])),
    ])
    for (let round = 0; round < 50 && (await cancel(eventId)).left > 0; round++);
    for (const { order_id } of await db.rows<{ order_id: string }>(
      `select id as order_id from orders where event_id = $1 and status = 'pending'`,
      [eventId],
    ))
      await service('settle_session', {
        id: `cs_${order_id}`,
        status: 'expired',
        payment_status: 'unpaid',
        metadata: { order_id, attempt: '1' },
      })
    await settleRefunds(eventId, 'succeeded')
    const end = await cancel(eventId)
    assert.deepEqual([end.done, end.left, end.pending, end.failed], [true, 0, 0, 0])
    assert.deepEqual([await free(tierId), await free(gratis)], [200, 50])
    assert.deepEqual(
      await db.rows(
        `select p.id from ticketing.payments p where p.event_id = $1 and p.amount_cents <> (
           select coalesce(sum(r.amount_cents), 0) from ticketing.refunds r where r.payment_id = p.id and r.status = 'succeeded')`,
        [eventId],
      ),
      [],
    )
  })
})
