import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Level, Log } from '../jobs/log.ts'
import type { Admission } from './admission.ts'
import type { ErrorCode } from './errors.ts'
import type { Lane } from './functions/contract.ts'
import { isPreflight, preflight, type Reply, requestIdOf, toResponse } from './http.ts'

/** What answers the requests of one route. */
export interface Task {
  readonly lane: Lane
  /** The route as logs name it, which may hold nothing of a person. */
  readonly path: string | ((status: number) => string)
  readonly methods: readonly string[]
  answer(request: Request): Promise<Reply | Response>
  /** A refusal before or instead of the answer, in this route's shape. */
  refuse(code: ErrorCode): Reply | Response
}

export type Front = (c: Context, task: Task) => Promise<Response>

/** Every request passes here: its id, its preflight, its place, its line in the log, and the bug that it met. */
export function openFront(log: Log, admit: Admission, addressHeader: string | undefined): Front {
  const isRare = openRareness()
  return async (c, task) => {
    const request = c.req.raw
    const requestId = requestIdOf(request)
    if (isPreflight(request)) return toResponse(preflight(request, task.methods), requestId)
    const entry = { request_id: requestId, method: request.method }
    const place = admit(task.lane, addressOf(c, addressHeader))
    if (!place.admitted) {
      const refused = task.refuse(place.code)
      const { status } = refused
      // Under overload a line each would be work of its own.
      const level = isRare() ? 'warn' : 'info'
      log(level, 'request', { ...entry, path: pathOf(task, status), status, message: place.code })
      return responseOf(refused, requestId)
    }
    const startedMs = performance.now()
    const { reply, error } = await answered(task, request)
    place.leave()
    const { status } = reply
    const ms = Math.round(performance.now() - startedMs)
    const message = reply instanceof Response ? undefined : reply.note
    const about = { ...(message === undefined ? {} : { message }), ...(error === undefined ? {} : { error }) }
    log(levelOf(status), 'request', { ...entry, path: pathOf(task, status), status, ms, ...about })
    return responseOf(reply, requestId)
  }
}

interface Answered {
  readonly reply: Reply | Response
  /** The stack of what a handler threw: a bug of ours, answered without internals. */
  readonly error?: string | undefined
}

async function answered(task: Task, request: Request): Promise<Answered> {
  try {
    return { reply: await task.answer(request) }
  } catch (error) {
    const stack = error instanceof Error ? error.stack : String(error)
    return { reply: task.refuse('INTERNAL_ERROR'), error: stack }
  }
}

function pathOf({ path }: Task, status: number): string {
  return typeof path === 'string' ? path : path(status)
}

function responseOf(reply: Reply | Response, requestId: string): Response {
  if (!(reply instanceof Response)) return toResponse(reply, requestId)
  reply.headers.set('x-request-id', requestId)
  return reply
}

/** Who is limited: the other end of the connection, or whom the proxy there names last. */
function addressOf(c: Context, header: string | undefined): string | undefined {
  const named = header === undefined ? undefined : c.req.header(header)?.split(',').at(-1)?.trim()
  if (named) return named
  const { incoming } = (c.env ?? {}) as Partial<HttpBindings>
  return incoming?.socket.remoteAddress
}

const RARELY_MS = 1_000

/** True at most once a second. */
function openRareness(): () => boolean {
  let lastMs = Number.NEGATIVE_INFINITY
  return () => {
    const nowMs = performance.now()
    if (nowMs - lastMs < RARELY_MS) return false
    lastMs = nowMs
    return true
  }
}

/** Ours to mend: error. Ours, and passing: warn. All else, and what `admission` refuses, is an ordinary day. */
function levelOf(status: number): Level {
  return status === 500 || status === 501 ? 'error' : status > 501 ? 'warn' : 'info'
}
