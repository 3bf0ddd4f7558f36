import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, describe, it } from 'node:test'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import { openShop } from './shop.ts'

const shop = await openShop()
const { db, server } = shop
const ann = randomUUID()
const organiser = createClient(server.url, server.authenticator.keys.anon, {
  global: { headers: { Authorization: (await shop.tokenOf(ann)).authorization } },
})
const service = createClient(server.url, server.authenticator.keys.serviceRole)

type Row = Readonly<Record<string, unknown>> & { readonly id: string }
const START = '2086-05-01T18:00:00Z'
const END = '2086-05-01T23:00:00Z'
const rows: Record<string, Row> = {}

async function make(table: string, row: object, client: SupabaseClient = organiser): Promise<Row> {
  const { data, error } = await client.from(table).insert(row).select().single()
  assert.equal(error, null, `${table}: ${error?.message}`)
  return data as Row
}
async function house(): Promise<Record<string, Row>> {
  const business = await make('businesses', { name: 'Hall' })
  const event = await make('events', {
    business_id: business.id,
    title: 'Gala',
    start_at: START,
    end_at: END,
    status: 'published',
  })
  return {
    businesses: business,
    events: event,
    ticket_tiers: await make('ticket_tiers', { event_id: event.id, name: 'Floor', total_quantity: 10 }),
    discounts: await make('discounts', { business_id: business.id, title: 'Early', total_people: 9 }),
    slots: await make('slots', {
      business_id: business.id,
      weekday: 5,
      time_from: '19:00',
      time_to: '22:00',
      capacity: 20,
      max_party_size: 8,
    }),
  }
}
before(async () => {
  Object.assign(rows, await house())
})
const idOf = (table: string) => rows[table]?.id ?? ''

interface Answer {
  readonly error: { readonly code?: string; readonly message: string; readonly hint?: string | null } | null
  readonly status: number
}
async function refused(query: PromiseLike<Answer>, code: string, message: RegExp, hint = /./): Promise<void> {
  const { error, status } = await query
  assert.equal(error?.code, code, JSON.stringify(error))
  assert.match(error?.message ?? '', message)
  assert.match(error?.hint ?? '-', hint)
  assert.equal(status, { 23503: 409, 42501: 403 }[code] ?? 400)
}

describe('every column that an organiser may write', async () => {
  const HOSTILE: readonly unknown[] = [
    ...[null, true, -1, 0, 1e9, 3e9, 1e20, 1.5, [], {}, [1], { a: 1 }],
    ...['', ' ', 'x'.repeat(1_000_000), 'NaN', '<script>alert(1)</script>', 'a\u0000b', '\ud800', '\u202e'],
    ...["'; drop table events; --", 'javascript:alert(1)', randomUUID(), '24:00', '23:59:60', '2000-13-01'],
    ...['infinity', '-infinity', '0044-01-01 BC', '10000-01-01T00:00:00Z', '294276-12-31T00:00:00Z'],
  ]
  const columns = await db.rows<{ table: string; name: string }>(
    `select distinct table_name::text as table, column_name::text as name from information_schema.column_privileges
     where grantee = 'authenticated' and privilege_type in ('INSERT', 'UPDATE') and table_schema = 'public'
       and table_name <> 'business_staff' order by 1, 2`,
  )
  assert.ok(columns.length > 50)
  for (const { table, name } of columns)
    it(`${table}.${name} is taken or refused with a code, and pages and sales go on`, async () => {
      const own = await house()
      const { id, ...whole } = own[table] as Row
      const writable = Object.fromEntries(
        columns
          .filter((one) => one.table === table && one.name !== 'id')
          .map((one) => [one.name, whole[one.name]]),
      )
      for (const value of HOSTILE) {
        const answers = await Promise.all([
          organiser
            .from(table)
            .update({ [name]: value })
            .eq('id', id),
          organiser.from(table).insert({ ...writable, slug: undefined, [name]: value }),
        ])
        for (const { error, status } of answers) {
          const what = `${JSON.stringify(value)?.slice(0, 40)}: ${status} ${JSON.stringify(error)}`
          assert.ok(status < 300 || (status >= 400 && status < 500), what)
          assert.ok(status < 300 || /^[0-9A-Z]{5}$/.test(error?.code ?? ''), what)
        }
      }
      const home = await fetch(`${server.url}/`)
      assert.equal(home.status, 200)
      await home.text()
    })
})

