import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A connection that a user keeps: keep-alive, without pipelining. */
export interface Line {
  /** One whole answer, head and body. One request at a time. */
  ask(request: Buffer): Promise<Buffer>
  close(): void
}

/*
 * No HTTP client: requests are written before, and of an answer only its status, its length and one mark are looked for. That
 * is half of autocannon's CPU for a request, a fifth of node:http's and a twentieth of fetch's, which would be measured instead.
 */
export async function openLine(host: string, port: number): Promise<Line> {
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

/** Throws what the answer says where it is another than this one. */
export function requireAnswer(
  answer: Buffer,
  { status, success }: { readonly status: number; readonly success: string },
): void {
  if (statusOf(answer) !== status)
    throw new Error(`an answer, where ${status} was expected: ${excerpt(answer)}`)
  if (!answer.includes(success)) throw new Error(`an answer without ${success}: ${excerpt(answer)}`)
}

/** What an answer of 200 says in JSON. */
export function jsonOf(answer: Buffer): Readonly<Record<string, unknown>> {
  requireAnswer(answer, { status: 200, success: '{' })
  return JSON.parse(answer.toString('utf8', answer.indexOf(HEAD_END) + HEAD_END.length))
}

const HEAD_END = '\r\n\r\n'

/** The server gives the length of all that is asked of it here. */
function isWhole(answer: Buffer): boolean {
  const headEnd = answer.indexOf(HEAD_END)
  if (headEnd < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer.toString('latin1', 0, headEnd))?.[1]
  if (length === undefined) throw new Error(`an answer without Content-Length: ${excerpt(answer)}`)
  return answer.length >= headEnd + HEAD_END.length + Number(length)
}

/** After `HTTP/1.1 `. */
function statusOf(answer: Buffer): number {
  return Number(answer.toString('latin1', 9, 12))
}

function excerpt(answer: Buffer): string {
  return answer.toString().slice(0, EXCERPT_CHARS)
}

const EXCERPT_CHARS = 600
