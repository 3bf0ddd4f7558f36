import { registerHooks } from 'node:module'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { URL } from 'node:url'
import type { WebSocket } from 'ws'
import { sample } from './test.ts'
import { begin, type VirtualUser } from './vu.ts'

/** What a script asks for when it opens a connection. */
export interface Dial {
  readonly url: URL
  readonly protocols: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  /** Of its samples. */
  readonly tags: Readonly<Record<string, string>>
  readonly compress: boolean
}

export const eventNames = ['open', 'message', 'error', 'close', 'ping', 'pong'] as const
export type EventName = (typeof eventNames)[number]

/** Tells the script of an event, with the fields that such an event has beside its type. */
type Emit = (name: EventName, fields?: Readonly<Record<string, unknown>>) => void

/** A connection as its script sees it: the methods throw where k6's do. */
export interface Connection {
  readonly socket: WebSocket | undefined
  send(data: string | Uint8Array): void
  ping(): void
  close(code: number, reason: string): void
}

/**
 * Opens a WebSocket, which holds its call of the script open until it is closed. Where that call is over, nothing is opened;
 * when it is interrupted the connection closes at once, and the script hears no more of it.
 */
export function openWebSocket(user: VirtualUser, dial: Dial, emit: Emit): Connection {
  const tags: Record<string, string> = { ...dial.tags }
  const pings = new Map<string, number>()
  let socket: WebSocket | undefined
  begin(user, (end) => {
    const dialled = dialWith(user, dial)
    const traffic = watchTraffic(user, dialled, tags)
    socket = dialled
    follow(user, dialled, { tags, pings }, (name, fields) => {
      if (name === 'close') traffic.count()
      end(() => emit(name, fields), name !== 'close')
    })
    return () => {
      if (dialled.readyState === dialled.OPEN) dialled.close(NORMAL)
      traffic.count()
      dialled.terminate()
    }
  })
  const countSent = (error?: Error | null) => {
    if (error === undefined || error === null) sample(user.test, 'ws_msgs_sent', 1, tags)
  }
  return {
    get socket() {
      return socket
    },
    send: (data) => socket?.send(data, countSent),
    ping() {
      const id = String(pings.size)
      pings.set(id, performance.now())
      socket?.ping(id, undefined, countSent)
    },
    close(code, reason) {
      if (socket?.readyState === socket?.OPEN) countSent()
      socket?.close(code, reason)
    },
  }
}

const handshakeMsMax = 60_000
const NORMAL = 1000
const GOING_AWAY = 1001
const NO_STATUS = 1005

const ws = await importWs()

/** Sandbox: scripts run without Node's globals, which this package looks up while it works: its files get them by name. */
async function importWs(): Promise<typeof import('ws')> {
  const names = `const { Buffer } = require('node:buffer'), process = require('node:process'), { setImmediate } = require('node:timers');`
  const hooks = registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      return url.includes('/ws/lib/') ? { ...loaded, source: `${names}${loaded.source}` } : loaded
    },
  })
  try {
    return await import('ws')
  } finally {
    hooks.deregister()
  }
}

function dialWith({ test }: VirtualUser, { url, protocols, headers, compress }: Dial): WebSocket {
  return new ws.WebSocket(url, [...protocols], {
    headers,
    handshakeTimeout: handshakeMsMax,
    perMessageDeflate: compress,
    rejectUnauthorized: test.options?.insecureSkipTLSVerify !== true,
    allowSynchronousEvents: false,
  })
}

interface Session {
  readonly tags: Record<string, string>
  /** When each ping was sent, by its content. */
  readonly pings: ReadonlyMap<string, number>
}

/** Measures as k6 measures, and tells the script what it would hear there: an error first where the end is none of the usual. */
function follow({ test }: VirtualUser, socket: WebSocket, { tags, pings }: Session, emit: Emit): void {
  const startedAtMs = performance.now()
  const measure = (name: string, value: number) => sample(test, name, value, tags)
  const measureConnecting = () => {
    measure('ws_sessions', 1)
    measure('ws_connecting', performance.now() - startedAtMs)
  }
  let isConnected = false
  let problem: string | undefined
  socket.on('open', () => {
    isConnected = true
    measureConnecting()
    emit('open')
  })
  socket.on('message', (data, isBinary) => {
    if (socket.readyState !== socket.OPEN || !(data instanceof Uint8Array)) return
    measure('ws_msgs_received', 1)
    emit('message', { data: isBinary ? Uint8Array.from(data).buffer : data.toString() })
  })
  socket.on('ping', () => emit('ping'))
  socket.on('pong', (id) => {
    const sentAtMs = pings.get(id.toString())
    if (sentAtMs !== undefined) measure('ws_ping', performance.now() - sentAtMs)
    emit('pong')
  })
  socket.on('error', ({ message }) => {
    const status = /^Unexpected server response: (\d+)$/.exec(message)?.[1]
    if (status !== undefined) tags['status'] = status
    problem = status === undefined ? message : 'websocket: bad handshake'
  })
  socket.on('close', (code, reason) => {
    if (isConnected) measure('ws_session_duration', performance.now() - startedAtMs)
    else measureConnecting()
    if (isConnected) problem = code === NORMAL || code === GOING_AWAY ? undefined : closeError(code, reason)
    if (problem !== undefined) emit('error', { error: problem })
    emit('close', { ...(isConnected ? { code } : {}), reason: reason.toString() })
  })
}

function closeError(code: number, reason: { toString(): string }): string {
  const text = code === NO_STATUS ? ' (no status)' : `: ${reason}`
  return `websocket: close ${code}${text}`
}

/** Bytes of a connection, handshake included, counted once when it ends. */
function watchTraffic(
  user: VirtualUser,
  websocket: WebSocket,
  tags: Record<string, string>,
): { count(): void } {
  let wire: Socket | undefined
  websocket.once('upgrade', ({ statusCode, socket }) => {
    tags['status'] = String(statusCode)
    wire = socket
  })
  return {
    count() {
      user.traffic.sent += wire?.bytesWritten ?? 0
      user.traffic.received += wire?.bytesRead ?? 0
      wire = undefined
    },
  }
}
