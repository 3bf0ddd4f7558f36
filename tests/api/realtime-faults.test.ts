import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { mintToken } from '../../src/api/keys.ts'
import { decodeBinary, decodeText, type Frame } from '../../src/api/realtime/frames.ts'
import { eventually } from '../../src/embedded/processes.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'
import { ask, JWT_SECRET, serve, type TestServer } from './scratch.ts'

const sockets: WebSocket[] = []
after(async () => {
  for (const socket of sockets) socket.terminate()
  await server[Symbol.asyncDispose]()
  assert.ok(await eventually(SLOT_MS_MAX, async () => (await slots()).length === 0), 'no slot is left behind')
})
/** A temporary slot is gone when its walsender is, which hears of the end of its connection. */
const SLOT_MS_MAX = 10_000
const db = await testDatabase()
const house = await openBoxOffice(db)
const tierId = await addTier(db, house.eventId, { total: 1_000 })
const server = await serve(db.url, { max: 4, realtime: { socketsMax: 8, unreadBytesMax: 512 * 1024 } })

const slots = () => db.rows(`select slot_name from pg_replication_slots where database = current_database()`)

interface Client {
  readonly socket: WebSocket
  readonly heard: Frame[]
  send(topic: string, event: string, payload?: unknown): void
  /** Waits for a message. */
  next(event: string, topic?: string): Promise<Frame>
}

async function connect(
  vsn: '1.0.0' | '2.0.0' = '1.0.0',
  key = keys().anon,
  at: TestServer = server,
): Promise<Client> {
  const socket = new WebSocket(
    `${at.url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${key}&vsn=${vsn}`,
  )
  sockets.push(socket)
  const heard: Frame[] = []
  socket.on('message', (data, isBinary) => {
    if (isBinary) heard.push({ joinRef: null, ref: null, topic: 'binary', event: 'binary', payload: data })
    const frame = isBinary ? undefined : decodeText(String(data), vsn)
    if (frame !== undefined) heard.push(frame)
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  let ref = 0
  return {
    socket,
    heard,
    send: (topic, event, payload = {}) => {
      const [join_ref, own] = ['1', String(++ref)]
      const frame = { topic, event, payload, ref: own, join_ref }
      socket.send(JSON.stringify(vsn === '1.0.0' ? frame : [join_ref, own, topic, event, payload]))
    },
    next: async (event, topic) => {
      const find = () =>
        heard.findIndex((frame) => frame.event === event && (topic ?? frame.topic) === frame.topic)
      for (let i = 0; i < 600 && find() < 0; i++) await new Promise((resolve) => setTimeout(resolve, 20))
      const at = find()
      assert.ok(at >= 0, `${event} in ${JSON.stringify(heard).slice(0, 500)}`)
      return heard.splice(at, 1)[0] as Frame
    },
  }
}

function keys() {
  return server.authenticator.keys
}
const hold = () =>
  ask(server, '/rest/v1/rpc/reserve_tickets_atomically', { body: { p_tier_id: tierId, p_quantity: 1 } })
const TIERS = { config: { postgres_changes: [{ event: '*', schema: 'public', table: 'ticket_tiers' }] } }

describe('bare frames', () => {
  for (const vsn of ['1.0.0', '2.0.0'] as const) {
    it(`${vsn}: a join on a table's name with next to nothing, heartbeats, and what is scanned`, async () => {
      const client = await connect(vsn, keys().serviceRole)
      client.send('phoenix', 'heartbeat')
      assert.deepEqual((await client.next('phx_reply', 'phoenix')).payload, { status: 'ok', response: {} })
      client.send('realtime:scan_logs', 'phx_join', { config: { filter: 'status=eq.scanned' } })
      assert.equal(((await client.next('phx_reply')).payload as { status: string }).status, 'ok')
      const system = (await client.next('system')).payload as { status: string; message: string }
      assert.deepEqual([system.status, system.message], ['ok', 'Subscribed to PostgreSQL'])
      await db.rows(`select scan_ticket_atomic($1, null)`, [randomUUID()])
      const { data } = (await client.next('postgres_changes')).payload as { data: Record<string, unknown> }
      assert.deepEqual(
        [data['table'], data['type'], (data['record'] as { scan_success: boolean }).scan_success],
        ['scan_logs', 'INSERT', false],
      )
      client.send('realtime:scan_logs', 'phx_leave')
      assert.equal((await client.next('phx_close')).topic, 'realtime:scan_logs')
      client.socket.close()
    })
  }

  it('binary broadcasts go through as bytes to those who have them', async () => {
    const [one, two] = [await connect('2.0.0'), await connect('2.0.0')]
    for (const client of [one, two]) {
      client.send('realtime:bytes', 'phx_join')
      await client.next('phx_reply')
    }
    const parts = ['1', '2', 'realtime:bytes', 'blob', ''].map((text) => Buffer.from(text))
    const push = Buffer.concat([
      Buffer.from([3, ...parts.map(({ length }) => length), 0]),
      ...parts,
      Buffer.from([1, 2, 255]),
    ])
    assert.ok(decodeBinary(push))
    one.socket.send(push)
    const got = (await two.next('binary')).payload as Buffer
    assert.deepEqual([got[0], got.subarray(-3).toString('hex'), got.includes('blob')], [4, '0102ff', true])
    one.socket.close()
    two.socket.close()
  })

  it('messages of every length arrive whole and in order, however many are sent at once', async () => {
    const client = await connect()
    client.send('realtime:lengths', 'phx_join')
    await client.next('phx_reply')
    const lengths = [0, 1, 30, 31, 32, 125, 126, 1_000, 65_000, 65_535, 65_536, 130_000]
    const messages = lengths.map((length) => ({ topic: 'lengths', event: 'é', payload: 'x'.repeat(length) }))
    await ask(server, '/realtime/v1/api/broadcast', { body: { messages } })
    for (const length of lengths) {
      const { payload } = (await client.next('broadcast')).payload as { payload: string }
      assert.equal(payload.length, length)
    }
    client.socket.close()
  })

  it('a second join of a topic takes the place of the first, and what is unknown is answered', async () => {
    const client = await connect()
    client.send('realtime:a', 'phx_join')
    client.send('realtime:a', 'phx_join')
    await client.next('phx_reply')
    await client.next('phx_reply')
    client.send('realtime:b', 'broadcast', {})
    assert.deepEqual((await client.next('phx_reply')).payload, {
      status: 'error',
      response: { reason: 'unmatched topic' },
    })
    client.send('other:a', 'phx_join')
    assert.equal(((await client.next('phx_reply')).payload as { status: string }).status, 'error')
    client.send('realtime:c', 'phx_join', {
      config: { postgres_changes: [{ event: '*', schema: 'public', table: 'nothing' }] },
    })
    assert.match(JSON.stringify((await client.next('phx_reply')).payload), /the table nothing does not exist/)
    client.send('realtime:c', 'phx_join', { access_token: 'a.b.c' })
    assert.match(JSON.stringify((await client.next('phx_reply')).payload), /InvalidJWTToken/)
    const closed = new Promise((resolve) => client.socket.once('close', resolve))
    client.socket.send('not a frame')
    assert.equal(await closed, 1008)
  })
})

describe('handshakes', () => {
  it('without a key are 401, with a wrong one 403, elsewhere 404, and beyond the bound 503', async () => {
    const status = (path: string) =>
      new Promise<number | undefined>((resolve) => {
        const socket = new WebSocket(server.url.replace('http', 'ws') + path)
        socket.on('error', () => {})
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode))
        socket.on('open', () => resolve(101))
      })
    assert.equal(await status('/realtime/v1/websocket'), 401)
    assert.equal(await status('/realtime/v1/websocket?apikey=wrong'), 403)
    assert.equal(await status(`/elsewhere?apikey=${keys().anon}`), 404)
    for (let i = 0; server.sockets() > 0 && i < 100; i++)
      await new Promise((resolve) => setTimeout(resolve, 20))
    const many = await Promise.all(Array.from({ length: 8 }, () => connect()))
    assert.equal(await status(`/realtime/v1/websocket?apikey=${keys().anon}`), 503)
    for (const { socket } of many) socket.close()
    for (let i = 0; server.sockets() > 0 && i < 100; i++)
      await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(server.sockets(), 0)
  })
})

