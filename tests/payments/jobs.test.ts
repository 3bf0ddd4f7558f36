import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Log, openLog } from '../../src/core/log.ts'
import { SERVICE } from '../../src/desk/callers.ts'
import { type RequestedRefund, requestRefund as request } from '../../src/desk/refunds.ts'
import {
  expireHoldsOnce,
  expireOrdersOnce,
  reconcileOnce,
  refundOnce,
  startJobs,
} from '../../src/jobs/jobs.ts'
import { loop } from '../../src/jobs/loop.ts'
import { payForOrder } from '../../src/payments/checkout.ts'
import type { PaymentProvider } from '../../src/payments/provider.ts'
import { assertLawful } from '../support/callers.ts'
import { freePort } from '../support/free-port.ts'
import { type Order, openProviderWorld, providerAt } from './provider-world.ts'

const LOSE_EVERY_ANSWER = { seed: 1, duplicates: 1, delayMs: 0, lostAnswers: 1 }

const world = await openProviderWorld()
const nobody = providerAt(`http://127.0.0.1:${await freePort()}`, undefined, 1_000)
const silent: Log = () => {}

test('a server died between the call and its answer: the job learns the session, and makes no second one', async () => {
  const order = await world.order()
  const before = await world.sessions()
  await world.control('chaos', LOSE_EVERY_ANSWER)
  await payForOrder(world.database, world.provider, order)
  await world.control('chaos', null)
  await reconcile()
  assert.equal((await world.session(order.order_id)).status, 'open')
  assert.equal(await world.sessions(), before + 1)
})

test('a lost webhook loses no sale: the job asks, and the tickets are issued once', async () => {
  const order = await paidOrder()
  assert.equal((await world.orderRow(order.order_id)).status, 'pending')
  await reconcile()
  await reconcile()
  const { status, tickets, held } = await world.orderRow(order.order_id)
  assert.deepEqual([status, tickets, held], ['paid', 2, 0])
})

test("the buyer's time is over: the session is ended at the provider, then the tickets are given back", async () => {
  const order = await openOrder()
  await world.due(true)
  await reconcile()
  const { session_id, status } = await world.session(order.order_id)
  const session = await world.provider.retrieveSession(session_id ?? '')
  assert.deepEqual([status, session.kind === 'done' && session.value.status], ['expired', 'expired'])
  const row = await world.orderRow(order.order_id)
  assert.deepEqual([row.status, row.held, row.tickets], ['expired', 0, 0])
})

test('paid in the last moment: what cannot be expired any more is issued', async () => {
  const order = await paidOrder()
  await world.due(true)
  await reconcile()
  const { status, tickets } = await world.orderRow(order.order_id)
  assert.deepEqual([status, tickets], ['paid', 2])
})

test('while the provider is away nothing is decided, and everything when it is back', async () => {
  const [paid, left] = [await paidOrder(), await openOrder()]
  await world.due(true)
  await reconcileOnce(world.database, nobody, silent)
  for (const { order_id } of [paid, left]) {
    const { status, held } = await world.orderRow(order_id)
    assert.deepEqual([status, held], ['pending', 2])
  }
  await reconcile()
  assert.equal((await world.orderRow(paid.order_id)).status, 'paid')
  assert.equal((await world.orderRow(left.order_id)).status, 'expired')
})

test('four servers at once ask about each session once', async () => {
  await reconcile()
  const orders = await Promise.all(Array.from({ length: 12 }, openOrder))
  await world.due()
  const asked: string[] = []
  const counting: PaymentProvider = {
    ...world.provider,
    retrieveSession: (id) => {
      asked.push(id)
      return world.provider.retrieveSession(id)
    },
  }
  await Promise.all(Array.from({ length: 4 }, () => reconcileOnce(world.database, counting, silent)))
  const ids = await Promise.all(
    orders.map(async ({ order_id }) => (await world.session(order_id)).session_id),
  )
  for (const id of ids) assert.equal(asked.filter((one) => one === id).length, 1)
})

