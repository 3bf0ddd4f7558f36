import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, describe, it } from 'node:test'
import { createClient } from '@supabase/supabase-js'
import { addTier } from '../support/box-office.ts'
import { ask } from './scratch.ts'
import { openShop } from './shop.ts'

const shop = await openShop()
const { db, house, server } = shop
const tierSlug = `floor-${randomUUID().slice(0, 8)}`
const buyer = randomUUID()
let tierId = ''
let orderId = ''

before(async () => {
  tierId = await addTier(db, house.eventId, { slug: tierSlug, total: 20 })
  const { body } = await shop.call(
    'create-ticket-checkout',
    {
      eventId: house.eventId,
      items: [{ tierId, quantity: 2 }],
      customerName: 'Ada',
      customerEmail: 'ada@example.org',
    },
    await shop.tokenOf(buyer),
  )
  orderId = String(body['orderId'])
})

const rows = async (query: string, headers: Record<string, string> = {}) => {
  const got = await ask(server, `/rest/v1/${query}`, { headers })
  assert.equal(got.status, 200, `${query}: ${got.text}`)
  return got.json() as unknown as Record<string, unknown>[]
}

describe('what scripts and dashboards read', () => {
  const columns: Readonly<Record<string, string>> = {
    events:
      'id,slug,title,description,date,start_at,end_at,venue,city,country,category,cover_image_url,status,business_id,created_at',
    ticket_tiers:
      'id,event_id,slug,name,price_cents,currency,total_quantity,sold_quantity,reserved_quantity,max_per_order,active,status,sale_start_at,sale_end_at,created_at',
    ticket_holds: 'id,tier_id,session_id,user_id,quantity,status,expires_at',
    orders:
      'id,event_id,status,total_amount,total_cents,currency,customer_email,customer_name,created_at,paid_at',
    order_items: '*',
    tickets: 'id,event_id,tier_id,order_id,status,qr_code,checked_in_at,checked_in_by',
    scan_logs: 'id,ticket_id,event_id,scanned_by,device_id,scan_method,scan_success,scanned_at',
    discounts: 'id,business_id,total_people,people_remaining',
    reservations: '*',
    vip_reservations: 'id,event_id,status,total_price',
    webhook_events: '*',
    idempotency_keys: '*',
  }
  for (const [table, select] of Object.entries(columns)) {
    it(`${table}: ${select}`, async () => {
      await rows(`${table}?select=${select}&limit=3`, {
        authorization: `Bearer ${server.authenticator.keys.serviceRole}`,
      })
    })
  }

  it('the queries of scripts in the wild', async () => {
    const service = { authorization: `Bearer ${server.authenticator.keys.serviceRole}` }
    await rows('events?select=*&order=date.desc&limit=10')
    assert.deepEqual(await rows(`tickets?select=count&event_id=eq.${house.eventId}`, service), [{ count: 2 }])
    assert.equal(
      (
        await rows(
          `orders?select=id,event_id,status&event_id=eq.${house.eventSlug}&status=eq.paid&limit=100`,
          service,
        )
      ).length,
      1,
    )
    const until = encodeURIComponent(new Date(Date.now() + 9e8).toISOString())
    const list = `events?select=id,title,start_at,venue,city,cover_image_url&start_at=gte.2020-01-01&start_at=lte.${until}&order=start_at.asc&limit=30`
    assert.ok((await rows(list)).length >= 1)
    await rows('events?city=ilike.%25x%25')
    await rows('events?cover_image_url=not.is.null')
    assert.ok(
      (await rows('ticket_tiers?status=eq.active&select=id,name,price_cents,event_id&limit=50')).length >= 1,
    )
  })

  it('what belongs together without a hint: no table has two ways to another', async () => {
    const pairs = await db.rows<{ here: string; there: string }>(
      `select c.conrelid::regclass::text as here, c.confrelid::regclass::text as there from pg_constraint c
       where c.contype = 'f' and c.connamespace = 'public'::regnamespace and c.conrelid <> c.confrelid`,
    )
    assert.ok(pairs.length > 10)
    const service = { authorization: `Bearer ${server.authenticator.keys.serviceRole}` }
    for (const { here, there } of pairs) {
      await rows(`${here}?select=${there}(*)&limit=1`, service)
      await rows(`${there}?select=${here}(*)&limit=1`, service)
    }
    const [event] = await rows(`events?select=slug,ticket_tiers(id)&id=eq.${house.eventId}`)
    assert.deepEqual(event, { slug: house.eventSlug, ticket_tiers: [{ id: tierId }] })
  })

  it('an event or a tier by its slug', async () => {
    const one = [{ id: tierId }]
    for (const filter of [
      `event_id=eq.${house.eventSlug}`,
      `event_id=in.(${house.eventSlug},nothing)`,
      `event_id=in.(${house.eventId},nothing)`,
      `id=eq.${tierSlug}&event_id=eq.${house.eventSlug}`,
      `or=(event_id.eq.${house.eventSlug},id.eq.${randomUUID()})`,
    ]) {
      assert.deepEqual(await rows(`ticket_tiers?select=id&${filter}`), one, filter)
    }
    assert.deepEqual(await rows(`events?select=id&id=eq.${house.eventSlug}`), [{ id: house.eventId }])
    assert.deepEqual(await rows('ticket_tiers?event_id=eq.nothing-like-it'), [])
    assert.deepEqual(await rows(`ticket_tiers?event_id=eq.${house.eventSlug}&id=neq.${tierSlug}`), [])
    const garbage = await ask(server, '/rest/v1/ticket_tiers?event_id=eq.Not%20a%20slug')
    assert.deepEqual([garbage.status, garbage.json().code], [400, '22P02'])
  })
})

describe('whose rows', () => {
  const asUser = async (user: string) =>
    createClient(server.url, server.authenticator.keys.anon, {
      global: { headers: { Authorization: (await shop.tokenOf(user)).authorization } },
    })
  it('a buyer sees the own order, and a stranger none of it', async () => {
    const own = await (await asUser(buyer)).from('orders').select('*,order_items(*)')
    assert.equal(own.error, null)
    assert.deepEqual(
      own.data?.map(({ id }) => id),
      [orderId],
    )
    assert.ok(
      !Object.keys(own.data?.[0] ?? {}).some((name) =>
        ['secret', 'session_id', 'request_key'].includes(name),
      ),
    )
    for (const table of ['orders', 'order_items', 'tickets', 'ticket_holds', 'scan_logs', 'reservations']) {
      const { data, error } = await (await asUser(randomUUID())).from(table).select('*')
      assert.deepEqual([data, error], [[], null], table)
    }
  })

  it('nobody but the service role names a secret', async () => {
    for (const query of [
      'orders?select=secret',
      'orders?secret=eq.x',
      'orders?select=id&order=secret',
      'events?select=id,orders(secret)',
    ]) {
      const got = await ask(server, `/rest/v1/${query}`, { headers: await shop.tokenOf(buyer) })
      assert.deepEqual([got.status, got.json().code], [403, '42501'], query)
    }
  })
})
