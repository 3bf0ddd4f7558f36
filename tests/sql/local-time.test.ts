import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { openBoxOffice } from '../support/box-office.ts'
import { ANON, refusalOf, valueAs } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()
const { businessId } = await openBoxOffice(db)
await db.rows(`update businesses set time_zone = 'Europe/Athens' where id = $1`, [businessId])

const at = (local: string | null, business = businessId) =>
  valueAs<Date>(db.client, ANON, 'select local_time($1, $2)', [business, local])

const times: readonly (readonly [why: string, local: string, utc: string])[] = [
  ['in summer', '2027-07-10 20:00', '2027-07-10T17:00:00.000Z'],
  ['in winter', '2027-01-10 20:00', '2027-01-10T18:00:00.000Z'],
  ['with seconds and a T', '2027-01-10T20:00:30', '2027-01-10T18:00:30.000Z'],
  ['shown twice: the first', '2027-10-31 03:30', '2027-10-31T00:30:00.000Z'],
  ['right after the clocks went forward', '2027-03-28 04:00', '2027-03-28T01:00:00.000Z'],
]

describe('local_time', () => {
  for (const zone of ['UTC', 'America/New_York'])
    for (const [why, local, utc] of times) {
      it(`${local}, ${why}, is ${utc} in a session of ${zone} too`, async () => {
        await db.rows(`set time zone '${zone}'`)
        assert.equal((await at(local)).toISOString(), utc)
      })
    }

  /** Clocks of Lord Howe move by half an hour; others moved by two. */
  const zones: readonly (readonly [zone: string, local: string, utc: string | undefined])[] = [
    ['Australia/Lord_Howe', '2027-04-04 01:29', '2027-04-03T14:29:00.000Z'],
    ['Australia/Lord_Howe', '2027-04-04 01:30', '2027-04-03T14:30:00.000Z'],
    ['Australia/Lord_Howe', '2027-04-04 01:59', '2027-04-03T14:59:00.000Z'],
    ['Australia/Lord_Howe', '2027-04-04 02:00', '2027-04-03T15:30:00.000Z'],
    ['Australia/Lord_Howe', '2027-04-04 20:00', '2027-04-04T09:30:00.000Z'],
    ['Australia/Lord_Howe', '2027-10-03 02:15', undefined],
    ['Australia/Lord_Howe', '2027-10-03 02:30', '2027-10-02T15:30:00.000Z'],
    ['Antarctica/Troll', '2027-10-31 01:30', '2027-10-30T23:30:00.000Z'],
    ['Antarctica/Troll', '2027-10-31 02:59', '2027-10-31T00:59:00.000Z'],
    ['Antarctica/Troll', '2027-10-31 03:00', '2027-10-31T03:00:00.000Z'],
    ['Antarctica/Troll', '2027-03-28 01:30', undefined],
    ['Asia/Kathmandu', '2027-10-31 01:30', '2027-10-30T19:45:00.000Z'],
  ]
  for (const [zone, local, utc] of zones)
    it(`${local} in ${zone} is ${utc ?? 'no time'}`, async () => {
      const { businessId: there } = await openBoxOffice(db)
      await db.rows('update businesses set time_zone = $2 where id = $1', [there, zone])
      if (utc === undefined) assert.deepEqual(await refusalOf(at(local, there)), { code: '22008' })
      else assert.equal((await at(local, there)).toISOString(), utc)
    })

  it('refuses a time that no clock shows', async () => {
    assert.deepEqual(await refusalOf(at('2027-03-28 03:30')), { code: '22008' })
  })

  it('refuses what names a zone or an offset, and what is no time', async () => {
    const wrong = [
      '2027-07-10 20:00+02',
      '2027-07-10 20:00Z',
      '2027-07-10 20:00 CET',
      '2027-07-10',
      '20:00',
      '',
      null,
    ]
    for (const local of wrong) assert.deepEqual(await refusalOf(at(local)), { code: '22007' }, String(local))
    assert.deepEqual(await refusalOf(at('2027-13-10 20:00')), { code: '22008' })
  })

  it('knows no business of nobody', async () => {
    assert.deepEqual(await refusalOf(at('2027-07-10 20:00', randomUUID())), { code: 'P0002' })
  })
})
