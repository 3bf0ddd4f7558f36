import { ask, askWithBytes, refuse } from './bridge.ts'
import { newId, onSocket } from './start.ts'

const states = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 } as const
const eventNames = ['open', 'message', 'error', 'close', 'ping', 'pong'] as const

type Listener = (event: object) => unknown

/** `k6/websockets` of a user who may block: events come when no call blocks, as in k6. */
export class WebSocket {
  readonly url: string
  binaryType = 'blob'
  readonly #id = newId()
  readonly #added = new Map<string, Listener[]>()

  constructor(url: unknown, protocols?: unknown, params?: unknown) {
    this.url = String(url)
    Object.assign(this, states)
    ask('socket.open', this.#id, url, protocols ?? null, params ?? null)
    onSocket(this.#id, (type, fields) => this.#emit(type, fields))
  }

  get readyState(): unknown {
    return ask('socket.state', this.#id, 'readyState')
  }

  get bufferedAmount(): unknown {
    return ask('socket.state', this.#id, 'bufferedAmount')
  }

  get protocol(): unknown {
    return ask('socket.state', this.#id, 'protocol')
  }

  addEventListener(type: string, listener: unknown): void {
    if (typeof listener !== 'function')
      throw new Error(`handler for event type "${type}" isn't a callable function`)
    this.#added.set(type, [...(this.#added.get(type) ?? []), listener as Listener])
  }

  send(data: unknown): void {
    askWithBytes('socket.send', this.#id, data)
  }

  ping(): void {
    ask('socket.ping', this.#id)
  }

  close(code = 0, reason = ''): void {
    ask('socket.close', this.#id, code, reason)
  }

  #emit(type: string, fields: object): void {
    if ('data' in fields && fields.data instanceof ArrayBuffer && this.binaryType === 'blob')
      refuse('a binary message as a Blob', "set `binaryType = 'arraybuffer'`")
    const own = Reflect.get(this as object, `on${type}`) as Listener | undefined
    for (const listener of [own, ...(this.#added.get(type) ?? [])]) listener?.({ ...fields, target: this })
  }
}

Object.assign(WebSocket, states)
for (const name of eventNames)
  Object.defineProperty(WebSocket.prototype, `on${name}`, { value: undefined, writable: true })

export function Blob(): never {
  return refuse('Blob', 'send an ArrayBuffer')
}

export default { WebSocket, Blob }