test('a refund is sent once, and the tickets and the money are back', async () => {
  const order = await issuedOrder()
  const refund = await requestRefund(order)
  assert.equal(refund.status, 'queued')
  await Promise.all([refunds(), refundOnce(world.database, world.provider, silent)])
  assert.deepEqual(await stateOf(refund.refund_id), { status: 'succeeded', asks: false })
  const { status, tickets } = await world.orderRow(order.order_id)
  assert.deepEqual([status, tickets, await refunded(order)], ['refunded', 0, 5_000])
})

test('a refund whose answer is lost is paid once', async () => {
  const order = await issuedOrder()
  const refund = await requestRefund(order)
  await world.control('next-refund', { outcome: 'lost' })
  await refunds()
  assert.equal((await stateOf(refund.refund_id)).status, 'queued')
  await refunds()
  assert.equal((await stateOf(refund.refund_id)).status, 'succeeded')
  assert.equal(await refunded(order), 5_000)
})

test('a lost refund of which the key is forgotten is found among those of the payment; one that never came is sent', async () => {
  const [lost, never] = [await issuedOrder(), await issuedOrder()]
  const [lostRefund, neverRefund] = [await requestRefund(lost), await requestRefund(never)]
  await world.control('next-refund', { outcome: 'lost' })
  await world.db.rows("update ticketing.refunds set ask_at = now() + interval '1 hour' where id = $1", [
    neverRefund.refund_id,
  ])
  await refundOnce(world.database, world.provider, silent)
  await world.db.rows("update ticketing.refunds set created_at = now() - interval '25 hours'")
  await refunds()
  for (const [order, refund] of [[lost, lostRefund] as const, [never, neverRefund] as const]) {
    assert.equal((await stateOf(refund.refund_id)).status, 'succeeded')
    assert.equal(await refunded(order), 5_000)
  }
})

test('a refund that the provider refuses: the tickets are valid again', async () => {
  const order = await issuedOrder()
  const refund = await requestRefund(order)
  await world.control('next-refund', { outcome: 'refused' })
  await refunds()
  assert.equal((await stateOf(refund.refund_id)).status, 'failed')
  const { status, tickets } = await world.orderRow(order.order_id)
  assert.deepEqual([status, tickets, await refunded(order)], ['paid', 2, 0])
})

test('a refund that stays pending is asked about until it has succeeded', async () => {
  const order = await issuedOrder()
  const refund = await requestRefund(order)
  await world.control('next-refund', { outcome: 'pending' })
  await refunds()
  assert.deepEqual(await stateOf(refund.refund_id), { status: 'pending', asks: true })
  const id = await world.db.value<string>('select provider_refund_id from ticketing.refunds where id = $1', [
    refund.refund_id,
  ])
  await world.control(`refunds/${id}/succeed`, {})
  await refunds()
  assert.deepEqual(await stateOf(refund.refund_id), { status: 'succeeded', asks: false })
})

test('what the dashboard gave back already is not paid again: it is booked first, then ours is refused', async () => {
  const order = await issuedOrder()
  const payment_intent = await paymentOf(order)
  const refund = await requestRefund(order)
  await world.control('refunds', { payment_intent })
  await refunds()
  assert.equal((await stateOf(refund.refund_id)).status, 'failed')
  assert.equal(await refunded(order), 5_000)
  const { status, tickets } = await world.orderRow(order.order_id)
  assert.deepEqual([status, tickets], ['refunded', 0])
})

test('refunds of the dashboard are found when a payment is looked at', async () => {
  const order = await issuedOrder()
  const payment_intent = await paymentOf(order)
  await world.control('refunds', { payment_intent, amount: 1_000 })
  await world.db.rows('update ticketing.payments set ask_at = now() where id = $1', [payment_intent])
  await refunds()
  assert.equal(
    await world.db.value('select amount_cents::int from ticketing.refunds where payment_id = $1', [
      payment_intent,
    ]),
    1_000,
  )
})

