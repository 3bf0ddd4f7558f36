import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, describe, it } from 'node:test'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import { badValues } from '../support/bad-values.ts'
import { addTier } from '../support/box-office.ts'
import { ask } from './scratch.ts'
import { openShop } from './shop.ts'

const shop = await openShop()
const { db, house, server } = shop

async function clientOf(user: string): Promise<SupabaseClient> {
  const { authorization } = await shop.tokenOf(user)
  return createClient(server.url, server.authenticator.keys.anon, {
    global: { headers: { Authorization: authorization } },
  })
}
const [ann, bob, eve] = [randomUUID(), randomUUID(), randomUUID()]
const organiser = await clientOf(ann)
const stranger = await clientOf(eve)
const service = createClient(server.url, server.authenticator.keys.serviceRole)

interface Answer {
  readonly data: unknown
  readonly error: { readonly code?: string; readonly message: string } | null
  readonly status: number
}

async function one<Row>(query: PromiseLike<{ data: unknown; error: unknown }>): Promise<Row> {
  const { data, error } = await query
  assert.equal(error, null)
  return (Array.isArray(data) ? data[0] : data) as Row
}
async function refused(query: PromiseLike<Answer>, code: string, message = /./): Promise<void> {
  const { error, status } = await query
  assert.equal(error?.code, code, JSON.stringify(error))
  assert.match(error?.message ?? '', message)
  assert.ok(status >= 400 && status < 500)
}
/** RLS leaves nothing to write to: no error, and no row. */
async function touchesNothing(query: PromiseLike<{ data: unknown; error: unknown }>): Promise<void> {
  const { data, error } = await query
  assert.deepEqual([data, error], [[], null])
}

interface Named {
  readonly id: string
  readonly slug: string
}
let business: Named
let event: Named
let tier: Named & { readonly total_quantity: number }
const START = '2086-05-01T18:00:00Z'
const END = '2086-05-01T23:00:00Z'

before(async () => {
  business = await one(organiser.from('businesses').insert({ name: 'Café Ünder the Hill' }).select().single())
  event = await one(
    organiser
      .from('events')
      .insert({ business_id: business.id, title: 'Spring Gala', start_at: START, end_at: END })
      .select()
      .single(),
  )
  tier = await one(
    organiser
      .from('ticket_tiers')
      .insert({ event_id: event.id, name: 'Floor', total_quantity: 10 })
      .select()
      .single(),
  )
})

