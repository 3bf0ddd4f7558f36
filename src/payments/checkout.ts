import { setTimeout as delay } from 'node:timers/promises'
import { callVault, SERVICE } from '../db/call.ts'
import type { Database } from '../db/pool.ts'
import type { Outcome, PaymentProvider, StripeSession } from './provider.ts'

/** What `ticketing.checkout` says about the payment of an order: everything of the call, stored before it is made. */
export interface OrderPayment {
  readonly attempt: number
  readonly state: 'creating' | 'open' | 'complete' | 'expired' | 'refused'
  readonly key: string
  readonly parameters: object
  readonly session_id: string | null
  readonly url: string | null
}

/** Where the buyer pays; or why there is no such place. Messages hold codes only, nothing of a key or of a buyer. */
export type Paying =
  | { readonly kind: 'open'; readonly sessionId: string; readonly url: string | null }
  /** PAYMENT_REFUSED: the provider said no, the tickets are given back. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  /** PAYMENT_UNAVAILABLE: not known yet. The tickets stay held, a retry goes on, and so does the job. */
  | { readonly kind: 'unknown'; readonly code: string; readonly message: string }
  /** HOLD_EXPIRED: the order ended meanwhile. */
  | { readonly kind: 'ended' }

/**
 * Opens the checkout session of a pending order, or gives the one that is open. No connection is held during the call, and
 * any number of callers may do it at once: the provider's key makes it one session. Throws where the database fails.
 */
export async function payForOrder(
  database: Database,
  provider: PaymentProvider,
  order: { readonly order_id: string; readonly payment: OrderPayment },
): Promise<Paying> {
  const { state, session_id, url } = order.payment
  if (state === 'creating') return openSession(database, provider, { ...order.payment, ...order })
  if (session_id === null || state === 'expired' || state === 'refused') return { kind: 'ended' }
  return { kind: 'open', sessionId: session_id, url }
}

/** A stored call to the provider. */
export interface SessionCall {
  readonly order_id: string
  readonly attempt: number
  readonly key: string
  readonly parameters: object
}

/** Makes the stored call, and stores what came of it. */
export async function openSession(
  database: Database,
  provider: PaymentProvider,
  { order_id, attempt, key, parameters }: SessionCall,
): Promise<Paying> {
  const created = await createOnce(provider, parameters, key)
  if (created.kind === 'unknown') return created
  const place = { p_order_id: order_id, p_attempt: attempt }
  if (created.kind === 'refused') {
    await callVault(database, SERVICE, 'refuse_session', { ...place, p_error: created.message })
    return created
  }
  const session = created.value
  const opened = await callVault<Opened>(database, SERVICE, 'open_session', { ...place, p_session: session })
  // What had to wait for a lock is asked again, like a call without an answer.
  if (opened.error === 'LOCK_TIMEOUT') return { kind: 'unknown', code: opened.error, message: opened.error }
  if (!opened.success || opened.abandoned) {
    await endSession(database, provider, session.id)
    return { kind: 'ended' }
  }
  return { kind: 'open', sessionId: session.id, url: session.url }
}

interface Opened {
  readonly success: boolean
  readonly error?: string
  readonly abandoned?: boolean
}

/** Asks the provider to end a session, and settles what it says: paid in the last moment counts as paid. */
export async function endSession(
  database: Database,
  provider: PaymentProvider,
  sessionId: string,
): Promise<Outcome<StripeSession>> {
  const expired = await provider.expireSession(sessionId)
  // Only an open one can be expired: what it is instead, it says when asked.
  return expired.kind === 'refused' ? askSession(database, provider, sessionId) : settle(database, expired)
}

/** Asks how a session stands, and settles it. */
export async function askSession(
  database: Database,
  provider: PaymentProvider,
  sessionId: string,
): Promise<Outcome<StripeSession>> {
  return settle(database, await provider.retrieveSession(sessionId))
}

async function settle(database: Database, session: Outcome<StripeSession>): Promise<Outcome<StripeSession>> {
  if (session.kind === 'done') {
    await callVault(database, SERVICE, 'settle_session', { p_session: session.value })
  }
  return session
}

/** Two clicks at once: the provider tells the second one that its key is in use, for as long as the first one takes. */
async function createOnce(
  provider: PaymentProvider,
  parameters: object,
  key: string,
): Promise<Outcome<StripeSession>> {
  for (const waitMs of KEY_IN_USE_WAITS_MS) {
    const created = await provider.createSession(parameters, key)
    if (created.kind !== 'unknown' || created.code !== 'idempotency_key_in_use') return created
    await delay(waitMs)
  }
  return provider.createSession(parameters, key)
}

const KEY_IN_USE_WAITS_MS = [100, 200, 400, 800] as const
