import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { functions } from '../../src/api/functions/index.ts'
import { mintToken } from '../../src/api/keys.ts'
import { addTier } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
import { JWT_SECRET } from './scratch.ts'
import { openShop, SPELLINGS } from './shop.ts'

const shop = await openShop()
const { db, house } = shop
const service = {
  authorization: `Bearer ${await mintToken(JWT_SECRET, { sub: randomUUID(), role: 'service_role' })}`,
}

/** What each function does with a field that it does not know. A new one that moves money or takes something away refuses it. */
const UNKNOWN_FIELDS: Readonly<Record<string, 'refused' | 'ignored'>> = {
  'create-ticket-checkout': 'ignored',
  'enhanced-checkout': 'ignored',
  'create-checkout-session': 'ignored',
  'guest-checkout': 'ignored',
  'checkout-session-status': 'ignored',
  'cancel-order': 'refused',
  'stripe-webhook': 'ignored',
  'process-refund': 'refused',
  'void-tickets': 'refused',
  'cancel-event': 'refused',
  'ticket-expiry-daemon': 'ignored',
  'claim-offer': 'ignored',
  'book-slot': 'ignored',
  'validate-qr': 'ignored',
  'undo-scan': 'refused',
  'ticket-keys': 'ignored',
  'gate-list': 'ignored',
  'sync-offline-scans': 'ignored',
  'health-check': 'ignored',
}

/** A paid order of three tickets. */
async function bought(): Promise<string> {
  const tier = await addTier(db, house.eventId, { priceCents: 2500 })
  const cart = SPELLINGS['create-ticket-checkout']?.(house.eventId, tier, 3)
  const { orderId, url } = (await shop.call('create-ticket-checkout', cart)).body
  assert.equal((await shop.pay(String(url))).status, 'complete')
  await shop.delivered()
  return String(orderId)
}

const ticketsOf = (orderId: string) =>
  db.rows<{ id: string; status: string }>('select id, status from tickets where order_id = $1 order by id', [
    orderId,
  ])

describe('a field that a function does not know', () => {
  it('is refused by name, or ignored, as the table says for every function', async () => {
    assert.deepEqual([...functions.keys()].sort(), Object.keys(UNKNOWN_FIELDS).sort())
    for (const [name, { methods }] of functions) {
      if (!methods.includes('POST')) continue
      const { body, status } = await shop.call(name, { surplus: 1 }, service)
      const isRefused = body['field'] === 'surplus'
      assert.equal(isRefused ? 'refused' : 'ignored', UNKNOWN_FIELDS[name], name)
      if (isRefused) assert.deepEqual([status, body['code']], [400, 'INVALID_REQUEST'], name)
    }
  })

  it('does not make a refund of one ticket a refund of all', async () => {
    const orderId = await bought()
    const one = (await ticketsOf(orderId))[0]?.id
    const misspelt = [
      'ticket_ids',
      'ticketIDs',
      'ticketids',
      'tickets',
      'ticketId',
      'ticketIds ',
      'constructor',
    ]
    for (const field of misspelt) {
      const { status, body } = await shop.call('process-refund', { orderId, [field]: [one] }, service)
      assert.deepEqual([status, body['code'], body['field']], [400, 'INVALID_REQUEST', field])
    }
    for (const field of ['order_id', 'amountCents', 'dryRun']) {
      const { status, body } = await shop.call(
        'process-refund',
        { orderId, ticketIds: [one], [field]: 1 },
        service,
      )
      assert.deepEqual([status, body['field']], [400, field])
    }
    assert.deepEqual(
      (await ticketsOf(orderId)).map((it) => it.status),
      ['valid', 'valid', 'valid'],
    )
  })

  it('is not the only way to say "all" by mistake: a known field of another type is refused as well', async () => {
    const orderId = await bought()
    const one = (await ticketsOf(orderId))[0]?.id
    for (const ticketIds of [one, null, [], [null], [[one]], '', 0, false, {}, [one, 'x'], [`{${one}}`]]) {
      const { status, body } = await shop.call('process-refund', { orderId, ticketIds }, service)
      const shown = JSON.stringify(ticketIds)
      assert.deepEqual([status, body['code']], [400, 'INVALID_REQUEST'], shown)
      assert.match(String(body['field']), /^ticketIds/, shown)
    }
    const { body } = await shop.call('process-refund', { orderId, ticketIds: [one, one] }, service)
    assert.deepEqual(
      [body['amountCents'], body['ticketIds']],
      [2500, [one]],
      'a ticket named twice is one ticket',
    )
    await shop.delivered()
    assert.deepEqual(
      (await ticketsOf(orderId)).map((it) => it.status),
      ['refunded', 'valid', 'valid'],
    )
  })

  it('leaves the laws whole', () => assertLawful(db))
})
