import { randomUUID } from 'node:crypto'
import { addStaff, addTier, openBoxOffice } from './box-office.ts'
import { ANON, type Caller, rowsAs, SERVICE, signedIn, valueAs } from './callers.ts'
import type { TestDatabase } from './database.ts'

/** Who may ask, from nobody to the service. */
export const PERSONAS = ['anon', 'stranger', 'buyer', 'door', 'manager', 'owner', 'service'] as const
export type Persona = (typeof PERSONAS)[number]

export interface AclOffice {
  readonly callers: Readonly<Record<Persona, Exclude<Caller, null>>>
  /** A row that may be inserted. */
  row(table: string): Readonly<Record<string, unknown>>
  /** A row of the house that nothing refers to; how it is found, and a column of it. */
  fresh(table: string): Promise<{ readonly key: string; readonly value: string; readonly column: string }>
}

/** A house with one of everything, and everybody who may ask about it. */
export async function openAclOffice(db: TestDatabase): Promise<AclOffice> {
  const house = await openBoxOffice(db)
  const elsewhere = await openBoxOffice(db)
  await db.rows(`update business_staff set role = 'owner' where user_id = $1`, [elsewhere.staffId])
  const [owner, manager] = await Promise.all(
    ['owner', 'manager'].map((role) => addStaff(db, house.businessId, role)),
  )
  const buyer = randomUUID()
  const callers = {
    anon: ANON,
    stranger: signedIn(elsewhere.staffId),
    buyer: signedIn(buyer),
    door: signedIn(house.staffId),
    manager: signedIn(manager ?? ''),
    owner: signedIn(owner ?? ''),
    service: SERVICE,
  }
  const insert = async (table: string, row: object, key = 'id') =>
    db.value<string>(
      `insert into public.${table} (${Object.keys(row)}) values (${Object.keys(row).map((_, i) => `$${i + 1}`)}) returning ${key}`,
      Object.values(row),
    )
  const row = rowsOf(house)
  for (const table of ['discounts', 'slots']) await insert(table, row(table))
  await buyOneOfEverything(db, signedIn(buyer), house)
  return {
    callers,
    row,
    fresh: async (table) => {
      const key = table === 'business_staff' ? 'user_id' : 'id'
      const value = await insert(table, row(table), key)
      if (table === 'businesses')
        await db.rows(
          `insert into business_staff (business_id, user_id, role) select $1::uuid, user_id, role from business_staff where business_id = $2`,
          [value, house.businessId],
        )
      return { key, value, column: OWN_COLUMNS[table] ?? key }
    },
  }
}

const OWN_COLUMNS: Readonly<Record<string, string>> = {
  businesses: 'name',
  business_staff: 'role',
  events: 'title',
  ticket_tiers: 'name',
  discounts: 'title',
  slots: 'capacity',
}

function rowsOf({ businessId, eventId }: { readonly businessId: string; readonly eventId: string }) {
  const span = { start_at: '2086-05-01T18:00:00Z', end_at: '2086-05-01T23:00:00Z' }
  const hours = { weekday: 5, time_from: '19:00', time_to: '22:00', capacity: 9, max_party_size: 9 }
  return (table: string): Readonly<Record<string, unknown>> => {
    switch (table) {
      case 'businesses':
        return { name: 'Another' }
      case 'business_staff':
        return { business_id: businessId, user_id: randomUUID(), role: 'door' }
      case 'events':
        return { business_id: businessId, title: 'Ball', status: 'published', ...span }
      case 'ticket_tiers':
        return { event_id: eventId, name: 'Stand', total_quantity: 3 }
      case 'discounts':
        return { business_id: businessId, title: 'Early', total_people: 9 }
      case 'slots':
        return { business_id: businessId, ...hours }
      default:
        return {}
    }
  }
}

const NEXT_FRIDAY = `current_date + 7 + (12 - extract(dow from current_date)::integer) % 7`

async function buyOneOfEverything(
  db: TestDatabase,
  buyer: Caller,
  { businessId, eventId }: { readonly businessId: string; readonly eventId: string },
): Promise<void> {
  const tier = await addTier(db, eventId)
  await valueAs(db.client, buyer, 'select ticketing.checkout($1)', [
    JSON.stringify({
      event: eventId,
      items: [{ tier, quantity: 1 }],
      customer_name: 'A',
      customer_email: 'a@b.example',
      idempotency_key: 'k',
    }),
  ])
  const offer = await db.value('select id from discounts where business_id = $1', [businessId])
  await valueAs(db.client, buyer, 'select claim_offer_spots_atomically($1, 1)', [offer])
  await valueAs(db.client, buyer, `select book_slot_atomically($1, ${NEXT_FRIDAY}, '19:30', 2, 'Ada')`, [
    businessId,
  ])
  await rowsAs(db.client, SERVICE, 'select scan_ticket_atomic((select id from tickets limit 1), null)')
}
