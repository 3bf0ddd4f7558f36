import { createServer, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { after } from 'node:test'

/**
 * What becomes of a request: it is carried; its answer is lost after the server acted (`lose`); it gets lost itself (`cut`), or stays
 * without an answer (`hang`); or a proxy answers in the server's place.
 */
type Fate = 'carry' | 'lose' | 'cut' | 'hang' | Page

export interface Page {
  readonly status: number
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** In the middle of its body the connection ends, or says nothing more. */
  readonly ends?: 'torn' | 'never'
}

interface Seen {
  readonly path: string
  readonly body: string
  readonly key: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

export interface Network {
  readonly url: string
  /** The fates of the next requests, in their order; all others are carried. */
  readonly fates: Fate[]
  readonly seen: Seen[]
  /** Forgets what it saw, and says what is to come. */
  expect(...fates: readonly Fate[]): void
}

/** A real network between a client and a started server, or before none. */
export async function openNetwork(serverUrl?: string): Promise<Network> {
  const fates: Fate[] = []
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const { method = 'GET', url: path = '/', headers } = request
    seen.push({ path, body, key: headers['idempotency-key']?.toString(), headers })
    // One request a connection: on one that was kept and breaks, Deno and Chromium send a request once more by themselves.
    response.shouldKeepAlive = false
    const fate = fates.shift() ?? 'carry'
    if (fate === 'cut') return void request.socket.destroy()
    if (fate === 'hang') return
    if (typeof fate === 'object') return answerInItsPlace(response, fate)
    const answer = await fetch(`${serverUrl}${path}`, {
      method,
      headers: carried(headers),
      ...(method === 'POST' ? { body } : {}),
    })
    const answered = await answer.text()
    if (fate === 'lose') return void request.socket.destroy()
    const told = [...answer.headers].filter(([name]) => !HOP_BY_HOP.has(name))
    response.writeHead(answer.status, Object.fromEntries(told)).end(answered)
  })
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  const expect = (...next: readonly Fate[]) => {
    seen.length = 0
    fates.splice(0, fates.length, ...next)
  }
  return { url: `http://127.0.0.1:${port}`, fates, seen, expect }
}

function answerInItsPlace(response: ServerResponse, { status, body = '', headers = {}, ends }: Page): void {
  const length = Buffer.byteLength(body)
  response.writeHead(status, {
    'content-type': 'text/html',
    ...headers,
    ...(status === 204 ? {} : { 'content-length': length }),
  })
  if (ends === undefined) return void response.end(body)
  response.write(body.slice(0, length / 2), () => ends === 'torn' && response.socket?.destroy())
}

function carried(headers: Seen['headers']): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name))
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]))
}

const HOP_BY_HOP = new Set([
  ...['connection', 'keep-alive', 'transfer-encoding', 'date', 'host', 'content-length', 'content-encoding'],
  ...['accept-encoding', 'expect'],
])