describe('an upsert of an organiser', () => {
  it('changes what is there and makes what is not, and moves nothing', async () => {
    const {
      events: event,
      businesses: business,
      ticket_tiers: tier,
      discounts,
      slots,
    } = rows as Record<string, Row>
    const whole = { business_id: business?.id, start_at: START, end_at: END }
    const titles = await organiser
      .from('events')
      .upsert([
        { id: event?.id, title: 'Gala II', ...whole },
        { id: randomUUID(), title: 'New', ...whole },
      ])
      .select('title')
    assert.deepEqual([titles.error, titles.data], [null, [{ title: 'Gala II' }, { title: 'New' }]])
    const floor = { event_id: event?.id, slug: 'floor', name: 'The floor', total_quantity: 12 }
    const { data, error } = await organiser
      .from('ticket_tiers')
      .upsert(floor, { onConflict: 'event_id,slug' })
      .select('id,name,total_quantity')
    assert.deepEqual([error, data], [null, [{ id: tier?.id, name: 'The floor', total_quantity: 12 }]])
    const staff = { business_id: business?.id, user_id: randomUUID() }
    for (const role of ['door', 'manager'])
      assert.equal((await organiser.from('business_staff').upsert({ ...staff, role })).error, null)
    for (const [table, row] of [
      ['discounts', discounts],
      ['slots', slots],
    ] as const) {
      const { id, business_id } = row as Row
      assert.equal((await organiser.from(table).update({ id, business_id }).eq('id', id)).error, null, table)
    }
  })

  const moves: readonly (readonly [table: string, column: string])[] = [
    ['businesses', 'id'],
    ['events', 'id'],
    ['events', 'business_id'],
    ['ticket_tiers', 'id'],
    ['ticket_tiers', 'event_id'],
    ['discounts', 'id'],
    ['discounts', 'business_id'],
    ['slots', 'id'],
    ['slots', 'business_id'],
  ]
  for (const [table, column] of moves)
    it(`never gives ${table} another ${column}, not even between houses of one owner, nor by the service`, async () => {
      const own = await house()
      const elsewhere = { id: randomUUID(), business_id: own['businesses']?.id, event_id: own['events']?.id }
      const change = { [column]: elsewhere[column as 'id'] }
      for (const client of [organiser, service])
        await refused(client.from(table).update(change).eq('id', idOf(table)), '42501', /CANNOT_MOVE/)
    })
})

describe('a refusal says what to do', () => {
  const buy = (eventId: string, tierId: string) =>
    shop.call('create-ticket-checkout', {
      eventId,
      items: [{ tierId, quantity: 2 }],
      customerName: 'Ada',
      customerEmail: 'ada@example.org',
    })
  it('where tickets are sold: capacity, currency, deletion', async () => {
    const own = await house()
    const [event, tier, business] = ['events', 'ticket_tiers', 'businesses'].map(
      (table) => own[table]?.id ?? '',
    )
    assert.equal((await buy(event ?? '', tier ?? '')).status, 200)
    for (const client of [organiser, service]) {
      const tiers = client.from('ticket_tiers')
      await refused(
        tiers.update({ total_quantity: 1 }).eq('id', tier),
        '23514',
        /CAPACITY_IN_USE: 2 are sold and 0 held/,
        /to 2/,
      )
      await refused(tiers.delete().eq('id', tier), '23503', /IN_USE/, /closed/)
      await refused(
        client.from('events').update({ currency: 'USD' }).eq('id', event),
        '23514',
        /CURRENCY_IN_USE/,
      )
      await refused(client.from('events').delete().eq('id', event), '23503', /IN_USE/, /cancel-event/)
      await refused(client.from('businesses').delete().eq('id', business), '23503', /IN_USE/, /events/)
    }
  })

  it('where tables and offers are taken', async () => {
    const own = await house()
    const zone = { time_zone: 'Europe/Athens' }
    const moved = await organiser
      .from('businesses')
      .update(zone)
      .eq('id', own['businesses']?.id)
      .select('time_zone')
    assert.deepEqual(moved.data, [zone])
    const [offer, slot] = ['discounts', 'slots'].map((table) => own[table]?.id ?? '')
    await organiser.rpc('claim_offer_spots_atomically', { p_discount_id: offer, p_party_size: 1 })
    const booked = await organiser.rpc('book_slot_atomically', {
      p_business_id: own['businesses']?.id,
      p_date: '2083-01-01',
      p_slot_time: '19:30',
      p_party_size: 2,
      p_reservation_name: 'Ada',
    })
    assert.equal(booked.data?.success, true, JSON.stringify(booked))
    await refused(
      organiser.from('businesses').update({ time_zone: 'Asia/Tokyo' }).eq('id', own['businesses']?.id),
      '23514',
      /PARTIES_TO_COME/,
    )
    await refused(organiser.from('discounts').delete().eq('id', offer), '23503', /IN_USE/, /active = false/)
    await refused(organiser.from('slots').delete().eq('id', slot), '23503', /IN_USE/, /active = false/)
  })

  it('and where nothing is, everything goes, from the inside out', async () => {
    const own = await house()
    await refused(
      organiser.from('events').delete().eq('id', own['events']?.id),
      '23503',
      /IN_USE/,
      /tiers first/,
    )
    for (const table of ['ticket_tiers', 'events', 'slots', 'discounts', 'businesses']) {
      if (table === 'slots' || table === 'discounts')
        await refused(
          organiser.from('businesses').delete().eq('id', own['businesses']?.id),
          '23503',
          /IN_USE/,
          /slots and offers first/,
        )
      const gone = await organiser.from(table).delete().eq('id', own[table]?.id).select('id')
      assert.deepEqual([gone.error, gone.data], [null, [{ id: own[table]?.id }]], table)
    }
  })

  it('a tier of an event in another currency needs none of its own', async () => {
    const { businesses: business } = await house()
    const event = await make('events', {
      business_id: business?.id,
      title: 'Tokyo',
      start_at: START,
      end_at: END,
      currency: 'JPY',
    })
    assert.equal(
      (await make('ticket_tiers', { event_id: event.id, name: 'A', total_quantity: 1 }))['currency'],
      'JPY',
    )
    const other = { event_id: event.id, name: 'B', total_quantity: 1, currency: 'EUR' }
    assert.equal((await organiser.from('ticket_tiers').insert(other)).error?.code, '23503')
  })
})

