import { Buffer } from 'node:buffer'
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { clearTimeout, setTimeout } from 'node:timers'
import type { URL } from 'node:url'

/** What goes out. */
export interface Outgoing {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
  readonly timeoutMs: number
}

/** What came back, or why nothing did. Times in milliseconds, traffic in bytes on the wire (under TLS: inside it). */
export interface ExchangeResult {
  readonly status: number
  readonly statusText: string
  readonly httpVersion: string
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  readonly failure: Failure | undefined
  readonly timings: Timings
  readonly sent: number
  readonly received: number
}

interface Failure {
  /** The error code of k6. */
  readonly code: number
  readonly message: string
}

export interface Timings {
  readonly duration: number
  readonly blocked: number
  readonly looking_up: number
  readonly connecting: number
  readonly tls_handshaking: number
  readonly sending: number
  readonly waiting: number
  readonly receiving: number
}

export interface Agents {
  readonly http: HttpAgent
  readonly https: HttpsAgent
}

/** Keep-alive: connections of one virtual user; HTTP/1.1 only. */
export function createAgents(options: { readonly reuse: boolean; readonly verify: boolean }): Agents {
  const common = { keepAlive: options.reuse, maxSockets: Number.POSITIVE_INFINITY, timeout: 0 }
  return {
    http: new HttpAgent(common),
    https: new HttpsAgent({ ...common, rejectUnauthorized: options.verify }),
  }
}

/** Sends one request. A failure of the network is an answer too, as in k6. The function returned cancels silently. */
export function exchange(
  agents: Agents,
  outgoing: Outgoing,
  done: (result: ExchangeResult) => void,
): () => void {
  const clock = startClock()
  const chunks: Buffer[] = []
  let response: IncomingMessage | undefined
  let settled = false
  const settle = (failure?: Failure) => {
    if (settled) return
    settled = true
    clearTimeout(timer)
    done(collect(clock, response, chunks, failure))
  }
  const request = open(agents, outgoing)
  const timer = setTimeout(() => {
    settle({ code: 1050, message: 'request timeout' })
    request.destroy()
  }, outgoing.timeoutMs)
  request.on('error', (error) => settle(failureOf(error)))
  request.on('response', (incoming) => {
    response = incoming
    clock.responded = performance.now()
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('error', (error) => settle(failureOf(error)))
    incoming.on('end', () => settle())
  })
  clock.watch(request)
  request.end(outgoing.body)
  return () => {
    settled = true
    clearTimeout(timer)
    request.destroy()
  }
}

/** What a request comes to that cannot be sent at all. */
export function localFailure(message: string): ExchangeResult {
  const nothing = {
    status: 0,
    statusText: '',
    httpVersion: '',
    rawHeaders: [],
    body: Buffer.alloc(0),
    sent: 0,
    received: 0,
  }
  return { ...nothing, failure: { code: 1000, message }, timings: noTimings }
}

/** Names the failure as k6 names it. */
function failureOf(error: Error & { readonly code?: string; readonly syscall?: string }): Failure {
  if (error.message === 'socket hang up') return { code: 1000, message: 'EOF' }
  return failures[error.code ?? ''] ?? { code: 1000, message: error.message }
}

const failures: Readonly<Record<string, Failure>> = {
  ECONNREFUSED: { code: 1212, message: 'dial: connection refused' },
  ETIMEDOUT: { code: 1211, message: 'dial: i/o timeout' },
  ECONNRESET: { code: 1220, message: 'read: connection reset by peer' },
  EPIPE: { code: 1201, message: 'write: broken pipe' },
  ENOTFOUND: { code: 1101, message: 'lookup: no such host' },
  EAI_AGAIN: { code: 1101, message: 'lookup: no such host' },
  DEPTH_ZERO_SELF_SIGNED_CERT: { code: 1310, message: 'x509: unknown authority' },
  SELF_SIGNED_CERT_IN_CHAIN: { code: 1310, message: 'x509: unknown authority' },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: { code: 1310, message: 'x509: unknown authority' },
  ERR_TLS_CERT_ALTNAME_INVALID: { code: 1311, message: "x509: certificate doesn't match hostname" },
}

function open(agents: Agents, { method, url, headers }: Outgoing): ClientRequest {
  const options = { method, headers: { ...headers } }
  return url.protocol === 'https:'
    ? httpsRequest(url, { ...options, agent: agents.https })
    : httpRequest(url, { ...options, agent: agents.http })
}

interface Clock {
  readonly started: number
  assigned: number | undefined
  connected: number | undefined
  secured: number | undefined
  sent: number | undefined
  responded: number | undefined
  traffic: () => { sent: number; received: number }
  watch(request: ClientRequest): void
}

function startClock(): Clock {
  const clock: Clock = {
    started: performance.now(),
    assigned: undefined,
    connected: undefined,
    secured: undefined,
    sent: undefined,
    responded: undefined,
    traffic: () => ({ sent: 0, received: 0 }),
    watch(request) {
      request.on('socket', (socket) => watchSocket(clock, socket))
      request.on('finish', () => {
        clock.sent = performance.now()
      })
    },
  }
  return clock
}

function watchSocket(clock: Clock, socket: Socket): void {
  const { bytesWritten, bytesRead } = socket
  clock.traffic = () => ({ sent: socket.bytesWritten - bytesWritten, received: socket.bytesRead - bytesRead })
  clock.assigned = performance.now()
  if (!socket.connecting) return
  socket.once('connect', () => {
    clock.connected = performance.now()
  })
  socket.once('secureConnect', () => {
    clock.secured = performance.now()
  })
}

function collect(
  clock: Clock,
  response: IncomingMessage | undefined,
  chunks: readonly Buffer[],
  failure: Failure | undefined,
): ExchangeResult {
  const answered = failure === undefined && response !== undefined
  return {
    status: answered ? (response.statusCode ?? 0) : 0,
    statusText: answered ? `${response.statusCode} ${response.statusMessage}` : '',
    httpVersion: answered ? `HTTP/${response.httpVersion}` : '',
    rawHeaders: answered ? response.rawHeaders : [],
    body: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks),
    failure,
    timings: timingsOf(clock, performance.now()),
    ...clock.traffic(),
  }
}

/** The stages of k6: without a connection nothing was sent or waited for. */
function timingsOf(clock: Clock, ended: number): Timings {
  const fresh = clock.connected !== undefined || clock.assigned === undefined
  const ready = clock.secured ?? clock.connected ?? (fresh ? undefined : clock.assigned)
  if (ready === undefined || (clock.sent === undefined && clock.responded === undefined)) return noTimings
  const sent = Math.max(clock.sent ?? ready, ready)
  const responded = Math.max(clock.responded ?? ended, sent)
  return {
    duration: ended - ready,
    blocked: ready - clock.started,
    looking_up: 0,
    connecting: clock.connected === undefined ? 0 : clock.connected - (clock.assigned ?? clock.started),
    tls_handshaking: clock.secured === undefined ? 0 : clock.secured - (clock.connected ?? clock.started),
    sending: sent - ready,
    waiting: responded - sent,
    receiving: ended - responded,
  }
}

const noTimings: Timings = {
  duration: 0,
  blocked: 0,
  looking_up: 0,
  connecting: 0,
  tls_handshaking: 0,
  sending: 0,
  waiting: 0,
  receiving: 0,
}
