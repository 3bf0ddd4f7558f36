import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Lane } from '../core/capacity.ts'
import type { Level, Log } from '../core/log.ts'
import type { RefusalCode } from '../core/refusals.ts'
import { inRequest } from '../db/request.ts'
import type { Admission } from './admission.ts'
import { clientFinder, type FindClient, networkOf } from './client-address.ts'
import { pack } from './compress.ts'
import {
  declaredBytes,
  hasBody,
  isPreflight,
  preflight,
  type Reply,
  receiveBody,
  requestIdOf,
  toResponse,
} from './http.ts'
import { namesHost } from './origin.ts'
import { openRareness } from './rareness.ts'

/** What answers the requests of one route. */
export interface Task {
  readonly lane: Lane
  /** The route as logs name it, which may hold nothing of a person. */
  readonly path: string | ((status: number) => string)
  readonly methods: readonly string[]
  /** No more of a body is read. */
  readonly bodyBytesMax: number
  /** Another server's answers: they go out as they are, preflights and errors included. */
  readonly foreign?: true
  /** What the head tells, before anything of the body is read; strangers are let on where it is absent. */
  greet?(request: Request): Promise<Greeting>
  /** A cheap check before a place is taken, such as a signature; undefined lets the request on. */
  check?(request: Request): Promise<Reply | undefined>
  /** `from` is the network that it came from, as far as that is known. */
  answer(request: Request, from?: string): Promise<Reply | Response>
  /** A refusal before or instead of the answer, in this route's shape. */
  refuse(code: RefusalCode): Reply | Response
}

/** A request is refused by its head alone, or let on. */
export type Greeting =
  | { readonly refused: Reply | Response }
  | {
      readonly refused?: undefined
      /** It brings a token or a secret key that holds; the public key, which anybody has, is none. */
      readonly isKnown: boolean
      /** Where it works, if not in its route's lane. */
      readonly lane?: Lane
    }

/** What is counted of a request: what its log line has. */
export interface Answered {
  readonly path: Task['path']
  readonly method: string
  readonly reply: Reply | Response
  readonly ms: number | undefined
}

export interface Borders {
  /** No larger body is read, whatever its route takes. */
  readonly bodyBytesMax: number
  /** In which a proxy names the client, and whose word about that counts. */
  readonly addressHeader: string | undefined
  readonly trustedProxies: readonly string[]
}

export type Front = (c: Context, task: Task) => Promise<Response>

/**
 * Middleware that every request passes: request id, CORS preflight, token bucket, head, body, place, log line, and the answer
 * where a handler threw.
 */
export function openFront(
  log: Log,
  admission: Admission,
  borders: Borders,
  count: (answered: Answered) => void,
): Front {
  const isRare = openRareness(RARELY_MS)
  const isRarer = openRareness(FORGED_MS)
  const { addressHeader: header, trustedProxies: trusted, bodyBytesMax } = borders
  const findClient = clientFinder({ header, trusted })
  return async (c, task) => {
    const request = c.req.raw
    const requestId = requestIdOf(request)
    if (isPreflight(request) && task.foreign === undefined) {
      return toResponse(preflight(request, task.methods), requestId)
    }
    const client = clientOf(c, findClient)
    if (client.isForged && isRarer()) log('warn', 'client_address_ignored', { message: FORGED })
    const network = admission.limitedOf(client)
    const from = client.address === undefined ? undefined : networkOf(client.address)
    const attending = { task, admission, network, from, bodyBytesMax }
    const done = await inRequest(requestId, () => attend(request, attending))
    const { reply, ms, error } = done
    const { status } = reply
    const message = done.overload ?? (reply instanceof Response ? undefined : reply.note)
    const entry = { request_id: requestId, method: request.method, path: pathOf(task, status), status, ms }
    count({ path: task.path, method: request.method, reply, ms })
    log(levelOf(task, done, isRare), 'request', { ...entry, message, error })
    return task.foreign === undefined ? responseOf(request, reply, requestId) : asIs(reply, requestId)
  }
}

const FORGED =
  'CLIENT_ADDRESS_HEADER was sent by somebody who is not in TRUSTED_PROXIES, and was not believed. If that is a proxy of yours, name its address there.'
const RARELY_MS = 1_000
const FORGED_MS = 60_000

interface Attendance {
  readonly reply: Reply | Response
  /** How long it was worked on; nothing of the time that its body took to come. */
  readonly ms?: number
  /** There was no place for it. */
  readonly overload?: RefusalCode
  /** The stack of what a handler threw: a bug of ours, answered without internals. */
  readonly error?: string | undefined
}

