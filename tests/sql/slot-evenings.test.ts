import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { refusalOf, signedIn, valueAs } from '../support/callers.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

const db = await lawfulDatabase()
const ada = signedIn(randomUUID())

// In Berlin the clock goes from 02:00 to 03:00 on 31 March 2086, and from 03:00 back to 02:00 on 27 October 2086.
const SPRING = '2086-03-30'
const AUTUMN = '2086-10-26'

interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly starts_at?: string
}

/** A house in a time zone, with one slot on every Saturday. */
async function houseIn(timeZone: string, from: string, to: string): Promise<{ house: string; slot: string }> {
  const [row] = await db.rows<{ house: string; slot: string }>(
    `with b as (insert into businesses (slug, name, time_zone) values ('z-' || left(gen_random_uuid()::text, 8), 'Z', $1) returning id),
       s as (insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
             select id, 6, $2, $3, 10, 10 from b returning id)
     select b.id as house, s.id as slot from b, s`,
    [timeZone, from, to],
  )
  if (row === undefined) throw new Error('no house')
  return row
}

const book = (house: string, date: string, time: string) =>
  valueAs<Answer>(db.client, ada, 'select book_slot_atomically($1, $2, $3, 2, $4)', [
    house,
    date,
    time,
    'Ada',
  ])

describe('a night on which the clock changes', () => {
  const nights: readonly [string, string, string, string | undefined][] = [
    ['before midnight, as on any night', SPRING, '23:30', '2086-03-30T22:30:00Z'],
    ['before the clock goes forward', SPRING, '01:30', '2086-03-31T00:30:00Z'],
    ['when there is no such time', SPRING, '02:30', undefined],
    ['after the clock went forward', SPRING, '03:30', '2086-03-31T01:30:00Z'],
    ['when there are two of that time: the first', AUTUMN, '02:30', '2086-10-27T00:30:00Z'],
    ['after the clock went back', AUTUMN, '03:30', '2086-10-27T02:30:00Z'],
    ['on any other night', '2086-11-02', '02:30', '2086-11-03T01:30:00Z'],
  ]
  for (const [what, date, time, at] of nights)
    it(`${what}: ${at === undefined ? 'no table' : `a table at ${at}`}`, async () => {
      const { house } = await houseIn('Europe/Berlin', '22:00', '05:00')
      const answer = await book(house, date, time)
      if (at === undefined) assert.equal(answer.error, 'TIME_NOT_IN_SLOT')
      else assert.equal(new Date(answer.starts_at ?? '').toISOString(), at.replace('Z', '.000Z'))
    })

  it('has the covers of one evening, however long it is', async () => {
    const { house } = await houseIn('Europe/Berlin', '22:00', '05:00')
    for (const time of ['22:00', '01:30', '02:30', '03:30', '04:59'])
      assert.equal((await book(house, AUTUMN, time)).success, true, time)
    assert.equal((await book(house, AUTUMN, '23:00')).error, 'SLOT_FULL')
    assert.equal((await book(house, '2086-11-02', '23:00')).success, true)
  })
})

describe('slot_evening', () => {
  const evenings: readonly [string, string, string, string, string, string, string][] = [
    [
      'a lunch in summer',
      'Europe/Berlin',
      '12:00',
      '14:00',
      '2086-07-06',
      '2086-07-06T10:00',
      '2086-07-06T12:00',
    ],
    [
      'a night across midnight',
      'America/New_York',
      '22:00',
      '02:00',
      '2086-01-05',
      '2086-01-06T03:00',
      '2086-01-06T07:00',
    ],
    ['a whole day', 'UTC', '18:00', '18:00', '2086-01-05', '2086-01-05T18:00', '2086-01-06T18:00'],
    [
      'the short night of spring',
      'Europe/Berlin',
      '22:00',
      '05:00',
      SPRING,
      '2086-03-30T21:00',
      '2086-03-31T03:00',
    ],
    [
      'the long night of autumn',
      'Europe/Berlin',
      '22:00',
      '05:00',
      AUTUMN,
      '2086-10-26T20:00',
      '2086-10-27T04:00',
    ],
  ]
  for (const [what, zone, from, to, date, starts, ends] of evenings)
    it(`${what} begins and ends by the house's clock`, async () => {
      const { slot } = await houseIn(zone, from, to)
      const [evening] = await db.rows<{ starts_at: Date; ends_at: Date }>(
        'select * from ticketing.slot_evening($1, $2)',
        [slot, date],
      )
      assert.equal(evening?.starts_at.toISOString(), `${starts}:00.000Z`)
      assert.equal(evening?.ends_at.toISOString(), `${ends}:00.000Z`)
    })

  it('of a slot that begins in the hour that is skipped begins when that hour is over', async () => {
    const { slot } = await houseIn('Europe/Berlin', '02:30', '05:00')
    const at = (date: string) =>
      db.value<Date>('select starts_at from ticketing.slot_evening($1, $2)', [slot, date])
    assert.equal((await at('2086-03-31')).toISOString(), '2086-03-31T01:30:00.000Z')
    // Twice in autumn: from the first on.
    assert.equal((await at('2086-10-27')).toISOString(), '2086-10-27T00:30:00.000Z')
  })
})

describe("a house's time zone", () => {
  it('is one that PostgreSQL knows', async () => {
    const nowhere = db.rows(
      `insert into businesses (slug, name, time_zone) values ('nowhere', 'N', 'Europe/Nowhere')`,
    )
    assert.deepEqual(await refusalOf(nowhere), { code: '22023' })
  })

  it('is a name, and no rule of which the sign is the other way round', async () => {
    const zones = await db.rows<{ name: string }>(
      `select name from pg_timezone_names where name ~ '/' and name !~ '^(Etc|posix|SystemV)/|[0-9]|posixrules|Factory' or name = 'UTC'`,
    )
    assert.ok(zones.length > 300)
    const inZone = (zone: string) => refusalOf(db.rows('select $1::text::ticketing.time_zone', [zone]))
    for (const { name } of zones) assert.deepEqual(await inZone(name), { code: 'written' }, name)
    for (const zone of ['Athens2', 'UTC+2', '<+02>-2', 'Europe/Athens2', 'EST', 'CEST', '+02:00', ''])
      assert.deepEqual(await inZone(zone), { code: '23514', by: 'time_zone_check' }, zone)
  })
})
