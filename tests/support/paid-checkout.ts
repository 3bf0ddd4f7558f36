import { addTier, type addUnjudgedTier, openBoxOffice, type TierOptions } from './box-office.ts'
import { ANON, type Caller, SERVICE, valueAs } from './callers.ts'
import type { TestDatabase } from './database.ts'

/** What a test of paid checkouts does in a database. */
export function checkoutsIn(db: TestDatabase) {
  /** An event with its own currency and fees, and one tier. */
  async function sale(
    tier: TierOptions = {},
    event: { currency?: string; fixed?: number; points?: number } = {},
    add: typeof addUnjudgedTier = addTier,
  ) {
    const { eventId, eventSlug } = await openBoxOffice(db)
    await db.rows(
      'update events set currency = $2, fee_fixed_cents = $3, fee_basis_points = $4 where id = $1',
      [eventId, event.currency ?? 'EUR', event.fixed ?? 0, event.points ?? 0],
    )
    return {
      eventId,
      eventSlug,
      tierId: await add(db, eventId, { priceCents: 2500, total: 10, ...tier }),
    }
  }

  function buy(
    eventId: string,
    items: Readonly<Record<string, number>>,
    more: object = {},
    caller: Caller = ANON,
  ) {
    const request = {
      endpoint: 'test',
      event: eventId,
      items: Object.entries(items).map(([tier, quantity]) => ({ tier, quantity })),
      customer_name: 'Ada Buyer',
      customer_email: 'ada@example.org',
      public_url: 'https://tickets.example',
      ...more,
    }
    return valueAs<Answer>(db.client, caller, 'select ticketing.checkout($1)', [JSON.stringify(request)])
  }

  const service = <T>(name: string, ...values: unknown[]) =>
    valueAs<T>(
      db.client,
      SERVICE,
      `select ticketing.${name}(${values.map((_, i) => `$${i + 1}`).join(', ')})`,
      values.map((value) => (typeof value === 'object' ? JSON.stringify(value) : value)),
    )

  const free = (tierId: string) =>
    db.value<number>(
      'select total_quantity - sold_quantity - reserved_quantity from ticket_tiers where id = $1',
      [tierId],
    )

  return { sale, buy, service, free }
}

export interface Answer {
  readonly success: boolean
  readonly error_code?: string
  readonly order_id: string
  readonly status: string
  readonly is_free: boolean
  readonly subtotal_cents: number
  readonly fees_cents: number
  readonly total_cents: number
  readonly currency: string
  readonly expires_at: string
  readonly order_url: string
  readonly hold_ids: readonly string[]
  readonly replayed: boolean
  readonly tickets: readonly object[] | null
  readonly payment: Payment
}

interface Payment {
  readonly attempt: number
  readonly state: string
  readonly key: string
  readonly parameters: Parameters
  readonly session_id: string | null
  readonly expires_at: string
}

interface Parameters {
  readonly line_items: readonly { quantity: number; price_data: { unit_amount: number; currency: string } }[]
  readonly expires_at: number
  readonly [name: string]: unknown
}
