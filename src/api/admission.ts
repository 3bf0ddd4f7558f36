import { LRUCache } from 'lru-cache'
import { ARRIVING_MAX, ARRIVING_PER_ADDRESS, BODY_BYTES_MAX, PLACES } from '../core/capacity.ts'
import type { Lane } from '../desk/lane.ts'

export interface Limits {
  /** Bulkheads: requests in work at once, lane by lane. No lane takes another's; what comes beyond is answered 503 at once. */
  readonly places: Readonly<Record<Lane, number>>
  /** Bodies that are on their way at once in each lane, and from one address in all of them. */
  readonly arrivingMax: number
  readonly arrivingPerAddress: number
  /** No larger body is read, whatever its route takes. */
  readonly bodyBytesMax: number
  /**
   * Requests a second from one client address to the buyers' lane, and how many at once; 0: any number. To the gates' lane
   * ten times as many.
   */
  readonly perSecond: number
  readonly burst: number
  /** Whether clients on this machine are limited too. */
  readonly limitLoopback: boolean
}

export const LIMITS: Limits = {
  places: PLACES,
  arrivingMax: ARRIVING_MAX,
  arrivingPerAddress: ARRIVING_PER_ADDRESS,
  bodyBytesMax: BODY_BYTES_MAX,
  perSecond: 100,
  burst: 500,
  limitLoopback: false,
}

/** All scanners of a venue share one address, and send what they read without network at once. */
const GATES_TIMES = 10

/** Client addresses that are remembered, the least recently seen go first; an entry is about 200 bytes. */
const ADDRESSES_MAX = 20_000

type AdmissionAnswer =
  | { readonly admitted: true; leave(): void }
  | { readonly admitted: false; readonly code: 'SERVER_BUSY' | 'TOO_MANY_REQUESTS' }

/** Admission control: bulkheads and rate limits. An unknown address is not limited. */
export interface Admission {
  /** Before anything of the body is read: who is slow to send it waits here, and takes no place. */
  arrive(lane: Lane, address: string | undefined, hasBody: boolean): AdmissionAnswer
  /** A place to be worked on; for what has arrived whole. */
  enter(lane: Lane): AdmissionAnswer
}

export function openAdmission(
  limits: Limits = LIMITS,
  nowMs: () => number = () => performance.now(),
): Admission {
  const { arrivingMax, limitLoopback } = limits
  const free = { ...limits.places }
  const waiting = { buyers: arrivingMax, gates: arrivingMax, webhooks: arrivingMax, health: arrivingMax }
  const spend = openSpending(limits, nowMs)
  const arrivals = openArrivals(limits.arrivingPerAddress)
  const isFree = (address: string) => !limitLoopback && LOOPBACK.test(address)
  return {
    arrive: (lane, address, hasBody) => {
      const limited = address === undefined || isFree(address) ? undefined : networkOf(address)
      if (limited !== undefined && !spend(lane, limited)) return TOO_MANY
      if (!hasBody) return { admitted: true, leave: () => {} }
      if (waiting[lane] <= 0) return BUSY
      const leave = arrivals(limited)
      if (leave === undefined) return TOO_MANY
      waiting[lane]--
      return {
        admitted: true,
        leave: () => {
          waiting[lane]++
          leave()
        },
      }
    },
    enter: (lane) => {
      if (free[lane] <= 0) return BUSY
      free[lane]--
      return { admitted: true, leave: () => free[lane]++ }
    },
  }
}

const BUSY = { admitted: false, code: 'SERVER_BUSY' } as const
const TOO_MANY = { admitted: false, code: 'TOO_MANY_REQUESTS' } as const

/** How many bodies are on their way from whom; remembers those addresses only. */
function openArrivals(max: number): (address: string | undefined) => (() => void) | undefined {
  const counts = new Map<string, number>()
  const leave = (address: string) => {
    const left = (counts.get(address) ?? 1) - 1
    if (left === 0) counts.delete(address)
    else counts.set(address, left)
  }
  return (address) => {
    if (address === undefined) return () => {}
    const count = counts.get(address) ?? 0
    if (count >= max) return undefined
    counts.set(address, count + 1)
    return () => leave(address)
  }
}

/** Buyers and gates apart: the guests in a venue's network must not use up what its scanners need. */
function openSpending(limits: Limits, nowMs: () => number): (lane: Lane, address: string) => boolean {
  if (limits.perSecond <= 0) return () => true
  const { perSecond, burst } = limits
  const limited = new Map<Lane, (address: string) => boolean>([
    ['buyers', openBuckets({ perSecond, burst }, nowMs)],
    ['gates', openBuckets({ perSecond: perSecond * GATES_TIMES, burst: burst * GATES_TIMES }, nowMs)],
  ])
  return (lane, address) => limited.get(lane)?.(address) ?? true
}

type Rate = Pick<Limits, 'perSecond' | 'burst'>

/** Token buckets, one for each address: a bucket fills with `perSecond` up to `burst`, and a request takes one out. */
function openBuckets({ perSecond, burst }: Rate, nowMs: () => number): (address: string) => boolean {
  const buckets = new LRUCache<string, { readonly left: number; readonly atMs: number }>({
    max: ADDRESSES_MAX,
  })
  return (address) => {
    const atMs = nowMs()
    const known = buckets.get(address) ?? { left: burst, atMs }
    const left = Math.min(burst, known.left + ((atMs - known.atMs) / 1000) * perSecond)
    buckets.set(address, { left: left >= 1 ? left - 1 : left, atMs })
    return left >= 1
  }
}

const LOOPBACK = /^(::ffff:)?127\.|^::1$/

/** The address that a proxy names: some write the port behind it, which is another for each connection. */
export function withoutPort(named: string): string {
  const [, bracketed, plain] = /^\[([^\]]*)\](?::\d+)?$|^([^:]*):\d+$/.exec(named) ?? []
  return bracketed ?? plain ?? named
}

/** IPv6: a client has a whole /64, so its 2^64 addresses count as one. */
export function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address.replace(/^::ffff:/, '')
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length)
  return [...groups, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).join(':')
}
