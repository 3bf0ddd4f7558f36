import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { HttpLoad } from './orders.ts'
import { inClosedLoop, inOpenLoop, openTally, serveLoad } from './serve.ts'

/*
 * No HTTP client: requests are written before, and of an answer only its status, its length and one mark are looked for. That
 * is half of autocannon's CPU for a request, a fifth of node:http's and a twentieth of fetch's, which would be measured instead.
 */
serveLoad(async ({ host, port, requests, users, seconds, perSecond, ...expected }: HttpLoad) => {
  const bytes = requests.map((request) => Buffer.from(request))
  const lines = await Promise.all(Array.from({ length: users }, () => openLine(host, port)))
  let sent = 0
  const ask = async (user: number) => {
    const answer = await lines[user]?.ask(bytes[sent++ % bytes.length] ?? Buffer.alloc(0))
    if (answer === undefined) throw new Error('a user without a connection')
    if (statusOf(answer) !== expected.status)
      throw new Error(`${host}:${port} answered, where ${expected.status} was expected: ${excerpt(answer)}`)
    if (!answer.includes(expected.success))
      throw new Error(`${host}:${port} answered without ${expected.success}: ${excerpt(answer)}`)
    return true
  }
  try {
    const startMs = performance.now()
    const endMs = startMs + seconds * 1000
    const tally = openTally(endMs)
    if (perSecond === undefined) await inClosedLoop(users, endMs, ask, tally)
    else await inOpenLoop({ count: users, rate: perSecond, startMs, endMs }, ask, tally)
    return tally.load()
  } finally {
    for (const { close } of lines) close()
  }
})

interface Line {
  /** One whole answer, head and body. One request at a time. */
  ask(request: Buffer): Promise<Buffer>
  close(): void
}

async function openLine(host: string, port: number): Promise<Line> {
  const socket: Socket = connect({ host, port, noDelay: true })
  await once(socket, 'connect')
  let waiting: { resolve(answer: Buffer): void; reject(error: Error): void } | undefined
  let received: Buffer | undefined
  const fail = (error: Error) => waiting?.reject(error)
  socket.on('error', fail)
  socket.on('close', () => fail(new Error(`${host}:${port} closed a connection under a request`)))
  socket.on('data', (chunk: Buffer) => {
    received = received === undefined ? chunk : Buffer.concat([received, chunk])
    if (!isWhole(received)) return
    const answer = received
    received = undefined
    waiting?.resolve(answer)
  })
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(request)
      }),
    close: () => socket.destroy(),
  }
}

/** The server gives the length of all that is asked of it here. */
function isWhole(answer: Buffer): boolean {
  const headEnd = answer.indexOf('\r\n\r\n')
  if (headEnd < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer.toString('latin1', 0, headEnd))?.[1]
  if (length === undefined) throw new Error(`an answer without Content-Length: ${excerpt(answer)}`)
  return answer.length >= headEnd + 4 + Number(length)
}

/** After `HTTP/1.1 `. */
function statusOf(answer: Buffer): number {
  return Number(answer.toString('latin1', 9, 12))
}

function excerpt(answer: Buffer): string {
  return answer.toString().slice(0, EXCERPT_CHARS)
}

const EXCERPT_CHARS = 600
