import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addTier, addUnjudgedTier, openBoxOffice } from '../support/box-office.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'
import { checkoutsIn } from '../support/paid-checkout.ts'

const db = await lawfulDatabase()
const { sale, buy, free } = checkoutsIn(db)

const UNPAYABLE = { code: '23514', constraint: 'check_price_chargeable', message: /^AMOUNT_NOT_CHARGEABLE: / }
const UNKNOWN = {
  code: '23514',
  constraint: 'check_currency_supported',
  message: /^CURRENCY_NOT_SUPPORTED: /,
}

describe('a price, when it is saved', () => {
  const prices: readonly (readonly [currency: string, price: number, fixed: number, isTaken: boolean])[] = [
    ['EUR', 0, 0, true],
    ['EUR', 1, 0, false],
    ['EUR', 49, 0, false],
    ['EUR', 49, 1, true],
    ['EUR', 50, 0, true],
    ['EUR', 99_999_999, 0, true],
    ['EUR', 99_999_999, 1, false],
    ['EUR', 100_000_000, 0, false],
    ['EUR', Number.MAX_SAFE_INTEGER, 0, false],
    ['JPY', 49, 0, false],
    ['JPY', 50, 0, true],
    ['KWD', 1250, 0, true],
    ['KWD', 1255, 0, false],
    ['KWD', 1255, 5, false],
    ['ISK', 50_050, 0, false],
    ['UGX', 50_000, 0, true],
    ['IDR', 150_000_000, 0, true],
    ['IDR', 999_999_999_999, 0, true],
    ['IDR', 1_000_000_000_000, 0, false],
  ]
  for (const [currency, price, fixed, isTaken] of prices) {
    it(`of ${price} ${currency} with a fee of ${fixed} is ${isTaken ? 'taken' : 'refused'}`, async () => {
      const { eventId } = await sale({ priceCents: 0 }, { currency, fixed })
      const saved = addTier(db, eventId, { priceCents: price })
      if (!isTaken) return assert.rejects(saved, UNPAYABLE)
      const tierId = await saved
      await assert.rejects(
        db.rows('update ticket_tiers set price_cents = price_cents + 1e12 where id = $1', [tierId]),
        UNPAYABLE,
      )
      const { total_cents } = await buy(eventId, { [tierId]: 1 })
      assert.equal(total_cents, price === 0 ? 0 : price + fixed)
    })
  }

  it('is judged again where the fee or the currency of its event makes another of it', async () => {
    const { eventId } = await sale({ priceCents: 99_999_990 })
    const set = (what: string) => db.rows(`update events set ${what} where id = $1`, [eventId])
    await assert.rejects(set('fee_fixed_cents = 10'), UNPAYABLE)
    await assert.rejects(set('fee_basis_points = 1'), UNPAYABLE)
    await assert.rejects(set(`currency = 'HKD', fee_fixed_cents = 1000`), UNPAYABLE)
    await set('fee_fixed_cents = 9')
    const cheap = await sale({ priceCents: 100 })
    await assert.rejects(
      db.rows(`update events set currency = 'CZK' where id = $1`, [cheap.eventId]),
      UNPAYABLE,
    )
  })

  it('is in a currency that the provider takes, also where everything is free', async () => {
    for (const currency of ['XXX', 'XTS', 'AAA', 'EEK']) {
      const { eventId } = await openBoxOffice(db)
      await assert.rejects(
        db.rows('update events set currency = $2 where id = $1', [eventId, currency]),
        UNKNOWN,
      )
    }
  })

  it('that was saved before anything judged it sells nothing, and its tier can be changed', async () => {
    const { eventId, tierId } = await sale({ priceCents: 1 }, {}, addUnjudgedTier)
    assert.equal((await buy(eventId, { [tierId]: 1 })).error_code, 'AMOUNT_NOT_CHARGEABLE')
    await db.rows(`update ticket_tiers set status = 'paused' where id = $1`, [tierId])
  })
})

