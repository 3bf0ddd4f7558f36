import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { ask, guestOrder, tally } from '../support/buying.ts'
import { refusalOf, SERVICE, valueAs } from '../support/callers.ts'
import { advisory, allAt, openCrowd } from '../support/crowd.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'
import { countsOf } from '../support/money.ts'

const db = await lawfulDatabase()
const { eventId } = await openBoxOffice(db)
const at = await openCrowd(db, 20)
const crowd = (count: number) => at.crowd.slice(0, count)

const checkout = (client: pg.Client, tierId: string, quantity: number, key?: string) =>
  ask(client, 'select ticketing.checkout($1)', [guestOrder(eventId, tierId, quantity, key)])

describe('one key, many requests', () => {
  it('the retries of who won the last ticket get that order, and are never told sold out', async () => {
    const tierId = await addTier(db, eventId, { total: 1 })
    const everybody = crowd(20)
    const works = everybody.map(
      (client, i) => () => checkout(client, tierId, 1, i < 10 ? 'last one' : undefined),
    )
    const answers = await allAt(at, advisory(`tier:${tierId}`), works)
    const [retries, others] = [answers.slice(0, 10), answers.slice(10)]
    const won = retries.some((answer) => answer.success)
    assert.deepEqual(tally(retries), won ? { success: 10 } : { INSUFFICIENT_TICKETS: 10 })
    assert.deepEqual(
      tally(others),
      won ? { INSUFFICIENT_TICKETS: 10 } : { success: 1, INSUFFICIENT_TICKETS: 9 },
    )
    assert.equal(new Set(retries.map((answer) => answer.order_id)).size, 1)
  })

  it('the first of the retries wins the last ticket: all ten have it', async () => {
    const tierId = await addTier(db, eventId, { total: 1 })
    const works = crowd(10).map((client) => () => checkout(client, tierId, 1, 'ten times'))
    const answers = await allAt(at, advisory(`tier:${tierId}`), works)
    assert.deepEqual(tally(answers), { success: 10 })
    assert.equal(answers.filter((answer) => answer.replayed).length, 9)
    assert.deepEqual(await countsOf(db, tierId), { sold: 1, held: 0 })
  })

  it('another request under the key of one that is under way is refused', async () => {
    const tierId = await addTier(db, eventId)
    const works = crowd(2).map((client, i) => () => checkout(client, tierId, i + 1, 'same key'))
    assert.deepEqual(tally(await allAt(at, advisory(`tier:${tierId}`), works)), {
      success: 1,
      IDEMPOTENCY_KEY_REUSED: 1,
    })
  })

  it('above READ COMMITTED who cannot see the winner under its key is told to retry, and then gets its answer', async () => {
    const [winner, loser] = crowd(2) as [pg.Client, pg.Client]
    const [a, b] = [await addTier(db, eventId), await addTier(db, eventId)]
    await loser.query('begin isolation level repeatable read')
    await loser.query('select count(*) from orders')
    const won = await checkout(winner, a, 1, 'unseen')
    assert.deepEqual(await refusalOf(checkout(loser, b, 1, 'unseen')), { code: '40001' })
    await loser.query('rollback')
    assert.equal((await checkout(loser, a, 1, 'unseen')).order_id, won.order_id)
  })

  it('ten workers issue one paid order: its tickets exist once', async () => {
    const tierId = await addTier(db, eventId, { total: 3 })
    const orderId = await db.value<string>(
      `with o as (insert into orders (event_id, session_id, status, currency, total_cents, customer_email, customer_name)
                  values ($1, 's', 'paid', 'EUR', 0, 'a@b', 'A') returning id)
       insert into order_items (order_id, event_id, tier_id, quantity, unit_price_cents)
       select id, $1, $2, 3, 0 from o returning order_id`,
      [eventId, tierId],
    )
    const workers = crowd(10)
    const claims = await allAt(
      at,
      advisory(`order:${orderId}`),
      workers.map((client) => async () => ({
        success: await valueAs<boolean>(client, SERVICE, 'select claim_order_ticketing($1)', [orderId]),
      })),
    )
    assert.equal(claims.filter((claim) => claim.success).length, 1)
    const issued = await allAt(
      at,
      advisory(`order:${orderId}`),
      workers.map((client) => () => ask(client, 'select issue_order_tickets($1)', [orderId])),
    )
    assert.equal(issued.filter((answer) => answer.already_issued === false).length, 1)
    assert.deepEqual(tally(issued), { success: 10 })
    assert.deepEqual(await countsOf(db, tierId), { sold: 3, held: 0 })
  })
})
