import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { createClient, type Result } from '../../src/client/index.ts'
import { openShop, SPELLINGS } from '../api/shop.ts'
import { addTier, buyTickets } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
import { soldTicket } from '../support/door.ts'
import { addOffer } from '../support/party-races.ts'
import { openNetwork } from './network.ts'

const shop = await openShop()
const { db, house, server } = shop
await db.rows(`update events set entry_from = now() - interval '1 hour' where id = $1`, [house.eventId])
const network = await openNetwork(server.url)

/** Whose token goes with each call; a guest's is none. */
let who: Record<'authorization', string> | undefined
const client = createClient({
  url: network.url,
  apiKey: server.authenticator.keys.anon,
  accessToken: () => who?.authorization.replace('Bearer ', '') ?? null,
  backoffMs: 5,
})
const guest = await shop.tokenOf(randomUUID())
const staff = await shop.tokenOf(house.staffId)
const owner = await shop.member('owner')
const count = (table: string, where = 'true') =>
  db.value<number>(`select count(*)::int from ${table} where ${where}`)

/** The next request reaches the server, and its answer gets lost. */
function loseOne(caller?: typeof who): void {
  who = caller
  network.expect('lose')
}

/** All attempts of the last call were the same request, under one key. */
function assertRepeated(attempts: number, isKeyed: boolean): void {
  const [first] = network.seen
  assert.equal(network.seen.length, attempts)
  for (const { path, body, key } of network.seen)
    assert.deepEqual([path, body, key], [first?.path, first?.body, first?.key])
  if (isKeyed)
    assert.match(String(first?.key), /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  else assert.equal(first?.key, undefined)
}

describe('where an answer is lost, what reads a key is asked again under it, and is done once:', () => {
  for (const name of [
    'create-ticket-checkout',
    'enhanced-checkout',
    'create-checkout-session',
    'guest-checkout',
  ] as const)
    test(name, async () => {
      const tier = await addTier(db, house.eventId, { priceCents: 2500 })
      loseOne()
      const cart = SPELLINGS[name]?.(house.eventId, tier, 2) as never
      const { data, error } = await client.call(name, cart)
      assert.equal(error, null)
      const { orderId, order_id } = data as { orderId?: string; order_id?: string }
      assert.equal(
        await db.value('select order_id from order_items where tier_id = $1', [tier]),
        orderId ?? order_id,
      )
      assert.equal(await count('order_items', `tier_id = '${tier}'`), 1)
      assertRepeated(2, true)
    })

  test('claim-offer', async () => {
    const discountId = await addOffer({ db, businessId: house.businessId } as never, 10)
    loseOne(guest)
    const { data } = await client.call('claim-offer', { discountId, partySize: 2 })
    assert.equal(data?.remaining, 8)
    assert.equal(await count('offer_claims', `discount_id = '${discountId}'`), 1)
    assertRepeated(2, true)
  })

  test('book-slot', async () => {
    await db.rows(
      `insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
       select $1, d, '19:00', '23:00', 10, 10 from generate_series(0, 6) d`,
      [house.businessId],
    )
    loseOne(guest)
    const date = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10)
    const wish = { businessId: house.businessId, date, time: '20:00', partySize: 4, name: 'Ada' }
    const { data, error } = await client.call('book-slot', wish)
    assert.equal(error, null)
    assert.equal(data?.success, true)
    assert.equal(await count('reservations'), 1)
    assertRepeated(2, true)
  })

  test('validate-qr: the guest is ADMITTED, not ALREADY_USED', async () => {
    const { code } = await soldTicket(db, house)
    loseOne(staff)
    const { data } = await client.call('validate-qr', { qrData: code, businessId: house.businessId })
    assert.equal(data?.outcome, 'ADMITTED')
    assertRepeated(2, true)
    const again = await client.call('validate-qr', { qrData: code, businessId: house.businessId })
    assert.equal(again.data?.outcome, 'ALREADY_USED', 'another scan has another key, and is no error')
  })
})

