import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { z } from 'zod'
import type { Log } from '../../core/log.ts'
import type { Database } from '../../db/pool.ts'
import { ANON } from '../../desk/callers.ts'
import { rightsOn } from '../../desk/channel-rights.ts'
import type { Authenticator, Identity } from '../authenticator.ts'
import type { FindClient } from '../client-address.ts'
import { networkOf } from '../client-address.ts'
import type { Task } from '../front.ts'
import { json, type Reply, readBody } from '../http.ts'
import { openCatalogue } from '../rest/catalogue.ts'
import { openChanges } from './changes.ts'
import type { Standing } from './channel.ts'
import type { Version } from './frames.ts'
import { openHub } from './hub.ts'
import type { Relay } from './relay.ts'
import { GOING_AWAY, type OpenSocket, type SocketLimits, serveSocket } from './socket.ts'

export interface RealtimeLimits extends SocketLimits {
  readonly socketsMax: number
  readonly socketsPerAddress: number
  readonly messageBytesMax: number
}

const REALTIME_LIMITS: RealtimeLimits = {
  socketsMax: 10_000,
  socketsPerAddress: 1_000,
  channelsMax: 100,
  perSecond: 100,
  messageBytesMax: 256 * 1024,
  unreadBytesMax: 1024 * 1024,
  silentMs: 75_000,
}

export interface Realtime {
  /** Why tables cannot be listened to here; undefined where they can. */
  readonly obstacle: string | undefined
  readonly sockets: () => number
  /** An `upgrade` of the server's. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** `POST /realtime/v1/api/broadcast` */
  broadcastTask(path: string): Task
  /** Tells every client to go elsewhere, within a bound. */
  close(): Promise<void>
}

export interface RealtimeOptions {
  readonly database: Database
  readonly databaseUrl: string
  readonly authenticator: Authenticator
  readonly log: Log
  readonly findClient: FindClient
  readonly limits?: Partial<RealtimeLimits>
  /** To the other processes of the same server. */
  readonly relay?: Relay
}

const PATH = /^\/realtime\/v1\/websocket(?:\?|$)/
const TICK_MS = 5_000
const CLOSE_MS_MAX = 2_000

/** Supabase Realtime's protocol: changes of tables, broadcast and presence. */
export async function openRealtime(options: RealtimeOptions): Promise<Realtime> {
  const { database, databaseUrl, authenticator, log, findClient } = options
  const limits = { ...REALTIME_LIMITS, ...options.limits }
  const hub = openHub(options.relay)
  const catalogue = openCatalogue(database)
  const changes = await openChanges({ database, databaseUrl, catalogue, hub, log })
  const context = { hub, changes, catalogue, database }
  const sockets = openSockets(limits)
  const { messageBytesMax: maxPayload } = limits
  const server = new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false })
  const standingOf = (token: string) => standingBy(token, authenticator)

  const greet = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const query = new URL(request.url ?? '', 'http://socket').searchParams
    const { address } = findClient(request.socket.remoteAddress, (name) =>
      String(request.headers[name] ?? ''),
    )
    const network = address === undefined || isLoopback(address) ? undefined : networkOf(address)
    const key = String(request.headers['x-api-key'] ?? query.get('apikey') ?? '')
    const standing = await standingOf(key)
    if (standing === undefined) return refuse(socket, key === '' ? 401 : 403, 'the apikey does not hold')
    // Last, with nothing awaited after it: what it counts is so.
    const refused = sockets.refusal(network)
    if (refused !== undefined) return refuse(socket, refused, 'TooManyConnections')
    const version: Version = query.get('vsn') === '2.0.0' ? '2.0.0' : '1.0.0'
    server.handleUpgrade(request, socket, head, (webSocket) =>
      sockets.add(network, (closed) =>
        serveSocket(webSocket, { stream: socket, version, standing, limits, context, standingOf }, closed),
      ),
    )
  }
  return {
    obstacle: changes.obstacle,
    sockets: sockets.count,
    upgrade: (request, socket, head) => {
      socket.on('error', () => socket.destroy())
      if (!PATH.test(request.url ?? '')) return refuse(socket, 404, 'nothing is here')
      greet(request, socket, head).catch(() => refuse(socket, 500, 'the server could not answer'))
    },
    broadcastTask: (path) =>
      broadcastTask(path, options, (topic, isPrivate, payload) => {
        hub.broadcast(`realtime:${topic}`, isPrivate, payload)
      }),
    close: async () => {
      await sockets.close()
      for (const client of server.clients) client.terminate()
      await changes.close()
    },
  }
}

interface Sockets {
  count(): number
  /** The status that a further socket is refused with. */
  refusal(network: string | undefined): number | undefined
  add(network: string | undefined, serve: (closed: () => void) => OpenSocket): void
  /** Tells all of them, and waits until they are gone, within a bound. */
  close(): Promise<void>
}

