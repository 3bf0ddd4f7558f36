import { once } from 'node:events'
import { createServer, connect as open, type Server, type Socket } from 'node:net'

/** A TCP proxy that does to connections what networks and machines do. */
export interface TcpProxy {
  readonly port: number
  /** `url` with this proxy for its host. */
  through(url: string): string
  /** A switch: new connections lead to this port from now on, and those that are open are reset. */
  pointAt(port: number): void
  /** Resets every connection; new ones are taken. */
  cut(): void
  /**
   * Resets the next connection that carries these words to the server: before they arrive, or when the server has done all of it
   * and says so, which its client never hears. True when that was done within so many milliseconds.
   */
  cutAt(words: string, when: CutTime, msMax: number): Promise<boolean>
  /** Resets every connection and refuses new ones, until {@link heal}. */
  die(): Promise<void>
  /** Refuses new connections, until {@link heal}; what is open stays. */
  refuse(): void
  /** Packets vanish: what is open carries nothing any more, for good. With `all`, nor do new ones, until {@link heal}. */
  blackHole(all?: boolean): void
  /** Resets each new connection when the server has said so many bytes; undefined: none. */
  cutAfter(bytes: number | undefined): void
  /** Each way carries so many bytes a second, all connections together, for what is opened from now on. */
  throttle(bytesPerSecond: number): void
  /** Each way takes so many milliseconds, for what is opened from now on. */
  delay(ms: number): void
  heal(): Promise<void>
  /** Ends it, and all that is open. */
  close(): void
}

export type CutTime = 'before it arrives' | 'after its answer'

interface State {
  port: number
  bytesPerSecond: number
  /** When the line is free again, each way. */
  readonly freeAt: { near: number; far: number }
  isHole: boolean
  cutAfter: number
  delayMs: number
  trap: Trap | undefined
  readonly pairs: Set<Pair>
}

interface Trap {
  readonly words: string
  readonly when: CutTime
  readonly done: () => void
}

interface Pair {
  readonly near: Socket
  readonly far: Socket
  isHole: boolean
  /** Its answer is to be swallowed, and then it is reset. */
  doom: (() => void) | undefined
}

/** A proxy before whatever listens on this port of this machine. */
export async function openTcpProxy(target: number): Promise<TcpProxy> {
  const state: State = {
    ...{ port: target, bytesPerSecond: ENDLESS, freeAt: { near: 0, far: 0 }, trap: undefined },
    ...{ isHole: false, cutAfter: ENDLESS, delayMs: 0, pairs: new Set() },
  }
  const server = createServer({ allowHalfOpen: true }, (near) => join(near, state))
  await listen(server, 0)
  const { port } = server.address() as { port: number }
  const cut = () => {
    for (const pair of state.pairs) resetPair(pair)
  }
  return {
    port,
    cut,
    cutAt: (words, when, msMax) => trap(state, words, when, msMax),
    pointAt: (to) => {
      state.port = to
      cut()
    },
    close: () => {
      cut()
      server.close()
    },
    through: (other) => Object.assign(new URL(other), { hostname: '127.0.0.1', port: String(port) }).href,
    die: async () => {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
    refuse: () => {
      server.close()
    },
    blackHole: (all = false) => {
      state.isHole = all
      for (const pair of state.pairs) pair.isHole = true
    },
    cutAfter: (bytes = ENDLESS) => {
      state.cutAfter = bytes
    },
    throttle: (bytesPerSecond) => {
      state.bytesPerSecond = bytesPerSecond
    },
    delay: (ms) => {
      state.delayMs = ms
    },
    heal: async () => {
      Object.assign(state, { bytesPerSecond: ENDLESS, isHole: false, cutAfter: ENDLESS, delayMs: 0 })
      if (!server.listening) await listen(server, port)
    },
  }
}

/** Between end() and its FIN libuv refuses to reset a socket (EINVAL): it is never closed, and can keep the process from ending. */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}

const ENDLESS = Number.POSITIVE_INFINITY

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}

function join(near: Socket, state: State): void {
  const far = open({ port: state.port, host: '127.0.0.1', allowHalfOpen: true })
  const pair: Pair = { near, far, isHole: state.isHole, doom: undefined }
  state.pairs.add(pair)
  if (state.bytesPerSecond === ENDLESS) {
    carry(near, far, pair, state, ENDLESS)
    carry(far, near, pair, state, state.cutAfter)
  } else {
    trickle(near, far, pair, state, 'near')
    trickle(far, near, pair, state, 'far')
  }
  for (const socket of [near, far]) {
    socket.setNoDelay(true)
    socket.on('error', () => {})
    // As a machine that hangs: a hole acknowledges that the other end goes, and does not go itself.
    socket.on('end', () => {
      if (!pair.isHole) socket.end()
    })
    socket.on('close', () => {
      // A hole says nothing, not even that the other end is gone: that one stays until it is cut.
      if (!pair.isHole) for (const other of [near, far]) other.destroy()
      if (near.destroyed && far.destroyed) state.pairs.delete(pair)
    })
  }
}

/** As a slow line: what comes waits for its turn, and no more is taken meanwhile. */
function trickle(from: Socket, to: Socket, pair: Pair, state: State, way: 'near' | 'far'): void {
  const { bytesPerSecond, freeAt } = state
  from.on('data', (bytes) => {
    const nowMs = performance.now()
    freeAt[way] = Math.max(freeAt[way], nowMs) + (bytes.length / bytesPerSecond) * 1000
    from.pause()
    setTimeout(() => {
      if (!pair.isHole) to.write(bytes)
      from.resume()
    }, freeAt[way] - nowMs)
  })
}

function carry(from: Socket, to: Socket, pair: Pair, state: State, bytesMax: number): void {
  const { delayMs } = state
  let left = bytesMax
  from.on('data', (bytes) => {
    if (pair.isHole) return
    left -= bytes.length
    if (left < 0) resetPair(pair)
    else if (from === pair.near ? isCaught(bytes, pair, state) : isSwallowed(bytes, pair)) return
    else if (delayMs === 0) to.write(bytes)
    else setTimeout(() => to.write(bytes), delayMs)
  })
}

async function trap(state: State, words: string, when: CutTime, msMax: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  state.trap = { words, when, done: () => resolve(true) }
  const timer = setTimeout(() => resolve(false), msMax)
  const isDone = await promise
  clearTimeout(timer)
  state.trap = undefined
  return isDone
}

/** What the client says; true where it does not arrive. */
function isCaught(bytes: Buffer, pair: Pair, state: State): boolean {
  const { trap } = state
  if (trap === undefined || !bytes.includes(trap.words)) return false
  state.trap = undefined
  if (trap.when === 'after its answer') pair.doom = trap.done
  else {
    resetPair(pair)
    trap.done()
  }
  return trap.when === 'before it arrives'
}

/** What the server answers; true where nobody hears it. */
function isSwallowed(bytes: Buffer, pair: Pair): boolean {
  if (pair.doom === undefined) return false
  if (bytes.subarray(-READY_FOR_QUERY.length).equals(READY_FOR_QUERY)) {
    resetPair(pair)
    pair.doom()
  }
  return true
}

/** PostgreSQL's ReadyForQuery outside of a transaction: it has committed. */
const READY_FOR_QUERY = Buffer.from('Z\0\0\0\x05I')

function resetPair({ near, far }: Pair): void {
  for (const socket of [near, far]) reset(socket)
}
