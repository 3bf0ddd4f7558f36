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
  const sent = await provider.refund(refund, `refund:${refund.refund_id}`)
  if (sent.kind === 'unknown') return sent
  if (sent.kind === 'done') {
    await settleRefund(database, SERVICE, { refund: sent.value, refund_id: refund.refund_id })
    return { kind: 'sent', status: sent.value.status }
  }
  // The money may have gone back already, from the dashboard or under this id: that is booked before the tickets come back.
  const asked = await askRefund(database, provider, refund)
  if (asked.kind !== 'done') return asked.kind === 'unknown' ? asked : refuse(database, refund, sent)
  return asked.value === undefined
    ? refuse(database, refund, sent)
    : { kind: 'sent', status: asked.value.status }
}

/** Settles all refunds that the provider has of a payment, and gives the one that is ours. */
export async function askRefund(
  database: Database,
  provider: PaymentProvider,
  { refund_id, payment_id }: Pick<RefundRequest, 'refund_id' | 'payment_id'>,
): Promise<Outcome<StripeRefund | undefined>> {
  const listed = await settleRefundsOf(database, provider, payment_id)
  if (listed.kind !== 'done') return listed
  return { kind: 'done', value: listed.value.find(({ metadata }) => metadata?.['refund_id'] === refund_id) }
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
