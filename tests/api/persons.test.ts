import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { openShop } from './shop.ts'

const shop = await openShop()
const { db, house } = shop

const limited = (priceCents = 0) => addTier(db, house.eventId, { total: 100, maxPerPerson: 2, priceCents })
const order = async (tier: string, customerEmail: string, quantity = 2, headers = {}) => {
  const items = [{ tierId: tier, quantity }]
  const cart = { eventId: house.eventId, items, customerName: 'Ada', customerEmail }
  const { body } = await shop.call('create-ticket-checkout', cart, headers)
  return body['success'] === true ? 'success' : body['code']
}

/** Spellings of one mailbox each. */
const people: readonly (readonly string[])[] = [
  ['ada@example.org', 'ADA@example.org', 'ada@EXAMPLE.ORG', 'ａｄａ@example.org', 'ada@ｅｘａｍｐｌｅ.org'],
  [
    'bob@example.org',
    'b\u200bob@example.org',
    'bob\u2060@example.org',
    '\u202ebob@example.org',
    'b\u00adob@exam\u200dple.org',
  ],
  ['jos\u00e9@example.org', 'jose\u0301@example.org', 'JOS\u00c9@example.org'],
  [
    'eve@b\u00fccher.example',
    'eve@bu\u0308cher.example',
    'eve@xn--bcher-kva.example',
    'eve@B\u00dcCHER.example',
  ],
]

describe('a limit per person', () => {
  for (const spellings of people) {
    it(`counts ${JSON.stringify(spellings[0])} once, in ${spellings.length} spellings`, async () => {
      for (const first of spellings) {
        const tier = await limited()
        assert.equal(await order(tier, first), 'success')
        for (const again of spellings) assert.equal(await order(tier, again, 1), 'LIMIT_EXCEEDED', again)
      }
    })
  }

  it('counts two mailboxes as two persons', async () => {
    const tier = await limited()
    for (const address of ['ada@example.org', 'ada+1@example.org', 'ada@example.com', '\u0430da@example.org'])
      assert.equal(await order(tier, address), 'success', address)
  })

  it('takes no link for an address', async () => {
    const tier = await limited()
    for (const link of ['mailto:ada@example.org', 'ada@example.org?subject=x'])
      assert.equal(await order(tier, link), 'INVALID_REQUEST')
  })

  it("counts a stranger's unpaid order in one's name only while it is held", async () => {
    const tier = await limited(2500)
    assert.equal(await order(tier, 'ada@example.org'), 'success')
    const ada = await shop.tokenOf(randomUUID())
    assert.equal(await order(tier, 'ada@example.org', 2, ada), 'LIMIT_EXCEEDED')
    await db.rows(`select ticketing.cancel_order(id) from orders where customer_email = 'ada@example.org'`)
    await db.rows(
      `select ticketing.settle_session(jsonb_build_object('id', session_id, 'status', 'expired', 'client_reference_id', order_id))
       from ticketing.checkout_sessions where status = 'open'`,
    )
    assert.equal(await order(tier, 'ada@example.org', 2, ada), 'success')
  })
})