describe('an organiser with supabase-js', () => {
  it('owns the business that was made, and names its staff', async () => {
    assert.match(business.slug, /^caf-nder-the-hill/)
    assert.deepEqual(
      await one(organiser.from('business_staff').select('user_id,role').eq('business_id', business.id)),
      { user_id: ann, role: 'owner' },
    )
    await one(
      organiser
        .from('business_staff')
        .insert({ business_id: business.id, user_id: bob, role: 'door' })
        .select(),
    )
    assert.equal(
      (
        await one<{ role: string }>(
          organiser
            .from('business_staff')
            .update({ role: 'manager' })
            .eq('business_id', business.id)
            .eq('user_id', bob)
            .select(),
        )
      ).role,
      'manager',
    )
    const manager = await clientOf(bob)
    assert.equal(
      (await one<Named>(manager.from('events').update({ city: 'Chania' }).eq('id', event.id).select())).id,
      event.id,
    )
    await touchesNothing(manager.from('business_staff').update({ role: 'owner' }).eq('user_id', bob).select())
    await refused(
      manager.from('business_staff').insert({ business_id: business.id, user_id: eve, role: 'owner' }),
      '42501',
    )
    await refused(
      organiser.from('business_staff').delete().eq('business_id', business.id).eq('user_id', ann),
      '23514',
      /LAST_OWNER/,
    )
    await refused(
      organiser
        .from('business_staff')
        .update({ role: 'door' })
        .eq('business_id', business.id)
        .eq('user_id', ann),
      '23514',
      /LAST_OWNER/,
    )
    await one(
      organiser.from('business_staff').delete().eq('business_id', business.id).eq('user_id', bob).select(),
    )
  })

  it('publishes, prices, pauses and opens; slugs come from titles', async () => {
    assert.deepEqual([event.slug, tier.slug], ['spring-gala', 'floor'])
    const again = await one<Named>(
      organiser
        .from('events')
        .insert({ business_id: business.id, title: 'Spring Gala', start_at: START, end_at: END })
        .select(),
    )
    assert.match(again.slug, /^spring-gala-[0-9a-f]{8}$/)
    const anon = createClient(server.url, server.authenticator.keys.anon)
    assert.deepEqual((await anon.from('events').select('id').eq('id', event.id)).data, [])
    await one(organiser.from('events').update({ status: 'published' }).eq('id', event.slug).select())
    assert.equal((await anon.from('events').select('id').eq('id', event.id)).data?.length, 1)
    for (const status of ['paused', 'active'] as const) {
      assert.equal(
        (
          await one<{ active: boolean }>(
            organiser.from('ticket_tiers').update({ status }).eq('id', tier.id).select(),
          )
        ).active,
        status === 'active',
      )
    }
    await one(
      organiser
        .from('discounts')
        .insert({ business_id: business.id, title: 'Early', total_people: 5 })
        .select(),
    )
    await one(
      organiser
        .from('slots')
        .insert({
          business_id: business.id,
          weekday: 5,
          time_from: '19:00',
          time_to: '22:00',
          capacity: 20,
          max_party_size: 8,
        })
        .select(),
    )
  })

  it('raises capacity, and lowers it to what is sold and held and no further', async () => {
    const held = await ask(server, '/rest/v1/rpc/reserve_tickets_atomically', {
      body: { p_tier_id: tier.id, p_quantity: 4 },
    })
    assert.equal(held.json().success, true)
    const toTotal = (total_quantity: number) =>
      organiser.from('ticket_tiers').update({ total_quantity }).eq('id', tier.id).select()
    assert.equal((await one<typeof tier>(toTotal(20))).total_quantity, 20)
    assert.equal((await one<typeof tier>(toTotal(4))).total_quantity, 4)
    await refused(toTotal(3), '23514')
    const sold = await ask(server, '/rest/v1/rpc/reserve_tickets_atomically', {
      body: { p_tier_id: tier.id, p_quantity: 1 },
    })
    assert.equal(sold.json().error, 'INSUFFICIENT_TICKETS')
  })

  it('cancels by the function, which gives the money back, and by nothing else', async () => {
    await refused(
      organiser.from('events').update({ status: 'cancelled' }).eq('id', event.id),
      '23514',
      /CANCEL_BY_FUNCTION/,
    )
    await refused(
      service.from('events').update({ status: 'cancelled' }).eq('id', event.id),
      '23514',
      /CANCEL_BY_FUNCTION/,
    )
    const { data, error } = await organiser.functions.invoke('cancel-event', { body: { eventId: event.id } })
    assert.deepEqual([error, data.success], [null, true])
    await refused(
      organiser.from('events').update({ status: 'published' }).eq('id', event.id),
      '23514',
      /CANCEL_BY_FUNCTION/,
    )
  })
})

describe('a stranger', () => {
  it('writes nothing of it', async () => {
    await touchesNothing(stranger.from('events').update({ title: 'Mine' }).eq('id', event.id).select())
    await touchesNothing(stranger.from('events').delete().eq('id', event.id).select())
    await touchesNothing(stranger.from('businesses').update({ name: 'Mine' }).eq('id', business.id).select())
    await touchesNothing(stranger.from('businesses').delete().eq('id', business.id).select())
    await touchesNothing(stranger.from('ticket_tiers').update({ price_cents: 0 }).eq('id', tier.id).select())
    await refused(
      stranger.from('events').insert({ business_id: business.id, title: 'x', start_at: START, end_at: END }),
      '42501',
    )
    await refused(
      stranger.from('ticket_tiers').insert({ event_id: event.id, name: 'x', total_quantity: 1 }),
      '42501',
    )
    await refused(
      stranger.from('business_staff').insert({ business_id: business.id, user_id: eve, role: 'owner' }),
      '42501',
    )
  })

  it('moves nothing into another house, nor out of it', async () => {
    const own = await one<Named>(stranger.from('businesses').insert({ name: 'Eve' }).select())
    await refused(
      stranger
        .from('events')
        .insert({ business_id: house.businessId, title: 'x', start_at: START, end_at: END }),
      '42501',
    )
    await refused(organiser.from('events').update({ business_id: own.id }).eq('id', event.id), '42501')
    await refused(
      organiser.from('ticket_tiers').update({ event_id: house.eventId }).eq('id', tier.id),
      '42501',
    )
    await refused(
      stranger
        .from('events')
        .upsert({ id: house.eventId, business_id: own.id, title: 'x', start_at: START, end_at: END }),
      '42501',
    )
    await refused(stranger.from('businesses').upsert({ id: business.id, name: 'x', slug: 'x' }), '42501')
  })

  it('without a name writes nothing at all', async () => {
    const anon = createClient(server.url, server.authenticator.keys.anon)
    await refused(anon.from('businesses').insert({ name: 'x' }), '42501')
    await refused(anon.from('events').delete().eq('id', event.id), '42501')
  })
})

