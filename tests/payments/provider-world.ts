import assert from 'node:assert/strict'
import { after } from 'node:test'
import { listen } from '../../src/api/listen.ts'
import { type Database, openPool } from '../../src/db/pool.ts'
import { SERVICE } from '../../src/desk/callers.ts'
import { checkout, type OrderPayment } from '../../src/desk/orders.ts'
import { type CallFailure, openStripe, type PaymentProvider } from '../../src/payments/provider.ts'
import { openStandIn, type StandIn } from '../../src/payments/stand-in.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const SECRET_KEY = 'sk_test_stand_in_till'
const WEBHOOK_SECRET = 'whsec_till'

export interface Order {
  readonly order_id: string
  readonly session_id: string
  readonly payment: OrderPayment
}

interface StandInPayment {
  readonly payment_intent: string
  readonly client_reference_id: string
  readonly amount: number
  readonly amount_refunded: number
}

/** A box office without an API, on its own database, and a stand-in of Stripe that sends no webhooks. */
export interface ProviderWorld {
  readonly db: TestDatabase
  /** One connection: whoever keeps it during a call to the provider keeps himself waiting. */
  readonly database: Database
  readonly provider: PaymentProvider
  readonly failures: readonly CallFailure[]
  /** An order of two tickets at 25.00 EUR that waits for its payment. */
  order(changes?: Readonly<Record<string, unknown>>): Promise<Order>
  /** How the order stands; `reserved` is of all tiers. */
  orderRow(id: string): Promise<{ status: string; held: number; tickets: number; reserved: number }>
  session(id: string): Promise<{ status: string; session_id: string | null; last_error: string | null }>
  pay(sessionId: string): Promise<void>
  /** POST under `/stand-in/`. */
  control(path: string, body: object | null): Promise<unknown>
  ledger(): Promise<readonly StandInPayment[]>
  /** How many sessions the stand-in has. */
  sessions(): Promise<number>
  /** Makes everything that waits for its turn due, and with `over` the buyers' time too. */
  due(over?: boolean): Promise<void>
}

export async function openProviderWorld(): Promise<ProviderWorld> {
  const db = await testDatabase()
  const database = await openPool(db.url, { max: 1, name: 'world', waitMs: 2_000 })
  const { url } = await openProvider()
  const failures: CallFailure[] = []
  const provider = providerAt(`${url}/api.stripe.com`, (failure) => failures.push(failure))
  const { eventId } = await openBoxOffice(db)
  const tierId = await addTier(db, eventId, { total: 1_000, priceCents: 2_500 })
  after(() => database.close())
  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = {
      Authorization: `Bearer ${SECRET_KEY}`,
      Accept: 'application/json',
      'Content-Type': 'application/json',
    }
    const response = await fetch(`${url}/${path}`, { ...init, headers })
    assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`)
    return (await response.json()) as unknown
  }
  const post = (path: string, body: object | null) =>
    ask(path, { method: 'POST', body: JSON.stringify(body) })
  return {
    db,
    database,
    provider,
    failures,
    order: async (changes = {}) => {
      const answer = await checkout(database, SERVICE, {
        request: { ...CART, event: eventId, items: [{ tier: tierId, quantity: 2 }], ...changes },
      })
      assert.ok(answer.success && answer.payment !== null, JSON.stringify(answer))
      return { ...answer, payment: answer.payment }
    },
    orderRow: async (id) => (await db.rows<OrderRow>(ORDER, [id]))[0] ?? assert.fail('no such order'),
    session: async (id) => (await db.rows<SessionRow>(SESSION, [id]))[0] ?? assert.fail('no session'),
    pay: async (sessionId) => {
      await post(`checkout.stripe.com/c/pay/${sessionId}`, { card: '4242424242424242' })
    },
    control: (path, body) => post(`stand-in/${path}`, body),
    ledger: async () =>
      ((await ask('stand-in/ledger')) as { readonly payments: readonly StandInPayment[] }).payments,
    sessions: async () =>
      ((await ask('api.stripe.com/v1/checkout/sessions?limit=100')) as { readonly data: readonly object[] })
        .data.length,
    due: async (over = false) => {
      await db.rows('update ticketing.checkout_sessions set ask_at = now() where ask_at is not null')
      await db.rows('update ticketing.refunds set ask_at = now() where ask_at is not null')
      await db.rows('update ticketing.payments set ask_at = now() where ask_at is not null')
      if (over) await db.rows("update orders set expires_at = now() where status = 'pending'")
    },
  }
}

type OrderRow = Awaited<ReturnType<ProviderWorld['orderRow']>>
type SessionRow = Awaited<ReturnType<ProviderWorld['session']>>

export function providerAt(
  apiUrl: string,
  report?: (failure: CallFailure) => void,
  timeoutMs = 10_000,
): PaymentProvider {
  return openStripe({ secretKey: SECRET_KEY, webhookSecret: WEBHOOK_SECRET, apiUrl, report, timeoutMs })
}

async function openProvider(): Promise<{ readonly standIn: StandIn; readonly url: string }> {
  let url = ''
  const standIn = await openStandIn({
    secretKey: SECRET_KEY,
    webhookSecret: WEBHOOK_SECRET,
    publicUrl: () => url,
  })
  const listening = await listen({ fetch: standIn.fetch })
  url = listening.url
  after(async () => {
    await standIn.close()
    await listening.close()
  })
  return { standIn, url }
}

const CART = {
  endpoint: 'test',
  customer_name: 'Ada Buyer',
  customer_email: 'ada@example.org',
  public_url: 'http://127.0.0.1',
}

const ORDER = `
  select o.status, (select count(*)::int from tickets t where t.order_id = o.id and t.status = 'valid') as tickets,
    (select coalesce(sum(h.quantity), 0)::int from ticket_holds h where h.order_id = o.id and h.status = 'active') as held,
    (select sum(t.reserved_quantity)::int from ticket_tiers t where t.event_id = o.event_id) as reserved
  from orders o where o.id = $1`

const SESSION = `
  select s.status, s.session_id, s.last_error from ticketing.checkout_sessions s where s.order_id = $1`
