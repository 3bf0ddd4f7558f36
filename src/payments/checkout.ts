import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '../db/pool.ts'
import { SERVICE } from '../desk/callers.ts'
import type { OrderPayment } from '../desk/orders.ts'
import { refuseSession, settleSession, openSession as storeSession } from '../desk/sessions.ts'
import type { Outcome, PaymentProvider, StripeSession } from './provider.ts'

/** The pay page of an order, or why there is none. Messages hold codes only, nothing of a key or of a buyer. */
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

/** Outbox: a call to the provider as it was stored before it is made, so that a retry is the same call. */
export interface SessionCall {
  readonly order_id: string
  readonly attempt: number
  readonly key: string
  readonly parameters: object
}

/** Makes the stored call of the outbox, and stores its outcome. */
export async function openSession(
  database: Database,
  provider: PaymentProvider,
  { order_id, attempt, key, parameters }: SessionCall,
): Promise<Paying> {
  const created = await createOnce(provider, parameters, key)
  if (created.kind === 'unknown') return created
  const place = { order_id, attempt }
  if (created.kind === 'refused') {
    await refuseSession(database, SERVICE, { ...place, error: created.message })
    return created
  }
  const session = created.value
  const opened = await storeSession(database, SERVICE, { ...place, session })
  // A lock timeout leaves the outcome open, as a call without an answer does: the same call is made again.
  if (!opened.success && opened.code === 'LOCK_TIMEOUT') {
    return { kind: 'unknown', code: opened.code, message: opened.code }
  }
  if (!opened.success || opened.abandoned) {
    await endSession(database, provider, session.id)
    return { kind: 'ended' }
  }
  return { kind: 'open', sessionId: session.id, url: session.url }
}

/** Ends the session of an order that was given up; one of which nobody knows whether it was opened is opened first. */
export async function abandonOrder(
  database: Database,
  provider: PaymentProvider,
  order: { readonly order_id: string; readonly payment: OrderPayment },
): Promise<void> {
  const { state, session_id } = order.payment
  if (state === 'creating') await openSession(database, provider, { ...order.payment, ...order })
  else if (session_id !== null) await endSession(database, provider, session_id)
}

/** Asks the provider to end a session, and settles what it says: paid in the last moment counts as paid. */
export async function endSession(
  database: Database,
  provider: PaymentProvider,
  sessionId: string,
): Promise<Outcome<StripeSession>> {
  const expired = await provider.expireSession(sessionId)
  // The provider expires open sessions only; a retrieve says what this one is instead.
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
    await settleSession(database, SERVICE, { session: session.value })
  }
  return session
}

/** Idempotency at the provider: a second call under a key is refused with `idempotency_key_in_use` while the first is under way. */
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
