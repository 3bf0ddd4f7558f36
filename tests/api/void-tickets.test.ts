import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addTier, buyTickets } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
import { openShop } from './shop.ts'

const shop = await openShop()
const { db, house, member } = shop
const [owner, door] = [await member('owner'), await member('door')]

async function order() {
  const tickets = await buyTickets(db, house.eventId, await addTier(db, house.eventId), 2)
  const orderId = await db.value<string>('select order_id from tickets where id = $1', [tickets[0]])
  return { orderId, tickets }
}

describe('void-tickets', () => {
  it('takes one ticket, or all, out of use', async () => {
    const { orderId, tickets } = await order()
    const one = await shop.call(
      'void-tickets',
      { orderId, ticketIds: tickets.slice(1), reason: 'fraud', freePlaces: true },
      owner,
    )
    assert.deepEqual(
      [one.status, one.body],
      [200, { success: true, orderId, orderStatus: 'paid', ticketIds: tickets.slice(1), placesFree: true }],
    )
    const rest = await shop.call('void-tickets', { orderId, reason: 'fraud' }, owner)
    assert.deepEqual([rest.body['orderStatus'], rest.body['placesFree']], ['cancelled', false])
    const again = await shop.call('void-tickets', { orderId, reason: 'fraud' }, owner)
    assert.deepEqual([again.status, again.body['code']], [409, 'ALREADY_VOID'])
  })

  it('takes nothing for a field that it does not know, and says its name', async () => {
    const { orderId, tickets } = await order()
    for (const field of ['ticket_ids', 'tickets', 'force']) {
      const got = await shop.call(
        'void-tickets',
        { orderId, reason: 'fraud', [field]: tickets.slice(1) },
        owner,
      )
      assert.deepEqual([got.status, got.body['code']], [400, 'INVALID_REQUEST'])
      assert.equal(got.body['field'], field)
    }
    assert.equal((await shop.call('void-tickets', { orderId }, owner)).status, 400, 'a reason is needed')
    assert.equal(
      await db.value(`select count(*)::int from tickets where order_id = $1 and status = 'valid'`, [orderId]),
      2,
    )
  })

  it('is not for the door, nor for nobody', async () => {
    const { orderId } = await order()
    assert.equal((await shop.call('void-tickets', { orderId, reason: 'x' }, door)).status, 403)
    assert.equal((await shop.call('void-tickets', { orderId, reason: 'x' })).status, 401)
  })

  it('leaves the laws whole', () => assertLawful(db))
})
