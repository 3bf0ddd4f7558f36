import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CURRENCIES, currencyNamed, minorUnits } from '../../src/core/currencies.ts'
import { chargeRules } from '../../src/payments/stand-in/currencies.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()
const standIn = chargeRules()
const codes = [...new Set([...Object.keys(CURRENCIES), ...standIn.keys()])].sort()

describe('the registry of currencies', () => {
  it('is the one of SQL', async () => {
    const own = codes.map((code) => ({ code, ...currencyNamed(code) }))
    const sql = await db.rows(
      `select code, ticketing.charge_step(code) as step, ticketing.charge_minimum(code) as minimum,
          ticketing.charge_maximum(code)::float8 as maximum, ticketing.is_currency(code) as known
        from unnest($1::text[]) with ordinality c(code, n) order by n`,
      [codes],
    )
    assert.deepEqual(
      sql,
      own.map(({ code, chargeStep, chargeMinimum, chargeMaximum }) => ({
        code,
        step: chargeStep,
        minimum: chargeMinimum,
        maximum: chargeMaximum,
        known: true,
      })),
    )
  })

  it('bounds what can be charged, to the minor unit', async () => {
    for (const code of codes) {
      const { chargeStep, chargeMinimum, chargeMaximum } = currencyNamed(code)
      const least = Math.ceil(chargeMinimum / chargeStep) * chargeStep
      const most = Math.floor(chargeMaximum / chargeStep) * chargeStep
      const amounts = [0, least - 1, least, least + chargeStep, most, most + chargeStep, chargeMaximum + 1]
      const chargeable = await db.value(
        'select array_agg(ticketing.is_chargeable(a, $2) order by n) from unnest($1::bigint[]) with ordinality c(a, n)',
        [amounts, code],
      )
      assert.deepEqual(chargeable, [true, false, true, true, true, false, false], code)
    }
  })

  it('has the exponents by which orders are shown in major units', async () => {
    const expression = await db.value<string>(
      `select pg_get_expr(adbin, adrelid) from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
        where d.adrelid = 'public.orders'::regclass and a.attname = 'total_amount'`,
    )
    const shown = await db.rows<{ code: string; amount: string }>(
      `select currency as code, ${expression} as amount
        from (select code as currency, 1000::bigint as total_cents from unnest($1::text[]) code) o`,
      [codes],
    )
    for (const { code, amount } of shown) assert.equal(Number(amount), 1000 / minorUnits(code), code)
  })
})

/** Stripe converts its minimum of the settlement currency where it names none; ours is half a major unit there. */
const UNNAMED = 1

describe('the stand-in of Stripe, whose table of currencies is its own', () => {
  it('agrees on every exponent, step and maximum', () => {
    for (const [code, { digits, step, most }] of standIn) {
      const { exponent, chargeStep, chargeMaximum } = currencyNamed(code)
      assert.deepEqual([digits, step, most], [exponent, chargeStep, chargeMaximum], code)
    }
  })

  it('knows the currencies of the registry, and no other', () => {
    assert.deepEqual(Object.keys(CURRENCIES).sort(), [...standIn.keys()].sort())
  })

  it('takes no less than the registry, but where Stripe names no minimum', () => {
    for (const [code, { least }] of standIn) {
      const { exponent, chargeMinimum } = currencyNamed(code)
      const half = exponent === 3 ? 500 : 50
      if (least === UNNAMED) assert.equal(chargeMinimum, half, code)
      else assert.equal(least, chargeMinimum, code)
    }
  })
})
