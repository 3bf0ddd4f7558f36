import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { OperatingFigures } from '../../src/desk/figures.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()
const house = await openBoxOffice(db)
const figures = (events = 20) =>
  db.value<OperatingFigures>('select ticketing.operating_figures($1)', [events])

/** Pages that one question reads. */
async function pagesRead(): Promise<number> {
  // The first of a session reads the catalogues too.
  await figures()
  const [plan] = await db.rows<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }>(
    'explain (analyze, buffers, format json) select ticketing.operating_figures(20)',
  )
  const { Plan: read = {} } = plan?.['QUERY PLAN'][0] ?? {}
  return (read['Shared Hit Blocks'] ?? 0) + (read['Shared Read Blocks'] ?? 0)
}

/** So many of everything that is over, and never was to be watched; its triggers are another test's. */
async function makePast(count: number): Promise<void> {
  const tier = await addTier(db, house.eventId, { total: 1_000_000 })
  const tables = [
    'orders',
    'order_items',
    'tickets',
    'ticket_holds',
    'webhook_events',
    'ticketing.payments',
    'ticketing.refunds',
  ]
  for (const table of tables) await db.rows(`alter table ${table} disable trigger user`)
  await db.client.query(`
    insert into orders (id, event_id, session_id, status, currency, total_cents, subtotal_cents, customer_email, customer_name)
      select gen_random_uuid(), '${house.eventId}', 'past ' || n, 'paid', 'EUR', 1000, 1000, 'a@example.org', 'A'
      from generate_series(1, ${count}) n;
    insert into order_items (id, order_id, event_id, tier_id, quantity, unit_price_cents)
      select gen_random_uuid(), id, event_id, '${tier}', 1, 1000 from orders;
    insert into tickets (id, event_id, tier_id, order_id, order_item_id, ordinal)
      select gen_random_uuid(), event_id, tier_id, order_id, id, 1 from order_items;
    insert into ticket_holds (id, event_id, tier_id, session_id, quantity, status, expires_at)
      select gen_random_uuid(), event_id, '${tier}', session_id, 1, 'converted', now() - interval '1 day' from orders;
    insert into webhook_events (id, type, outcome) select 'evt_' || n, 'x', 'ISSUED' from generate_series(1, ${count}) n;
    insert into ticketing.payments (id, order_id, event_id, amount_cents, currency, status)
      select 'pi_' || id, id, event_id, 1000, 'EUR', 'kept' from orders;
    insert into ticketing.refunds (payment_id, order_id, event_id, amount_cents, currency, cause, status)
      select 'pi_' || id, id, event_id, 1000, 'EUR', 'staff', 'succeeded' from orders;`)
  for (const table of tables) await db.rows(`alter table ${table} enable trigger user`)
}

describe('operating_figures', () => {
  it('reads no more where twenty thousand orders are over, analyzed or not', async () => {
    const before = await pagesRead()
    await makePast(20_000)
    const never = await pagesRead()
    assert.ok(never < before + 100, `${before} pages, then ${never}`)
    await db.rows('vacuum analyze')
    const analyzed = await pagesRead()
    assert.ok(analyzed < before + 100, `${before} pages, then ${analyzed}`)
  })

  it('says how long ago the most overdue hold ended, and nothing of those that live', async () => {
    const tier = await addTier(db, house.eventId, { total: 100 })
    const hold = (ends: string) =>
      db.rows(
        `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
         values ($1, $2, gen_random_uuid()::text, 1, now() + $3::interval)`,
        [house.eventId, tier, ends],
      )
    await hold('1 hour')
    assert.equal((await figures()).holds_overdue_seconds, 0)
    await hold('-90 seconds')
    await hold('-10 seconds')
    const { holds_overdue_seconds } = await figures()
    assert.ok(holds_overdue_seconds >= 90 && holds_overdue_seconds < 900, String(holds_overdue_seconds))
    const before = (await figures()).holds_expired
    await db.rows('select ticketing.expire_ticket_holds(1000)')
    const after = await figures()
    assert.deepEqual([after.holds_overdue_seconds, after.holds_expired - before], [0, 2])
  })

  it("counts what is owed by status and currency, and money that is nobody's", async () => {
    const before = await figures()
    await db.client.query(`
      with o as (insert into orders (event_id, session_id, status, currency, total_cents, customer_email, customer_name)
        values ('${house.eventId}', 'owed', 'paid', 'EUR', 0, 'owed@example.org', 'Owed') returning id)
      insert into ticketing.refunds (payment_id, order_id, event_id, amount_cents, currency, cause, status, ask_at)
        select 'pi_' || n, o.id, '${house.eventId}', n * 100, c.currency, 'staff', c.status, now() - interval '1 hour'
        from o, generate_series(1, 3) n, (values ('EUR', 'queued'), ('JPY', 'failed')) c (currency, status);
      insert into ticketing.payments (id, amount_cents, currency, status) values ('pi_stray', 700, 'EUR', 'unmatched');
      insert into webhook_events (id, type, outcome, payload) values ('evt_stray', 'x', 'UNMATCHED', '{}')`)
    const after = await figures()
    assert.deepEqual(after.refunds, [
      { status: 'failed', currency: 'JPY', count: 3, cents: 600 },
      { status: 'queued', currency: 'EUR', count: 3, cents: 600 },
    ])
    assert.equal(after.payments_unmatched, before.payments_unmatched + 1)
    assert.equal(after.webhooks_unmatched, before.webhooks_unmatched + 1)
    assert.ok(after.refunds_overdue_seconds >= 3600)
    assert.doesNotMatch(JSON.stringify(after), /@|Owed/)
  })

  it('names the busiest events that are on sale, as many as are asked for, and counts all', async () => {
    await db.client.query(`
      with e as (insert into events (business_id, slug, title, start_at, end_at, status)
        select '${house.businessId}', 'many-' || n, 'Many', now(), now() + interval '1 day', s.status
        from generate_series(1, 30) n, (values ('published')) s (status) returning id, slug)
      insert into ticket_tiers (event_id, slug, name, total_quantity) select id, 'floor', 'Floor', 10 from e;
      insert into events (business_id, slug, title, start_at, end_at, status) values
        ('${house.businessId}', 'a-draft', 'A', now(), now() + interval '1 day', 'draft'),
        ('${house.businessId}', 'a-cancelled', 'A', now(), now() + interval '1 day', 'cancelled')`)
    const busy = await db.value<string>(
      `select t.id from ticket_tiers t join events e on e.id = t.event_id where e.slug = 'many-17'`,
    )
    await db.rows(
      `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
       select event_id, id, 'busy', 9, now() + interval '1 hour' from ticket_tiers where id = $1`,
      [busy],
    )
    const { events, events_on_sale, total, sold, held } = await figures(5)
    assert.equal(events.length, 5)
    assert.ok(events.some(({ slug, held: busiest }) => slug === 'many-17' && busiest === 9))
    assert.equal(events_on_sale, 31)
    const [row] = await db.rows(
      `select sum(total_quantity)::integer as total, sum(sold_quantity)::integer as sold, sum(reserved_quantity)::integer as held
       from ticket_tiers`,
    )
    assert.deepEqual({ total, sold, held }, row)
    assert.deepEqual((await figures(0)).events, [])
    for (const wrong of [-1, 101]) await assert.rejects(figures(wrong), { code: '22023' })
  })
})
