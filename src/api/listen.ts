import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener, RequestError } from '@hono/node-server'
import type { Hono } from 'hono'
import { READ_LIMITS, type ReadLimits } from '../core/capacity.ts'

/** Graceful shutdown: how long `close` waits for requests that were accepted before it. */
const CLOSE_MS_MAX = 10_000

export interface Listening extends AsyncDisposable {
  readonly url: string
  /** Accepts nothing more and finishes what it accepted, within a bound; safe to call twice. */
  close(): Promise<void>
}

/** The port is taken or may not be used. */
export class ListenError extends Error {
  readonly code: 'PORT_TAKEN' | 'NO_RIGHTS' | 'LISTEN_FAILED'
  constructor(code: ListenError['code'], message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'ListenError'
    this.code = code
  }
}

/** Serves `app` on `host:port`; port 0 takes a free one. Throws a `ListenError` that says what to do. */
export async function listen(app: Pick<Hono, 'fetch'>, options: ListenOptions = {}): Promise<Listening> {
  const { host = '127.0.0.1', port = 0 } = options
  const { keepAliveMs, headersMs, requestMs, connectionsMax } = { ...READ_LIMITS, ...options.reading }
  const server = createServer(
    {
      keepAliveTimeout: keepAliveMs,
      headersTimeout: headersMs,
      requestTimeout: Math.max(headersMs, requestMs),
      connectionsCheckingInterval: Math.min(headersMs, requestMs, CHECK_EVERY_MS),
    },
    getRequestListener(app.fetch, { errorHandler: answerError }),
  )
  makeRoom(server, connectionsMax)
  if (options.upgrade !== undefined) server.on('upgrade', options.upgrade)
  server.on('clientError', answerBroken)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)))
    server.listen({ port, host, backlog: BACKLOG, reusePort: options.sharesPort === true }, resolve)
  })
  const address = server.address()
  const actual = typeof address === 'object' && address !== null ? address.port : port
  const close = closeOnce(server)
  return { url: `http://${urlHost(host)}:${actual}`, close, [Symbol.asyncDispose]: close }
}

export interface ListenOptions {
  readonly host?: string
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Other processes listen on it, too (SO_REUSEPORT): the system gives each its share of the connections. */
  readonly sharesPort?: boolean
  readonly reading?: Partial<ReadLimits>
  /** Takes connections that ask for another protocol, such as WebSocket. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

const CHECK_EVERY_MS = 1_000

/** Accept backlog: an on-sale opens thousands of connections at once; the system's own limit may be lower. */
const BACKLOG = 4096

/**
 * Eviction (LRU): where all connections are taken, the one that has been without a whole request for longest is closed for the
 * new one, so that connections which only wait, or send their headers slowly, keep nobody out. What is at work stays.
 */
function makeRoom(server: Server, max: number): void {
  const waiting = new Set<Socket>()
  let open = 0
  server.maxConnections = max
  server.on('connection', (socket) => {
    open++
    waiting.add(socket)
    socket.once('close', () => {
      open--
      waiting.delete(socket)
    })
    if (open < max) return
    const [longest] = waiting
    if (longest !== socket) longest?.destroy()
  })
  // A socket that speaks another protocol now is at work until it closes.
  server.on('upgrade', ({ socket }) => waiting.delete(socket))
  server.prependListener('request', ({ socket }, response: ServerResponse) => {
    waiting.delete(socket)
    response.once('close', () => {
      if (!socket.destroyed) waiting.add(socket)
    })
  })
}

function closeOnce(server: Server): () => Promise<void> {
  let closed: Promise<void> | undefined
  const open = new Set<ServerResponse>()
  server.prependListener('request', (_request, response: ServerResponse) => {
    if (closed !== undefined) endConnection(response)
    open.add(response)
    response.once('close', () => open.delete(response))
  })
  const close = () =>
    new Promise<void>((resolve) => {
      const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX)
      server.close(() => {
        clearTimeout(cut)
        resolve()
      })
      for (const response of open) endConnection(response)
      // Answers that were already on their way end their connections by this.
      server.keepAliveTimeout = 1
      server.keepAliveTimeoutBuffer = 0
    })
  return () => {
    closed ??= close()
    return closed
  }
}

/** Tells the client, before it sends another request where nobody listens any more. */
function endConnection(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close')
}

/** What is HTTP, but names no place, such as `Host: a b`; or what the app let through. */
function answerError(error: unknown): Response {
  const [status, code] = error instanceof RequestError ? BAD_REQUEST : ([500, 'INTERNAL_ERROR'] as const)
  return Response.json({ success: false, error: `${code}: ${STATUS_CODES[status]}`, code }, { status })
}

const BAD_REQUEST = [400, 'INVALID_REQUEST'] as const

/** What is no HTTP request, or does not become one in time, is answered in JSON too. */
function answerBroken(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const [status, code] = BROKEN[error.code ?? ''] ?? BAD_REQUEST
  const body = JSON.stringify({ success: false, error: `${code}: ${STATUS_CODES[status]}`, code })
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n`
  socket.end(`${head}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
}

const BROKEN: Readonly<Record<string, readonly [status: number, code: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'REQUEST_TIMEOUT'],
  HPE_HEADER_OVERFLOW: [431, 'HEADERS_TOO_LARGE'],
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): ListenError {
  const place = `${host}:${port}`
  switch (error.code) {
    case 'EADDRINUSE':
      return new ListenError(
        'PORT_TAKEN',
        `${place} is taken. Stop what listens there, or choose another port.`,
        error,
      )
    case 'EACCES':
      return new ListenError('NO_RIGHTS', `No right to listen on ${place}. Choose a port above 1023.`, error)
    default:
      return new ListenError('LISTEN_FAILED', `Cannot listen on ${place}: ${error.message}`, error)
  }
}

function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
