import { ask, askWithBytes } from './bridge.ts'
import { newId } from './start.ts'

type Handler = (...values: unknown[]) => unknown

interface Timer {
  atMs: number
  readonly everyMs: number | undefined
  readonly call: () => unknown
}

/** `k6/ws`: the connection's events are handled here, one after the other, until it is closed. */
export function connect(url: unknown, params: unknown, setUp?: unknown): object {
  const handler = (typeof params === 'function' ? params : setUp) as (socket: Socket) => unknown
  const id = newId()
  ask('socket.open', id, url, null, typeof params === 'function' ? null : (params ?? null))
  ask('socket.queue', id)
  const socket = new Socket(id)
  let error: unknown
  handler(socket)
  for (;;) {
    const event = ask('socket.next', id, socket.nextTimerMs()) as Next
    if (event.type === 'error') error = event.fields?.error
    if (event.type === 'timer') socket.runTimers()
    else socket.emit(event.type, event.fields)
    if (event.type === 'close') break
  }
  return { url, status: error === undefined ? 101 : 0, headers: {}, body: '', error: error ?? '' }
}

export default { connect }

interface Next {
  readonly type: string
  readonly fields?: { readonly data?: unknown; readonly error?: unknown; readonly code?: unknown }
}

class Socket {
  readonly #id: number
  readonly #handlers = new Map<string, Handler[]>()
  readonly #timers: Timer[] = []

  constructor(id: number) {
    this.#id = id
  }

  on(name: string, handler: Handler): void {
    this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), handler])
  }

  send(text: unknown): void {
    ask('socket.send', this.#id, String(text))
  }

  sendBinary(bytes: unknown): void {
    askWithBytes('socket.send', this.#id, bytes)
  }

  ping(): void {
    ask('socket.ping', this.#id)
  }

  /** Its timers end with it. */
  close(code = 0): void {
    this.#timers.length = 0
    ask('socket.close', this.#id, code, '')
  }

  setTimeout(call: () => unknown, delayMs: number): void {
    this.#timers.push({ atMs: Date.now() + delayMs, everyMs: undefined, call })
  }

  setInterval(call: () => unknown, everyMs: number): void {
    this.#timers.push({ atMs: Date.now() + everyMs, everyMs, call })
  }

  /** Milliseconds until the next timer is due; null without one. */
  nextTimerMs(): number | null {
    if (this.#timers.length === 0) return null
    return Math.max(0, Math.min(...this.#timers.map(({ atMs }) => atMs)) - Date.now())
  }

  runTimers(): void {
    for (const timer of [...this.#timers]) {
      if (timer.atMs > Date.now()) continue
      if (timer.everyMs === undefined) this.#timers.splice(this.#timers.indexOf(timer), 1)
      else timer.atMs = Date.now() + timer.everyMs
      timer.call()
      if (this.#timers.length === 0) return
    }
  }

  emit(type: string, { data, error, code }: NonNullable<Next['fields']> = {}): void {
    const name = type === 'message' && data instanceof ArrayBuffer ? 'binaryMessage' : type
    const value = type === 'error' ? { error: () => error, toString: () => String(error) } : (data ?? code)
    for (const handler of this.#handlers.get(name) ?? []) handler(value)
  }
}
