import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lawfulDatabase } from '../support/lawful-office.ts'
import { checkoutsIn } from '../support/paid-checkout.ts'

const db = await lawfulDatabase()
const { sale, buy, service } = checkoutsIn(db)

/** The provider takes whole seconds: a session's end is rounded up. */
const ROUNDING_MS = 1000

/** Other settings, given back afterwards. */
async function under(settings: string, work: () => Promise<void>): Promise<void> {
  const before = await db.rows<Record<string, unknown>>('select * from ticketing.settings')
  await db.rows(`update ticketing.settings set ${settings}`)
  try {
    await work()
  } finally {
    await db.rows(
      `update ticketing.settings set (hold_lifetime, hold_extension, extend_below, session_lifetime, payment_margin, delayed_payment_lifetime)
         = (select hold_lifetime, hold_extension, extend_below, session_lifetime, payment_margin, delayed_payment_lifetime
            from jsonb_populate_record(null::ticketing.settings, $1))`,
      [
        JSON.stringify(before[0], (_, value) =>
          value?.toPostgres === undefined ? value : value.toPostgres(),
        ),
      ],
    )
  }
}

/** A pending order with an open session and two minutes left to pay. */
async function waiting() {
  const { eventId, tierId } = await sale()
  const { order_id } = await buy(eventId, { [tierId]: 1 })
  await service('open_session', order_id, 1, { id: `cs_${order_id}`, url: 'https://pay.example/x' })
  await db.rows(`update orders set expires_at = clock_timestamp() + interval '2 minutes' where id = $1`, [
    order_id,
  ])
  return { orderId: order_id, session: `cs_${order_id}` }
}

const ends = async (orderId: string) => {
  const [row] = await db.rows<{ told: Date; held: Date; open: Date }>(
    `select o.expires_at as told, h.expires_at as held, s.expires_at as open
      from orders o join ticket_holds h on h.order_id = o.id join ticketing.checkout_sessions s on s.order_id = o.id where o.id = $1`,
    [orderId],
  )
  assert.ok(row)
  return row
}
const extend = (session: string) =>
  service<{ extended: boolean; expires_at: string }>('checkout_session_status', session)

describe('what an order was promised', () => {
  it('is what it gets: an extension that was set later is for later orders', async () => {
    const old = await waiting()
    const { told } = await ends(old.orderId)
    await under(`hold_extension = '60 minutes', session_lifetime = '3 hours'`, async () => {
      assert.equal((await extend(old.session)).extended, true)
      const now = await ends(old.orderId)
      assert.equal(now.told.getTime() - told.getTime(), 10 * 60_000)
      assert.ok(now.told <= now.held, 'told no later than it is held')
      const later = await waiting()
      await extend(later.session)
      const then = await ends(later.orderId)
      assert.ok(then.told.getTime() - Date.now() > 60 * 60_000)
      assert.ok(then.told <= then.held)
    })
  })

  it('is not taken back: no extension any more, and the old order has its own', async () => {
    const old = await waiting()
    const { told } = await ends(old.orderId)
    await under(`hold_extension = '0', extend_below = '0'`, async () => {
      assert.equal((await extend(old.session)).extended, true)
      const now = await ends(old.orderId)
      assert.equal(now.told.getTime() - told.getTime(), 10 * 60_000)
      assert.ok(now.told <= now.held, 'told no later than it is held')
    })
  })

  it('stands for days, too: a debit waits as long as was promised', async () => {
    for (const setting of ['1 day', '30 days']) {
      const { orderId, session } = await waiting()
      await under(`delayed_payment_lifetime = '${setting}'`, async () => {
        await service('settle_session', {
          id: session,
          object: 'checkout.session',
          status: 'complete',
          payment_status: 'unpaid',
          client_reference_id: orderId,
          mode: 'payment',
          amount_total: 2500,
          currency: 'eur',
          payment_intent: `pi_${orderId}`,
        })
        const { told, held } = await ends(orderId)
        const days = Math.round((told.getTime() - Date.now()) / 86_400_000)
        assert.equal(days, 7, setting)
        assert.ok(told <= held)
      })
    }
  })

  it('is read once: the session ends at most a second after the holds, under any settings', async () => {
    for (const settings of [
      `payment_margin = '0'`,
      `session_lifetime = '31 minutes', payment_margin = '10 minutes'`,
    ]) {
      await under(settings, async () => {
        const { orderId } = await waiting()
        const { open, held } = await ends(orderId)
        assert.ok(open.getTime() - held.getTime() <= ROUNDING_MS, settings)
      })
    }
  })
})