/** The sockets that are open, in all and by network. */
function openSockets({ socketsMax, socketsPerAddress }: RealtimeLimits): Sockets {
  const open = new Set<OpenSocket>()
  const perNetwork = new Map<string, number>()
  let isClosing = false
  let emptied = () => {}
  const ticking = setInterval(() => {
    const nowMs = Date.now()
    for (const socket of open) socket.tick(nowMs)
  }, TICK_MS).unref()
  const count = (network: string | undefined, change: number) => {
    if (network === undefined) return
    const left = (perNetwork.get(network) ?? 0) + change
    if (left > 0) perNetwork.set(network, left)
    else perNetwork.delete(network)
  }
  return {
    count: () => open.size,
    refusal: (network) => {
      if (isClosing || open.size >= socketsMax) return 503
      return network !== undefined && (perNetwork.get(network) ?? 0) >= socketsPerAddress ? 429 : undefined
    },
    add: (network, serve) => {
      count(network, 1)
      const served = serve(() => {
        open.delete(served)
        count(network, -1)
        if (open.size === 0) emptied()
      })
      open.add(served)
    },
    close: async () => {
      isClosing = true
      clearInterval(ticking)
      if (open.size === 0) return
      const gone = Promise.withResolvers<void>()
      emptied = gone.resolve
      const late = setTimeout(gone.resolve, CLOSE_MS_MAX)
      for (const socket of open) socket.close(GOING_AWAY, 'the server stops')
      await gone.promise
      clearTimeout(late)
    },
  }
}

/** A key, or a user's token: either says who it is. */
async function standingBy(token: string, { keys, identify }: Authenticator): Promise<Standing | undefined> {
  // A header holds no other characters; neither does a key.
  if (!/^[\x21-\x7e]+$/.test(token)) return undefined
  const headers: Record<string, string> = token.startsWith('ey')
    ? { apikey: keys.publishable, authorization: `Bearer ${token}` }
    : { apikey: token }
  return standingIn(await identify(new Request('http://socket', { headers })))
}

/** Programs on this machine, such as a load test, are not limited. */
function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

const claims = z.object({ exp: z.number().catch(Number.POSITIVE_INFINITY) })

function standingIn(identity: Identity): Standing | undefined {
  if (identity.kind !== 'caller') return undefined
  const { caller } = identity
  return { caller, expiresAt: claims.parse(JSON.parse(caller.claims)).exp }
}

const REASONS: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** A handshake that fails is answered as HTTP. */
function refuse(socket: Duplex, status: number, error: string): void {
  const body = JSON.stringify({ error })
  const head = `HTTP/1.1 ${status} ${REASONS[status] ?? 'Error'}\r\nContent-Type: application/json; charset=utf-8\r\n`
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
}

const messages = z.object({
  messages: z
    .array(
      z.object({
        topic: z.string().min(1).max(255),
        event: z.string().min(1).max(255),
        payload: z.unknown(),
        private: z.boolean().default(false),
      }),
    )
    .min(1)
    .max(100),
})

type Send = (topic: string, isPrivate: boolean, payload: object) => void

function broadcastTask(path: string, { authenticator, database }: RealtimeOptions, send: Send): Task {
  let caller = ANON
  const refuseWith = (status: number, error: string): Reply => json(status, { error })
  return {
    lane: 'realtime',
    path: '/realtime/v1/api/broadcast',
    methods: ['POST'],
    bodyBytesMax: 3 * 1024 * 1024,
    refuse: (code) =>
      refuseWith(code === 'TOO_MANY_REQUESTS' ? 429 : code === 'PAYLOAD_TOO_LARGE' ? 413 : 503, code),
    greet: async (request) => {
      if (request.method !== 'POST') return { refused: refuseWith(405, 'POST only') }
      const identity = await authenticator.identify(request)
      if (identity.kind !== 'caller') return { refused: refuseWith(401, 'Unauthorized') }
      caller = identity.caller
      return { isKnown: caller.role !== 'anon' }
    },
    answer: async (request) => {
      const text = await readBody(request).catch(() => undefined)
      const parsed = messages.safeParse(bodyOf(path, request, text))
      if (!parsed.success)
        return refuseWith(422, parsed.error.issues[0]?.message ?? 'the body cannot be read')
      for (const { topic, event, payload, private: isPrivate } of parsed.data.messages) {
        // As Supabase has it: what may not be sent is not, and the rest is.
        if (isPrivate && !(await rightsOn(topic, caller, database)).write_broadcast) continue
        send(topic, isPrivate, { type: 'broadcast', event, payload: payload ?? {} })
      }
      return { status: 202, body: '', headers: {} }
    },
  }
}

const ONE = /^\/realtime\/v1\/api\/broadcast\/([^/]+)\/events\/([^/]+)$/

function bodyOf(path: string, request: Request, text: string | undefined): unknown {
  try {
    const body: unknown = JSON.parse(text ?? '')
    const one = ONE.exec(path)
    if (one === null) return body
    const isPrivate = new URL(request.url).searchParams.get('private') === 'true'
    const [topic, event] = [decodeURIComponent(one[1] ?? ''), decodeURIComponent(one[2] ?? '')]
    return { messages: [{ topic, event, payload: body, private: isPrivate }] }
  } catch {
    return undefined
  }
}
