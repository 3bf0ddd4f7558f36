import { control, ledgerOf, type ProviderPayment, type StandInAddress } from '../stand-in.ts'
import type { ChaosWorld } from './world.ts'

interface Ours {
  readonly id: string
  readonly order_id: string | null
  readonly amount: string
  readonly refunded: string
  readonly disputed: string
  readonly currency: string
  readonly status: string
  readonly issued: boolean
}

/** Reconciliation of three books, and every payment about which they disagree. */
export interface Balance {
  readonly payments: number
  readonly kept: number
  readonly returned: number
  /** Paid after the holds had ended, and issued all the same. */
  readonly rescued: number
  /** Events that were taken, every copy of them; and those that were taken beyond the first. */
  readonly delivered: number
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
  const { payments, disagreements } = await ledgerOf(world.standIn)
  const paid = payments.filter((payment) => payment.status === 'succeeded')
  const { rows } = await world.client.query<Ours>(
    `select p.id, p.order_id, p.amount_cents as amount, p.status, o.tickets_issued_at is not null as issued,
       coalesce((select sum(r.amount_cents) from ticketing.refunds r
                 where r.payment_id = p.id and r.status = 'succeeded'), 0) as refunded, p.currency,
       coalesce((select sum(d.amount_cents) from ticketing.disputes d
                 where d.payment_id = p.id and d.status <> 'won'), 0) as disputed
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
  const stored = inbox.rows[0]?.events ?? 0
  const { delivered } = await control<{ delivered: number }>(world.standIn, 'deliveries')
  const laws = await world.client.query<{ law: string; witnesses: unknown }>(
    'select law, witnesses from ticketing.broken_laws()',
  )
  return {
    payments: paid.length,
    kept: rows.filter((row) => row.status === 'kept').length,
    returned: rows.filter((row) => row.status === 'returned').length,
    rescued: rescued.rows[0]?.orders ?? 0,
    delivered,
    // With an empty inbox no delivery was recognised as a duplicate.
    duplicates: stored === 0 ? 0 : delivered - stored,
    capturedCents: paid.reduce((sum, payment) => sum + payment.amount, 0),
    refundedCents: paid.reduce((sum, payment) => sum + payment.amount_refunded, 0),
    disagreements: [
      ...paid.flatMap((payment) => compare(payment, ours.get(payment.payment_intent))),
      ...strangers(rows, paid),
      ...disagreements.map((wrong) => ({ payment: 'the stand-in itself', wrong, seen: {} })),
      ...(await twice(world)),
    ],
    brokenLaws: laws.rows,
  }
}

function compare(witness: ProviderPayment, ours: Ours | undefined) {
  const wrong = (what: string) => [{ payment: witness.payment_intent, wrong: what, seen: { witness, ours } }]
  if (ours === undefined) return wrong('the provider has it, we do not know of it')
  if (Number(ours.amount) !== witness.amount) return wrong('the amounts differ')
  if (Number(ours.refunded) !== witness.amount_refunded) return wrong('what went back differs')
  if (Number(ours.disputed) !== witness.amount_disputed) return wrong('what is disputed differs')
  if (ours.currency !== witness.currency.toUpperCase()) return wrong('the currencies differ')
  if (ours.order_id !== witness.client_reference_id) return wrong('it is booked for another order')
  if (ours.status === 'kept' && !ours.issued) return wrong('it was kept, and there are no tickets')
  if (ours.status === 'returned' && witness.amount_refunded !== witness.amount)
    return wrong('it was returned, and the money did not go back')
  if (ours.status === 'unmatched') return wrong('it is about an order of ours and was not matched')
  return []
}

/** Payments of ours that the provider never saw. */
function strangers(rows: readonly Ours[], paid: readonly ProviderPayment[]) {
  const known = new Set(paid.map((payment) => payment.payment_intent))
  return rows
    .filter((row) => !known.has(row.id))
    .map((row) => ({ payment: row.id, wrong: 'we booked it, the provider never took it', seen: row }))
}

/** Idempotency: what was made twice under one key (orders of a buyer, sessions of an order, refunds of one request). */
async function twice({ client, standIn }: ChaosWorld) {
  const orders = await client.query<{ first: string; second: string }>(
    `select a.id as first, b.id as second from orders a
     join orders b on b.customer_email = a.customer_email and b.created_at > a.created_at and b.created_at < a.expires_at
     where not exists (select from ticketing.checkout_sessions s where s.order_id = a.id and s.status = 'refused')`,
  )
  const sessions = await listAll(standIn, 'checkout/sessions')
  const refunds = await listAll(standIn, 'refunds')
  const sent = refunds.filter(
    ({ status, metadata }) => status !== 'failed' && metadata?.['refund_id'] !== undefined,
  )
  return [
    ...orders.rows.map((seen) => ({ payment: seen.first, wrong: 'one key made two orders', seen })),
    ...duplicatesOf(sessions.map(({ client_reference_id: order }) => String(order))).map((order) => ({
      payment: order,
      wrong: 'one order has several sessions at the provider',
      seen: {},
    })),
    ...duplicatesOf(sent.map(({ metadata }) => String(metadata?.['refund_id']))).map((refund) => ({
      payment: refund,
      wrong: 'one refund was sent several times',
      seen: {},
    })),
  ]
}

interface Listed {
  readonly id: string
  readonly status?: string
  readonly client_reference_id?: string
  readonly metadata?: Readonly<Record<string, string>>
}

/** All objects of a kind at the stand-in, page by page. */
async function listAll(standIn: StandInAddress, kind: string): Promise<readonly Listed[]> {
  const all: Listed[] = []
  for (let page = 0; page < PAGES_MAX; page++) {
    const after = all.at(-1)?.id
    const query = `limit=100${after === undefined ? '' : `&starting_after=${after}`}`
    const response = await fetch(`${standIn.url}/api.stripe.com/v1/${kind}?${query}`, {
      headers: { authorization: `Bearer ${standIn.secretKey}` },
      signal: AbortSignal.timeout(LIST_MS_MAX),
    })
    if (!response.ok) throw new Error(`the stand-in does not list ${kind}: ${response.status}`)
    const { data, has_more } = (await response.json()) as { data: Listed[]; has_more: boolean }
    all.push(...data)
    if (!has_more) return all
  }
  throw new Error(`the stand-in lists more than ${PAGES_MAX * 100} ${kind}`)
}

const PAGES_MAX = 200
const LIST_MS_MAX = 20_000

function duplicatesOf(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, n) => names.indexOf(name) !== n))]
}
