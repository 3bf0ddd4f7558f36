import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { addTier, addUnjudgedTier } from '../support/box-office.ts'
import { ANON, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'
import { type Answer, checkoutsIn } from '../support/paid-checkout.ts'

const db = await lawfulDatabase()
const { sale, buy, service, free } = checkoutsIn(db)

describe('a checkout that costs something', () => {
  it('holds the tickets until the payment deadline, and tells the buyer an earlier end', async () => {
    const { eventId, eventSlug, tierId } = await sale({}, { fixed: 50, points: 1000 })
    const answer = await buy(eventId, { [tierId]: 2 })
    assert.equal(answer.status, 'pending')
    assert.equal(answer.is_free, false)
    assert.equal(answer.tickets, null)
    assert.deepEqual(
      [answer.subtotal_cents, answer.fees_cents, answer.total_cents, answer.currency],
      [5000, 600, 5600, 'EUR'],
    )
    const [times] = await db.rows<{ told: number; session: number; deadline: number }>(
      `select extract(epoch from o.expires_at - o.created_at)::int / 60 as told,
         extract(epoch from s.expires_at - o.created_at)::int / 60 as session,
         extract(epoch from h.expires_at - o.created_at)::int / 60 as deadline
       from orders o join ticket_holds h on h.order_id = o.id join ticketing.checkout_sessions s on s.order_id = o.id
       where o.id = $1`,
      [answer.order_id],
    )
    assert.deepEqual(times, { told: 15, session: 46, deadline: 48 })
    assert.equal(answer.hold_ids.length, 1)
    const { parameters, ...payment } = answer.payment
    assert.equal(payment.key, `session:${answer.order_id}:1`)
    assert.equal(payment.state, 'creating')
    assert.equal(parameters.expires_at, Date.parse(payment.expires_at) / 1000)
    assert.equal(parameters['client_reference_id'], answer.order_id)
    assert.equal(parameters['cancel_url'], `https://tickets.example/events/${eventSlug}`)
    assert.equal(parameters['success_url'], answer.order_url)
    assert.deepEqual(
      parameters.line_items.map((line) => [
        line.quantity,
        line.price_data.unit_amount,
        line.price_data.currency,
      ]),
      [
        [2, 2500, 'eur'],
        [1, 600, 'eur'],
      ],
    )
  })

  it('lets the free tickets of a mixed cart wait for the payment', async () => {
    const { eventId, tierId } = await sale()
    const gift = await addTier(db, eventId, { total: 3 })
    const answer = await buy(eventId, { [tierId]: 1, [gift]: 3 })
    assert.equal(answer.status, 'pending')
    assert.equal(
      await db.value('select count(*)::int from tickets where order_id = $1', [answer.order_id]),
      0,
    )
    assert.equal(await free(gift), 0)
  })

  const amounts: readonly [string, number, number, number, number, number | string][] = [
    ['EUR', 2500, 0, 0, 1, 2500],
    ['EUR', 999, 0, 250, 1, 1024],
    ['EUR', 1010, 0, 250, 2, 2070],
    ['EUR', 50, 0, 0, 1, 50],
    ['EUR', 49, 0, 0, 1, 'AMOUNT_NOT_CHARGEABLE'],
    ['GBP', 30, 0, 0, 1, 30],
    ['JPY', 500, 0, 333, 1, 517],
    ['JPY', 49, 0, 0, 1, 'AMOUNT_NOT_CHARGEABLE'],
    ['KWD', 1000, 0, 333, 1, 1030],
    ['KWD', 1005, 0, 0, 1, 'AMOUNT_NOT_CHARGEABLE'],
    ['ISK', 50_000, 0, 333, 1, 51_700],
    ['ISK', 50_050, 0, 0, 1, 'AMOUNT_NOT_CHARGEABLE'],
    ['EUR', 50_000_000, 0, 0, 2, 'AMOUNT_NOT_CHARGEABLE'],
  ]
  for (const [currency, price, fixed, points, quantity, expected] of amounts) {
    it(`charges ${quantity} × ${price} ${currency} with ${points} basis points: ${expected}`, async () => {
      const add = quantity === 1 && typeof expected === 'string' ? addUnjudgedTier : addTier
      const { eventId, tierId } = await sale({ priceCents: price }, { currency, fixed, points }, add)
      const answer = await buy(eventId, { [tierId]: quantity })
      assert.equal(answer.success ? answer.total_cents : answer.error_code, expected)
      if (!answer.success) assert.equal(await free(tierId), 10)
    })
  }

  it('has one currency an event: a tier of another is refused', async () => {
    const { eventId } = await sale()
    await assert.rejects(
      db.rows(
        `insert into ticket_tiers (event_id, slug, name, currency, total_quantity) values ($1, 'usd', 'X', 'USD', 1)`,
        [eventId],
      ),
      { code: '23503' },
    )
  })
})

describe('a key', () => {
  it('resumes a pending order, in the state that it has by now', async () => {
    const { eventId, tierId } = await sale()
    const key = { idempotency_key: randomUUID() }
    const first = await buy(eventId, { [tierId]: 1 }, key)
    assert.equal(first.replayed, false)
    await service('open_session', first.order_id, 1, {
      id: `cs_${first.order_id}`,
      url: 'https://pay.example/x',
    })
    const second = await buy(eventId, { [tierId]: 1 }, key)
    assert.deepEqual(
      [second.order_id, second.replayed, second.payment.state, second.payment.session_id],
      [first.order_id, true, 'open', `cs_${first.order_id}`],
    )
    assert.equal(await free(tierId), 9)
  })

  it('at sold out gives the winner its win again', async () => {
    const { eventId, tierId } = await sale({ total: 1 })
    const key = { idempotency_key: randomUUID() }
    const winner = await buy(eventId, { [tierId]: 1 }, key)
    assert.equal((await buy(eventId, { [tierId]: 1 })).error_code, 'INSUFFICIENT_TICKETS')
    assert.equal((await buy(eventId, { [tierId]: 1 }, key)).order_id, winner.order_id)
  })

  it('whose time is over waits for the provider, then starts anew', async () => {
    const { eventId, tierId } = await sale({ total: 1 })
    const key = { idempotency_key: randomUUID() }
    const first = await buy(eventId, { [tierId]: 1 }, key)
    await db.rows(`update orders set expires_at = now() - interval '1 second' where id = $1`, [
      first.order_id,
    ])
    assert.equal((await buy(eventId, { [tierId]: 1 }, key)).error_code, 'HOLD_EXPIRED')
    assert.deepEqual(await service('refuse_session', first.order_id, 1, 'no'), { success: true, released: 1 })
    const second = await buy(eventId, { [tierId]: 1 }, key)
    assert.equal(second.success, true)
    assert.notEqual(second.order_id, first.order_id)
    assert.equal((await buy(eventId, { [tierId]: 1 }, key)).order_id, second.order_id)
  })

  it('used by ten at once makes one order', async () => {
    const { eventId, tierId } = await sale({ total: 3 })
    const key = { idempotency_key: randomUUID() }
    const clients = await Promise.all(Array.from({ length: 10 }, () => db.connect()))
    const answers = await Promise.all(
      clients.map((client) =>
        valueAs<Answer>(client, ANON, 'select ticketing.checkout($1)', [
          JSON.stringify({ event: eventId, items: [{ tier: tierId, quantity: 1 }], ...key }),
        ]),
      ),
    )
    const [won, ...more] = answers.filter(({ success }) => success)
    assert.ok(won?.order_url !== undefined && more.length === 0)
    assert.equal(await free(tierId), 2)
    // Nothing says that it was one guest: who did not make the order learns nothing of it.
    for (const answer of answers.filter(({ success }) => !success)) {
      assert.equal(answer.error_code, 'IDEMPOTENCY_KEY_REUSED')
      const known = ['order_id', 'session_id', 'order_url', 'tickets', 'total_cents']
      assert.deepEqual(
        known.filter((name) => Object.hasOwn(answer, name)),
        [],
      )
    }
  })
})

describe('a limit per person', () => {
  it('holds across tabs, sessions, purchases and the case of an address', async () => {
    const { eventId, tierId } = await sale({ priceCents: 0, maxPerPerson: 2, total: 100 })
    assert.equal((await buy(eventId, { [tierId]: 1 })).success, true)
    assert.equal((await buy(eventId, { [tierId]: 2 })).error_code, 'LIMIT_EXCEEDED')
    assert.equal((await buy(eventId, { [tierId]: 1 }, { customer_email: 'ADA@Example.org' })).success, true)
    assert.equal((await buy(eventId, { [tierId]: 1 })).error_code, 'LIMIT_EXCEEDED')
    assert.equal((await buy(eventId, { [tierId]: 2 }, { customer_email: 'bob@example.org' })).success, true)
  })

  it('counts a user under any address, what is only held too, and gives back what is released', async () => {
    const { eventId, tierId } = await sale({ maxPerPerson: 2, total: 100 })
    const ada = signedIn(randomUUID())
    const first = await buy(eventId, { [tierId]: 1 }, { customer_email: 'one@example.org' }, ada)
    const reserve = () =>
      valueAs<{ success: boolean; error?: string }>(
        db.client,
        ada,
        'select reserve_tickets_atomically($1, 1)',
        [tierId],
      )
    assert.equal((await reserve()).success, true)
    assert.equal((await reserve()).error, 'LIMIT_EXCEEDED')
    assert.equal(
      (await buy(eventId, { [tierId]: 2 }, { customer_email: 'two@example.org' }, ada)).error_code,
      'LIMIT_EXCEEDED',
    )
    await service('refuse_session', first.order_id, 1, 'no')
    assert.equal((await reserve()).success, true)
  })

  it('refuses a guest who is nobody', async () => {
    const { tierId } = await sale({ maxPerPerson: 2 })
    const answer = await valueAs<{ error: string }>(
      db.client,
      ANON,
      'select reserve_tickets_atomically($1, 1)',
      [tierId],
    )
    assert.equal(answer.error, 'PERSON_REQUIRED')
  })

  it('judged before the lock lets two tabs have too many; ours does not', async () => {
    const race = async (verb: string) => {
      const { eventId, tierId } = await sale({ priceCents: 0, maxPerPerson: 1, total: 100 })
      const blocker = await db.connect()
      await blocker.query('begin')
      await blocker.query('select ticketing.lock_tiers(array[$1::uuid])', [tierId])
      const tabs = await Promise.all([db.connect(), db.connect()])
      const request = {
        event: eventId,
        items: [{ tier: tierId, quantity: 1 }],
        customer_email: 'ada@example.org',
      }
      const answers = tabs.map((tab) =>
        valueAs<Answer>(tab, SERVICE, `select ticketing.${verb}($1)`, [JSON.stringify(request)]),
      )
      await untilWaiting(db, 2)
      await blocker.query('commit')
      return (await Promise.all(answers)).filter((answer) => answer.success).length
    }
    await db.rows(`create function ticketing.naive_checkout(p_request jsonb) returns jsonb language plpgsql security definer as $$
      declare v_tier uuid := p_request #>> '{items,0,tier}';
      begin
        if ticketing.person_quantity((p_request ->> 'event')::uuid, v_tier, null, p_request ->> 'customer_email', now()) >= 1 then
          return '{"success": false}';
        end if;
        update ticket_tiers set max_per_person = null where id = v_tier;
        return ticketing.checkout(p_request);
      end $$`)
    assert.equal(await race('naive_checkout'), 2)
    assert.equal(await race('checkout'), 1)
  })
})