describe('what a verb writes nobody writes directly', () => {
  const id = randomUUID()
  const tables: Readonly<Record<string, object>> = {
    orders: {
      event_id: house.eventId,
      session_id: 's',
      currency: 'EUR',
      total_cents: 0,
      customer_email: 'a@b.cc',
      customer_name: 'a',
    },
    order_items: { order_id: id, event_id: id, tier_id: id, quantity: 1, unit_price_cents: 0 },
    ticket_holds: { event_id: id, tier_id: id, session_id: 's', quantity: 1, expires_at: START },
    tickets: { event_id: id, tier_id: id, order_id: id, order_item_id: id, ordinal: 1 },
    scan_logs: { scan_method: 'qr', scan_success: true, scanned_at: START },
    offer_claims: { discount_id: id, party_size: 1 },
    reservations: { business_id: id },
    vip_reservations: { event_id: id, business_id: id, total_price: 1, currency: 'EUR' },
    webhook_events: { id: 'evt' },
    idempotency_keys: { caller: 'x', key: 'x', fingerprint: 'x', answer: {} },
  }
  for (const [table, row] of Object.entries(tables)) {
    it(table, async () => {
      const [column = ''] = Object.keys(row)
      for (const client of [organiser, service]) {
        await refused(client.from(table).insert(row), '42501')
        await refused(
          client
            .from(table)
            .update({ [column]: null })
            .not(column, 'is', null),
          '42501',
        )
        await refused(client.from(table).delete().not(column, 'is', null), '42501')
      }
    })
  }

  it('the counters', async () => {
    for (const client of [organiser, service]) {
      for (const counter of ['sold_quantity', 'reserved_quantity']) {
        await refused(
          client
            .from('ticket_tiers')
            .update({ [counter]: 0 })
            .eq('id', tier.id),
          '42501',
        )
      }
      await refused(
        client.from('discounts').update({ people_remaining: 9 }).eq('business_id', business.id),
        '428C9',
      )
    }
  })
})

describe('bad values', () => {
  const bad = badValues(house.eventSlug)
  const ids: Readonly<Record<string, () => string>> = {
    events: () => event.id,
    ticket_tiers: () => tier.id,
    businesses: () => business.id,
  }
  for (const [table, column, value] of bad) {
    it(`${table}.${column} = ${JSON.stringify(value)?.slice(0, 30)}`, async () => {
      const row = async () =>
        (
          await service
            .from(table)
            .select('*')
            .eq('id', ids[table]?.() ?? '')
            .single()
        ).data
      const before = await row()
      const { error, status } = await organiser
        .from(table)
        .update({ [column]: value })
        .eq('id', ids[table]?.() ?? '')
        .select()
      assert.ok(error?.code, 'refused with a code')
      assert.ok(status >= 400 && status < 500, `${status} ${JSON.stringify(error)}`)
      assert.deepEqual(await row(), before)
    })
  }

  it('an event with tiers is not deleted, and goes after them', async () => {
    const made = await one<Named>(
      organiser
        .from('events')
        .insert({ business_id: business.id, title: 'Draft', start_at: START, end_at: END })
        .select(),
    )
    await one(
      organiser.from('ticket_tiers').insert({ event_id: made.id, name: 'A', total_quantity: 1 }).select(),
    )
    await refused(organiser.from('events').delete().eq('id', made.id), '23503')
    await one(organiser.from('ticket_tiers').delete().eq('event_id', made.id).select())
    await one(organiser.from('events').delete().eq('id', made.id).select())
  })

  it('a capacity that is lowered while it is sold is never below what is sold and held', async () => {
    const hot = await addTier(db, house.eventId, { total: 30 })
    const lower = (total_quantity: number) =>
      service.from('ticket_tiers').update({ total_quantity }).eq('id', hot)
    const hold = () =>
      ask(server, '/rest/v1/rpc/reserve_tickets_atomically', { body: { p_tier_id: hot, p_quantity: 1 } })
    const answers = await Promise.all([...Array.from({ length: 25 }, hold), ...[5, 10, 15, 20].map(lower)])
    for (const answer of answers) assert.ok(answer.status < 500)
    const [row] = await db.rows<{ total: number; held: number }>(
      `select total_quantity as total, (select coalesce(sum(quantity), 0)::int from ticket_holds where tier_id = $1 and status = 'active') as held
       from ticket_tiers where id = $1`,
      [hot],
    )
    assert.ok(row !== undefined && row.held <= row.total)
  })
})
