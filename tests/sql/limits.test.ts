import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import * as limits from '../../src/core/limits.ts'
import { openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()
const house = await openBoxOffice(db)
const TIER = randomUUID()

const letters = (count: number) => 'x'.repeat(count)

const maxima = new Map<string, unknown>(Object.entries(limits))

/** What SQL says to as many, as a code or a sentence; null where it takes it. */
type Ask = (count: number) => Promise<unknown>

const error = async (call: string, parameters: readonly unknown[]): Promise<unknown> =>
  (await db.value<Record<string, unknown>>(`select to_jsonb(${call})`, parameters))['error']

const problem = (request: object): Promise<unknown> =>
  db.value('select ticketing.request_problem($1)', [JSON.stringify(request)])

const cart = (lines: readonly object[]): Promise<unknown> =>
  db.value('select refusal from ticketing.read_cart($1)', [JSON.stringify(lines)])

const booking = (name: string, phone: string, seating: string, requests: string): Promise<unknown> =>
  error(`ticketing.book_slot_atomically($1, current_date + 7, '19:30', 2, $2, $3, $4, $5)`, [
    house.businessId,
    name,
    phone,
    seating,
    requests,
  ])

const webhook = (id: string, type: string): Promise<unknown> =>
  error('ticketing.receive_webhook($1)', [JSON.stringify({ id, type, data: { object: {} } })])

const asks: Readonly<
  Record<
    Exclude<keyof typeof limits, 'SLUG_PATTERN' | 'DEVICE_ID_LENGTH_MAX' | 'SCAN_ID_LENGTH_MAX'>,
    readonly Ask[]
  >
> = {
  QUANTITY_MAX: [
    (count) => error('ticketing.reserve_tickets_atomically($1, $2)', [TIER, count]),
    (count) => cart([{ tier_id: TIER, quantity: count }]),
  ],
  PARTY_SIZE_MAX: [
    (count) => error('ticketing.claim_offer_spots_atomically($1, $2)', [randomUUID(), count]),
    (count) =>
      error(`ticketing.book_slot_atomically($1, current_date + 7, '19:30', $2, 'Ada')`, [
        house.businessId,
        count,
      ]),
  ],
  CART_ITEMS_MAX: [(count) => cart(Array.from({ length: count }, () => ({ tier_id: TIER, quantity: 1 })))],
  OFFLINE_SCANS_MAX: [
    (count) =>
      error('ticketing.sync_offline_scans($1, $2)', [
        JSON.stringify(Array.from({ length: count }, () => ({}))),
        house.businessId,
      ]),
  ],
  PERSON_NAME_LENGTH_MAX: [
    (count) => problem({ customer_name: letters(count) }),
    (count) => booking(letters(count), '', '', ''),
  ],
  PHONE_LENGTH_MAX: [(count) => booking('Ada', letters(count), '', '')],
  SEATING_PREFERENCE_LENGTH_MAX: [(count) => booking('Ada', '', letters(count), '')],
  SPECIAL_REQUESTS_LENGTH_MAX: [(count) => booking('Ada', '', '', letters(count))],
  IDEMPOTENCY_KEY_LENGTH_MAX: [
    (count) => problem({ idempotency_key: letters(count) }),
    (count) =>
      db.value(`select refusal from ticketing.judge_key(ticketing.caller(), null, $1, '{}')`, [
        letters(count),
      ]),
  ],
  SESSION_ID_LENGTH_MAX: [
    (count) => problem({ session_id: letters(count) }),
    async (count) =>
      (
        await db.value<Record<string, unknown>>('select ticketing.reserve_tickets_batch($1, $2)', [
          JSON.stringify([{ tier_id: TIER, quantity: 1 }]),
          letters(count),
        ])
      )['error_code'],
  ],
  RETURN_URL_LENGTH_MAX: [
    (count) => problem({ success_url: `https://${letters(count - 'https://'.length)}` }),
    (count) => problem({ cancel_url: `https://${letters(count - 'https://'.length)}` }),
  ],
  REFUND_REASON_LENGTH_MAX: [
    (count) => error('ticketing.request_refund($1, null, $2)', [randomUUID(), letters(count)]),
  ],
  PROVIDER_ID_LENGTH_MAX: [(count) => webhook(letters(count), 'ping')],
  PROVIDER_EVENT_TYPE_LENGTH_MAX: [(count) => webhook(`evt_${count}`, letters(count))],
}

describe('a limit on what a caller may send is the one of SQL', () => {
  for (const [name, ask] of Object.entries(asks)) {
    it(name, async () => {
      const max = Number(maxima.get(name))
      for (const it of ask) {
        const [at, beyond] = [await it(max), await it(max + 1)]
        assert.notEqual(beyond, at)
        assert.ok(String(beyond).startsWith('INVALID_') || at === null, `${at}, then ${beyond}`)
        assert.ok(!String(at).startsWith('INVALID_'), String(at))
      }
    })
  }

  it('SCAN_ID_LENGTH_MAX, beyond which an id counts as its digest', async () => {
    const kept = (length: number) => db.value<string>('select ticketing.kept_scan_id($1)', [letters(length)])
    assert.equal(await kept(limits.SCAN_ID_LENGTH_MAX), letters(limits.SCAN_ID_LENGTH_MAX))
    const digest = await kept(limits.SCAN_ID_LENGTH_MAX + 1)
    assert.notEqual(digest, letters(limits.SCAN_ID_LENGTH_MAX + 1))
    assert.notEqual(digest, await kept(limits.SCAN_ID_LENGTH_MAX + 2))
  })

  it('DEVICE_ID_LENGTH_MAX, beyond which a name is cut', async () => {
    const device = `limit-${letters(limits.DEVICE_ID_LENGTH_MAX)}`
    await db.rows('select * from ticketing.scan_ticket_atomic($1, $2, $3)', [
      randomUUID(),
      house.staffId,
      device,
    ])
    const kept = await db.value<string>(`select device_id from scan_logs where device_id like 'limit-%'`)
    assert.equal(kept, device.slice(0, limits.DEVICE_ID_LENGTH_MAX))
  })

  it('SLUG_PATTERN', async () => {
    const slugs = ['a', '9', 'a-b', 'a'.repeat(100), 'a'.repeat(101), '', '-a', 'A', 'a b', 'ä', 'a\n', 'a_b']
    for (const slug of slugs) {
      const taken = await db.rows('select $1::ticketing.slug', [slug]).then(
        () => true,
        () => false,
      )
      assert.equal(taken, limits.SLUG_PATTERN.test(slug), JSON.stringify(slug))
    }
  })
})
