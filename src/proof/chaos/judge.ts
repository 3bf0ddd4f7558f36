import { type ChaosWorld, control } from './world.ts'

/** What the stand-in of Stripe says of one payment. */
interface Witness {
  readonly payment_intent: string
  readonly client_reference_id: string | null
  readonly amount: number
  readonly amount_refunded: number
  readonly currency: string
  readonly status: string
}

interface Ours {
  readonly id: string
  readonly order_id: string | null
  readonly amount: string
  readonly refunded: string
  readonly status: string
  readonly issued: boolean
}

/** How the books compare, and every payment about which they do not agree. */
export interface Balance {
  readonly payments: number
  readonly kept: number
  readonly returned: number
  /** Paid after the holds had ended, and issued all the same. */
  readonly rescued: number
  /** Copies of events that were taken beyond the first. */
  readonly duplicates: number
  readonly capturedCents: number
  readonly refundedCents: number
  /** Each with what is wrong; empty when all is well. */
  readonly disagreements: readonly {
    readonly payment: string
    readonly wrong: string
    readonly seen: object
  }[]
  readonly brokenLaws: readonly { readonly law: string; readonly witnesses: unknown }[]
}

/** Compares the stand-in's ledger with our payments, refunds and tickets, payment by payment, to the cent. */
export async function balance(world: ChaosWorld, eventId: string): Promise<Balance> {
  const { payments } = await control<{ payments: readonly Witness[] }>(world.standIn, 'ledger')
  const paid = payments.filter((payment) => payment.status === 'succeeded')
  const { rows } = await world.client.query<Ours>(
    `select p.id, p.order_id, p.amount_cents as amount, p.status, o.tickets_issued_at is not null as issued,
       coalesce((select sum(r.amount_cents) from ticketing.refunds r
                 where r.payment_id = p.id and r.status = 'succeeded'), 0) as refunded
     from ticketing.payments p left join orders o on o.id = p.order_id where p.event_id = $1 or p.event_id is null`,
    [eventId],
  )
  const ours = new Map(rows.map((row) => [row.id, row]))
  const rescued = await world.client.query<{ orders: number }>(
    `select count(*)::int as orders from orders o where o.event_id = $1 and o.tickets_issued_at is not null and exists (
       select from ticket_holds h where h.order_id = o.id and h.status in ('expired', 'released'))`,
    [eventId],
  )
  const inbox = await world.client.query<{ events: number }>(
    'select count(*)::int as events from webhook_events',
  )
  const { delivered } = await control<{ delivered: number }>(world.standIn, 'deliveries')
  const laws = await world.client.query<{ law: string; witnesses: unknown }>(
    'select law, witnesses from ticketing.broken_laws()',
  )
  return {
    payments: paid.length,
    kept: rows.filter((row) => row.status === 'kept').length,
    returned: rows.filter((row) => row.status === 'returned').length,
    rescued: rescued.rows[0]?.orders ?? 0,
    duplicates: delivered - (inbox.rows[0]?.events ?? 0),
    capturedCents: paid.reduce((sum, payment) => sum + payment.amount, 0),
    refundedCents: paid.reduce((sum, payment) => sum + payment.amount_refunded, 0),
    disagreements: [
      ...paid.flatMap((payment) => compare(payment, ours.get(payment.payment_intent))),
      ...strangers(rows, paid),
    ],
    brokenLaws: laws.rows,
  }
}

function compare(witness: Witness, ours: Ours | undefined) {
  const wrong = (what: string) => [{ payment: witness.payment_intent, wrong: what, seen: { witness, ours } }]
  if (ours === undefined) return wrong('the provider has it, we do not know of it')
  if (Number(ours.amount) !== witness.amount) return wrong('the amounts differ')
  if (Number(ours.refunded) !== witness.amount_refunded) return wrong('what went back differs')
  if (ours.order_id !== witness.client_reference_id) return wrong('it is booked for another order')
  if (ours.status === 'kept' && !ours.issued) return wrong('it was kept, and there are no tickets')
  if (ours.status === 'returned' && witness.amount_refunded !== witness.amount)
    return wrong('it was returned, and the money did not go back')
  if (ours.status === 'unmatched') return wrong('it is about an order of ours and was not matched')
  return []
}

/** Payments of ours that the provider never saw. */
function strangers(rows: readonly Ours[], paid: readonly Witness[]) {
  const known = new Set(paid.map((payment) => payment.payment_intent))
  return rows
    .filter((row) => !known.has(row.id))
    .map((row) => ({ payment: row.id, wrong: 'we booked it, the provider never took it', seen: row }))
}
