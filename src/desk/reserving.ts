import type { Runner } from '../db/pool.ts'
import type { BatchedCaller } from './batched-caller.ts'
import { SERVICE } from './callers.ts'
import { type GatherFigures, openGather, type TierLimits } from './gather.ts'
import { reserveMany } from './holds.ts'

/** A call of one of the two verbs that reserve, whose values PostgreSQL takes as they are. */
export type ReserveRequest = BatchedCaller & (OneTier | Cart)

/** reserve_tickets_atomically */
interface OneTier {
  readonly tierId: string
  readonly quantity: number
}

/** reserve_tickets_batch, of one tier */
interface Cart {
  readonly reservations: readonly { readonly tier_id: string }[]
  readonly sessionId: string | null
  readonly userId: string | null
  readonly expiresMinutes: number | null
}

/**
 * What the verb answers, as PostgreSQL writes it. Null: nothing was done, and the request is to be made alone, for an answer or an
 * error that is its own.
 */
export type Reserve = (request: ReserveRequest) => Promise<string | null>

/** Where those who want the same tier meet. */
export interface Reserving {
  readonly reserve: Reserve
  figures(): GatherFigures
}

/** Requests for the same tier are sent together, so that none waits for the lock of another's. */
export function openReserving(database: Runner, limits: TierLimits): Reserving {
  const reserveTogether = (requests: readonly ReserveRequest[]) =>
    reserveMany(database, SERVICE, {
      tier_ids: requests.map((one) => ('tierId' in one ? one.tierId : null)),
      quantities: requests.map((one) => ('tierId' in one ? one.quantity : null)),
      roles: requests.map(({ role }) => role),
      caller_ids: requests.map(({ callerId }) => callerId),
      ...(requests.some((one) => 'reservations' in one) ? cartsOf(requests) : {}),
    })
  const gather = openGather(reserveTogether, { ...limits, batchMax: BATCH_MAX })
  return { reserve: (request) => gather.ask(tierOf(request), request), figures: gather.figures }
}

/** More at once are hardly faster, and who is judged alone, by a limit per person, makes all others wait. */
const BATCH_MAX = 200

function tierOf(request: ReserveRequest): string {
  const id = 'tierId' in request ? request.tierId : (request.reservations[0]?.tier_id ?? '')
  return id.toLowerCase()
}

function cartsOf(requests: readonly ReserveRequest[]) {
  const carts = requests.map((one) => ('reservations' in one ? one : undefined))
  return {
    carts: carts.map((cart) => cart?.reservations ?? null),
    session_ids: carts.map((cart) => cart?.sessionId ?? null),
    user_ids: carts.map((cart) => cart?.userId ?? null),
    expires_minutes: carts.map((cart) => cart?.expiresMinutes ?? null),
  }
}