describe('the staff', () => {
  const refusals: readonly (readonly [row: object, code: string])[] = [
    [{ role: 'emperor' }, '23514'],
    [{ role: null }, '23502'],
    [{ user_id: null }, '23502'],
    [{ user_id: 'bob' }, '22P02'],
    [{ user_id: ann }, '23505'],
    [{ business_id: randomUUID() }, '42501'],
    [{ business_id: null }, '42501'],
    [{ created_at: START }, '42501'],
    [{ salary: 1 }, 'PGRST204'],
  ]
  for (const [row, code] of refusals)
    it(`${JSON.stringify(row)}: ${code}`, async () => {
      const member = { business_id: idOf('businesses'), user_id: randomUUID(), role: 'door', ...row }
      const { error, status } = await organiser.from('business_staff').insert(member)
      assert.equal(error?.code, code, JSON.stringify(error))
      assert.ok(status >= 400 && status < 500)
    })
})

describe('at the same moment', () => {
  it('tickets are bought and the currency is changed: every order is in the currency of its event', async () => {
    for (let round = 0; round < 3; round += 1) {
      const own = await house()
      const [event, tier] = ['events', 'ticket_tiers'].map((table) => own[table]?.id ?? '')
      const cart = {
        eventId: event,
        items: [{ tierId: tier, quantity: 1 }],
        customerName: 'A',
        customerEmail: 'a@b.cc',
      }
      const [change, ...sales] = await Promise.all([
        organiser.from('events').update({ currency: 'USD' }).eq('id', event),
        ...Array.from({ length: 6 }, () => shop.call('create-ticket-checkout', cart)),
      ])
      assert.ok(change.status < 500, JSON.stringify(change))
      assert.ok(sales.every(({ status, body }) => status < 500 || body['code'] === 'LOCK_TIMEOUT'))
      const currencies = await db.rows(
        `select distinct o.currency = e.currency as same from orders o join events e on e.id = o.event_id where e.id = $1`,
        [event],
      )
      assert.deepEqual(currencies, [{ same: true }])
    }
  })

  it('two make the same name, and each gets a slug of its own', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => make('businesses', { name: 'Twin' })))
    assert.equal(new Set(made.map((row) => row['slug'])).size, 8)
  })

  it('two owners remove each other, or all at once: one stays', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await make('businesses', { name: 'Pair' })
      const bob = randomUUID()
      await make('business_staff', { business_id: id, user_id: bob, role: 'owner' })
      const asBob = createClient(server.url, server.authenticator.keys.anon, {
        global: { headers: { Authorization: (await shop.tokenOf(bob)).authorization } },
      })
      const staffOf = (client: SupabaseClient) => client.from('business_staff')
      const all = await staffOf(organiser).delete().eq('business_id', id)
      assert.match(all.error?.message ?? '', /LAST_OWNER/)
      const demoted = await staffOf(organiser).update({ role: 'door' }).eq('business_id', id)
      assert.match(demoted.error?.message ?? '', /LAST_OWNER/)
      await Promise.all([
        staffOf(organiser).delete().eq('business_id', id).eq('user_id', bob),
        staffOf(asBob).delete().eq('business_id', id).eq('user_id', ann),
      ])
      const left = await service.from('business_staff').select('role').eq('business_id', id)
      assert.deepEqual(left.data, [{ role: 'owner' }])
    }
  })
})
