import { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'

/** How long `close` waits for requests that were accepted before it. */
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
export async function listen(
  app: Hono,
  { host = '127.0.0.1', port = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<Listening> {
  const server = createAdaptorServer({ fetch: app.fetch })
  if (!(server instanceof Server)) throw new TypeError('the adaptor makes a plain HTTP server')
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)))
    server.listen(port, host, BACKLOG, resolve)
  })
  const address = server.address()
  const actual = typeof address === 'object' && address !== null ? address.port : port
  const close = closeOnce(server)
  return { url: `http://${urlHost(host)}:${actual}`, close, [Symbol.asyncDispose]: close }
}

/** An on-sale opens thousands of connections at once; the system's own limit may be lower. */
const BACKLOG = 4096

function closeOnce(server: Server): () => Promise<void> {
  let closed: Promise<void> | undefined
  const close = () =>
    new Promise<void>((resolve) => {
      const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX)
      server.close(() => {
        clearTimeout(cut)
        resolve()
      })
      // A connection that answers now is closed right after instead of waiting for its next request.
      server.keepAliveTimeout = 1
      server.keepAliveTimeoutBuffer = 0
    })
  return () => {
    closed ??= close()
    return closed
  }
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
