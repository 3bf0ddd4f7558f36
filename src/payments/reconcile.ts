import type { Database } from '../db/pool.ts'
import { SERVICE } from '../desk/callers.ts'
import { type DueRefund, duePayments, dueRefunds as leaseRefunds } from '../desk/refunds.ts'
import { type DueSession, dueSessions as leaseSessions } from '../desk/sessions.ts'
import { askSession, endSession, openSession } from './checkout.ts'
import type { PaymentProvider } from './provider.ts'
import { askRefund, sendRefund, settleRefundsOf } from './refunds.ts'

/** Lease: one thing that is due and that no other server gets before its next turn. */
export interface Due {
  /** What it is about, for logs. */
  readonly about: string
  run(): Promise<{ readonly kind: string }>
}

/** Sessions of which nothing was heard, or whose buyer's time is over; at most `limit`. */
export async function dueSessions(
  database: Database,
  provider: PaymentProvider,
  limit: number,
): Promise<Due[]> {
  const { livemode } = provider
  const due = await leaseSessions(database, SERVICE, { limit, livemode })
  return due.map((session) => ({
    about: `${session.action} ${session.key}`,
    run: () => lookAt(database, provider, session),
  }))
}

/** Refunds to send or to ask about, then payments whose refunds are to be listed; at most `limit` of each. */
export async function dueRefunds(
  database: Database,
  provider: PaymentProvider,
  limit: number,
): Promise<Due[]> {
  const { livemode } = provider
  const refunds = await leaseRefunds(database, SERVICE, { limit, livemode })
  const payments = await duePayments(database, SERVICE, { limit, livemode })
  return [
    ...refunds.map((refund) => ({
      about: `${refund.action} ${refund.key}`,
      run: () => advance(database, provider, refund),
    })),
    ...payments.map(({ payment_id }) => ({
      about: `refunds of ${payment_id}`,
      run: () => settleRefundsOf(database, provider, payment_id),
    })),
  ]
}

async function lookAt(
  database: Database,
  provider: PaymentProvider,
  due: DueSession,
): Promise<{ readonly kind: string }> {
  if (due.action === 'create' || due.session_id === null) return openSession(database, provider, due)
  return due.action === 'expire'
    ? endSession(database, provider, due.session_id)
    : askSession(database, provider, due.session_id)
}

/** A refund that the provider surely does not have was not paid: it is sent under the same idempotency key. */
async function advance(
  database: Database,
  provider: PaymentProvider,
  due: DueRefund,
): Promise<{ readonly kind: string }> {
  if (due.action === 'send') return sendRefund(database, provider, due)
  const outcome = await askRefund(database, provider, due)
  const isMissing = outcome.kind === 'done' && outcome.value === undefined && due.provider_refund_id === null
  return isMissing ? sendRefund(database, provider, due) : outcome
}
