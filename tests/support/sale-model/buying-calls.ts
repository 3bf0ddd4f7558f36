import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { ask, codeOf, reserveBatch } from '../buying.ts'
import { lapse as lapseOrder, openSession } from '../money.ts'
import { checkout, expireHolds, expireOrders, lapse, leave, release, reserve } from './buying.ts'
import { type Call, type Calls, call, callOn, placed } from './call.ts'
import type { Real } from './real.ts'
import {
  type Cart,
  freeIn,
  heldIn,
  itemsOf,
  type Order,
  PLACES,
  type Sale,
  soldIn,
  TIERS,
  type TierName,
} from './sale.ts'

const SESSIONS = ['ada', 'bob'] as const

/** Calls about holds, carts, capacity and the time that passes. */
export function buyingCalls(): Calls {
  const who = fc.constantFrom(...SESSIONS)
  const tier = fc.constantFrom(...TIERS)
  const quantity = fc.integer({ min: 1, max: PLACES })
  const at = fc.nat({ max: 7 })
  const somebody = fc.option(who, { nil: undefined })
  return [
    [6, fc.tuple(who, tier, quantity).map(([session, of, wanted]) => reserveCall(session, of, wanted))],
    [2, who.map(releaseCall)],
    [4, fc.tuple(who, tier, quantity).map(([session, of, left]) => leaveCall(session, of, left))],
    [10, fc.tuple(somebody, carts()).map(([session, cart]) => buyCall(session, cart))],
    [4, who.map(buyHeldCall)],
    [10, at.map(lapseCall)],
    [2, fc.constant(expireHoldsCall())],
    [20, fc.constant(expireOrdersCall())],
    [2, fc.tuple(tier, fc.integer({ min: 1, max: 2 * PLACES })).map(([of, total]) => resizeCall(of, total))],
  ]
}

/** At most three of a tier, and not of none. */
export function carts(): fc.Arbitrary<Cart> {
  const quantity = fc.nat({ max: 3 })
  return fc
    .tuple(quantity, quantity)
    .filter((quantities) => quantities.some((wanted) => wanted > 0))
    .map(([floor, stalls]) => ({ ...(floor > 0 ? { floor } : {}), ...(stalls > 0 ? { stalls } : {}) }))
}

export const nameOf = (cart: Cart) =>
  itemsOf(cart)
    .map(([tier, quantity]) => `${quantity} ${tier}`)
    .join(' + ')

function reserveCall(session: string, tier: TierName, quantity: number): Call {
  return call(`reserve ${quantity} ${tier} by ${session}`, async (sale, { db, tierIds, sessionOf }) => {
    const answer = await reserveBatch(db.client, [tierIds[tier]], quantity, sessionOf(session))
    const code = reserve(sale, session, tier, quantity)
    assert.equal(codeOf(answer), code)
    return `reserve ${code}`
  })
}

function releaseCall(session: string): Call {
  return call(`release ${session}`, async (sale, { db, sessionOf }) => {
    const { released } = await db.value<{ released: number }>('select release_ticket_holds($1)', [
      sessionOf(session),
    ])
    assert.equal(released, release(sale, session))
    return `release ${released > 0 ? 'some' : 'nothing'}`
  })
}

function leaveCall(session: string, tier: TierName, quantity: number): Call {
  return call(
    `leave ${quantity} ${tier} by ${session}`,
    async (sale, { db, eventId, tierIds, sessionOf }) => {
      await db.rows(
        `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
         values ($1, $2, $3, $4, now() - interval '1 minute')`,
        [eventId, tierIds[tier], sessionOf(session), quantity],
      )
      leave(sale, session, tier, quantity)
      return 'leave'
    },
    (sale) =>
      freeIn(sale, tier) >= quantity &&
      !sale.holds.some((hold) => hold.session === session && hold.tier === tier),
  )
}

function buyCall(session: string | undefined, cart: Cart): Call {
  return call(`buy ${nameOf(cart)}${session === undefined ? '' : ` by ${session}`}`, async (sale, real) => {
    const { code } = await buy(sale, real, session, cart)
    return `checkout ${code}`
  })
}

