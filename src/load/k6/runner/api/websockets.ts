import { Buffer } from 'node:buffer'
import { performance } from 'node:perf_hooks'
import { URL } from 'node:url'
import { asRecord, refuseUnknown, textValues } from '../input.ts'
import { log } from '../log.ts'
import { maskedUrl } from '../request.ts'
import { userHeaders } from '../send.ts'
import { loudly, refuse } from '../test.ts'
import type { VirtualUser } from '../vu.ts'
import { type Connection, type Dial, type EventName, eventNames, openWebSocket } from '../web-socket.ts'
import { withTags } from './metrics.ts'

/** `k6/websockets`: the WebSocket of browsers, with the names, events and errors that k6 gives it. */
export function websocketsModule(user: VirtualUser): object {
  return {
    WebSocket: class extends ScriptSocket {
      constructor(url?: unknown, protocols?: unknown, params?: unknown) {
        super(user, url, protocols, params)
      }
    },
    Blob: function refuseBlob() {
      refuse(user.test, 'Blob', 'send an ArrayBuffer')
    },
  }
}

const states = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 } as const
const binaryTypes: readonly unknown[] = ['blob', 'arraybuffer']
const PARAMS = ['headers', 'tags', 'compression']
const reasonBytesMax = 123

type Listener = (event: object) => unknown

class ScriptSocket {
  readonly url: string
  readonly #connection: Connection
  readonly #listeners = createListeners()
  #binaryType: unknown = 'blob'

  constructor(user: VirtualUser, url: unknown, protocols: unknown, params: unknown) {
    if (user.initializing) throw new Error('using websockets in the init context is not supported')
    const dial = loudly(user.test, () => readDial(user, url, protocols, params))
    this.url = String(url)
    this.#connection = openWebSocket(user, dial, (type, fields) => {
      if (fields?.['data'] instanceof ArrayBuffer && this.#binaryType === 'blob')
        refuse(user.test, 'a binary message as a Blob', "set `binaryType = 'arraybuffer'`")
      const origin = type === 'message' ? { origin: this.url } : {}
      this.#listeners.call(type, { type, target: this, timestamp: nowMs(), ...origin, ...fields })
    })
    for (const name of eventNames) {
      Object.defineProperty(this, `on${name}`, {
        get: () => this.#listeners.on(name),
        set: (listener: unknown) => this.#listeners.setOn(name, listener),
      })
    }
  }

  get readyState(): number {
    return this.#connection.socket?.readyState ?? states.CONNECTING
  }

  get bufferedAmount(): number {
    return this.#connection.socket?.bufferedAmount ?? 0
  }

  get protocol(): string {
    return this.#connection.socket?.protocol ?? ''
  }

  get binaryType(): unknown {
    return this.#binaryType
  }

  set binaryType(type: unknown) {
    if (!binaryTypes.includes(type))
      throw new Error(`unknown binaryType ${String(type)}, the supported ones are "blob" and "arraybuffer"`)
    this.#binaryType = type
  }

  addEventListener(type: string, listener: unknown): void {
    this.#listeners.add(type, listener)
  }

  send(data: unknown): void {
    this.#assertOpen()
    this.#connection.send(messageOf(data))
  }

  ping(): void {
    this.#assertOpen()
    this.#connection.ping()
  }

  close(code = 0, reason = ''): void {
    if (this.readyState === states.CLOSING || this.readyState === states.CLOSED) return
    refuseClose(code, reason)
    this.#connection.close(code === 0 ? 1000 : code, reason)
  }

  #assertOpen(): void {
    if (this.readyState !== states.OPEN) throw new Error('InvalidStateError')
  }
}

Object.assign(ScriptSocket, states)
Object.assign(ScriptSocket.prototype, states)

/** The listeners of one connection: of each event first the one of its property, then those that were added. */
function createListeners() {
  const ons = new Map<string, Listener>()
  const added = new Map<string, Listener[]>()
  return {
    on: (name: EventName) => ons.get(name),
    setOn(name: EventName, listener: unknown) {
      if (listener === undefined || listener === null) ons.delete(name)
      else ons.set(name, callable(listener, `a value for 'on${name}' should be callable`))
    },
    add(type: string, listener: unknown) {
      const handler = callable(listener, `handler for event type "${type}" isn't a callable function`)
      if (eventNames.some((name) => name === type)) added.set(type, [...(added.get(type) ?? []), handler])
      else log('warning', `can't add event handler: unknown event type: ${type}`)
    },
    call(type: EventName, event: object) {
      for (const listener of [ons.get(type), ...(added.get(type) ?? [])]) listener?.(event)
    },
  }
}

function callable(listener: unknown, refusal: string): Listener {
  if (typeof listener !== 'function') throw new Error(refusal)
  return (event) => listener(event)
}

function readDial(user: VirtualUser, address: unknown, protocols: unknown, values: unknown): Dial {
  const url = readUrl(address)
  const params = asRecord(values ?? {}, 'the params of a WebSocket')
  refuseUnknown(params, PARAMS, 'the WebSocket parameter')
  const { compression } = params
  if (compression !== undefined && compression !== 'deflate')
    throw new Error(
      `unsupported compression algorithm '${String(compression)}', supported algorithm is 'deflate'`,
    )
  const custom = withTags(user, asRecord(params['tags'] ?? {}, 'tags'))
  const name = maskedUrl(custom['name'] ?? url.href)
  return {
    url,
    protocols: readProtocols(protocols),
    headers: { ...userHeaders(user, url), ...textValues(params['headers'] ?? {}, 'headers') },
    tags: { ...custom, name, url: name },
    compress: compression === 'deflate',
  }
}

function readUrl(address: unknown): URL {
  if (address === undefined || address === null) throw new Error('WebSocket requires a url')
  const url = new URL(String(address))
  const scheme = url.protocol.slice(0, -1)
  if (scheme !== 'ws' && scheme !== 'wss')
    throw new Error(`WebSocket requires url with scheme ws or wss, but got "${scheme}"`)
  if (url.hash !== '') throw new Error(`WebSocket requires no url fragment, but got "${url.hash.slice(1)}"`)
  return url
}

function readProtocols(protocols: unknown): readonly string[] {
  if (typeof protocols === 'string') return [protocols]
  return Array.isArray(protocols) ? protocols.map(String) : []
}

function messageOf(data: unknown): string | Uint8Array {
  if (typeof data === 'string') return data
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  throw new Error(`unsupported send type ${typeof data}`)
}

function refuseClose(code: number, reason: string): void {
  if (code !== 0 && code !== 1000 && !(code >= 3000 && code <= 4999))
    throw new Error(
      `InvalidAccessError: the close code must be 1000 or between 3000 and 4999, but is ${code}`,
    )
  if (Buffer.byteLength(reason) > reasonBytesMax)
    throw new Error(`SyntaxError: the reason of a close must not be longer than ${reasonBytesMax} bytes`)
}

/** Milliseconds since 1970, with a fraction. */
function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
