import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import type { EventView, TierView } from '../../src/desk/events.ts'
import { addTier, openBoxOffice, type TierOptions } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()
const EARLY = '2020-01-01T00:00:00+00:00'
const LATE = '2090-01-01T00:00:00+00:00'

interface Shop {
  readonly eventId: string
  readonly slug: string
}

/** An event of its own: what a test changes is of no other. */
async function openEvent(): Promise<Shop> {
  const { eventId, eventSlug } = await openBoxOffice(db)
  return { eventId, slug: eventSlug }
}

function read(slug: string): Promise<{ success: boolean; error?: string; event: EventView }> {
  return db.value('select ticketing.event_page($1)', [slug])
}

async function onlyTier(slug: string): Promise<TierView> {
  const [tier, ...others] = (await read(slug)).event.tiers
  assert.ok(tier !== undefined && others.length === 0)
  return tier
}

/** Whether a buyer who asks for one now gets it, and why not. */
async function refusalOf(tierId: string): Promise<string | null> {
  await db.rows('begin')
  const answer = await db.value<{ success: boolean; error?: string }>(
    'select ticketing.reserve_tickets_atomically($1, 1)',
    [tierId],
  )
  await db.rows('rollback')
  return answer.success ? null : (answer.error ?? '')
}

suite('what may be bought of a tier now', () => {
  type Case = readonly [
    what: string,
    tier: TierOptions,
    change: string,
    expected: Partial<TierView>,
    refusal: string | null,
  ]
  const hold = (quantity: number) =>
    `select ticketing.reserve_tickets_batch(jsonb_build_array(jsonb_build_object('tier_id', t.id, 'quantity', ${quantity})))
     from ticket_tiers t where t.event_id = $1`
  const sell = (quantity: number) =>
    `select ticketing.checkout(jsonb_build_object('event', t.event_id, 'customer_email', 'ada@example.org', 'items',
       jsonb_build_array(jsonb_build_object('tier', t.id, 'quantity', ${quantity})))) from ticket_tiers t where t.event_id = $1`
  const cases: readonly Case[] = [
    ['some', {}, '', { availability: 'open', left: 10, quantity_max: 10 }, null],
    ['fewer than an order may have', { total: 3, maxPerOrder: 5 }, '', { quantity_max: 3 }, null],
    ['more than an order may have', { maxPerOrder: 5 }, '', { quantity_max: 5, max_per_order: 5 }, null],
    ['more than anybody may ask for', { total: 5000 }, '', { left: 5000, quantity_max: 1000 }, null],
    ['some, with holds', {}, hold(4), { availability: 'open', left: 6, held: 4 }, null],
    [
      'all held',
      {},
      hold(10),
      { availability: 'all_held', left: 0, held: 10, is_buyable: true, quantity_max: 10 },
      'INSUFFICIENT_TICKETS',
    ],
    ['all sold', {}, sell(10), { availability: 'sold_out', is_buyable: false }, 'INSUFFICIENT_TICKETS'],
    [
      'a sale that opens',
      { saleStartAt: LATE },
      '',
      { availability: 'opens', opens_at: LATE },
      'SALE_NOT_OPEN',
    ],
    ['a sale that ended', { saleEndAt: EARLY }, '', { availability: 'closed' }, 'SALE_NOT_OPEN'],
    ['a paused tier', { status: 'paused' }, '', { availability: 'closed' }, 'TIER_INACTIVE'],
    [
      'a cancelled event',
      {},
      `update events set status = 'cancelled' where id = $1`,
      { availability: 'closed', is_buyable: false },
      'TIER_INACTIVE',
    ],
    [
      'an event that is over',
      {},
      `update events set start_at = now() - interval '2 hours', end_at = now() - interval '1 hour' where id = $1`,
      { availability: 'closed', is_buyable: false },
      'SALE_NOT_OPEN',
    ],
  ]
  for (const [what, options, change, expected, refusal] of cases) {
    test(`of ${what}, and a hold of one is judged alike`, async () => {
      const { eventId, slug } = await openEvent()
      const tierId = await addTier(db, eventId, options)
      if (change !== '') await db.rows(change, [eventId])
      const tier = await onlyTier(slug)
      const facts = Object.fromEntries(Object.keys(expected).map((key) => [key, tier[key as keyof TierView]]))
      assert.deepEqual(facts, expected)
      assert.equal(await refusalOf(tierId), refusal)
      assert.ok(tier.is_buyable || refusal !== null)
    })
  }
})

suite('an event page', () => {
  let shop: Shop
  before(async () => {
    shop = await openEvent()
    await db.rows('update events set fee_fixed_cents = 50, fee_basis_points = 300 where id = $1', [
      shop.eventId,
    ])
    await addTier(db, shop.eventId, { priceCents: 1_000 })
    await addTier(db, shop.eventId, { priceCents: 2_500 })
  })

  test('names prices with their fees, the dearest first', async () => {
    const { event } = await read(shop.slug)
    assert.deepEqual(
      event.tiers.map(({ price_cents, fee_cents, full_price_cents }) => [
        price_cents,
        fee_cents,
        full_price_cents,
      ]),
      [
        [2_500, 125, 2_625],
        [1_000, 80, 1_080],
      ],
    )
  })

  test('is of no draft, and of nothing that is not there', async () => {
    const { eventId, slug } = await openEvent()
    await db.rows(`update events set status = 'draft' where id = $1`, [eventId])
    for (const unknown of [slug, 'no-such-event']) {
      assert.equal((await read(unknown)).error, 'EVENT_NOT_FOUND')
    }
  })
})

test('what is on sale is what is published, not over, and has a tier that sells or will; the soonest first', async () => {
  const listed = async () =>
    (await db.value<EventView[]>('select ticketing.events_on_sale()')).map(({ slug }) => slug)
  const make = async (days: number, tier: TierOptions, change = '') => {
    const { eventId, slug } = await openEvent()
    await addTier(db, eventId, tier)
    await db.rows(
      `update events set start_at = now() + $2 * interval '1 day', end_at = now() + ($2 + 1) * interval '1 day' where id = $1`,
      [eventId, days],
    )
    if (change !== '') await db.rows(change, [eventId])
    return slug
  }
  await db.rows(`update events set status = 'cancelled'`)
  const later = await make(200, {})
  const soon = await make(100, { saleStartAt: LATE })
  await make(150, { saleEndAt: EARLY })
  await make(150, { status: 'paused' })
  await make(150, {}, `update events set status = 'draft' where id = $1`)
  await make(-10, {})
  assert.deepEqual(await listed(), [soon, later])
})
