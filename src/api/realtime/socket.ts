import type { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import {
  type Channel,
  type ChannelContext,
  JoinRefusal,
  type Line,
  openChannel,
  type Standing,
} from './channel.ts'
import { decodeBinary, decodeText, encodeText, type Frame, type Version } from './frames.ts'
import type { Outgoing } from './outgoing.ts'

/** What one socket may do. */
export interface SocketLimits {
  readonly channelsMax: number
  /** Messages from the client. */
  readonly perSecond: number
  /** What waits to be read by it. */
  readonly unreadBytesMax: number
  /** Without a word, a heartbeat included. */
  readonly silentMs: number
}

export interface SocketOptions {
  /** What the WebSocket writes on: nothing is compressed, so that a frame is the same for all. */
  readonly stream: Duplex
  readonly version: Version
  readonly standing: Standing
  readonly limits: SocketLimits
  readonly context: ChannelContext
  /** Who a token stands for; undefined where it does not hold. */
  standingOf(token: string): Promise<Standing | undefined>
}

export interface OpenSocket {
  /** Ends channels whose token has ended, and the socket where it is silent. */
  tick(nowMs: number): void
  close(code: number, reason: string): void
}

const BURST_SECONDS = 2
const CLOSE_MS_MAX = 1_000
export const GOING_AWAY = 1001
const POLICY_VIOLATION = 1008

/** Serves one client until it goes. */
export function serveSocket(socket: WebSocket, options: SocketOptions, closed: () => void): OpenSocket {
  const served = new ServedSocket(socket, options)
  socket.on('message', (data, isBinary) => served.hear(data, isBinary))
  socket.on('error', () => socket.terminate())
  socket.on('close', () => {
    served.leave()
    closed()
  })
  return served
}

class ServedSocket implements OpenSocket, Line {
  readonly #socket: WebSocket
  readonly #options: SocketOptions
  readonly #channels = new Map<string, Channel>()
  readonly #rate: () => boolean
  #heardMs = Date.now()
  /** One message after the other, as the client sent them. */
  #last = Promise.resolve()

  constructor(socket: WebSocket, options: SocketOptions) {
    this.#socket = socket
    this.#options = options
    this.#rate = openRate(options.limits.perSecond)
  }

  hear(data: RawData, isBinary: boolean): void {
    this.#heardMs = Date.now()
    if (!this.#rate()) {
      this.close(POLICY_VIOLATION, 'too many messages')
      return
    }
    const frame = isBinary ? decodeBinary(bytesOf(data)) : decodeText(String(data), this.#options.version)
    if (frame === undefined) {
      this.close(POLICY_VIOLATION, 'not a message of this protocol')
      return
    }
    this.#last = this.#last
      .then(() => this.#handle(frame))
      .catch((error: unknown) => {
        const reason = error instanceof JoinRefusal ? error.message : 'the server could not answer'
        this.#reply(frame, 'error', { reason })
      })
  }

  send(frame: Frame): void {
    if (this.#isWritable()) this.#socket.send(encodeText(frame, this.#options.version))
  }

  deliver(message: Outgoing): void {
    if (!this.#isWritable()) return
    const { stream, version } = this.#options
    // Corked: all that is delivered in one turn of the event loop is one system call.
    if (stream.writableCorked === 0) {
      stream.cork()
      process.nextTick(() => stream.uncork())
    }
    stream.write(message.framed(version))
  }

  dropped(channel: Channel): void {
    if (this.#channels.get(channel.topic) === channel) this.#channels.delete(channel.topic)
  }

  tick(nowMs: number): void {
    if (nowMs - this.#heardMs > this.#options.limits.silentMs) {
      this.close(GOING_AWAY, 'nothing was heard')
      return
    }
    for (const channel of [...this.#channels.values()]) {
      const seconds = Math.floor(nowMs / 1000) - channel.standing.expiresAt
      if (seconds > 0) channel.end(`Token has expired ${seconds} seconds ago`)
    }
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
    // Who does not read does not read that either.
    setTimeout(() => this.#socket.terminate(), CLOSE_MS_MAX).unref()
  }

  /** Of all channels, and of what was on its way to being one. */
  leave(): void {
    const leaveAll = () => {
      for (const channel of [...this.#channels.values()]) channel.leave()
    }
    leaveAll()
    void this.#last.then(leaveAll)
  }

  #isWritable(): boolean {
    const { readyState, OPEN, bufferedAmount } = this.#socket
    if (readyState !== OPEN) return false
    if (bufferedAmount <= this.#options.limits.unreadBytesMax) return true
    this.close(POLICY_VIOLATION, 'too slow: messages were not read')
    return false
  }

  async #handle(frame: Frame): Promise<void> {
    if (frame.topic === 'phoenix') return this.#reply(frame, 'ok', {})
    if (frame.event === 'phx_join') return this.#join(frame)
    const channel = this.#channels.get(frame.topic)
    if (channel === undefined) return this.#reply(frame, 'error', { reason: 'unmatched topic' })
    return frame.event === 'access_token' ? this.#renew(channel, frame) : channel.handle(frame)
  }

  async #join(frame: Frame): Promise<void> {
    const { limits, context } = this.#options
    const before = this.#channels.get(frame.topic)
    if (before === undefined && this.#channels.size >= limits.channelsMax) {
      throw new JoinRefusal('ChannelRateLimitReached: too many channels')
    }
    before?.leave()
    const channel = await openChannel(frame, await this.#standingFor(frame), this, context)
    if (this.#socket.readyState !== this.#socket.OPEN) return channel.leave()
    this.#channels.set(frame.topic, channel)
  }

  async #renew(channel: Channel, frame: Frame): Promise<void> {
    const token = tokenIn(frame.payload)
    if (token === undefined) return
    const standing = await this.#options.standingOf(token)
    if (standing === undefined) return channel.end('The token does not hold')
    if (!(await channel.renew(standing)))
      channel.end('You do not have permissions to read from this Channel topic')
  }

  async #standingFor(frame: Frame): Promise<Standing> {
    const token = tokenIn(frame.payload)
    const standing = token === undefined ? this.#options.standing : await this.#options.standingOf(token)
    if (standing === undefined) throw new JoinRefusal('InvalidJWTToken: the token does not hold')
    return standing
  }

  #reply({ joinRef, ref, topic }: Frame, status: 'ok' | 'error', response: object): void {
    this.send({ joinRef, ref, topic, event: 'phx_reply', payload: { status, response } })
  }
}

/** Token bucket: true while the client keeps to its rate. */
function openRate(perSecond: number): () => boolean {
  const burst = perSecond * BURST_SECONDS
  let credit = burst
  let atMs = Date.now()
  return () => {
    const nowMs = Date.now()
    credit = Math.min(burst, credit + ((nowMs - atMs) / 1000) * perSecond)
    atMs = nowMs
    if (credit < 1) return false
    credit -= 1
    return true
  }
}

/** Opaque keys stand for the socket's own. */
function tokenIn(payload: unknown): string | undefined {
  const token =
    typeof payload === 'object' && payload !== null && 'access_token' in payload
      ? payload.access_token
      : undefined
  const isOwn = typeof token !== 'string' || token === '' || token.startsWith('sb_')
  return isOwn ? undefined : token
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}
