import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Level, Log } from '../core/log.ts'
import type { RefusalCode } from '../core/refusals.ts'
import type { Lane } from '../desk/lane.ts'
import { type Admission, withoutPort } from './admission.ts'
import { pack } from './compress.ts'
import { hasBody, isPreflight, preflight, type Reply, receiveBody, requestIdOf, toResponse } from './http.ts'

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
  /** A cheap check before a place is taken, such as a signature; undefined lets the request on. */
  check?(request: Request): Promise<Reply | undefined>
  answer(request: Request): Promise<Reply | Response>
  /** A refusal before or instead of the answer, in this route's shape. */
  refuse(code: RefusalCode): Reply | Response
}

interface Borders {
  /** No larger body is read, whatever its route takes. */
  readonly bodyBytesMax: number
  /** In which a proxy names the client. */
  readonly addressHeader: string | undefined
}

export type Front = (c: Context, task: Task) => Promise<Response>

/**
 * Middleware that every request passes: request id, CORS preflight, token bucket, body, place, log line, and the answer where a
 * handler threw.
 */
export function openFront(log: Log, admission: Admission, borders: Borders): Front {
  const isRare = openRareness()
  return async (c, task) => {
    const request = c.req.raw
    const requestId = requestIdOf(request)
    if (isPreflight(request) && task.foreign === undefined) {
      return toResponse(preflight(request, task.methods), requestId)
    }
    const bodyBytesMax = Math.min(task.bodyBytesMax, borders.bodyBytesMax)
    const done = await attend({ ...task, bodyBytesMax }, request, admission, addressOf(c, borders))
    const { reply, ms, error } = done
    const { status } = reply
    const message = done.overload ?? (reply instanceof Response ? undefined : reply.note)
    const entry = { request_id: requestId, method: request.method, path: pathOf(task, status), status, ms }
    log(levelOf(task, done, isRare), 'request', { ...entry, message, error })
    return task.foreign === undefined ? responseOf(request, reply, requestId) : asIs(reply, requestId)
  }
}

interface Attendance {
  readonly reply: Reply | Response
  /** How long it was worked on; nothing of the time that its body took to come. */
  readonly ms?: number
  /** There was no place for it. */
  readonly overload?: RefusalCode
  /** The stack of what a handler threw: a bug of ours, answered without internals. */
  readonly error?: string | undefined
}

/** Slow clients (slowloris): a place is taken only once the body has arrived whole, so that who sends slowly keeps nobody out. */
async function attend(
  task: Task,
  request: Request,
  admission: Admission,
  address: string | undefined,
): Promise<Attendance> {
  const isSent = hasBody(request)
  const arriving = admission.arrive(task.lane, address, isSent)
  if (!arriving.admitted) return turnAway(task, arriving.code)
  if (isSent) await receiveBody(request, task.bodyBytesMax)
  arriving.leave()
  const startedMs = performance.now()
  const attendance = await workOn(task, request, admission)
  return attendance.overload === undefined
    ? { ...attendance, ms: Math.round(performance.now() - startedMs) }
    : attendance
}

async function workOn(task: Task, request: Request, admission: Admission): Promise<Attendance> {
  try {
    const refused = await task.check?.(request)
    if (refused !== undefined) return { reply: refused }
    const place = admission.enter(task.lane)
    if (!place.admitted) return turnAway(task, place.code)
    try {
      return { reply: await task.answer(request) }
    } finally {
      place.leave()
    }
  } catch (error) {
    return { reply: task.refuse('INTERNAL_ERROR'), error: stackOf(error) }
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

/** Who is limited: the other end of the connection, or whom the proxy there names last. */
function addressOf(c: Context, { addressHeader }: Borders): string | undefined {
  const named =
    addressHeader === undefined ? undefined : c.req.header(addressHeader)?.split(',').at(-1)?.trim()
  if (named) return withoutPort(named)
  const { incoming } = (c.env ?? {}) as Partial<HttpBindings>
  return incoming?.socket.remoteAddress
}

const RARELY_MS = 1_000

/** Log throttling: true at most once a second. */
function openRareness(): () => boolean {
  let lastMs = Number.NEGATIVE_INFINITY
  return () => {
    const nowMs = performance.now()
    if (nowMs - lastMs < RARELY_MS) return false
    lastMs = nowMs
    return true
  }
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
