import { LRUCache } from 'lru-cache'
import {
  ARRIVING_MAX,
  ARRIVING_PER_ADDRESS,
  AUTH_PER_MINUTE,
  BODY_BYTES_MAX,
  LANES,
  type Lane,
  PLACES,
} from '../core/capacity.ts'
import { type Arrival, type Arriving, openArrivals } from './arrivals.ts'
import { type Client, networkOf } from './client-address.ts'

export interface Limits {
  /** Bulkheads: requests in work at once, lane by lane. No lane takes another's; what comes beyond is answered 503 at once. */
  readonly places: Readonly<Record<Lane, number>>
  /** Bodies that are on their way at once in each lane, and from one address in each. */
  readonly arrivingMax: number
  readonly arrivingPerAddress: number
  /** No larger body is read, whatever its route takes. */
  readonly bodyBytesMax: number
  /**
   * Requests a second from one client address to the buyers' lane, and how many at once; 0: any number. To the gates' lane
   * ten times as many.
   */
  readonly perSecond: number
  /** Sign-ups, passwords and codes that one address may try in a minute. */
  readonly authPerMinute: number
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
  authPerMinute: AUTH_PER_MINUTE,
  burst: 500,
  limitLoopback: false,
}

/** All scanners of a venue share one address, and send what they read without network at once. */
const GATES_TIMES = 10

/** Client addresses that are remembered, the least recently seen go first; an entry is about 200 bytes. */
const ADDRESSES_MAX = 20_000

type Place =
  | { readonly admitted: true; leave(): void }
  | { readonly admitted: false; readonly code: 'SERVER_BUSY' }

/** How full a lane is now, and how many bodies made room since the start. */
export interface LaneFigures {
  readonly lane: Lane
  readonly places: number
  readonly taken: number
  readonly arriving: number
  readonly evicted: number
}

/** Admission control: rate limits, bodies on their way, bulkheads. */
export interface Admission {
  /** Who is counted for a client; undefined where it is not limited. */
  limitedOf(client: Client): string | undefined
  /** Token bucket: whether one more request of it is answered now; a promise where other processes have a part in it. */
  spend(lane: Lane, network: string | undefined): boolean | Promise<boolean>
  /** Before anything of a body is read: who is slow to send it waits here, and takes no place. */
  arrive(arriving: Arriving): Arrival
  /** A place to be worked on; for what has arrived whole. */
  enter(lane: Lane): Place
  /** How full every lane is. */
  lanes(): readonly LaneFigures[]
}

export function openAdmission(
  limits: Limits = LIMITS,
  nowMs: () => number = () => performance.now(),
  spend: Spend = openSpending(limits, nowMs),
): Admission {
  const free = { ...limits.places }
  const arrivals = countArrivals(openArrivals(limits.arrivingMax, limits.arrivingPerAddress))
  return {
    limitedOf: ({ address, isLocal }) =>
      address === undefined || (isLocal && !limits.limitLoopback) ? undefined : networkOf(address),
    spend: (lane, network) => network === undefined || spend(lane, network),
    arrive: arrivals.arrive,
    enter: (lane) => {
      if (free[lane] <= 0) return BUSY
      free[lane]--
      return { admitted: true, leave: () => free[lane]++ }
    },
    lanes: () =>
      LANES.map((lane) => ({
        lane,
        places: limits.places[lane],
        taken: limits.places[lane] - free[lane],
        ...arrivals.counted[lane],
      })),
  }
}

function countArrivals(arrive: (arriving: Arriving) => Arrival) {
  const counted = Object.fromEntries(LANES.map((lane) => [lane, { arriving: 0, evicted: 0 }])) as Readonly<
    Record<Lane, { arriving: number; evicted: number }>
  >
  return {
    counted,
    arrive: (arriving: Arriving): Arrival => {
      const { evicted, leave } = arrive(arriving)
      const lane = counted[arriving.lane]
      lane.arriving++
      void evicted.then(() => lane.evicted++)
      return {
        evicted,
        leave: () => {
          lane.arriving--
          leave()
        },
      }
    },
  }
}

const BUSY = { admitted: false, code: 'SERVER_BUSY' } as const

type Spend = (lane: Lane, network: string) => boolean | Promise<boolean>

/** What the token buckets are made of. */
type Rates = Pick<Limits, 'perSecond' | 'burst' | 'authPerMinute'>

/** Buyers and gates apart: the guests in a venue's network must not use up what its scanners need. */
export function openSpending(
  limits: Rates,
  nowMs: () => number = () => performance.now(),
): (lane: Lane, address: string) => boolean {
  if (limits.perSecond <= 0) return () => true
  const { perSecond, burst } = limits
  const buyers = openBuckets({ perSecond, burst }, nowMs)
  const limited = new Map<Lane, (address: string) => boolean>([
    ['buyers', buyers],
    ['pages', buyers],
    ['tables', buyers],
    ['realtime', buyers],
    ['auth', openBuckets({ perSecond: limits.authPerMinute / 60, burst: limits.authPerMinute }, nowMs)],
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
