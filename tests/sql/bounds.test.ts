import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { ANON, assertLawful, type Caller, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()
const { eventId } = await openBoxOffice(db)
const tierId = await addTier(db, eventId, { total: 1000 })
const minutesLeft = (session: string) =>
  db.value<number>(
    `select round(extract(epoch from expires_at - clock_timestamp()) / 60)::int from ticket_holds where session_id = $1`,
    [session],
  )

describe('how long a hold may be is the operator’s decision', () => {
  const callers: readonly [who: string, caller: Caller, held: number, extended: number][] = [
    ['a guest', ANON, 15, 25],
    ['a buyer', signedIn(randomUUID()), 15, 25],
    ['the service', SERVICE, 60, 90],
  ]
  for (const [who, caller, held, extended] of callers)
    it(`${who} who asks for 60 minutes and 30 more has ${held}, then ${extended}`, async () => {
      const session = randomUUID()
      const cart = JSON.stringify([{ tier_id: tierId, quantity: 1 }])
      const hold = await valueAs<{ success: boolean }>(
        db.client,
        caller,
        'select reserve_tickets_batch(p_reservations => $1, p_session_id => $2, p_expires_minutes => 60)',
        [cart, session],
      )
      assert.equal(hold.success, true)
      assert.equal(await minutesLeft(session), held)
      await valueAs(db.client, caller, 'select extend_ticket_holds($1, 30)', [session])
      assert.equal(await minutesLeft(session), extended)
    })

  it('what is less than that is given as asked', async () => {
    const session = randomUUID()
    const cart = JSON.stringify([{ tier_id: tierId, quantity: 1 }])
    await valueAs(db.client, ANON, 'select reserve_tickets_batch($1, $2, null, 5)', [cart, session])
    assert.equal(await minutesLeft(session), 5)
  })
})

describe('the key of a guest', () => {
  const order = (who: object) =>
    valueAs<{ success: boolean; order_id?: string; error_code?: string; replayed?: boolean }>(
      db.client,
      ANON,
      'select ticketing.checkout($1)',
      [
        JSON.stringify({
          event: eventId,
          items: [{ tier: tierId, quantity: 1 }],
          customer_name: 'A',
          idempotency_key: 'order-1',
          // As a function that takes only the cart for what makes two requests the same.
          fingerprint: 'cart',
          ...who,
        }),
      ],
    )

  it('is that of the address: another guest who draws the same one gets an order of their own', async () => {
    const first = await order({ customer_email: 'ada@example.org' })
    const again = await order({ customer_email: 'Ada@example.org' })
    const other = await order({ customer_email: 'ben@example.org' })
    assert.equal(first.success, true)
    assert.deepEqual([again.order_id, again.replayed], [first.order_id, true])
    assert.equal(other.success, true)
    assert.notEqual(other.order_id, first.order_id)
    await assertLawful(db)
  })

  it('is that of the session where one is named', async () => {
    const first = await order({ session_id: randomUUID() })
    const other = await order({ session_id: randomUUID() })
    assert.equal(other.success, true)
    assert.notEqual(other.order_id, first.order_id)
  })
})

it('a gate that asks a restored server hears everything once, and then what changed', async () => {
  const ids = await buyTickets(db, eventId, tierId, 3)
  // Of another cluster, which had numbered more transactions than this one.
  await db.rows(`update tickets set changed_xid = '4000000000' where event_id = $1`, [eventId])
  const ask = (since: string | null) =>
    db.value<{ full: boolean; cursor: string; tickets: Record<string, string> }>(
      'select ticketing.gate_list($1, $2)',
      [eventId, since],
    )
  const full = await ask('0123456789ab-3999999999')
  assert.equal(full.full, true)
  assert.ok((full.tickets['valid'] ?? '').length > 0)
  const next = await ask(full.cursor)
  assert.deepEqual([next.full, next.tickets], [false, { valid: '', used: '', gone: '' }])
  await db.rows(`update tickets set status = 'cancelled' where id = $1`, [ids[0]])
  assert.equal((await ask(next.cursor)).tickets['gone']?.length, 11)
})
