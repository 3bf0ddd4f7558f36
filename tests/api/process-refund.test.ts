import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
import { openShop, SPELLINGS } from './shop.ts'

const shop = await openShop()
const { db, house, member } = shop
const owner = await member('owner')

interface Bought {
  readonly orderId: string
  readonly tickets: readonly string[]
}

/** An order of two tickets, paid where they cost something. */
async function bought(priceCents = 2500): Promise<Bought> {
  const tier = await addTier(db, house.eventId, { priceCents })
  const cart = SPELLINGS['create-ticket-checkout']?.(house.eventId, tier, 2)
  const { orderId, url } = (await shop.call('create-ticket-checkout', cart)).body
  if (priceCents > 0) {
    assert.equal((await shop.pay(String(url))).status, 'complete')
    await shop.delivered()
  }
  const rows = await db.rows<{ id: string }>('select id from tickets where order_id = $1 order by id', [
    orderId,
  ])
  assert.equal(rows.length, 2)
  return { orderId: String(orderId), tickets: rows.map(({ id }) => id) }
}

const refund = (body: object, headers = owner) => shop.call('process-refund', body, headers)
const orderStatus = (orderId: string) =>
  db.value<string>('select status from orders where id = $1', [orderId])
const statuses = async (orderId: string) =>
  (
    await db.rows<{ status: string }>('select status from tickets where order_id = $1 order by id', [orderId])
  ).map(({ status }) => status)

/** What the stand-in has given back of an order. */
async function returned(orderId: string): Promise<number> {
  const { payments } = (await (await shop.control('/ledger')).json()) as {
    payments: readonly { client_reference_id: string; amount_refunded: number }[]
  }
  return payments.find((payment) => payment.client_reference_id === orderId)?.amount_refunded ?? 0
}

