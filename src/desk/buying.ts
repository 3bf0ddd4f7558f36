import { LRUCache } from 'lru-cache'
import type { Caller } from '../db/call.ts'
import type { Runner } from '../db/pool.ts'
import { type BatchedCaller, batchedCallerOf } from './batched-caller.ts'
import { SERVICE } from './callers.ts'
import { type GatherFigures, openGather, type TierLimits } from './gather.ts'
import { checkout, checkoutMany } from './orders.ts'
import { hasEscapes } from './values.ts'

/** What `checkout` reads; events and tiers go by id or by slug. */
interface CheckoutRequest {
  readonly event: string
  readonly items: readonly { readonly tier: string; readonly quantity: number }[]
  readonly idempotency_key: string | null
  readonly session_id: string | null
}

/** `checkout`, made with others where that answers the same. */
export type Checkout = (caller: Caller, request: CheckoutRequest) => ReturnType<typeof checkout>

/** Where those who buy the same tiers meet. */
export interface Buying {
  readonly checkout: Checkout
  figures(): GatherFigures
}

/** Keys that were sent lately, of at most 255 characters. */
const KEYS_MAX = 20_000

interface Gathered extends BatchedCaller {
  readonly request: CheckoutRequest
}

/** Carts of the same tiers are bought together, so that none waits for the lock of another's. */
export function openBuying(database: Runner, limits: TierLimits): Buying {
  const buyTogether = (requests: readonly Gathered[]) =>
    checkoutMany(database, SERVICE, {
      requests: requests.map(({ request }) => request),
      roles: requests.map(({ role }) => role),
      caller_ids: requests.map(({ callerId }) => callerId),
    })
  const gather = openGather(buyTogether, { ...limits, batchMax: BATCH_MAX, weightOf })
  const known = new LRUCache<string, true>({ max: KEYS_MAX })
  /** Who comes back with a key is told what it won, and waits for no tier. */
  const isNew = ({ idempotency_key: key }: CheckoutRequest) => {
    if (key === null) return true
    const isKnown = known.has(key)
    known.set(key, true)
    return !isKnown
  }
  return {
    figures: gather.figures,
    checkout: async (caller, request) => {
      const batched = isNew(request) ? batchedCallerOf(caller, database) : undefined
      const text =
        batched === undefined || !isReadable(request)
          ? null
          : await gather.ask(goodsOf(request), { ...batched, request })
      return text === null ? checkout(database, caller, { request }) : checkout.read(text)
    },
  }
}

/** More at once are hardly faster. */
const BATCH_MAX = 50

/**
 * Who comes with holds, or wants several tiers, is bought by itself in the batch: three subtransactions each, and PostgreSQL caches 64 for
 * other sessions' snapshots. Signed-in users with holds, and tiers with a limit per person, are known to SQL alone.
 */
function weightOf({ request }: Gathered): number {
  return request.session_id !== null || request.items.length > 1 ? 3 : 1
}

/** Many are sent together; one that PostgreSQL refuses to read would spoil the batch. */
function isReadable(request: CheckoutRequest): boolean {
  const text = JSON.stringify(request)
  return text.length <= TEXT_MAX && !hasEscapes(text)
}

const TEXT_MAX = 10_000

/** The tiers as the request names them; `ticketing.goods_of` compares the same. */
function goodsOf({ event, items }: CheckoutRequest): string {
  const tiers = new Set(items.map(({ tier }) => tier.toLowerCase()))
  return JSON.stringify([event.toLowerCase(), [...tiers].toSorted()])
}