describe('huge amounts', () => {
  it('are summed in 64 bits, and refused where the provider takes no more', async () => {
    const { eventId, tierId } = await sale({ priceCents: 999_999_999_999, total: 1000 }, { currency: 'IDR' })
    assert.equal((await buy(eventId, { [tierId]: 1000 })).error_code, 'AMOUNT_NOT_CHARGEABLE')
    assert.equal((await buy(eventId, { [tierId]: 1 })).total_cents, 999_999_999_999)
  })

  it('have fees that are amounts too', async () => {
    const { eventId, tierId } = await sale(
      { priceCents: 400_000_000_000, total: 10 },
      { currency: 'IDR', points: 10_000 },
    )
    const { subtotal_cents, fees_cents, payment } = await buy(eventId, { [tierId]: 1 })
    assert.deepEqual([subtotal_cents, fees_cents], [400_000_000_000, 400_000_000_000])
    assert.equal(payment.parameters.line_items[0]?.price_data.unit_amount, 400_000_000_000)
  })
})

describe('a total that was shown', () => {
  const shown = (expected_total_cents: unknown, expected_currency?: string) => ({
    expected_total_cents,
    expected_currency,
  })

  it('that grew is refused with the new one, and nothing is held', async () => {
    const { eventId, tierId } = await sale()
    const changes = ['price_cents = 2501', 'price_cents = 9900']
    for (const change of changes) {
      await db.rows(`update ticket_tiers set ${change} where id = $1`, [tierId])
      const refused = await buy(eventId, { [tierId]: 2 }, shown(5000))
      const total = change === 'price_cents = 2501' ? 5002 : 19_800
      assert.deepEqual(
        [refused.error_code, refused.total_cents, refused.currency],
        ['PRICE_CHANGED', total, 'EUR'],
      )
    }
    await db.rows('update ticket_tiers set price_cents = 2500 where id = $1', [tierId])
    await db.rows('update events set fee_fixed_cents = 1 where id = $1', [eventId])
    assert.equal((await buy(eventId, { [tierId]: 1 }, shown(2500))).error_code, 'PRICE_CHANGED', 'the fee')
    assert.equal(await free(tierId), 10)
    assert.equal((await buy(eventId, { [tierId]: 1 }, shown(2501))).success, true)
  })

  it('that fell is sold at the lower', async () => {
    const { eventId, tierId } = await sale()
    assert.equal((await buy(eventId, { [tierId]: 1 }, shown(9900, 'EUR'))).total_cents, 2500)
  })

  it('of nothing is not sold for something', async () => {
    const { eventId, tierId } = await sale()
    assert.equal((await buy(eventId, { [tierId]: 1 }, shown(0))).error_code, 'PRICE_CHANGED')
  })

  it('in another currency is another price, whatever its number', async () => {
    const { eventId, tierId } = await sale({}, { currency: 'GBP' })
    assert.equal((await buy(eventId, { [tierId]: 1 }, shown(2500, 'EUR'))).error_code, 'PRICE_CHANGED')
    assert.equal((await buy(eventId, { [tierId]: 1 }, shown(99_999, 'EUR'))).error_code, 'PRICE_CHANGED')
    assert.equal((await buy(eventId, { [tierId]: 1 }, shown(2500, 'gbp'))).success, true)
  })

  it('is refused before what is left is looked at, after what can be charged at all', async () => {
    const { eventId, tierId } = await sale({ total: 0 })
    assert.equal((await buy(eventId, { [tierId]: 1 }, shown(1))).error_code, 'PRICE_CHANGED')
    assert.equal((await buy(eventId, { [tierId]: 1 }, shown(2500))).error_code, 'INSUFFICIENT_TICKETS')
    const offline = { ...shown(1), takes_payments: false }
    assert.equal((await buy(eventId, { [tierId]: 1 }, offline)).error_code, 'PAYMENT_UNAVAILABLE')
  })

  it('that is no number is no request', async () => {
    const { eventId, tierId } = await sale()
    for (const total of ['2500', true, {}, [2500]])
      assert.equal((await buy(eventId, { [tierId]: 1 }, shown(total))).error_code, 'INVALID_REQUEST')
    assert.equal((await buy(eventId, { [tierId]: 1 }, shown(null))).success, true)
  })

  it('does not keep a key from what it won', async () => {
    const { eventId, tierId } = await sale()
    const key = { idempotency_key: 'shown', fingerprint: 'f' }
    const won = await buy(eventId, { [tierId]: 1 }, { ...key, ...shown(2500) })
    await db.rows('update ticket_tiers set price_cents = 9900 where id = $1', [tierId])
    const again = await buy(eventId, { [tierId]: 1 }, { ...key, ...shown(2500) })
    assert.deepEqual([again.order_id, again.replayed, again.total_cents], [won.order_id, true, 2500])
  })
})
