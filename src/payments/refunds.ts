import type { Database } from '../db/pool.ts'
import { SERVICE } from '../desk/callers.ts'
import { refuseRefund, settleRefund } from '../desk/refunds.ts'
import type { Outcome, PaymentProvider, RefundRequest, StripeRefund } from './provider.ts'

/**
 * How sending a refund ended. `sent`: the provider has it, and `status` is how far it is there (`pending`, `succeeded`, …).
 * `refused`: it will not be made, the tickets are valid again. `unknown`: the job goes on.
 */
export type Refunding =
  | { readonly kind: 'sent'; readonly status: string | null }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'unknown'; readonly code: string; readonly message: string }

/**
 * Sends a queued refund and settles what the provider says. Its id is the provider's key: any number may send it at once and
 * it is paid once. No connection is held during the call. Throws where the database fails.
 */
export async function sendRefund(
  database: Database,
  provider: PaymentProvider,
  refund: RefundRequest,
): Promise<Refunding> {
  const outcome = await provider.refund(refund, `refund:${refund.refund_id}`)
  if (outcome.kind === 'unknown') return outcome
  if (outcome.kind === 'done') {
    await settleRefund(database, SERVICE, { refund: outcome.value, refund_id: refund.refund_id })
    return { kind: 'sent', status: outcome.value.status }
  }
  // The money may have gone back already, from the dashboard or under this id: that is booked before the tickets come back.
  const found = await askRefund(database, provider, refund)
  if (found.kind !== 'done') return found.kind === 'unknown' ? found : refuse(database, refund, outcome)
  return found.value === undefined
    ? refuse(database, refund, outcome)
    : { kind: 'sent', status: found.value.status }
}

/** Settles all refunds that the provider has of a payment, and gives the one that is ours. */
export async function askRefund(
  database: Database,
  provider: PaymentProvider,
  { refund_id, payment_id, amount_cents }: Pick<RefundRequest, 'refund_id' | 'payment_id' | 'amount_cents'>,
): Promise<Outcome<StripeRefund | undefined>> {
  const listed = await settleRefundsOf(database, provider, payment_id)
  if (listed.kind !== 'done') return listed
  const isOurs = ({ metadata, amount }: StripeRefund) =>
    metadata?.['refund_id'] === refund_id && amount === amount_cents
  return { kind: 'done', value: listed.value.find(isOurs) }
}

/** Settles all refunds that the provider has of a payment: its dashboard makes some of which we were not told. */
export async function settleRefundsOf(
  database: Database,
  provider: PaymentProvider,
  paymentId: string,
): Promise<Outcome<readonly StripeRefund[]>> {
  const listed = await provider.listRefunds(paymentId)
  if (listed.kind === 'done') {
    for (const refund of listed.value) await settleRefund(database, SERVICE, { refund })
  }
  return listed
}

async function refuse(
  database: Database,
  { refund_id }: RefundRequest,
  { code, message }: { readonly code: string; readonly message: string },
): Promise<Refunding> {
  await refuseRefund(database, SERVICE, { refund_id, error: message })
  return { kind: 'refused', code, message }
}
