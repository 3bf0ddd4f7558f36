import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bookedTable, claimedOffer, type Shown } from '../support/door.ts'
import { openQrGate, plain, signed } from '../support/qr-gate.ts'

const { db, house, scan, assertOnce } = await openQrGate()

describe('a claim or a booking at a gate', () => {
  type Make = () => Promise<Shown>
  const change = async (make: Promise<Shown>, sql: string): Promise<Shown> => {
    const shown = await make
    await db.rows(sql, [shown.id])
    return shown
  }
  const claims: readonly [what: string, Make, outcome: string][] = [
    ['was made', () => claimedOffer(db, house), 'ADMITTED'],
    [
      'was given back',
      () => change(claimedOffer(db, house), `update offer_claims set status = 'released' where id = $1`),
      'CANCELLED',
    ],
    [
      'comes before the offer',
      () => claimedOffer(db, house, { startsAt: `now() + interval '1 minute'` }),
      'TOO_EARLY',
    ],
    [
      'comes in its time',
      () => claimedOffer(db, house, { startsAt: 'now()', endsAt: `now() + interval '1 hour'` }),
      'ADMITTED',
    ],
    ['comes after the offer', () => claimedOffer(db, house, { endsAt: 'now()' }), 'TOO_LATE'],
    [
      'is of an offer that is closed to new ones',
      () =>
        change(
          claimedOffer(db, house),
          'update discounts set active = false where id = (select discount_id from offer_claims where id = $1)',
        ),
      'ADMITTED',
    ],
  ]
  for (const [what, make, outcome] of claims) {
    it(`a claim that ${what}: ${outcome}, as token and as plain code`, async () => {
      for (const spell of [plain, (shown: Shown) => signed(shown, 'claim')]) {
        const shown = await make()
        const answer = await scan(spell(shown))
        assert.deepEqual(
          [answer.outcome, answer.qr_type, answer.details?.['party_size']],
          [outcome, 'claim', 2],
        )
        await assertOnce('claim_id', shown, outcome)
      }
    })
  }

  const MINUTES = { beforeTheTime: 121, inTime: 119, late: -179, over: -180 }
  const bookings: readonly [what: string, Make, outcome: string][] = [
    [
      'comes more than two hours before its slot',
      () => bookedTable(db, house, MINUTES.beforeTheTime),
      'TOO_EARLY',
    ],
    ['comes less than two hours before its slot', () => bookedTable(db, house, MINUTES.inTime), 'ADMITTED'],
    ['comes in the last minute of its slot', () => bookedTable(db, house, MINUTES.late), 'ADMITTED'],
    ['comes when its slot is over', () => bookedTable(db, house, MINUTES.over), 'TOO_LATE'],
    [
      'was cancelled',
      () => change(bookedTable(db, house, 0), `update reservations set status = 'cancelled' where id = $1`),
      'CANCELLED',
    ],
  ]
  for (const [what, make, outcome] of bookings) {
    it(`a booking that ${what}: ${outcome}, as token and as plain code`, async () => {
      for (const spell of [plain, (shown: Shown) => signed(shown, 'booking')]) {
        const shown = await make()
        const answer = await scan(spell(shown))
        assert.deepEqual(
          [answer.outcome, answer.qr_type, answer.details?.['party_size']],
          [outcome, 'booking', 4],
        )
        await assertOnce('reservation_id', shown, outcome)
      }
    })
  }

  it('a slot over midnight belongs to the evening on which it begins, by the clock of the house', async () => {
    for (const zone of ['UTC', 'Pacific/Kiritimati', 'Pacific/Marquesas', 'Asia/Kathmandu']) {
      await db.rows('update businesses set time_zone = $2 where id = $1', [house.businessId, zone])
      // One of eight slots of three hours, whenever this runs, crosses midnight; each is over or not by its instants.
      for (let hours = -24; hours < 0; hours += 3) {
        const over = await bookedTable(db, house, hours * 60 - 181)
        assert.equal((await scan(plain(over))).outcome, 'TOO_LATE', `${zone} ${hours}`)
      }
      const now = await bookedTable(db, house, -90)
      assert.equal((await scan(plain(now))).outcome, 'ADMITTED', zone)
    }
    await db.rows(`update businesses set time_zone = 'UTC' where id = $1`, [house.businessId])
  })
})