test('orders whose payment has no end by its deadline are ended', async () => {
  const lifetimes = (lasting: string) =>
    world.db.rows(
      `update ticketing.settings set hold_lifetime = $1::interval, hold_extension = $1, session_lifetime = 2 * $1::interval,
         payment_margin = $1`,
      [lasting],
    )
  await lifetimes('1 microsecond')
  const order = await world.order()
  await lifetimes('10 minutes')
  assert.equal(await expireOrdersOnce(world.database), false)
  assert.equal(await expireHoldsOnce(world.database), false)
  const { status, held } = await world.orderRow(order.order_id)
  assert.deepEqual([status, held], ['expired', 0])
  await world.db.rows("update ticketing.settings set session_lifetime = '31 minutes'")
})

test('the jobs do all of it by themselves, and stop when they are told', async () => {
  const order = await paidOrder()
  await world.due()
  const lines: string[] = []
  const jobs = startJobs(
    world.database,
    world.provider,
    openLog(
      'info',
      () => new Date(),
      (line) => lines.push(line),
    ),
  )
  await until(async () => (await world.orderRow(order.order_id)).status === 'paid')
  await jobs.stop()
  await jobs.stop()
  const told = lines.map((line) => JSON.parse(line) as Record<string, string>)
  assert.ok(told.some(({ event, about }) => event === 'payment_job_done' && about?.includes(order.order_id)))
  assert.ok(!lines.join().includes('@'))
})

test('a loop: one round at a time, again after a failure, at once where there is more, none after its stop', async () => {
  const failures: unknown[] = []
  let rounds = 0
  let running = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  const job = loop(
    1,
    async () => {
      assert.equal(++running, 1)
      rounds++
      await Promise.resolve()
      running--
      if (rounds === 1) throw new Error('once')
      if (rounds === 3) resolve()
      return rounds < 3
    },
    (error) => failures.push(error),
  )
  await promise
  await job.stop()
  const after = rounds
  // Fires after every timer that was set before it for as long.
  await new Promise((done) => setTimeout(done, 1))
  assert.deepEqual([rounds, failures.length], [after, 1])
})

test('stopping a loop waits for the round under way', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  let isDone = false
  const job = loop(
    0,
    async () => {
      begun.resolve()
      await promise
      isDone = true
      return true
    },
    assert.ifError,
  )
  await begun.promise
  const stopped = job.stop()
  resolve()
  await stopped
  assert.ok(isDone)
})

test('the laws hold', () => assertLawful(world.db))

async function openOrder(): Promise<Order> {
  const order = await world.order()
  assert.equal((await payForOrder(world.database, world.provider, order)).kind, 'open')
  return order
}

async function paidOrder(): Promise<Order> {
  const order = await openOrder()
  await world.pay((await world.session(order.order_id)).session_id ?? '')
  return order
}

async function issuedOrder(): Promise<Order> {
  const order = await paidOrder()
  await reconcile()
  assert.equal((await world.orderRow(order.order_id)).tickets, 2)
  return order
}

/** Rounds until nothing is left: everything is due. */
async function reconcile(): Promise<void> {
  await world.due()
  while (await reconcileOnce(world.database, world.provider, silent));
}

async function refunds(): Promise<void> {
  await world.due()
  while (await refundOnce(world.database, world.provider, silent));
}

async function requestRefund({ order_id }: Order): Promise<RequestedRefund> {
  const answer = await request(world.database, SERVICE, { order_id })
  assert.ok(answer.success, JSON.stringify(answer))
  return answer
}

async function stateOf(refundId: string): Promise<{ status: string; asks: boolean }> {
  const rows = await world.db.rows<{ status: string; asks: boolean }>(
    'select status, ask_at is not null as asks from ticketing.refunds where id = $1',
    [refundId],
  )
  return rows[0] ?? assert.fail('no such refund')
}

function paymentOf({ order_id }: Order): Promise<string> {
  return world.db.value('select id from ticketing.payments where order_id = $1', [order_id])
}

/** By the provider's books. */
async function refunded({ order_id }: Order): Promise<number | undefined> {
  return (await world.ledger()).find((payment) => payment.client_reference_id === order_id)?.amount_refunded
}

const UNTIL_MS_MAX = 15_000

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + UNTIL_MS_MAX
  while (!(await isSo())) assert.ok(performance.now() < end, 'the jobs did not do it in time')
}
