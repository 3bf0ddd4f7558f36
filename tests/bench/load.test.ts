import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { after, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { jsonOf, openLine, requireAnswer } from '../../src/bench/load/line.ts'
import { openLoad } from '../../src/bench/load/process.ts'
import { FRESH_KEY, postOf, sendingsOf } from '../../src/bench/load/request.ts'
import { inOpenLoop, openTally } from '../../src/bench/load/serve.ts'

const sender = { url: 'http://127.0.0.1:80', path: '/x', key: 'k' }

describe('a request is written before it is sent', () => {
  it('with the length of its body in bytes, and a token of its own where there is one', () => {
    const [head = '', body = ''] = postOf(
      { ...sender, token: 't', headers: { A: 'b' } },
      { name: 'ü' },
    ).split('\r\n\r\n')
    assert.deepEqual(head.split('\r\n'), [
      'POST /x HTTP/1.1',
      'Host: 127.0.0.1',
      'apikey: k',
      'Authorization: Bearer t',
      'A: b',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ])
    assert.equal(body, '{"name":"ü"}')
  })

  it('each sending has a key of its own, of the same length; without a key it is the same bytes', () => {
    const request = postOf({ ...sender, headers: { 'Idempotency-Key': FRESH_KEY } }, {})
    const next = sendingsOf(request)
    const sent = Array.from({ length: 100 }, () => next().toString())
    const keys = sent.map((text) => /Idempotency-Key: (.*)\r/.exec(text)?.[1])
    assert.equal(new Set(keys).size, sent.length)
    assert.equal(keys.includes(FRESH_KEY), false)
    for (const text of sent) assert.equal(text.length, request.length)
    const same = sendingsOf(postOf(sender, {}))
    assert.equal(same(), same())
  })
})

describe('an answer', async () => {
  const server = createServer((socket) => {
    // Byte by byte where the request says so; else without a length.
    socket.on('data', async (request) => {
      const isSplit = request.includes('split')
      const text = `HTTP/1.1 200 OK\r\n${isSplit ? 'content-length: 13\r\n' : ''}\r\n{"name":"a\u00fc"}`
      if (request.includes('close')) return socket.destroy()
      if (!isSplit) return socket.write(text)
      for (const byte of Buffer.from(text)) {
        await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve))
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const line = await openLine('127.0.0.1', port)
  after(() => {
    line.close()
    server.close()
  })

  it('is whole when all of its bytes are there, however they come, one after the other', async () => {
    for (const _ of [1, 2]) assert.deepEqual(jsonOf(await line.ask(Buffer.from('split'))), { name: 'aü' })
  })

  it('of another status, or without what a success has in it, ends the run with what it says', async () => {
    const answer = await line.ask(Buffer.from('split'))
    requireAnswer(answer, { status: 200, success: '"name"' })
    assert.throws(
      () => requireAnswer(answer, { status: 400, success: '' }),
      /400 was expected: HTTP\/1\.1 200/,
    )
    assert.throws(() => requireAnswer(answer, { status: 200, success: '"hold_id"' }), /without "hold_id": /)
  })

  it('that ends in the middle is an error', async () => {
    await assert.rejects(line.ask(Buffer.from('close')), /closed a connection under a request/)
  })
})

describe('a tally', () => {
  it('knows how long all took, those too that were answered after the end: those were the slow ones', () => {
    const tally = openTally(100)
    for (const [startedMs, nowMs] of [
      [0, 10],
      [10, 30],
      [90, 99],
      [50, 500],
    ] as const)
      tally.add(startedMs, nowMs)
    const { cpuSeconds, ...load } = tally.load()
    assert.deepEqual(load, { answered: 4, inTime: 3, p50Ms: 10, p99Ms: 450, maxMs: 450 })
  })

  it('of a pace counts from when each was due: who waits behind a slow one is late, too', async () => {
    const startMs = performance.now()
    const tally = openTally(startMs + 50)
    let asked = 0
    const ask = async () => {
      if (asked++ === 0) await setTimeout(100)
      return true
    }
    await inOpenLoop({ count: 1, rate: 200, startMs, endMs: startMs + 50 }, ask, tally)
    const { answered, p50Ms, maxMs } = tally.load()
    assert.equal(answered, 10)
    assert.ok(50 <= p50Ms && p50Ms <= maxMs, `${p50Ms} of ${maxMs}`)
  })
})

describe('a load over HTTP', async () => {
  const asked: string[] = []
  const server = createHttpServer((request, response) => {
    asked.push(request.url ?? '')
    response.setHeader('content-length', 2).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const load = await openLoad('http')
  after(async () => {
    await load.close()
    server.close()
  })
  const requests = ['/a', '/b', '/c'].map((path) => postOf({ ...sender, path }, {}))
  const order = { host: '127.0.0.1', port, requests, users: 2, status: 200, success: '{}' }
  const { signal } = new AbortController()

  it('of requests that are sent once ends with the last one, and says how long that took', async () => {
    const { answered, inTime, seconds = 0 } = await load.run({ ...order, seconds: 60, isOnce: true }, signal)
    assert.deepEqual([answered, inTime, asked.splice(0).toSorted()], [3, 3, ['/a', '/b', '/c']])
    assert.ok(0 < seconds && seconds < 60)
  })

  it('else goes on to the end of the window, and has answered what was asked', async () => {
    const { answered, seconds } = await load.run({ ...order, seconds: 1 }, signal)
    assert.deepEqual([answered, seconds], [asked.splice(0).length, undefined])
    assert.ok(answered > requests.length)
  })

  it('ends with what it was told instead of a success', async () => {
    await assert.rejects(load.run({ ...order, seconds: 1, success: 'hold' }, signal), /without hold: HTTP/)
  })
})
