import type { Lane } from './functions/contract.ts'

export interface Limits {
  /** Requests of buyers in work at once; what comes beyond is answered 503 at once. */
  readonly requestsMax: number
  /** The same for the provider's webhooks and for health checks, whose shares buyers cannot take. */
  readonly webhooksMax: number
  readonly healthMax: number
  /** Requests of buyers a second from one client address, and how many may come at once; 0: any number. */
  readonly perSecond: number
  readonly burst: number
  /** Whether clients on this machine are limited too. */
  readonly limitLoopback: boolean
}

export const LIMITS: Limits = {
  requestsMax: 2_000,
  webhooksMax: 200,
  healthMax: 20,
  perSecond: 100,
  burst: 500,
  limitLoopback: false,
}

/** Client addresses that are remembered, the least recently seen go first; an entry is about 200 bytes. */
const ADDRESSES_MAX = 20_000

type Admitted =
  | { readonly admitted: true; leave(): void }
  | { readonly admitted: false; readonly code: 'SERVER_BUSY' | 'TOO_MANY_REQUESTS' }

/** Lets a request in where there is room for it. An unknown address is not limited. */
export type Admission = (lane: Lane, address: string | undefined) => Admitted

export function openAdmission(
  limits: Limits = LIMITS,
  nowMs: () => number = () => performance.now(),
): Admission {
  const room = { buyers: limits.requestsMax, webhooks: limits.webhooksMax, health: limits.healthMax }
  const spend = limits.perSecond > 0 ? openBuckets(limits, nowMs) : () => true
  const isFree = (address: string | undefined) =>
    address === undefined || (!limits.limitLoopback && LOOPBACK.test(address))
  return (lane, address) => {
    if (room[lane] <= 0) return { admitted: false, code: 'SERVER_BUSY' }
    if (lane === 'buyers' && address !== undefined && !isFree(address) && !spend(networkOf(address))) {
      return { admitted: false, code: 'TOO_MANY_REQUESTS' }
    }
    room[lane]--
    return { admitted: true, leave: () => room[lane]++ }
  }
}

/** A bucket an address: it fills with `perSecond` up to `burst`, and a request takes one out. */
function openBuckets({ perSecond, burst }: Limits, nowMs: () => number): (address: string) => boolean {
  const buckets = new Map<string, { readonly left: number; readonly atMs: number }>()
  return (address) => {
    const atMs = nowMs()
    const known = buckets.get(address) ?? { left: burst, atMs }
    const left = Math.min(burst, known.left + ((atMs - known.atMs) / 1000) * perSecond)
    // Set anew, so that the map's first is the one that was not seen for longest.
    buckets.delete(address)
    buckets.set(address, { left: left >= 1 ? left - 1 : left, atMs })
    const oldest = buckets.keys().next()
    if (buckets.size > ADDRESSES_MAX && oldest.done !== true) buckets.delete(oldest.value)
    return left >= 1
  }
}

const LOOPBACK = /^(::ffff:)?127\.|^::1$/

/** Who has one IPv6 address has 2^64 of them: they count as one. */
export function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address.replace(/^::ffff:/, '')
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length)
  return [...groups, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).join(':')
}