describe('where an answer is lost, what asked twice is as asked once is asked again:', () => {
  test('cancel-order', async () => {
    const tier = await addTier(db, house.eventId, { priceCents: 2500 })
    const cart = SPELLINGS['create-ticket-checkout']?.(house.eventId, tier, 2)
    const { orderId } = (await shop.call('create-ticket-checkout', cart)).body
    const secret = await db.value<string>('select secret from orders where id = $1', [orderId])
    loseOne()
    const { data } = await client.call('cancel-order', { orderId: String(orderId), secret })
    assert.deepEqual(data, { success: true, status: 'expired', orderId })
    assertRepeated(2, false)
  })

  test('undo-scan', async () => {
    const { id, code } = await soldTicket(db, house)
    const scanId = randomUUID()
    who = staff
    await client.call('validate-qr', { qrData: code, businessId: house.businessId, scanId })
    loseOne(staff)
    const { data } = await client.call('undo-scan', { ticketId: id, scanId, reason: 'wrong guest' })
    assert.equal(data?.status, 'valid')
    assert.equal(data?.replayed, true)
    assertRepeated(2, false)
  })

  test('sync-offline-scans, and sync_offline_scan', async () => {
    const [one, two] = [await soldTicket(db, house), await soldTicket(db, house)]
    const scannedAt = new Date().toISOString()
    loseOne(staff)
    const scans = [{ code: one.code, scannedAt, deviceId: 'north' }]
    const list = await client.call('sync-offline-scans', { businessId: house.businessId, scans })
    assert.equal(list.error, null)
    assert.equal(list.data?.results[0]?.success, true)
    loseOne(staff)
    const row = await client.rpc('sync_offline_scan', {
      p_ticket_id: two.id,
      p_scanned_by: house.staffId,
      p_scanned_at: scannedAt,
      p_device_id: 'north',
    })
    assert.equal(row.data?.[0]?.success, true)
    assertRepeated(2, false)
    assert.deepEqual(await db.rows('select * from double_admissions($1)', [house.eventId]), [])
  })

  test('release_ticket_holds, cancel_claim', async () => {
    const tier = await addTier(db, house.eventId)
    const session = { p_session_id: randomUUID() }
    who = undefined
    network.expect()
    await client.rpc('reserve_tickets_batch', {
      p_reservations: [{ tier_id: tier, quantity: 2 }],
      ...session,
    })
    loseOne()
    assert.equal((await client.rpc('release_ticket_holds', session)).error, null)
    assert.equal(await db.value('select reserved_quantity from ticket_tiers where id = $1', [tier]), 0)
    const discountId = await addOffer({ db, businessId: house.businessId } as never, 10)
    who = guest
    const { data } = await client.call('claim-offer', { discountId, partySize: 2 })
    loseOne(guest)
    const given = await client.rpc('cancel_claim', { p_claim_id: data?.claimId ?? '' })
    assert.deepEqual([given.error, given.data?.already_cancelled], [null, true])
    assertRepeated(2, false)
  })
})

describe('where an answer is lost, what would be done twice is asked once, and its outcome is unknown:', () => {
  const assertUnknown = ({ data, error }: Result<unknown>) => {
    assert.equal(data, null)
    assert.deepEqual([error?.code, error?.outcome, error?.status], ['NO_ANSWER', 'unknown', 0])
    assert.equal(error?.idempotencyKey, undefined)
    assertRepeated(1, false)
  }

  test('process-refund', async () => {
    const [ticket] = await buyTickets(db, house.eventId, await addTier(db, house.eventId), 1)
    const orderId = await db.value<string>('select order_id from tickets where id = $1', [ticket])
    loseOne(owner)
    assertUnknown(await client.call('process-refund', { orderId }))
    const again = await client.call('process-refund', { orderId })
    assert.deepEqual([again.error?.code, again.error?.outcome], ['ALREADY_REFUNDED', 'refused'])
  })

  test('reserve_tickets_batch, extend_ticket_holds, release_tickets', async () => {
    const tier = await addTier(db, house.eventId)
    const p_session_id = randomUUID()
    loseOne()
    assertUnknown(
      await client.rpc('reserve_tickets_batch', {
        p_reservations: [{ tier_id: tier, quantity: 2 }],
        p_session_id,
      }),
    )
    assert.equal(await db.value('select reserved_quantity from ticket_tiers where id = $1', [tier]), 2)
    loseOne()
    assertUnknown(await client.rpc('extend_ticket_holds', { p_session_id, p_extend_minutes: 5 }))
    const again = await client.rpc('extend_ticket_holds', { p_session_id, p_extend_minutes: 5 })
    assert.equal(again.error?.code, 'ALREADY_EXTENDED')
    loseOne(guest)
    assertUnknown(await client.rpc('release_tickets', { p_tier_id: tier, p_quantity: 1 }))
  })
})

test('a request that never arrived is made again too: nobody can tell it from a lost answer', async () => {
  const tier = await addTier(db, house.eventId)
  who = undefined
  network.expect('cut', 'cut', 'cut')
  const { data } = await client.call('create-ticket-checkout', {
    eventId: house.eventId,
    items: [{ tierId: tier, quantity: 1 }],
    customerName: 'Ada',
    customerEmail: 'ada@example.org',
  })
  assert.equal(data?.isFree, true)
  assertRepeated(4, true)
})

test('after three retries the key is told, under which the same call may be made later', async () => {
  const tier = await addTier(db, house.eventId)
  const cart = {
    eventId: house.eventId,
    items: [{ tierId: tier, quantity: 1 }],
    customerName: 'Ada',
    customerEmail: 'ada@example.org',
  }
  who = undefined
  network.expect('lose', 'cut', 'cut', 'cut', 'cut')
  const { error } = await client.call('create-ticket-checkout', cart)
  assertRepeated(4, true)
  assert.deepEqual([error?.code, error?.outcome], ['NO_ANSWER', 'unknown'])
  const later = createClient({ url: server.url })
  const idempotencyKey = error?.idempotencyKey
  assert.equal((await later.call('create-ticket-checkout', cart, { idempotencyKey })).error, null)
  assert.equal(await db.value('select sold_quantity from ticket_tiers where id = $1', [tier]), 1)
  await assertLawful(db)
})
