import { once } from 'node:events'
import { createServer, connect as open, type Server, type Socket } from 'node:net'
import { after } from 'node:test'

/** A TCP proxy that does to connections what networks and machines do. */
export interface TcpProxy {
  readonly port: number
  /** `url` with this proxy for its host. */
  through(url: string): string
  /** Resets every connection; new ones are taken. */
  cut(): void
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
  heal(): Promise<void>
}

interface State {
  readonly port: number
  bytesPerSecond: number
  /** When the line is free again, each way. */
  readonly freeAt: { near: number; far: number }
  isHole: boolean
  cutAfter: number
  readonly pairs: Set<Pair>
}

interface Pair {
  readonly near: Socket
  readonly far: Socket
  isHole: boolean
}

/** A proxy before the PostgreSQL at `url`, closed with the test file. */
export async function openProxy(url: string): Promise<TcpProxy> {
  const state: State = {
    ...{ port: Number(new URL(url).port), bytesPerSecond: ENDLESS, freeAt: { near: 0, far: 0 } },
    ...{ isHole: false, cutAfter: ENDLESS, pairs: new Set() },
  }
  const server = createServer({ allowHalfOpen: true }, (near) => join(near, state))
  await listen(server, 0)
  const { port } = server.address() as { port: number }
  const cut = () => {
    for (const { near, far } of state.pairs) for (const socket of [near, far]) socket.resetAndDestroy()
  }
  after(() => {
    cut()
    server.close()
  })
  return {
    port,
    cut,
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
    heal: async () => {
      Object.assign(state, { bytesPerSecond: ENDLESS, isHole: false, cutAfter: ENDLESS })
      if (!server.listening) await listen(server, port)
    },
  }
}

const ENDLESS = Number.POSITIVE_INFINITY

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}

function join(near: Socket, state: State): void {
  const far = open({ port: state.port, host: '127.0.0.1', allowHalfOpen: true })
  const pair: Pair = { near, far, isHole: state.isHole }
  state.pairs.add(pair)
  if (state.bytesPerSecond === ENDLESS) {
    carry(near, far, pair, ENDLESS)
    carry(far, near, pair, state.cutAfter)
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

function carry(from: Socket, to: Socket, pair: Pair, bytesMax: number): void {
  let left = bytesMax
  from.on('data', (bytes) => {
    if (pair.isHole) return
    left -= bytes.length
    if (left < 0) {
      for (const socket of [from, to]) socket.resetAndDestroy()
      return
    }
    to.write(bytes)
  })
}
