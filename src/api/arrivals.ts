import type { Lane } from '../core/capacity.ts'

/** A request whose head is here and whose body is on its way. */
export interface Arriving {
  readonly lane: Lane
  /** Of the client; undefined where it is not limited. */
  readonly network: string | undefined
  /** What the head says of the body's length; none where it does not. */
  readonly bytes: number | undefined
  /** A token or a secret key was sent with it, and holds. */
  readonly isKnown: boolean
}

export interface Arrival {
  /** Resolves when it must make room for others. */
  readonly evicted: Promise<void>
  /** Its body is here, or will not come. */
  leave(): void
}

/** What fits into one packet or a few is small; of larger ones fewer may be on their way, as each is kept in memory. */
const SMALL_BYTES_MAX = 64 * 1024
const LARGE_SHARE = 10

/**
 * Bodies on their way, bounded by eviction: where no room is left, the one that has been on its way for longest goes, so that who
 * sends slowly keeps out nobody whose body comes. In each lane strangers, whose key anybody has, make no room among those that
 * are known, and large bodies none among small ones. One address has a share of each.
 */
export function openArrivals(max: number, perAddress: number): (arriving: Arriving) => Arrival {
  const queues = new Map<string, Set<() => void>>()
  const enter = (name: string, bound: number, evict: () => void) => {
    const queue = queues.get(name) ?? new Set()
    const [longest] = queue
    if (queue.size >= bound) longest?.()
    queues.set(name, queue.add(evict))
    return () => {
      queue.delete(evict)
      if (queue.size === 0 && queues.get(name) === queue) queues.delete(name)
    }
  }
  return ({ lane, network, bytes, isKnown }) => {
    const { promise: evicted, resolve } = Promise.withResolvers<void>()
    const isLarge = bytes === undefined || bytes > SMALL_BYTES_MAX
    const name = `${lane} ${isKnown ? 'known' : 'strange'} ${isLarge ? 'large' : 'small'}`
    const bound = isLarge ? Math.max(1, Math.floor(max / LARGE_SHARE)) : max
    const left: (() => void)[] = []
    const leave = () => {
      for (const go of left) go()
    }
    const evict = () => {
      leave()
      resolve()
    }
    if (network !== undefined) left.push(enter(`${name} ${network}`, Math.min(perAddress, bound), evict))
    left.push(enter(name, bound, evict))
    return { evicted, leave }
  }
}
