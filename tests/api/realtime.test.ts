import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { createClient, type RealtimeChannel, type SupabaseClient } from '@supabase/supabase-js'
import { mintToken } from '../../src/api/keys.ts'
import { addStaff, addTier, openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'
import { ask, JWT_SECRET, serve } from './scratch.ts'

const clients: SupabaseClient[] = []
// Before the database goes, which nobody may follow any more.
after(async () => {
  await Promise.all(clients.map((client) => client.realtime.disconnect()))
  await server[Symbol.asyncDispose]()
})
const db = await testDatabase()
const house = await openBoxOffice(db)
const server = await serve(db.url, { max: 4, realtime: {} })
let tierId = ''
before(async () => {
  tierId = await addTier(db, house.eventId, { total: 1_000 })
})
async function clientOf(user?: string, vsn?: '1.0.0' | '2.0.0'): Promise<SupabaseClient> {
  const { anon } = server.authenticator.keys
  const token = user === undefined ? anon : await mintToken(JWT_SECRET, { sub: user })
  const client = createClient(server.url, anon, {
    realtime: vsn === undefined ? {} : { vsn },
    ...(user === undefined ? {} : { accessToken: async () => token }),
  })
  clients.push(client)
  // The client asks for its token while it joins; so it has it before.
  await client.realtime.setAuth()
  return client
}

interface Heard {
  readonly eventType?: string
  readonly new?: Record<string, unknown>
  readonly old?: Record<string, unknown>
}

function joined(channel: RealtimeChannel): Promise<void> {
  return new Promise((resolve, reject) => {
    channel.subscribe((status, error) => {
      if (status === 'SUBSCRIBED') resolve()
      if (status === 'CHANNEL_ERROR' || status === 'TIMED_OUT') reject(error ?? new Error(status))
    })
  })
}

/** Waits for what must come. */
async function until(is: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 500 && !is(); i++) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.ok(is(), what)
}

const hold = (quantity = 1) =>
  ask(server, '/rest/v1/rpc/reserve_tickets_atomically', {
    body: { p_tier_id: tierId, p_quantity: quantity },
  })

for (const vsn of ['1.0.0', '2.0.0'] as const) {
  describe(`supabase-js, ${vsn}`, () => {
    it('hears of what changes from the moment that it is subscribed on', async () => {
      const client = await clientOf(undefined, vsn)
      const heard: Heard[] = []
      const channel = client
        .channel(`dashboard-${vsn}`)
        .on(
          'postgres_changes',
          { event: 'UPDATE', schema: 'public', table: 'ticket_tiers', filter: `id=eq.${tierId}` },
          (change) => heard.push(change as Heard),
        )
      await joined(channel)
      await hold(2)
      await until(() => heard.length === 1, 'the tier that was held')
      const [change] = heard
      assert.equal(change?.eventType, 'UPDATE')
      assert.equal(change?.new?.['id'], tierId)
      assert.equal(typeof change?.new?.['reserved_quantity'], 'number')
      assert.match(String(change?.new?.['created_at']), /^\d{4}-\d\d-\d\dT[\d:.]+\+00:00$/)
      assert.deepEqual(change?.old, { id: tierId })
      await client.removeChannel(channel)
      await hold()
      assert.equal(heard.length, 1)
    })

    it('broadcasts to others, to itself where it asks for it, and with an acknowledgement', async () => {
      const [one, two] = [await clientOf(undefined, vsn), await clientOf(undefined, vsn)]
      const heard: unknown[] = []
      const sender = one.channel(`talk-${vsn}`, { config: { broadcast: { self: true, ack: true } } })
      const receiver = two.channel(`talk-${vsn}`)
      for (const channel of [sender, receiver]) {
        channel.on('broadcast', { event: 'say' }, ({ payload }) => heard.push(payload))
        await joined(channel)
      }
      assert.equal(await sender.send({ type: 'broadcast', event: 'say', payload: { text: 'hé' } }), 'ok')
      await until(() => heard.length === 2, 'both')
      assert.deepEqual(heard, [{ text: 'hé' }, { text: 'hé' }])
      await receiver.send({ type: 'broadcast', event: 'say', payload: { n: 2 } })
      await until(() => heard.length === 3, 'the other alone')
    })

    it('sees who is there, who comes and who goes', async () => {
      const [one, two] = [await clientOf(undefined, vsn), await clientOf(undefined, vsn)]
      const room = one.channel(`room-${vsn}`, { config: { presence: { key: 'ann' } } })
      const seen: string[] = []
      room.on('presence', { event: 'join' }, ({ key }) => seen.push(`+${key}`))
      room.on('presence', { event: 'leave' }, ({ key }) => seen.push(`-${key}`))
      await joined(room)
      await room.track({ seat: 1 })
      const other = two.channel(`room-${vsn}`, { config: { presence: { key: 'bob' } } })
      other.on('presence', { event: 'sync' }, () => {})
      await joined(other)
      await other.track({ seat: 2 })
      await until(() => Object.keys(room.presenceState()).length === 2, 'two')
      await until(() => Object.keys(other.presenceState()).length === 2, 'two, seen from the second')
      await two.removeChannel(other)
      await until(() => Object.keys(room.presenceState()).length === 1, 'one')
      assert.deepEqual(seen, ['+ann', '+bob', '-bob'])
    })
  })
}