interface Attending {
  readonly task: Task
  readonly admission: Admission
  /** Who is limited. */
  readonly network: string | undefined
  readonly from: string | undefined
  readonly bodyBytesMax: number
}

/** The cheapest question first: how often, then what the head tells, then the body, then a place. */
async function attend(request: Request, attending: Attending): Promise<Attendance> {
  const { task, admission, network } = attending
  if (!namesHost(request)) return { reply: task.refuse('INVALID_REQUEST') }
  const isLetOn = admission.spend(task.lane, network)
  // Only what is asked of another process is waited for: a turn of the event loop is not free.
  if (!(typeof isLetOn === 'boolean' ? isLetOn : await isLetOn)) return turnAway(task, 'TOO_MANY_REQUESTS')
  try {
    const greeting = (await task.greet?.(request)) ?? STRANGER
    if (greeting.refused !== undefined) return { reply: greeting.refused }
    const { lane = task.lane, isKnown } = greeting
    const refused = hasBody(request) ? await awaitBody(request, attending, { lane, isKnown }) : undefined
    if (refused !== undefined) return refused
    const startedMs = performance.now()
    const attendance = await workOn(request, attending, lane)
    return attendance.overload === undefined
      ? { ...attendance, ms: Math.round(performance.now() - startedMs) }
      : attendance
  } catch (error) {
    return { reply: task.refuse('INTERNAL_ERROR'), error: stackOf(error) }
  }
}

const STRANGER: Greeting = { isKnown: false }

/** Slow clients (slowloris): a place is taken only once the body has arrived whole, so that who sends slowly keeps nobody out. */
async function awaitBody(
  request: Request,
  { task, admission, network, ...limits }: Attending,
  standing: { readonly lane: Lane; readonly isKnown: boolean },
): Promise<Attendance | undefined> {
  const bytes = declaredBytes(request)
  const bodyBytesMax = Math.min(task.bodyBytesMax, limits.bodyBytesMax)
  if (bytes !== undefined && bytes > bodyBytesMax) return { reply: task.refuse('PAYLOAD_TOO_LARGE') }
  const arrival = admission.arrive({ ...standing, network, bytes })
  const isHere = await Promise.race([
    receiveBody(request, bodyBytesMax).then(() => true),
    arrival.evicted.then(() => false),
  ])
  arrival.leave()
  return isHere ? undefined : turnAway(task, 'SERVER_BUSY')
}

async function workOn(
  request: Request,
  { task, admission, from }: Attending,
  lane: Lane,
): Promise<Attendance> {
  const refused = await task.check?.(request)
  if (refused !== undefined) return { reply: refused }
  const place = admission.enter(lane)
  if (!place.admitted) return turnAway(task, place.code)
  try {
    return { reply: await task.answer(request, from) }
  } finally {
    place.leave()
  }
}

function turnAway(task: Task, code: RefusalCode): Attendance {
  return { reply: task.refuse(code), overload: code }
}

export function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : String(error)
}

function pathOf({ path }: Task, status: number): string {
  return typeof path === 'string' ? path : path(status)
}

async function responseOf(request: Request, reply: Reply | Response, requestId: string): Promise<Response> {
  if (!(reply instanceof Response)) return toResponse(reply, requestId, await pack(request, reply.body))
  const text = await reply.text()
  const packed = await pack(request, text)
  const headers = new Headers(reply.headers)
  for (const [name, value] of Object.entries(packed.headers)) headers.set(name, value)
  headers.set('x-request-id', requestId)
  return new Response(packed.body ?? text, { status: reply.status, headers })
}

function asIs(reply: Reply | Response, requestId: string): Response {
  return reply instanceof Response ? reply : toResponse(reply, requestId)
}

function clientOf(c: Context, findClient: FindClient) {
  const { incoming } = (c.env ?? {}) as Partial<HttpBindings>
  return findClient(incoming?.socket.remoteAddress, (name) => c.req.header(name))
}

/**
 * Log level: `error` for what an operator must repair (500, 501, a bug), `warn` for what passes by itself (502, 503, no place
 * free; of each second's 503 the first alone), `info` for everything else, and for whatever another server behind this one answered.
 */
function levelOf(task: Task, { reply, overload, error }: Attendance, isRare: () => boolean): Level {
  // Under overload a log line for each request would be load of its own.
  if (overload !== undefined) return isRare() ? 'warn' : 'info'
  if (error !== undefined) return 'error'
  const status = task.foreign === undefined ? reply.status : 200
  if (status === 503) return isRare() ? 'warn' : 'info'
  return status === 500 || status === 501 ? 'error' : status > 501 ? 'warn' : 'info'
}
