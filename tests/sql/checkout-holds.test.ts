import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { ANON, assertLawful, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { openOfficeWithFees } from '../support/lawful-office.ts'
import { countsOf } from '../support/money.ts'

const { db, eventId } = await openOfficeWithFees()

type Caller = Parameters<typeof valueAs>[1]

interface Answer {
  readonly success: boolean
  readonly error_code?: string
  readonly order_id: string
  readonly hold_ids: readonly string[]
  readonly failed?: readonly { requested: number; available: number }[]
}

const tierOf = (options: Parameters<typeof addTier>[2] = {}) =>
  addTier(db, eventId, { priceCents: 2000, total: 4, ...options })

const hold = async (caller: Caller, session: string | null, ...lines: (readonly [string, number])[]) => {
  const answer = await valueAs<Answer>(db.client, caller, 'select reserve_tickets_batch($1, $2)', [
    JSON.stringify(lines.map(([tier_id, quantity]) => ({ tier_id, quantity }))),
    session,
  ])
  assert.equal(answer.success, true, JSON.stringify(answer))
  return answer
}

const checkout = (caller: Caller, session: string | null, ...lines: (readonly [string, number])[]) =>
  valueAs<Answer>(db.client, caller, 'select ticketing.checkout($1)', [
    {
      event: eventId,
      items: lines.map(([tier, quantity]) => ({ tier, quantity })),
      customer_name: 'Ada',
      customer_email: `${randomUUID()}@example.org`,
      session_id: session,
    },
  ])

/** What a session still holds for itself. */
const keeps = (session: string, tier: string) =>
  db.value<number | null>(
    `select sum(quantity)::int from ticket_holds where session_id = $1 and tier_id = $2 and status = 'active' and order_id is null`,
    [session, tier],
  )

const held = async (tier: string) => (await countsOf(db, tier)).held

describe('a checkout of a session', () => {
  it('buys what it holds, under the same ids, until the payment is due', async () => {
    const [tier, session] = [await tierOf(), randomUUID()]
    const { hold_ids } = await hold(ANON, session, [tier, 4])
    const order = await checkout(ANON, session, [tier, 4])
    assert.deepEqual([order.success, order.hold_ids], [true, hold_ids])
    assert.equal(await held(tier), 4)
    const minutes = await db.value<number>(
      'select extract(epoch from expires_at - now())::int / 60 from ticket_holds where order_id = $1',
      [order.order_id],
    )
    assert.ok(minutes > 45, `${minutes} minutes`)
  })

  it('holds besides what it lacks, of a tier that it holds and of another', async () => {
    const [tier, other, session] = [await tierOf(), await tierOf(), randomUUID()]
    await hold(ANON, session, [tier, 3])
    const order = await checkout(ANON, session, [tier, 4], [other, 1])
    assert.deepEqual([order.success, order.hold_ids.length], [true, 2])
    assert.deepEqual([await held(tier), await held(other)], [4, 1])
  })

  it('leaves the session what it holds beyond what is bought', async () => {
    const [tier, session] = [await tierOf(), randomUUID()]
    await hold(ANON, session, [tier, 4])
    assert.equal((await checkout(ANON, session, [tier, 1])).success, true)
    assert.deepEqual([await keeps(session, tier), await held(tier)], [3, 4])
  })

  it('changes nothing where it is refused, and counts what it holds among what is available', async () => {
    const [tier, session] = [await tierOf(), randomUUID()]
    await hold(ANON, session, [tier, 2])
    await hold(ANON, randomUUID(), [tier, 1])
    const { error_code, failed } = await checkout(ANON, session, [tier, 4])
    assert.equal(error_code, 'INSUFFICIENT_TICKETS')
    assert.deepEqual([failed?.[0]?.requested, failed?.[0]?.available], [4, 3])
    assert.deepEqual([await keeps(session, tier), await held(tier)], [2, 3])
  })

  it('begins a second order of the same session beside the first', async () => {
    const [tier, session] = [await tierOf(), randomUUID()]
    await hold(ANON, session, [tier, 2])
    const first = await checkout(ANON, session, [tier, 2])
    const second = await checkout(ANON, session, [tier, 2])
    assert.deepEqual([first.success, second.success, await held(tier)], [true, true, 4])
    assert.notDeepEqual(first.hold_ids, second.hold_ids)
  })

  it("is that user's alone, and never the service's own", async () => {
    const [tier, session, user] = [await tierOf(), randomUUID(), randomUUID()]
    await hold(signedIn(user), session, [tier, 4])
    for (const caller of [ANON, signedIn(randomUUID())])
      assert.equal((await checkout(caller, session, [tier, 1])).error_code, 'FORBIDDEN')
    assert.equal((await checkout(ANON, 'service:gate', [tier, 1])).error_code, 'FORBIDDEN')
    assert.equal((await checkout(signedIn(user), session, [tier, 4])).success, true)
  })

  it("makes a guest's holds the user's who signs in before paying", async () => {
    const [tier, session, user] = [await tierOf(), randomUUID(), randomUUID()]
    await hold(ANON, session, [tier, 4])
    const order = await checkout(signedIn(user), session, [tier, 4])
    assert.deepEqual(
      await db.rows('select user_id, quantity from ticket_holds where order_id = $1', [order.order_id]),
      [{ user_id: user, quantity: 4 }],
    )
  })

  it('is not stopped by a sale that ended meanwhile, and asks it for more', async () => {
    const [tier, session] = [await tierOf(), randomUUID()]
    await hold(ANON, session, [tier, 2])
    await db.rows(`update ticket_tiers set sale_end_at = now() - interval '1 minute' where id = $1`, [tier])
    assert.equal((await checkout(ANON, session, [tier, 3])).error_code, 'SALE_NOT_OPEN')
    assert.equal((await checkout(ANON, session, [tier, 2])).success, true)
  })

  it('is stopped by a tier that was paused: nobody buys what staff took off sale', async () => {
    const [tier, session] = [await tierOf(), randomUUID()]
    await hold(ANON, session, [tier, 2])
    await db.rows(`update ticket_tiers set status = 'paused' where id = $1`, [tier])
    assert.equal((await checkout(ANON, session, [tier, 2])).error_code, 'TIER_INACTIVE')
    assert.equal(await keeps(session, tier), 2)
  })

  it('counts a hold that lapsed for nothing', async () => {
    const [tier, session] = [await tierOf(), randomUUID()]
    await db.rows(
      `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at) values ($1, $2, $3, 4, now() - interval '1 s')`,
      [eventId, tier, session],
    )
    assert.equal((await checkout(ANON, session, [tier, 4])).success, true)
    assert.equal(await held(tier), 4)
  })

  it('refuses an id that can be none', async () => {
    assert.equal((await checkout(ANON, 'x'.repeat(201), [await tierOf(), 1])).error_code, 'INVALID_REQUEST')
    assert.equal((await checkout(ANON, '', [await tierOf(), 1])).error_code, 'INVALID_REQUEST')
  })
})

describe('a checkout of a user who names no session', () => {
  it('buys what the user holds of these tiers, from two tabs too', async () => {
    const [tier, user] = [await tierOf(), signedIn(randomUUID())]
    await hold(user, null, [tier, 2])
    await hold(user, null, [tier, 2])
    assert.equal((await checkout(user, null, [tier, 4])).success, true)
    assert.equal(await held(tier), 4)
  })

  it("buys nobody else's, a guest's or the service's", async () => {
    const [tier, user] = [await tierOf(), signedIn(randomUUID())]
    for (const caller of [signedIn(randomUUID()), ANON, SERVICE]) await hold(caller, null, [tier, 1])
    assert.equal((await checkout(user, null, [tier, 2])).error_code, 'INSUFFICIENT_TICKETS')
    assert.equal((await checkout(ANON, null, [tier, 2])).error_code, 'INSUFFICIENT_TICKETS')
  })

  it('keeps the limit of a person: what is held is not counted twice', async () => {
    const [tier, user] = [await tierOf({ maxPerPerson: 2 }), signedIn(randomUUID())]
    await hold(user, null, [tier, 2])
    assert.equal((await checkout(user, null, [tier, 3])).error_code, 'LIMIT_EXCEEDED')
    assert.equal((await checkout(user, null, [tier, 2])).success, true)
    assert.equal((await checkout(user, null, [tier, 1])).error_code, 'LIMIT_EXCEEDED')
  })

  it('leaves an order that waits for its payment alone', async () => {
    const [tier, user] = [await tierOf(), signedIn(randomUUID())]
    await checkout(user, null, [tier, 3])
    assert.equal((await checkout(user, null, [tier, 2])).error_code, 'INSUFFICIENT_TICKETS')
  })

  it('keeps every law', () => assertLawful(db))
})
