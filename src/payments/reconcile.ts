import { callVault, SERVICE } from '../db/call.ts'
import type { Database } from '../db/pool.ts'
import { askSession, endSession, openSession, type SessionCall } from './checkout.ts'
import type { PaymentProvider, RefundRequest } from './provider.ts'
import { askRefund, sendRefund, settleRefundsOf } from './refunds.ts'

/** One thing that is due: leased from the database, so that no other server has it now. */
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
  const due = await lease<DueSession>(database, provider, 'due_sessions', limit)
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
  const refunds = await lease<DueRefund>(database, provider, 'due_refunds', limit)
  const payments = await lease<{ readonly payment_id: string }>(database, provider, 'due_payments', limit)
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

interface DueSession extends SessionCall {
  readonly action: 'create' | 'expire' | 'ask'
  readonly session_id: string | null
}

interface DueRefund extends RefundRequest {
  readonly action: 'send' | 'ask'
  readonly key: string
  readonly provider_refund_id: string | null
}

async function lease<Item>(
  database: Database,
  { livemode }: PaymentProvider,
  verb: string,
  limit: number,
): Promise<readonly Item[]> {
  const args = { p_limit: limit, p_livemode: livemode }
  return (await callVault<readonly Item[] | null>(database, SERVICE, verb, args)) ?? []
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

/** Of what the provider surely does not have, nothing was paid: it is sent, with the same key. */
async function advance(
  database: Database,
  provider: PaymentProvider,
  due: DueRefund,
): Promise<{ readonly kind: string }> {
  if (due.action === 'send') return sendRefund(database, provider, due)
  const asked = await askRefund(database, provider, due)
  const isMissing = asked.kind === 'done' && asked.value === undefined && due.provider_refund_id === null
  return isMissing ? sendRefund(database, provider, due) : asked
}
