import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { refusalOf } from '../support/callers.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

// The owner of the tables, past every verb: what protects them then are triggers and constraints alone.
const db = await lawfulDatabase()
const { businessId, eventId } = await openBoxOffice(db)

/** A tier of 50 of which `sold` are tickets and `held` are one hold. */
async function stocked(sold: number, held: number) {
  const tierId = await addTier(db, eventId, { total: 50 })
  if (sold > 0) await buyTickets(db, eventId, tierId, sold)
  const holdId = held > 0 ? await holdOf(tierId, held) : ''
  const [order] = await db.rows<{ order_id: string; item_id: string }>(
    `with o as (insert into orders (event_id, session_id, status, currency, total_cents, customer_email, customer_name)
                values ($1, 'owner', 'paid', 'EUR', 0, 'a@b', 'A') returning id)
     insert into order_items (order_id, event_id, tier_id, quantity, unit_price_cents)
     select id, $1, $2, 1000, 0 from o returning order_id, id as item_id`,
    [eventId, tierId],
  )
  return { tierId, holdId, orderId: order?.order_id ?? '', itemId: order?.item_id ?? '' }
}

const holdOf = (tierId: string, quantity: number, ends = '5 minutes') =>
  db.value<string>(
    `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
     values ($1, $2, gen_random_uuid()::text, $3, now() + $4::interval) returning id`,
    [eventId, tierId, quantity, ends],
  )

type Stock = Awaited<ReturnType<typeof stocked>>

const insertTickets = (s: Stock, count: number) =>
  db.rows(
    `insert into tickets (event_id, tier_id, order_id, order_item_id, ordinal) select $1, $2, $3, $4, n
     from generate_series(1, $5) n`,
    [eventId, s.tierId, s.orderId, s.itemId, count],
  )

/** COPY through the simple protocol: the rows as text, then the end. */
async function copyIn(table: string, line: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const client = await db.connect()
  const { connection } = client as unknown as { connection: CopyConnection }
  const copy = {
    submit: () => connection.query(`copy ${table} from stdin`),
    handleCopyInResponse: () => {
      connection.sendCopyFromChunk(Buffer.from(`${line}\n`))
      connection.endCopyFrom()
    },
    handleCommandComplete: () => undefined,
    handleReadyForQuery: () => resolve(),
    handleError: (error: Error) => reject(error),
  }
  client.query(copy as never)
  await promise
}

