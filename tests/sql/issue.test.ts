import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { ANON, refusalOf, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly already_issued?: boolean
  readonly tickets?: readonly { id: string }[]
}

const db = await lawfulDatabase()
const { eventId } = await openBoxOffice(db)

/** An order of 2 of a tier of `total`, with a hold that ends `holdEnds` from now, or none. */
async function order(status: string, { total = 2, holdEnds = '5 minutes' as string | null } = {}) {
  const tierId = await addTier(db, eventId, { total })
  const id = await db.value<string>(
    `with o as (insert into orders (event_id, session_id, status, currency, total_cents, customer_email, customer_name)
                values ($1, 's', $2, 'EUR', 0, 'a@b', 'A') returning id)
     insert into order_items (order_id, event_id, tier_id, quantity, unit_price_cents)
     select id, $1, $3, 2, 0 from o returning order_id`,
    [eventId, status, tierId],
  )
  if (holdEnds !== null)
    await db.rows(
      `insert into ticket_holds (event_id, tier_id, session_id, order_id, quantity, expires_at)
       values ($1, $2, 's', $3, 2, now() + $4::interval)`,
      [eventId, tierId, id, holdEnds],
    )
  return { id, tierId }
}

const issue = (id: string | null) =>
  valueAs<Answer>(db.client, SERVICE, 'select issue_order_tickets($1)', [id])
const claim = (id: string | null) =>
  valueAs<boolean>(db.client, SERVICE, 'select claim_order_ticketing($1)', [id])
const issued = (id: string) => db.value<number>('select count(*)::int from tickets where order_id = $1', [id])

describe('issue_order_tickets', () => {
  for (const id of [null, randomUUID()]) {
    it(`answers ORDER_NOT_FOUND to ${id === null ? 'null' : 'an unknown order'}`, async () => {
      assert.equal((await issue(id)).error, 'ORDER_NOT_FOUND')
    })
  }
  for (const status of ['pending', 'expired', 'cancelled', 'partially_refunded', 'refunded']) {
    it(`answers ORDER_NOT_PAID to an order that is ${status}`, async () => {
      const { id } = await order(status)
      assert.equal((await issue(id)).error, 'ORDER_NOT_PAID')
      assert.equal(await issued(id), 0)
    })
  }

  it('turns the holds of a full tier into tickets, once', async () => {
    const { id, tierId } = await order('paid')
    const first = await issue(id)
    assert.equal(first.already_issued, false)
    assert.equal(first.tickets?.length, 2)
    assert.deepEqual(await issue(id), { ...first, already_issued: true })
    assert.deepEqual(
      await db.rows('select sold_quantity, reserved_quantity from ticket_tiers where id = $1', [tierId]),
      [{ sold_quantity: 2, reserved_quantity: 0 }],
    )
  })

  it('repeats what was issued also when the order was refunded since', async () => {
    const { id } = await order('paid')
    await issue(id)
    await db.rows(`update orders set status = 'refunded' where id = $1`, [id])
    assert.equal((await issue(id)).already_issued, true)
  })

  it('issues for a hold that is due but was not ended, and for none where there is room', async () => {
    for (const holdEnds of ['-5 minutes', null]) {
      const { id } = await order('paid', { holdEnds })
      assert.equal((await issue(id)).tickets?.length, 2)
    }
  })

  it('answers INSUFFICIENT_TICKETS where the hold lapsed and others have the tickets, and issues nothing', async () => {
    const { id, tierId } = await order('paid', { total: 3, holdEnds: null })
    await valueAs(db.client, SERVICE, 'select reserve_tickets_atomically($1, 2)', [tierId])
    assert.equal((await issue(id)).error, 'INSUFFICIENT_TICKETS')
    assert.equal(await issued(id), 0)
    assert.equal(await db.value('select tickets_issued_at from orders where id = $1', [id]), null)
  })
})

describe('claim_order_ticketing', () => {
  it('is false for null, an unknown order and an order that is not paid', async () => {
    for (const id of [null, randomUUID(), (await order('pending')).id]) assert.equal(await claim(id), false)
  })

  it('is true once, false while the claim is young, true again when it lapsed, false when all is issued', async () => {
    const { id } = await order('paid')
    assert.deepEqual([await claim(id), await claim(id)], [true, false])
    await db.rows(`update orders set ticketing_claimed_at = now() - interval '61 seconds' where id = $1`, [
      id,
    ])
    assert.equal(await claim(id), true)
    await issue(id)
    await db.rows(`update orders set ticketing_claimed_at = null where id = $1`, [id])
    assert.equal(await claim(id), false)
  })

  for (const caller of [ANON, signedIn(randomUUID())]) {
    for (const verb of ['claim_order_ticketing', 'issue_order_tickets', 'ticketing.issue_order_tickets']) {
      it(`${verb} is not for ${caller.role}`, async () => {
        assert.deepEqual(await refusalOf(valueAs(db.client, caller, `select ${verb}($1)`, [randomUUID()])), {
          code: '42501',
        })
      })
    }
  }
})
