/**
 * Admit Once itself, as a stranger meets it: HTTP alone, with its two keys.
 *
 *   SUPABASE_URL=… SUPABASE_ANON_KEY=… SUPABASE_SERVICE_ROLE_KEY=… npx admit-once prove --target examples/adapters/admit-once.ts --url "$SUPABASE_URL"
 */
import type { Adapter, Call, HttpAnswer, Order } from 'admit-once/adapter'

interface Item {
  readonly eventId: string
  readonly tierId: string
}

interface Row {
  readonly id: string
}

interface OrderRow extends Row {
  readonly customer_email: string
  readonly created_at: string
  readonly tickets: readonly { readonly id: string; readonly status: string }[]
}

/** A buyer's session, which owns the hold. */
type Session = string

export const adapter: Adapter<Item, Session> = {
  name: 'Admit Once',
  urls: ['http://127.0.0.1:54321'],
  holds: { minutes: 10 },
  retry: { means: 'sameOrder', key: 'header' },
  requestsPerCall: 1,

  prepare: async (call) => {
    const { units, name } = call
    const business = await insert(call, 'businesses', { slug: name, name: 'A proof' })
    const event = await insert(call, 'events', {
      business_id: business.id,
      slug: name,
      title: 'A proof',
      start_at: inDays(30),
      end_at: inDays(31),
      status: 'published',
      currency: 'EUR',
    })
    const tier = { event_id: event.id, slug: 'free', name: 'Free', price_cents: 0, currency: 'EUR' }
    const { id: tierId } = await insert(call, 'ticket_tiers', { ...tier, total_quantity: units })
    return { eventId: event.id, tierId }
  },

  open: async ({ http, env, item, buyer }) => {
    const answer = await http.post(
      '/rest/v1/rpc/reserve_tickets_batch',
      { p_reservations: [{ tier_id: item.tierId, quantity: 1 }], p_session_id: buyer.key },
      { headers: { apikey: env['SUPABASE_ANON_KEY'] ?? '' } },
    )
    return codeOf(answer) === 'success' ? { outcome: 'open', cart: buyer.key } : refusalOf(answer)
  },

  commit: async ({ http, item, buyer, cart }) => {
    const order = {
      eventId: item.eventId,
      items: [{ tierId: item.tierId, quantity: 1 }],
      customerName: 'Buyer',
      customerEmail: buyer.email,
      sessionId: cart,
    }
    const headers = { 'Idempotency-Key': buyer.key }
    const answer = await http.post('/functions/v1/create-ticket-checkout', order, { headers })
    if (codeOf(answer) !== 'success') return refusalOf(answer)
    return { outcome: 'sold', order: answer.json<{ orderId: string }>().orderId }
  },

  truth: async (call) => {
    const { eventId, tierId } = call.item
    const [tier] = await select<{ total_quantity: number; sold_quantity: number; reserved_quantity: number }>(
      call,
      `ticket_tiers?id=eq.${tierId}&select=total_quantity,sold_quantity,reserved_quantity`,
    )
    if (tier === undefined) throw new Error('the tier is gone')
    const orders = await select<OrderRow>(
      call,
      `orders?event_id=eq.${eventId}&select=id,customer_email,created_at,tickets(id,status)&limit=1000`,
    )
    return {
      left: tier.total_quantity - tier.sold_quantity - tier.reserved_quantity,
      orders: orders.map(orderOf).filter(({ units }) => units > 0),
    }
  },

  release: async ({ http, env, cart }) => {
    const headers = { apikey: env['SUPABASE_ANON_KEY'] ?? '' }
    await http.post('/rest/v1/rpc/release_ticket_holds', { p_session_id: cart }, { headers })
  },

  cancel: async (call) => {
    const answer = await call.http.post('/functions/v1/process-refund', { orderId: call.order }, staff(call))
    if (answer.status !== 200) throw new Error(`process-refund: ${answer.status} ${answer.text}`)
  },

  /** Books are kept: what was sold stays, and is offered to nobody any more. */
  cleanup: async (call) => {
    await call.http.send(
      'PATCH',
      `/rest/v1/events?id=eq.${call.item.eventId}`,
      { status: 'draft' },
      staff(call),
    )
  },

  invariants: {
    stock: {
      table: 'public.ticket_tiers',
      id: 'id',
      total: 'total_quantity',
      sold: 'sold_quantity',
      reserved: 'reserved_quantity',
    },
    holds: { table: 'public.ticket_holds', stock: 'tier_id', units: 'quantity', where: "status = 'active'" },
    tickets: { table: 'public.tickets', code: 'qr_code' },
  },
}

/** A refunded ticket is no unit of a living order. */
function orderOf({ id, customer_email, created_at, tickets }: OrderRow): Order & { readonly units: number } {
  const living = tickets
    .filter(({ status }) => status === 'valid' || status === 'used')
    .map((ticket) => ticket.id)
  return { id, buyer: customer_email, at: created_at, units: living.length, tickets: living }
}

function refusalOf(answer: HttpAnswer) {
  const code = codeOf(answer)
  const said = `${answer.status} ${code}`
  if (code.includes('INSUFFICIENT_TICKETS')) return { outcome: 'soldOut', answer: said } as const
  if (answer.status === 503 || code.includes('LOCK_TIMEOUT'))
    return { outcome: 'busy', answer: said } as const
  return { outcome: answer.status < 500 ? 'refused' : 'unknown', answer: said } as const
}

function codeOf(answer: HttpAnswer): string {
  const body = answer.json<{ success?: boolean; error_code?: string; code?: string; error?: string }>()
  return body.success === true ? 'success' : (body.error_code ?? body.code ?? body.error ?? '')
}

function staff({ env }: Call) {
  return { headers: { apikey: env['SUPABASE_SERVICE_ROLE_KEY'] ?? '' } }
}

async function insert(call: Call, table: string, row: object): Promise<Row> {
  const headers = { ...staff(call).headers, Prefer: 'return=representation' }
  const answer = await call.http.post(`/rest/v1/${table}`, row, { headers })
  if (answer.status !== 201) throw new Error(`${table}: ${answer.status} ${answer.text}`)
  const [made] = answer.json<Row[]>()
  if (made === undefined) throw new Error(`${table}: nothing was made`)
  return made
}

async function select<Found>(call: Call, query: string): Promise<readonly Found[]> {
  const answer = await call.http.get(`/rest/v1/${query}`, staff(call))
  if (answer.status !== 200) throw new Error(`${query}: ${answer.status} ${answer.text}`)
  return answer.json<Found[]>()
}

function inDays(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString()
}
