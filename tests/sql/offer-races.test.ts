import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { it } from 'node:test'
import type pg from 'pg'
import { overlap } from '../../src/proof/interleaving/overlap.ts'
import { openBoxOffice } from '../support/box-office.ts'
import { assertLawful, refusalOf } from '../support/callers.ts'
import { advisory, behind, row } from '../support/crowd.ts'
import { letIn } from '../support/door.ts'
import {
  addOffer,
  addSlots,
  askAs,
  bookAs,
  claim,
  codesOf,
  eight,
  type House,
  naive,
  openHouse,
  pair,
  release,
  type Work,
  withoutOfferLock,
} from '../support/party-races.ts'
import { changed, racesIn } from '../support/race.ts'

const house = await openHouse()
const race = racesIn(house, openHouse)

race(
  'the last places of an offer, eight parties: one has them',
  async (at) => {
    const offer = await addOffer(at, 3)
    const answers = await behind(at, row('discounts', offer), eight(claim(offer, 2)))
    assert.deepEqual(codesOf(answers), ['success', ...Array(7).fill('INSUFFICIENT_SPOTS')])
  },
  naive(withoutOfferLock()),
)

race(
  'one claim a person, who clicks eight times at once: one is granted',
  async (at) => {
    const offer = await addOffer(at, null, true)
    const answers = await behind(at, row('discounts', offer), eight(claim(offer, 1, randomUUID())))
    assert.deepEqual(codesOf(answers), ['success', ...Array(7).fill('ALREADY_CLAIMED')])
  },
  naive(withoutOfferLock()),
)

race(
  'a claim is given back beside another that waits for its places: the other has them',
  async (at) => {
    const offer = await addOffer(at, 4)
    const ada = randomUUID()
    await claim(offer, 4, ada)(at.db.client)
    const answers = await behind(at, row('discounts', offer), [release(offer, 4, ada), claim(offer, 4)])
    assert.deepEqual(codesOf(answers), ['success', 'success'])
  },
  naive(withoutOfferLock()),
)

race(
  'a claim that comes before the places are given back is refused, and the places are free afterwards',
  async (at) => {
    const offer = await addOffer(at, 4)
    const ada = randomUUID()
    await claim(offer, 4, ada)(at.db.client)
    const answers = await behind(at, row('discounts', offer), [
      claim(offer, 4),
      release(offer, 3, ada),
      release(offer, 3, ada),
    ])
    assert.deepEqual(codesOf(answers), ['INSUFFICIENT_SPOTS', 'success', 'success'])
    assert.equal(await at.db.value('select people_remaining from discounts where id = $1', [offer]), 4)
  },
  // What everybody writes first: read how many are left, then write the sum.
  async (db) => {
    await db.rows('drop trigger trg_guard_counters on discounts')
    await db.rows('alter table discounts drop constraint check_claimed_people_fit')
    await db.rows('alter table offer_claims disable trigger user')
    await db.rows(`create or replace function ticketing.release_offer_spots(p_discount_id uuid, p_party_size integer)
      returns void language plpgsql security definer as $$
      declare v_claimed integer := (select claimed_people from public.discounts where id = p_discount_id);
      begin
        update public.offer_claims set status = 'released' where discount_id = p_discount_id;
        update public.discounts set claimed_people = v_claimed - p_party_size where id = p_discount_id;
      end $$`)
  },
)

race(
  'a claim is cancelled by the house while its party is admitted: one of the two is told that it came too late',
  async (at) => {
    const offer = await addOffer(at, 4)
    const ada = randomUUID()
    const claimed = (await claim(offer, 4, ada)(at.db.client)) as { claim_id?: string }
    const admit: Work = async (client) => {
      await letIn(client, 'claim', claimed.claim_id)
      return { success: true }
    }
    const cancel: Work = (client) => askAs(client, ada, 'select cancel_claim($1)', [claimed.claim_id])
    const answers = await behind(at, row('offer_claims', claimed.claim_id ?? ''), [admit, cancel])
    assert.deepEqual(codesOf(answers), ['success', 'ALREADY_USED'])
    assert.equal(await at.db.value('select people_remaining from discounts where id = $1', [offer]), 0)
  },
  async (db) => {
    await changed(['ticketing.cancel_claim', ' for no key update;', ';'])(db)
    await db.rows('alter table offer_claims disable trigger trg_claim_legal_change')
  },
)

race(
  'an offer ends while a claim waits for it: the claim came too late',
  async (at) => {
    const offer = await addOffer(at, 4)
    const end: Work = async (client) => {
      await client.query('update discounts set ends_at = clock_timestamp() where id = $1', [offer])
      return { success: true }
    }
    const lock = advisory(`offer:${offer}`)
    assert.deepEqual(codesOf(await behind(at, lock, [claim(offer, 1), end])), ['OFFER_INACTIVE', 'success'])
  },
  // Reads the clock when it is called.
  changed(
    [
      'ticketing.claim_offer_spots_atomically',
      'v_now timestamptz;',
      'v_now timestamptz := clock_timestamp();',
    ],
    ['ticketing.claim_offer_spots_atomically', 'v_now := clock_timestamp();', ''],
  ),
)

for (const [what, table, parent, key, make] of [
  [
    'a booking',
    'reservations',
    'slots',
    'slot_id',
    async ({ db }: House) => {
      const businessId = await addSlots({ db }, 4)
      await bookAs(businessId, 2)(db.client)
      return businessId
    },
  ],
  [
    'a claim',
    'offer_claims',
    'discounts',
    'discount_id',
    async (at: House) => {
      const { businessId } = await openBoxOffice(at.db)
      await claim(await addOffer({ ...at, businessId }, 4), 2)(at.db.client)
      return businessId
    },
  ],
] as const)
  it(`${what} is deleted by hand beside its scan: one of the two comes too late, and says so`, async () => {
    const { db, crowd } = house
    const codeIn = (businessId: string) =>
      db.value<string>(
        `select t.qr_token from ${table} t join ${parent} p on p.id = t.${key} where p.business_id = $1`,
        [businessId],
      )
    const scan = (business_id: string, code: string) => async (client: pg.Client) =>
      (
        await client.query('select ticketing.validate_qr($1) as answer', [
          { business_id, code, presented: '0'.repeat(64) },
        ])
      ).rows[0]?.answer
    const remove = (code: string) => (client: pg.Client) =>
      refusalOf(client.query(`delete from ${table} where qr_token = $1`, [code]))
    const [one, two] = [await make(house), await make(house)]
    const [first, second] = [await codeIn(one), await codeIn(two)]
    const [removed, missed] = await overlap(db, pair(crowd), remove(first), scan(one, first))
    assert.deepEqual(
      [removed.code, missed.success, missed.outcome, missed.details],
      ['written', true, 'UNKNOWN', {}],
    )
    const [scanned, kept] = await overlap(db, pair(crowd), scan(two, second), remove(second))
    assert.deepEqual([scanned.success, kept.code], [true, '23503'])
    assert.match(kept.by ?? '', /^scan_logs_(reservation|claim)_id_fkey$/)
    await assertLawful(db)
  })