describe('what goes wrong', () => {
  it('a channel ends with its token', async () => {
    const client = await connect()
    const token = await mintToken(JWT_SECRET, { sub: randomUUID(), expiresInSeconds: 1 })
    client.send('realtime:short', 'phx_join', { access_token: token })
    await client.next('phx_reply')
    assert.match(JSON.stringify((await client.next('system')).payload), /Token has expired \d+ seconds ago/)
    await client.next('phx_close')
    client.socket.close()
  })

  it('who does not read is cut off, and the others hear on', async () => {
    const [slow, quick] = [await connect(), await connect()]
    for (const client of [slow, quick]) {
      client.send('realtime:flood', 'phx_join')
      await client.next('phx_reply')
    }
    const before = server.sockets()
    const raw = (slow.socket as unknown as { _socket: { pause(): void } })._socket
    raw.pause()
    const payload = 'x'.repeat(40_000)
    const message = {
      messages: Array.from({ length: 10 }, () => ({ topic: 'flood', event: 'drop', payload: { payload } })),
    }
    for (let i = 0; i < 200 && server.sockets() === before; i++) {
      await ask(server, '/realtime/v1/api/broadcast', { body: message })
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    assert.equal(server.sockets(), before - 1)
    await quick.next('broadcast')
    quick.socket.close()
  })

  it('after PostgreSQL has cut the feed off, clients join again and miss nothing from then on', async () => {
    const client = await connect()
    client.send('realtime:tiers', 'phx_join', TIERS)
    await client.next('system')
    assert.equal((await slots()).length, 1)
    await db.rows(
      `select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database()`,
    )
    assert.match(JSON.stringify((await client.next('system')).payload), /"status":"error"/)
    await client.next('phx_error')
    client.send('realtime:tiers', 'phx_join', TIERS)
    const system = (await client.next('system')).payload as { status: string }
    assert.equal(system.status, 'ok')
    await hold()
    await client.next('postgres_changes')
    assert.equal((await slots()).length, 1)
    client.socket.close()
  })

  it('where changes cannot be followed, broadcast goes on, and a table is refused', async () => {
    await using alone = await serve(db.url, {
      max: 2,
      realtime: {},
      replicationUrl: 'postgres://127.0.0.1:9/none',
    })
    const [one, two] = [
      await connect('1.0.0', keys().anon, alone),
      await connect('1.0.0', keys().anon, alone),
    ]
    for (const client of [one, two]) {
      client.send('realtime:talk', 'phx_join')
      assert.match(JSON.stringify((await client.next('phx_reply')).payload), /"status":"ok"/)
    }
    one.send('realtime:talk', 'broadcast', { event: 'say', payload: { n: 1 } })
    await two.next('broadcast')
    one.send('realtime:tiers', 'phx_join', TIERS)
    assert.match(JSON.stringify((await one.next('phx_reply')).payload), /the database does not answer/)
  })
})