describe('process-refund', () => {
  it('gives back a whole order at once: money, tickets, capacity', async () => {
    const { orderId, tickets } = await bought()
    const { status, body } = await refund({ orderId, reason: 'Rain' })
    const { refundId, ticketIds, ...rest } = body
    assert.equal(status, 200, JSON.stringify(body))
    assert.deepEqual(rest, {
      success: true,
      orderId,
      status: 'succeeded',
      amountCents: 5000,
      currency: 'EUR',
    })
    assert.match(String(refundId), /^[0-9a-f-]{36}$/)
    assert.deepEqual([...(ticketIds as string[])].sort(), tickets)
    await shop.delivered()
    assert.deepEqual(await statuses(orderId), ['refunded', 'refunded'])
    assert.deepEqual([await orderStatus(orderId), await returned(orderId)], ['refunded', 5000])
    const again = await refund({ orderId })
    assert.deepEqual([again.status, again.body['code']], [409, 'ALREADY_REFUNDED'])
    assert.deepEqual(again.body['refund_ids'], [refundId])
  })

  it('gives back some of the tickets, and leaves the others', async () => {
    const { orderId, tickets } = await bought()
    const { body } = await refund({ orderId, ticketIds: [tickets[0]] })
    assert.deepEqual([body['status'], body['amountCents']], ['succeeded', 2500])
    await shop.delivered()
    assert.deepEqual(await statuses(orderId), ['refunded', 'valid'])
    assert.deepEqual([await orderStatus(orderId), await returned(orderId)], ['partially_refunded', 2500])
  })

  it('gives back free tickets without asking anybody', async () => {
    const { orderId } = await bought(0)
    const { body } = await refund({ orderId })
    assert.deepEqual([body['status'], body['amountCents']], ['succeeded', 0])
    assert.deepEqual(await statuses(orderId), ['refunded', 'refunded'])
  })

  it('keeps a ticket that was scanned, unless it is forced', async () => {
    const { orderId, tickets } = await bought()
    await db.rows(`update tickets set status = 'used', checked_in_at = now() where id = $1`, [tickets[0]])
    const got = await refund({ orderId })
    assert.deepEqual([got.status, got.body['code']], [409, 'TICKET_USED'])
    assert.deepEqual(await statuses(orderId), ['used', 'valid'])
    assert.equal((await refund({ orderId, force: true })).body['status'], 'succeeded')
    assert.equal(await returned(orderId), 5000)
  })

  it('is 502 where the provider refuses, and the tickets are valid again', async () => {
    const { orderId } = await bought()
    await shop.control('/next-refund', { outcome: 'refused' })
    const got = await refund({ orderId })
    assert.deepEqual([got.status, got.body['code']], [502, 'PAYMENT_REFUSED'])
    assert.deepEqual([await statuses(orderId), await returned(orderId)], [['valid', 'valid'], 0])
    assert.equal((await refund({ orderId })).status, 200)
  })

  it('is pending where the database fails after the refund was asked for: to ask again would be ALREADY_REFUNDED', async () => {
    const { orderId } = await bought()
    await db.rows(`
      create function conflict() returns trigger language plpgsql as
        $$ begin raise exception 'conflict' using errcode = '40001'; end $$;
      create trigger conflict before update on ticketing.refunds for each row execute function conflict();`)
    const { status, body } = await refund({ orderId })
    await db.rows('drop function conflict cascade')
    assert.deepEqual([status, body['status'], await returned(orderId)], [200, 'pending', 5000])
    await shop.delivered()
    assert.deepEqual(await statuses(orderId), ['refunded', 'refunded'])
  })

  it('is pending where the provider says so or does not answer, and the tickets do not admit meanwhile', async () => {
    for (const outcome of ['pending', 'lost']) {
      const { orderId } = await bought()
      await shop.control('/next-refund', { outcome })
      const { status, body } = await refund({ orderId })
      assert.deepEqual([status, body['status']], [200, 'pending'], outcome)
      if (outcome === 'pending') assert.deepEqual(await statuses(orderId), ['refunding', 'refunding'])
      await shop.delivered()
    }
  })

  it('is for owners and managers; the door is forbidden, and strangers learn nothing', async () => {
    const { orderId } = await bought()
    const cases: readonly (readonly [Record<string, string>, number, string])[] = [
      [{}, 401, 'UNAUTHORIZED'],
      [await shop.tokenOf(randomUUID()), 404, 'ORDER_NOT_FOUND'],
      [await member('door'), 403, 'FORBIDDEN'],
    ]
    for (const [headers, status, code] of cases) {
      const got = await refund({ orderId }, headers)
      assert.deepEqual([got.status, got.body['code']], [status, code])
    }
    assert.equal((await refund({ orderId }, await member('manager'))).status, 200)
  })

  it('refuses what is not there, not paid, or no request', async () => {
    const { orderId } = await bought()
    const other = await bought()
    const tier = await addTier(db, house.eventId, { priceCents: 1000 })
    const cart = SPELLINGS['create-ticket-checkout']?.(house.eventId, tier, 1)
    const waiting = (await shop.call('create-ticket-checkout', cart)).body['orderId']
    const cases: readonly (readonly [object, number, string, string?])[] = [
      [{ orderId: randomUUID() }, 404, 'ORDER_NOT_FOUND'],
      [{ orderId: waiting }, 409, 'ORDER_NOT_PAID'],
      [{ orderId, ticketIds: [other.tickets[0]] }, 404, 'TICKET_NOT_FOUND'],
      [{ orderId, ticketIds: [] }, 400, 'INVALID_REQUEST', 'ticketIds'],
      [{ orderId, ticketIds: ['x'] }, 400, 'INVALID_REQUEST', 'ticketIds.0'],
      [{ orderId: 'x' }, 400, 'INVALID_REQUEST', 'orderId'],
      [{}, 400, 'INVALID_REQUEST', 'orderId'],
      [{ orderId, force: 'yes' }, 400, 'INVALID_REQUEST', 'force'],
      [{ orderId, reason: 'x'.repeat(501) }, 400, 'INVALID_REQUEST', 'reason'],
    ]
    for (const [body, status, code, field] of cases) {
      const got = await refund(body)
      assert.deepEqual([got.status, got.body['code'], got.body['field']], [status, code, field])
    }
  })

  it('leaves the laws whole', () => assertLawful(db))
})