describe('row level security', () => {
  it('shows no row of a table without a key, and nobody is cut off for it', async () => {
    await db.rows(`create table public.plain (note text); grant select on public.plain to authenticated;
      alter publication supabase_realtime add table public.plain`)
    const client = await clientOf(house.staffId)
    const heard: string[] = []
    const channel = client
      .channel('all')
      .on('postgres_changes', { event: '*', schema: 'public' }, ({ table }) => heard.push(table))
    await joined(channel)
    await db.rows(`insert into public.plain values ('seen by nobody')`)
    await hold()
    await until(() => heard.includes('ticket_tiers'), 'the tier')
    assert.ok(!heard.includes('plain'))
    await client.removeChannel(channel)
    await db.rows('drop table public.plain')
  })

  it('tells a buyer of the own order, staff of the house of scans, and strangers nothing', async () => {
    const buyer = randomUUID()
    const manager = await addStaff(db, house.businessId, 'manager')
    const heard: Record<string, string[]> = { buyer: [], manager: [], stranger: [], anon: [] }
    for (const [name, user] of [
      ['buyer', buyer],
      ['manager', manager],
      ['stranger', randomUUID()],
      ['anon', undefined],
    ] as const) {
      const channel = (await clientOf(user)).channel('orders-of-mine')
      channel.on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'orders' },
        ({ new: row }) => {
          assert.ok(!('secret' in row) && !('session_id' in row))
          heard[name]?.push(row['id'])
        },
      )
      await joined(channel)
    }
    const token = await mintToken(JWT_SECRET, { sub: buyer })
    const order = await ask(server, '/functions/v1/create-ticket-checkout', {
      body: {
        eventId: house.eventId,
        items: [{ tierId, quantity: 1 }],
        customerName: 'Ada',
        customerEmail: 'ada@example.org',
      },
      headers: { authorization: `Bearer ${token}` },
    })
    const { orderId } = order.json() as unknown as { orderId: string }
    await until(() => heard['buyer']?.length === 1 && heard['manager']?.length === 1, 'buyer and manager')
    assert.deepEqual(heard, { buyer: [orderId], manager: [orderId], stranger: [], anon: [] })
  })

  it('refuses a private channel to whom no policy lets in, and lets in whom one does', async () => {
    const user = randomUUID()
    const client = await clientOf(user)
    await assert.rejects(joined(client.channel('house', { config: { private: true } })), /Unauthorized/)
    await db.rows(
      `create policy listen on realtime.messages for select to authenticated using (realtime.topic() = 'house' and auth.uid() = '${user}')`,
    )
    const room = (await clientOf(user)).channel('house', { config: { private: true } })
    const heard: unknown[] = []
    room.on('broadcast', { event: '*' }, (message) => heard.push(message['payload']))
    await joined(room)
    await assert.rejects(
      joined((await clientOf(randomUUID())).channel('house', { config: { private: true } })),
      /Unauthorized/,
    )
    await db.rows(
      `select realtime.send('{"from": "sql"}', 'news', 'house', true), realtime.send('{"not": "here"}', 'news', 'house', false)`,
    )
    await until(() => heard.length > 0, 'what SQL sent')
    assert.deepEqual(
      heard.map((payload) => (payload as { from?: string }).from),
      ['sql'],
    )
    assert.deepEqual(await db.rows(`select 1 from realtime.messages where extension = 'presence'`), [])
  })
})

describe('the policy that docs/operating/realtime.md shows', () => {
  it('lets the staff of a house into its channel, and nobody else', async () => {
    const page = await readFile(new URL('../../docs/operating/realtime.md', import.meta.url), 'utf8')
    await db.rows(/```sql\n([\s\S]*?)```/.exec(page)?.[1] ?? 'no policy')
    const room = (client: SupabaseClient) =>
      client.channel(`house:${house.businessId}`, { config: { private: true } })
    await joined(room(await clientOf(await addStaff(db, house.businessId, 'door'))))
    await assert.rejects(joined(room(await clientOf(randomUUID()))), /Unauthorized/)
  })
})

describe('broadcast over HTTP', () => {
  it('is 202, and heard by whoever has joined', async () => {
    const heard: unknown[] = []
    const channel = (await clientOf())
      .channel('board')
      .on('broadcast', { event: 'goal' }, ({ payload }) => heard.push(payload))
    await joined(channel)
    const post = (path: string, body: unknown) => ask(server, `/realtime/v1/api/broadcast${path}`, { body })
    assert.equal(
      (await post('', { messages: [{ topic: 'board', event: 'goal', payload: { n: 1 } }] })).status,
      202,
    )
    assert.equal((await post('/board/events/goal', { n: 2 })).status, 202)
    await until(() => heard.length === 2, 'both')
    assert.deepEqual(heard, [{ n: 1 }, { n: 2 }])
    assert.equal((await post('', { messages: [] })).status, 422)
    assert.equal((await post('', 'no')).status, 422)
    assert.equal((await fetch(`${server.url}/realtime/v1/api/broadcast`, { method: 'POST' })).status, 401)
  })
})
