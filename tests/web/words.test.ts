import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { calendarIn, count, minutesLeft } from '../../src/api/pages/dates.ts'
import { money } from '../../src/api/pages/money.ts'
import { NOW } from './examples.ts'

describe('money', () => {
  const amounts: readonly (readonly [cents: number, currency: string, text: string])[] = [
    [2625, 'EUR', '€26.25'],
    [0, 'EUR', '€0.00'],
    [-2625, 'EUR', '-€26.25'],
    [99999999, 'USD', 'US$999,999.99'],
    [3000, 'JPY', 'JP¥3,000'],
    [1500, 'KWD', 'KWD 1.500'],
    [120000, 'ISK', 'ISK 1,200'],
    [500000, 'UGX', 'UGX 5,000'],
  ]
  for (const [cents, currency, text] of amounts) {
    it(`writes ${cents} minor units of ${currency} as ${text}`, () => {
      assert.equal(money(cents, currency).replaceAll('\u00a0', ' '), text)
    })
  }
})

describe('dates', () => {
  const athens = calendarIn('Europe/Athens')

  it('are told in the zone of the house, which is named', () => {
    assert.equal(athens.day('2026-11-28T22:30:00Z'), 'Sunday 29 November 2026')
    assert.equal(athens.time('2026-11-28T22:30:00Z'), '00:30 EET')
    assert.deepEqual(athens.leaf('2026-11-28T22:30:00Z'), { day: '29', month: 'Nov', weekday: 'Sun' })
  })

  it('are told in UTC where a browser does not know the name that the database took', () => {
    for (const name of ['posix/Europe/Athens', '<+03>-3', 'UTC'])
      assert.equal(calendarIn(name).time('2026-11-28T22:30:00Z'), '22:30 UTC', name)
  })

  it('name the last day of what lasts longer than a night', () => {
    assert.equal(athens.span('2026-11-28T18:00:00Z', '2026-11-28T23:00:00Z'), '20:00 to 01:00 EET')
    assert.equal(
      athens.span('2026-11-28T18:00:00Z', '2026-11-30T18:00:00Z'),
      '20:00 EET, until 30 Nov, 20:00 EET',
    )
  })

  it('name both zones where the clocks change in the night', () => {
    assert.equal(athens.span('2026-10-24T20:00:00Z', '2026-10-25T02:00:00Z'), '23:00 EEST to 04:00 EET')
    assert.equal(athens.span('2027-03-27T21:00:00Z', '2027-03-28T02:00:00Z'), '23:00 EET to 05:00 EEST')
  })

  it('count what is left in whole minutes, and never down to none', () => {
    assert.equal(minutesLeft('2026-11-21T12:14:59Z', NOW), '14 minutes')
    assert.equal(minutesLeft('2026-11-21T12:00:10Z', NOW), '1 minute')
    assert.equal(count(1200, 'ticket'), '1,200 tickets')
  })
})