interface CopyConnection {
  query(sql: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

describe('the owner, who writes rows', () => {
  const stories: readonly [string, () => Promise<unknown>, string | undefined, string?][] = [
    ['sells the 50th of 50 tickets', async () => insertTickets(await stocked(48, 1), 1), undefined],
    ['inserts a 51st ticket', async () => insertTickets(await stocked(50, 0), 1), 'trg_reserve_capacity'],
    [
      'inserts 2 tickets where 1 is left',
      async () => insertTickets(await stocked(48, 1), 2),
      'trg_reserve_capacity',
    ],
    ['holds what is sold', async () => holdOf((await stocked(50, 0)).tierId, 1), 'trg_check_hold_capacity'],
    [
      'holds 2^31 - 1',
      async () => holdOf((await stocked(0, 0)).tierId, 2_147_483_647),
      'trg_check_hold_capacity',
    ],
    [
      'makes a hold larger than the tier',
      async () =>
        db.rows('update ticket_holds set quantity = 11 where id = $1', [(await stocked(40, 10)).holdId]),
      'trg_check_hold_capacity_upd',
    ],
    [
      'makes a hold as large as the tier',
      async () =>
        db.rows('update ticket_holds set quantity = 10 where id = $1', [(await stocked(40, 2)).holdId]),
      undefined,
    ],
    [
      'brings a refunded ticket back to a full tier',
      async () => {
        const { tierId } = await stocked(50, 0)
        await db.rows(
          `update tickets set status = 'refunded' where id = (select id from tickets where tier_id = $1 limit 1)`,
          [tierId],
        )
        await holdOf(tierId, 1)
        await db.rows(`update tickets set status = 'valid' where tier_id = $1`, [tierId])
      },
      'trg_check_ticket_capacity_upd',
    ],
    [
      'brings a refunded ticket back to the last place',
      async () => {
        const { tierId } = await stocked(50, 0)
        await db.rows(
          `update tickets set status = 'refunded' where id = (select id from tickets where tier_id = $1 limit 1)`,
          [tierId],
        )
        await db.rows(`update tickets set status = 'valid' where tier_id = $1`, [tierId])
      },
      undefined,
    ],
    [
      'moves tickets to a tier that is full',
      async () => {
        const from = await stocked(1, 0)
        const to = await stocked(50, 0)
        await db.rows('update tickets set tier_id = $2 where tier_id = $1', [from.tierId, to.tierId])
      },
      'trg_check_ticket_capacity_upd',
    ],
    [
      'copies a 51st hold',
      async () => {
        const { tierId } = await stocked(50, 0)
        const line = `${eventId}\t${tierId}\tcopied\t1\t2999-01-01`
        await copyIn('ticket_holds (event_id, tier_id, session_id, quantity, expires_at)', line)
      },
      'trg_check_hold_capacity',
    ],
    [
      'copies a 51st ticket',
      async () => {
        const s = await stocked(49, 1)
        const line = `${eventId}\t${s.tierId}\t${s.orderId}\t${s.itemId}\t1`
        await copyIn('tickets (event_id, tier_id, order_id, order_item_id, ordinal)', line)
      },
      'trg_reserve_capacity',
    ],
    [
      'copies the 50th ticket',
      async () => {
        const s = await stocked(48, 1)
        const line = `${eventId}\t${s.tierId}\t${s.orderId}\t${s.itemId}\t1`
        await copyIn('tickets (event_id, tier_id, order_id, order_item_id, ordinal)', line)
      },
      undefined,
    ],
    [
      'upserts a hold beyond the tier',
      async () => {
        const { holdId } = await stocked(40, 10)
        await db.rows(
          `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
           select event_id, tier_id, session_id, 1, expires_at from ticket_holds where id = $1
           on conflict (session_id, tier_id) where status = 'active'
           do update set quantity = ticket_holds.quantity + 1`,
          [holdId],
        )
      },
      'trg_check_hold_capacity_upd',
    ],
    [
      'holds in two tiers at once, of which one is full',
      async () => {
        const [a, b] = [await stocked(0, 0), await stocked(50, 0)]
        await db.rows(
          `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
           select $1, t, 'both', 1, now() + interval '1 minute' from unnest($2::uuid[]) t`,
          [eventId, [a.tierId, b.tierId]],
        )
      },
      'trg_check_hold_capacity',
    ],
    [
      'makes the tier smaller than what is sold and held',
      async () =>
        db.rows('update ticket_tiers set total_quantity = 49 where id = $1', [(await stocked(45, 5)).tierId]),
      'check_no_negative_availability',
    ],
    [
      'makes the tier exactly as small',
      async () =>
        db.rows('update ticket_tiers set total_quantity = 5 where id = $1', [(await stocked(3, 2)).tierId]),
      undefined,
    ],
    [
      'ends a hold before its time',
      async () =>
        db.rows(`update ticket_holds set status = 'expired' where id = $1`, [(await stocked(0, 1)).holdId]),
      'trg_hold_legal_change',
    ],
    [
      'makes a hold shorter',
      async () =>
        db.rows(`update ticket_holds set expires_at = now() where id = $1`, [(await stocked(0, 1)).holdId]),
      'trg_hold_legal_change',
    ],
    [
      'revives a hold that was released',
      async () => {
        const { holdId } = await stocked(0, 1)
        await db.rows(`update ticket_holds set status = 'released' where id = $1`, [holdId])
        await db.rows(`update ticket_holds set status = 'active' where id = $1`, [holdId])
      },
      'trg_hold_legal_change',
    ],
    [
      'moves a hold to another tier',
      async () => {
        const { holdId } = await stocked(0, 1)
        const { tierId } = await stocked(0, 0)
        await db.rows('update ticket_holds set tier_id = $2 where id = $1', [holdId, tierId])
      },
      'trg_hold_legal_change',
    ],
    [
      'holds a tier twice in one session',
      async () => {
        const { holdId } = await stocked(0, 1)
        await db.rows(
          `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
           select event_id, tier_id, session_id, 1, expires_at from ticket_holds where id = $1`,
          [holdId],
        )
      },
      'uniq_active_hold_session_tier',
      '23505',
    ],
    [
      "holds another event's tier",
      async () => {
        const elsewhere = await openBoxOffice(db)
        const { tierId } = await stocked(0, 0)
        await db.rows(
          `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at) values ($1, $2, 's', 1, now())`,
          [elsewhere.eventId, tierId],
        )
      },
      'ticket_holds_event_id_tier_id_fkey',
      '23503',
    ],
  ]
  for (const [what, work, by, code = '23514'] of stories) {
    it(`${what}: ${by === undefined ? 'written' : `refused by ${by}`}`, async () => {
      assert.deepEqual(await refusalOf(work()), by === undefined ? { code: 'written' } : { code, by })
    })
  }

  it('deletes holds and tickets, and the counters follow', async () => {
    const { tierId } = await stocked(3, 4)
    await db.rows('delete from ticket_holds where tier_id = $1', [tierId])
    await db.rows('delete from tickets where tier_id = $1', [tierId])
    assert.deepEqual(
      await db.rows('select sold_quantity, reserved_quantity from ticket_tiers where id = $1', [tierId]),
      [{ sold_quantity: 0, reserved_quantity: 0 }],
    )
  })
})

describe('the owner, who writes a counter', () => {
  const slotDay = async (booked: number) => {
    const slot = await db.value<string>(
      `insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
       values ($1, 5, '00:00', '00:00', 10, 10) returning id`,
      [businessId],
    )
    await db.rows(
      `insert into reservations (business_id, slot_id, date, preferred_time, party_size, reservation_name)
       values ($1, $2, '2083-01-01', '19:00', $3, 'Ada')`,
      [businessId, slot, booked],
    )
    return slot
  }
  const offer = () =>
    db.value<string>(
      `insert into discounts (business_id, title, total_people) values ($1, 'O', 5) returning id`,
      [businessId],
    )
  const set = (table: string, change: string, id: string, key = 'id') =>
    db.rows(`update ${table} set ${change} where ${key} = $1`, [id])
  const writes: readonly [string, () => Promise<unknown>][] = [
    ['sold_quantity', async () => set('ticket_tiers', 'sold_quantity = 0', (await stocked(1, 0)).tierId)],
    [
      'reserved_quantity',
      async () => set('ticket_tiers', 'reserved_quantity = 0', (await stocked(0, 1)).tierId),
    ],
    [
      'the counters of a new tier',
      () =>
        db.rows(
          `insert into ticket_tiers (event_id, slug, name, total_quantity, sold_quantity) values ($1, 'n', 'N', 5, 5)`,
          [eventId],
        ),
    ],
    [
      'a counter by upsert',
      async () =>
        db.rows(
          `insert into ticket_tiers (id, event_id, slug, name, total_quantity) values ($1, $2, 'n', 'N', 50)
           on conflict (id) do update set reserved_quantity = 7`,
          [(await stocked(0, 0)).tierId, eventId],
        ),
    ],
    ['claimed_people', async () => set('discounts', 'claimed_people = 1', await offer())],
    [
      'claimed_people of a new offer',
      () =>
        db.rows(`insert into discounts (business_id, title, claimed_people) values ($1, 'O', 1)`, [
          businessId,
        ]),
    ],
    [
      'booked_people',
      async () => set('ticketing.slot_days', 'booked_people = 0', await slotDay(2), 'slot_id'),
    ],
    [
      'booked_people of a new evening',
      async () =>
        db.rows(
          `insert into ticketing.slot_days (slot_id, business_id, date, capacity, booked_people)
             select id, business_id, '2083-01-08', 10, 9 from slots where id = $1`,
          [await slotDay(1)],
        ),
    ],
    [
      'an evening that is booked out of the way',
      async () => db.rows('delete from ticketing.slot_days where slot_id = $1', [await slotDay(2)]),
    ],
  ]
  for (const [what, work] of writes) {
    it(`${what}: refused`, async () => {
      assert.deepEqual(await refusalOf(work()), { code: '42501' })
    })
  }
  for (const column of ['people_remaining']) {
    it(`${column}: refused, PostgreSQL keeps it`, async () => {
      assert.deepEqual(await refusalOf(set('discounts', `${column} = 1`, await offer())), { code: '428C9' })
    })
  }
})

describe('TRUNCATE', () => {
  it('is refused on every table of ours, cascading or not', async () => {
    const tables = await db.rows<{ name: string }>(
      `select 'public.' || name as name from ticketing.tables union all select 'ticketing.slot_days'`,
    )
    assert.ok(tables.length > 10)
    for (const { name } of tables)
      assert.deepEqual(await refusalOf(db.rows(`truncate ${name} cascade`)), { code: '42501' }, name)
  })
})