function buyHeldCall(session: string): Call {
  const heldBy = ({ holds }: Readonly<Sale>) =>
    holds.filter((hold) => hold.session === session && !hold.isDue && hold.order === undefined)
  return call(
    `buy what ${session} holds`,
    async (sale, real) => {
      const cart = Object.fromEntries(heldBy(sale).map(({ tier, quantity }) => [tier, quantity]))
      const { code } = await buy(sale, real, session, cart)
      assert.equal(code, sale.cancellation === undefined ? 'success' : 'TIER_INACTIVE')
      return `checkout of what is held ${code}`
    },
    (sale) => heldBy(sale).length > 0,
  )
}

/** Answers the code, and the order where the cart was not refused. */
export async function buy(
  sale: Sale,
  real: Real,
  session: string | undefined,
  cart: Cart,
): Promise<{ readonly code: string; readonly order?: Order | undefined }> {
  const { db, eventId, tierIds, sessionOf } = real
  const answer = await ask(db.client, 'select ticketing.checkout($1)', [
    {
      event: eventId,
      items: itemsOf(cart).map(([tier, quantity]) => ({ tier: tierIds[tier], quantity })),
      customer_name: 'Ada',
      customer_email: 'ada@example.org',
      public_url: 'http://localhost',
      session_id: session === undefined ? undefined : sessionOf(session),
    },
  ])
  const code = checkout(sale, session, cart)
  assert.equal(codeOf(answer), code)
  if (code !== 'success') return { code }
  const order = sale.orders.at(-1)
  await note(real, answer.order_id ?? '', order?.session !== undefined)
  return { code, order }
}

async function note(real: Real, orderId: string, isPaidFor: boolean): Promise<void> {
  const { total_cents: totalCents, currency } = await real.db.value<{
    total_cents: number
    currency: string
  }>('select to_jsonb(o) from orders o where o.id = $1', [orderId])
  const name = randomUUID().replaceAll('-', '')
  const order = {
    orderId,
    eventId: real.eventId,
    tierId: real.tierIds.stalls,
    totalCents,
    currency,
    sessionId: `cs_test_${name}`,
    paymentId: `pi_${name}`,
  }
  real.orders.push(order)
  if (isPaidFor) await openSession(real.db, order)
}

/** An order that holds something in time. */
function lapseCall(at: number): Call {
  const isHolding = (sale: Readonly<Sale>) =>
    sale.orders.filter((order) => sale.holds.some((hold) => hold.order === order && !hold.isDue))
  return callOn('time to pay is over for', at, isHolding, async (sale, real, order) => {
    await lapseOrder(real.db, placed(real, order))
    lapse(sale, order)
    return 'lapse'
  })
}

function expireHoldsCall(): Call {
  return call('expire holds', async (sale, { db }) => {
    const ended = await db.value<number>('select expire_ticket_holds()')
    assert.equal(ended, expireHolds(sale))
    return `expire holds ${ended > 0 ? 'some' : 'none'}`
  })
}

/** Where one is late. */
function expireOrdersCall(): Call {
  return call(
    'expire orders',
    async (sale, { db }) => {
      const ended = await db.value<number>('select ticketing.expire_orders()')
      assert.equal(ended, expireOrders(sale))
      return `expire orders ${ended > 0 ? 'some' : 'none'}`
    },
    ({ orders }) => orders.some(({ status, isLate }) => status === 'pending' && isLate),
  )
}

/** A tier never shrinks below what is sold and held. */
function resizeCall(tier: TierName, total: number): Call {
  return call(`resize ${tier} to ${total}`, async (sale, { db, tierIds }) => {
    const isDone = await db
      .rows('update ticket_tiers set total_quantity = $2 where id = $1', [tierIds[tier], total])
      .then(
        () => true,
        () => false,
      )
    assert.equal(isDone, total >= soldIn(sale, tier) + heldIn(sale, tier))
    if (isDone) sale.totals[tier] = total
    return `resize ${isDone ? 'success' : 'refused'}`
  })
}
