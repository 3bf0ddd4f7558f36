import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { ANON, type Caller, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { lawfulDatabase, openOfficeWithFeesIn } from '../support/lawful-office.ts'
import { completed, disputeOf, eventOf, placeOrder, receive } from '../support/money.ts'

const db = await lawfulDatabase()
const house = await openOfficeWithFeesIn(db)
const neighbour = await openBoxOffice(db)
const { businessId, eventId } = house

describe('what something was made of stays with its business', () => {
  const refused = { code: '23514', constraint: 'trg_refuse_business_change' }
  const move = (table: string, id: string) =>
    db.rows(`update ${table} set business_id = $2 where id = $1`, [id, neighbour.businessId])

  it('an event with a tier', async () => {
    const { eventId: empty } = await openBoxOffice(db)
    await move('events', empty)
    await addTier(db, empty)
    await db.rows('update events set business_id = business_id where id = $1', [empty])
    await assert.rejects(
      db.rows('update events set business_id = $2 where id = $1', [empty, businessId]),
      refused,
    )
  })

  it('an offer with a claim', async () => {
    const offerId = await db.value<string>(
      `insert into discounts (business_id, title, total_people) values ($1, 'Offer', 10) returning id`,
      [businessId],
    )
    await db.rows(
      `insert into offer_claims (discount_id, user_id, party_size) values ($1, gen_random_uuid(), 1)`,
      [offerId],
    )
    await assert.rejects(move('discounts', offerId), refused)
  })
})

describe('a row says whose it is', () => {
  const whose = { event_id: eventId, business_id: businessId }
  /** What the verbs write of a sale, by table: its rows, and what stands in each of them. */
  const rows: Readonly<Record<string, string>> = {
    'ticketing.checkout_sessions': 'order_id = $1',
    'ticketing.payments': 'order_id = $1',
    'ticketing.disputes': 'order_id = $1',
    'public.webhook_events': 'order_id = $1',
    'public.idempotency_keys': `answer ->> 'order_id' = $1::text`,
    'public.scan_logs': 'ticket_id in (select id from tickets where order_id = $1)',
  }

  it('when it is sold, paid, disputed, told by the provider, or scanned', async () => {
    const key = randomUUID()
    const tierId = await addTier(db, eventId, { priceCents: 2000 })
    const request = { event: eventId, items: [{ tier: tierId, quantity: 2 }], idempotency_key: key }
    await db.value('select ticketing.checkout($1)', [request])
    const orderId = await db.value<string>(
      `select answer ->> 'order_id' from idempotency_keys where key = $1`,
      [key],
    )
    const order = {
      ...(await placeOrder(db, { eventId })),
      orderId,
      sessionId: `cs_${orderId}`,
      paymentId: `pi_${orderId}`,
      totalCents: 4140,
    }
    await receive(db.client, completed(order))
    await receive(db.client, disputeOf(order, 'needs_response'))
    await db.rows('select scan_ticket_atomic(id, gen_random_uuid()) from tickets where order_id = $1', [
      orderId,
    ])
    for (const [table, condition] of Object.entries(rows)) {
      const found = await db.rows(`select event_id, business_id from ${table} where ${condition}`, [orderId])
      assert.ok(found.length > 0, table)
      for (const row of found) assert.deepEqual(row, whose, table)
    }
    const { metadata, payment_intent_data } = await db.value<{
      metadata: object
      payment_intent_data: { metadata: object }
    }>('select parameters from ticketing.checkout_sessions where order_id = $1', [orderId])
    assert.deepEqual(metadata, { order_id: orderId, attempt: '1', ...whose })
    assert.deepEqual(payment_intent_data.metadata, metadata)
  })

  it('when a scan was made without network, and when it was refused', async () => {
    const tickets = await buyTickets(db, eventId, await addTier(db, eventId), 2)
    const [offline, twice] = tickets
    await db.rows(`select sync_offline_scan($1, gen_random_uuid(), now())`, [offline])
    for (let time = 0; time < 2; time++)
      await db.rows(`select scan_ticket_atomic($1, gen_random_uuid())`, [twice])
    const found = await db.rows('select event_id, business_id from scan_logs where ticket_id = any($1)', [
      tickets,
    ])
    assert.deepEqual(found, [whose, whose, whose])
    await db.rows(`select scan_ticket_atomic($1, gen_random_uuid())`, [randomUUID()])
    const [stranger] = await db.rows(
      'select business_id from scan_logs where event_id is null and ticket_id is null',
    )
    assert.deepEqual(stranger, { business_id: null })
  })

  it('when it is claimed, and whatever the row says of itself', async () => {
    const offer = await db.value<string>(
      `insert into discounts (business_id, title, total_people) values ($1, 'Offer', 9) returning id`,
      [businessId],
    )
    await valueAs(db.client, signedIn(randomUUID()), 'select claim_offer_spots_atomically($1, 2)', [offer])
    await db.rows('insert into offer_claims (discount_id, business_id, party_size) values ($1, $2, 1)', [
      offer,
      neighbour.businessId,
    ])
    assert.deepEqual(await db.rows('select distinct business_id from offer_claims'), [
      { business_id: businessId },
    ])
  })

  it('when a table is booked', async () => {
    await db.rows(
      `insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size) values ($1, 5, '19:00', '22:00', 9, 9)`,
      [businessId],
    )
    const booked = await valueAs<{ success: boolean }>(
      db.client,
      signedIn(randomUUID()),
      `select book_slot_atomically($1, '2086-01-04', '19:30', 2, 'Ada')`,
      [businessId],
    )
    assert.equal(booked.success, true)
    assert.deepEqual(await db.rows('select business_id from ticketing.slot_days'), [
      { business_id: businessId },
    ])
  })

  it('an event of the provider once it is known: told before its payment, it is nobody’s until then', async () => {
    const order = await placeOrder(db, { eventId })
    const early = disputeOf(order, 'needs_response')
    assert.equal((await receive(db.client, early)).outcome, 'UNMATCHED')
    const of = 'select event_id, business_id from webhook_events where id = $1'
    assert.deepEqual(await db.rows(of, [early['id']]), [{ event_id: null, business_id: null }])
    await receive(db.client, completed(order))
    assert.deepEqual(await db.rows(of, [early['id']]), [whose])
  })

  it('and nobody’s where it is about no order of ours', async () => {
    const stranger = eventOf('checkout.session.completed', {
      id: 'cs_stranger',
      payment_status: 'paid',
      payment_intent: 'pi_stranger',
      amount_total: 100,
      currency: 'eur',
    })
    assert.equal((await receive(db.client, stranger)).outcome, 'UNMATCHED')
    const payment = `select event_id, business_id from ticketing.payments where id = 'pi_stranger'`
    assert.deepEqual(await db.rows(payment), [{ event_id: null, business_id: null }])
  })

  it('in every table that is moved with its business, but for those that name an order, an event or an offer', async () => {
    const bare = await db.rows<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c
       where c.relkind = 'r' and c.relnamespace::regnamespace::text in ('public', 'ticketing') and not exists (
         select from pg_attribute a where a.attrelid = c.oid and not a.attisdropped and a.attname in ('event_id', 'business_id'))`,
    )
    assert.deepEqual(bare.map(({ name }) => name).toSorted(), [
      // Of the installation, not of a business.
      'businesses',
      'ticketing.code_keys',
      'ticketing.definitions',
      'ticketing.installed_parts',
      'ticketing.laws',
      'ticketing.migrations',
      'ticketing.protections',
      'ticketing.settings',
      'ticketing.tables',
      'ticketing.transaction_lives',
    ])
  })
})

interface Answer {
  readonly success: boolean
  readonly order_id?: string
  readonly claim_id?: string
  readonly reservation_id?: string
  readonly replayed?: boolean
  readonly error?: string
  readonly error_code?: string
}

describe('a key counts per caller and business', () => {
  const made = ({ order_id, claim_id, reservation_id }: Answer) => order_id ?? claim_id ?? reservation_id
  const kinds: Readonly<
    Record<string, (of: typeof neighbour, key: string, caller: Caller, n: number) => Promise<Answer>>
  > = {
    'a checkout': async (of, key, caller, n) => {
      const tier = (
        await db.rows<{ id: string }>(`select id from ticket_tiers where event_id = $1 and slug = 'keyed'`, [
          of.eventId,
        ])
      )[0]
      return valueAs(db.client, caller, 'select ticketing.checkout($1)', [
        {
          event: of.eventSlug,
          items: [
            {
              tier: tier?.id ?? (await addTier(db, of.eventId, { slug: 'keyed', total: 1000 })),
              quantity: n,
            },
          ],
          customer_email: 'ada@example.org',
          idempotency_key: key,
        },
      ])
    },
    'a claim': async (of, key, caller, n) => {
      const [offer] = await db.rows<{ id: string }>(
        `select id from discounts where business_id = $1 and title = 'Keyed'`,
        [of.businessId],
      )
      const id =
        offer?.id ??
        (await db.value(`insert into discounts (business_id, title) values ($1, 'Keyed') returning id`, [
          of.businessId,
        ]))
      return valueAs(db.client, caller, 'select ticketing.claim_offer_spots_atomically($1, $2, $3)', [
        id,
        n,
        key,
      ])
    },
    'a booking': async (of, key, caller, n) => {
      await db.rows(
        `insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
         select $1, 6, '19:00', '22:00', 99, 9 where not exists (select from slots where business_id = $1 and weekday = 6)`,
        [of.businessId],
      )
      return valueAs(
        db.client,
        caller,
        `select ticketing.book_slot_atomically($1, '2086-01-05', '19:30', $2, 'Ada', p_idempotency_key => $3)`,
        [of.businessId, n, key],
      )
    },
  }
  const callers: Readonly<Record<string, Caller>> = {
    user: signedIn(randomUUID()),
    service: SERVICE,
    guest: ANON,
  }

  for (const [what, ask] of Object.entries(kinds))
    for (const [who, caller] of Object.entries(callers)) {
      if (who === 'guest' && what !== 'a checkout') continue
      it(`of ${what} by a ${who}: two businesses, two requests, each repeated by its own`, async () => {
        const key = randomUUID()
        const first = await ask(house, key, caller, 1)
        const second = await ask(neighbour, key, caller, 2)
        assert.deepEqual([first.success, second.success, second.replayed], [true, true, false])
        assert.notEqual(made(first), made(second))
        for (const [of, before, n] of [
          [house, first, 1],
          [neighbour, second, 2],
        ] as const) {
          const again = await ask(of, key, caller, n)
          assert.deepEqual([again.replayed, made(again)], [true, made(before)])
          const other = await ask(of, key, caller, n + 1)
          assert.equal(other.error_code ?? other.error, 'IDEMPOTENCY_KEY_REUSED')
        }
      })
    }

  it('at an event that there is not, it is any that the caller used', async () => {
    const key = randomUUID()
    const caller = signedIn(randomUUID())
    assert.equal((await kinds['a checkout']?.(house, key, caller, 1))?.success, true)
    const nowhere = { ...house, eventSlug: 'no-such-event' }
    assert.equal((await kinds['a checkout']?.(nowhere, key, caller, 1))?.error_code, 'IDEMPOTENCY_KEY_REUSED')
    assert.equal(
      (await kinds['a checkout']?.(nowhere, randomUUID(), caller, 1))?.error_code,
      'EVENT_NOT_FOUND',
    )
  })
})
