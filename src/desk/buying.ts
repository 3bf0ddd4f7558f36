import type { Caller } from '../db/call.ts'
import { sqlErrorOf } from '../db/failures.ts'
import type { Runner } from '../db/pool.ts'
import { type BatchedCaller, batchedCallerOf } from './batched-caller.ts'
import { SERVICE } from './callers.ts'
import { type GatherFigures, openGather, WAIT_MS_MAX } from './gather.ts'
import { checkout, checkoutMany } from './orders.ts'
import { hasEscapes } from './values.ts'

/** What `checkout` reads; events and tiers go by id or by slug. */
interface CheckoutRequest {
  readonly event: string
  readonly items: readonly { readonly tier: string; readonly quantity: number }[]
}

/** `checkout`, made with others where that answers the same. */
export type Checkout = (caller: Caller, request: CheckoutRequest) => ReturnType<typeof checkout>

/** Where those who buy the same tiers meet. */
export interface Buying {
  readonly checkout: Checkout
  figures(): GatherFigures
}

interface Gathered extends BatchedCaller {
  readonly request: CheckoutRequest
}

/** Carts of the same tiers are bought together, so that none waits for the lock of another's. */
export function openBuying(database: Runner, waitingMax: number): Buying {
  const send = (requests: readonly Gathered[]) => buyTogether(database, requests)
  const gather = openGather(send, { batchMax: BATCH_MAX, waitingMax, waitMsMax: WAIT_MS_MAX })
  return {
    figures: gather.figures,
    checkout: async (caller, request) => {
      const batched = batchedCallerOf(caller, database)
      const text =
        batched === undefined || !isPlain(request)
          ? null
          : await gather.ask(goodsOf(request), { ...batched, request })
      return text === null ? checkout(database, caller, { request }) : checkout.read(text)
    },
  }
}

/** A batch updates a tier three times an order, and PostgreSQL walks those versions: beyond fifty that costs more than a commit. */
const BATCH_MAX = 30

/** Many are sent together; one that PostgreSQL refuses to read would spoil the batch. */
function isPlain(request: CheckoutRequest): boolean {
  const text = JSON.stringify(request)
  return text.length <= TEXT_MAX && !hasEscapes(text)
}

const TEXT_MAX = 10_000

/** The tiers as the request names them: SQL compares the same. */
function goodsOf({ event, items }: CheckoutRequest): string {
  return JSON.stringify([event, ...new Set(items.map(({ tier }) => tier))].toSorted())
}

/** What SQL raises would be everybody's: it rolled back all, and each is made alone. */
async function buyTogether(
  database: Runner,
  requests: readonly Gathered[],
): Promise<readonly (string | null)[]> {
  try {
    return await checkoutMany(database, SERVICE, {
      requests: requests.map(({ request }) => request),
      roles: requests.map(({ role }) => role),
      caller_ids: requests.map(({ callerId }) => callerId),
    })
  } catch (error) {
    if (sqlErrorOf(error) === undefined) throw error
    return requests.map(() => null)
  }
}
