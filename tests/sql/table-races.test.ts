import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { it } from 'node:test'
import type pg from 'pg'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { overlap } from '../../src/proof/interleaving/overlap.ts'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { guaranteeNamed } from '../proof/support.ts'
import { openBoxOffice } from '../support/box-office.ts'
import { assertLawful, refusalOf, signedIn, valueAs } from '../support/callers.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { letIn } from '../support/door.ts'
import { type Naive, racesIn } from '../support/race.ts'

/** A business of its own; a naive one is the same but for what was taken out of its verbs. */
interface House {
  readonly db: TestDatabase
  readonly businessId: string
  readonly gate: pg.Client
  readonly crowd: readonly pg.Client[]
}

interface Answer {
  readonly success: boolean
  readonly error?: string
}

type Work = (client: pg.Client) => Promise<Answer>
type Edit = readonly [fn: string, fragment: string, replacement: string]

const CROWD = 8
const EVENING = '2086-01-04'
const house = await openHouse()
const race = racesIn(house, openHouse)

race(
  'the last places of an offer, eight parties: one has them',
  async (at) => {
    const offer = await addOffer(at, 3)
    const answers = await behind(at, rowOf('discounts', offer), eight(claim(offer, 2)))
    assert.deepEqual(codes(answers), ['success', ...Array(7).fill('INSUFFICIENT_SPOTS')])
  },
  naive(withoutOfferLock()),
)

race(
  'one claim a person, who clicks eight times at once: one is granted',
  async (at) => {
    const offer = await addOffer(at, null, true)
    const answers = await behind(at, rowOf('discounts', offer), eight(claim(offer, 1, randomUUID())))
    assert.deepEqual(codes(answers), ['success', ...Array(7).fill('ALREADY_CLAIMED')])
  },
  naive(withoutOfferLock()),
)

race(
  'a claim is given back beside another that waits for its places: the other has them',
  async (at) => {
    const offer = await addOffer(at, 4)
    const ada = randomUUID()
    await claim(offer, 4, ada)(at.db.client)
    const answers = await behind(at, rowOf('discounts', offer), [release(offer, 4, ada), claim(offer, 4)])
    assert.deepEqual(codes(answers), ['success', 'success'])
  },
  naive(withoutOfferLock()),
)

race(
  'a claim that comes before the places are given back is refused, and the places are free afterwards',
  async (at) => {
    const offer = await addOffer(at, 4)
    const ada = randomUUID()
    await claim(offer, 4, ada)(at.db.client)
    const answers = await behind(at, rowOf('discounts', offer), [
      claim(offer, 4),
      release(offer, 3, ada),
      release(offer, 3, ada),
    ])
    assert.deepEqual(codes(answers), ['INSUFFICIENT_SPOTS', 'success', 'success'])
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
  'the last covers of an evening, eight parties: one sits',
  async (at) => {
    const businessId = await addSlots(at, 3)
    const answers = await behind(at, slotsOf(businessId), eight(book(businessId, 2)))
    assert.deepEqual(codes(answers), ['success', ...Array(7).fill('SLOT_FULL')])
  },
  naive([
    [
      'ticketing.book_slot_atomically',
      "perform ticketing.lock_key('slot:' || v_slot_id || ':' || to_char(p_date, 'YYYY-MM-DD'));",
      '',
    ],
    ['ticketing.book_slot_atomically', ' for share;', ';'],
  ]),
)

race(
  'two slots at one time, eight parties: who finds one full sits in the other, and no cover stays empty',
  async (at) => {
    const businessId = await addSlots(at, 3, 3)
    const answers = await behind(at, slotsOf(businessId), eight(book(businessId, 1)))
    assert.deepEqual(codes(answers), [...Array(6).fill('success'), 'SLOT_FULL', 'SLOT_FULL'])
  },
  // Chooses its slot before it has the lock.
  (db) =>
    edit(db, [
      [
        'ticketing.book_slot_atomically',
        'array_agg(s.id order by s.id) filter (where p_party_size <= s.max_party_size)',
        '(array_agg(s.id order by s.time_from) filter (where p_party_size <= s.max_party_size))[1:1]',
      ],
    ]),
)

race(
  'a table is given back beside a party that waits for it: the party has it',
  async (at) => {
    const businessId = await addSlots(at, 4)
    const ada = randomUUID()
    const booked = await book(businessId, 4, ada)(at.db.client)
    const cancel: Work = (client) =>
      asked(client, ada, 'select cancel_reservation($1)', [
        (booked as { reservation_id?: string }).reservation_id,
      ])
    const answers = await behind(at, evenings, [cancel, book(businessId, 4)])
    assert.deepEqual(codes(answers), ['success', 'success'])
    assert.equal(
      await at.db.value(
        'select sum(booked_people)::int from ticketing.slot_days d join slots s on s.id = d.slot_id where s.business_id = $1',
        [businessId],
      ),
      4,
    )
  },
  (db) =>
    edit(db, [
      [
        'ticketing.cancel_reservation',
        "perform ticketing.lock_key('slot:' || v_reservation.slot_id || ':' || to_char(v_reservation.date, 'YYYY-MM-DD'));",
        '',
      ],
    ]),
)

race(
  'a table is given back while its party is admitted: one of the two is told that it came too late',
  async (at) => {
    const businessId = await addSlots(at, 4)
    const ada = randomUUID()
    const booked = await book(businessId, 4, ada)(at.db.client)
    const id = (booked as { reservation_id?: string }).reservation_id
    const admit: Work = async (client) => {
      await letIn(client, 'booking', id)
      return { success: true }
    }
    const cancel: Work = (client) => asked(client, ada, 'select cancel_reservation($1)', [id])
    const answers = await behind(at, rowOf('reservations', id ?? ''), [admit, cancel])
    assert.deepEqual(codes(answers), ['success', 'ALREADY_USED'])
    assert.equal(await at.db.value('select status from reservations where id = $1', [id]), 'checked_in')
  },
  async (db) => {
    await edit(db, [['ticketing.cancel_reservation', ' for no key update;', ';']])
    await db.rows('alter table reservations disable trigger trg_reservation_legal_change')
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
    const cancel: Work = (client) => asked(client, ada, 'select cancel_claim($1)', [claimed.claim_id])
    const answers = await behind(at, rowOf('offer_claims', claimed.claim_id ?? ''), [admit, cancel])
    assert.deepEqual(codes(answers), ['success', 'ALREADY_USED'])
    assert.equal(await at.db.value('select people_remaining from discounts where id = $1', [offer]), 0)
  },
  async (db) => {
    await edit(db, [['ticketing.cancel_claim', ' for no key update;', ';']])
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
    const lock = `select pg_advisory_xact_lock(hashtextextended('offer:${offer}', 0))`
    assert.deepEqual(codes(await behind(at, lock, [claim(offer, 1), end])), ['OFFER_INACTIVE', 'success'])
  },
  // Reads the clock when it is called.
  (db) =>
    edit(db, [
      [
        'ticketing.claim_offer_spots_atomically',
        'v_now timestamptz;',
        'v_now timestamptz := clock_timestamp();',
      ],
      ['ticketing.claim_offer_spots_atomically', 'v_now := clock_timestamp();', ''],
    ]),
)

race(
  'the larger of two slots fills up while a small party chooses: it sits in the other',
  async ({ db, crowd }) => {
    const businessId = await addSlots({ db }, 5, 6)
    // The smaller one is looked at first, and takes no large party.
    const small = '00000000-0000-0000-0000-00000000000f'
    await db.rows('update slots set id = $2, max_party_size = 2 where business_id = $1 and capacity = 5', [
      businessId,
      small,
    ])
    const [large, two] = await overlap(db, pair(crowd), bookAs(businessId, 5), bookAs(businessId, 2))
    assert.deepEqual(codes([large, two]), ['success', 'success'])
    assert.equal(
      await db.value('select slot_id from reservations where business_id = $1 and party_size = 2', [
        businessId,
      ]),
      small,
    )
  },
  (db) =>
    edit(db, [
      [
        'ticketing.book_slot_atomically',
        'foreach v_slot_id in array v_slot_ids loop',
        'foreach v_slot_id in array v_slot_ids[1:1] loop',
      ],
    ]),
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

const resize = (businessId: string) => (client: pg.Client) =>
  refusalOf(client.query('update slots set capacity = 1 where business_id = $1', [businessId]))
const close = (businessId: string) => (client: pg.Client) =>
  refusalOf(client.query(`update slots set time_to = '21:00' where business_id = $1`, [businessId]))
const withoutSlotRow = (db: TestDatabase) =>
  edit(db, [
    ['ticketing.book_slot_atomically', ' for share;', ';'],
    ['ticketing.check_slot_capacity', ' for share;', ';'],
  ])

race(
  'a slot is made smaller beside a raw booking that is under way: it stays as large as it must',
  async ({ db, crowd }) => {
    const businessId = await addSlots({ db }, 4)
    const insert = (client: pg.Client) =>
      client.query(
        `insert into reservations (business_id, slot_id, date, preferred_time, party_size, reservation_name)
         select $1, id, '${EVENING}', '21:30', 4, 'Raw' from slots where business_id = $1`,
        [businessId],
      )
    const [, refused] = await overlap(db, pair(crowd), insert, resize(businessId))
    assert.deepEqual(refused, { code: '23514', by: 'trg_check_slot_size' })
  },
  (db) => edit(db, [['ticketing.check_slot_capacity', ' for share;', ';']]),
)

race(
  'a slot closes earlier beside a booking that is under way: its party would find the door shut, so it stays open',
  async ({ db, crowd }) => {
    const businessId = await addSlots({ db }, 4)
    const [booked, refused] = await overlap(db, pair(crowd), bookAs(businessId, 2), close(businessId))
    assert.equal(booked.success, true)
    assert.deepEqual(refused, { code: '23514', by: 'trg_check_slot_times' })
  },
  withoutSlotRow,
)

race(
  'a booking beside a slot that is about to close earlier: there is no table any more',
  async ({ db, crowd }) => {
    const businessId = await addSlots({ db }, 4)
    const [closed, refused] = await overlap(db, pair(crowd), close(businessId), bookAs(businessId, 2))
    assert.deepEqual([closed.code, refused.error], ['written', 'TIME_NOT_IN_SLOT'])
  },
  withoutSlotRow,
)

async function openHouse(twinOf: Naive = async () => {}): Promise<House> {
  const db = await testDatabase()
  const { businessId } = await openBoxOffice(db)
  await twinOf(db)
  const crowd = await Promise.all(Array.from({ length: CROWD }, () => db.connect()))
  return { db, businessId, gate: await db.connect(), crowd }
}

/** Starts `works` one after the other while the gate holds `lock`; each waits, for the gate or for one before it. */
async function behind({ db, gate, crowd }: House, lock: string, works: readonly Work[]): Promise<Answer[]> {
  await gate.query('begin')
  await gate.query(lock)
  const answers: Promise<Answer>[] = []
  let running = 0
  try {
    for (const work of works) {
      const client = crowd[answers.length]
      if (client === undefined) throw new Error(`a race has at most ${CROWD} runners`)
      running++
      const answer = work(client).finally(() => running--)
      answers.push(answer)
      // One that is refused at once does not wait; what it says is judged with the others.
      const done = answer.then(
        () => {},
        () => {},
      )
      await Promise.race([untilWaiting(db, running), done])
    }
  } finally {
    await gate.query('commit')
  }
  return Promise.all(answers)
}

function naive(edits: readonly Edit[]): (db: TestDatabase) => Promise<void> {
  return async (db) => {
    await edit(db, edits)
    const refusing = guaranteeNamed('offers-and-slots-fit').protections.filter((p) => p.role === 'refuses')
    for (const protection of refusing)
      if (protection.kind !== 'decision') await takeAway(db.client, protection)
  }
}

/** The check as it is, and nothing that keeps others out between it and the act. */
function withoutOfferLock(): readonly Edit[] {
  const claimVerb = 'ticketing.claim_offer_spots_atomically'
  return [
    [claimVerb, "perform ticketing.lock_key('offer:' || p_discount_id);", ''],
    [claimVerb, ' for no key update;', ';'],
  ]
}

function edit(db: TestDatabase, edits: readonly Edit[]): Promise<void> {
  return takeAway(db.client, { name: 'naive', role: 'refuses', kind: 'decision', object: '', without: edits })
}

const rowOf = (table: string, id: string) => `select from ${table} where id = '${id}' for update`
const slotsOf = (businessId: string) => `select from slots where business_id = '${businessId}' for update`
const evenings = 'select from ticketing.slot_days for update'

const eight = (work: Work): Work[] => Array(CROWD).fill(work)
const codes = (answers: readonly Answer[]) =>
  answers.map((answer) => (answer.success ? 'success' : (answer.error ?? 'no code')))

const asked = (client: pg.Client, user: string, sql: string, values: readonly unknown[]) =>
  valueAs<Answer>(client, signedIn(user), sql, values)

function claim(offer: string, people: number, user?: string): Work {
  return (client) =>
    asked(client, user ?? randomUUID(), 'select claim_offer_spots_atomically($1, $2)', [offer, people])
}

function release(offer: string, people: number, user: string): Work {
  return async (client) => {
    await asked(client, user, 'select release_offer_spots($1, $2)', [offer, people])
    return { success: true }
  }
}

function book(businessId: string, people: number, user?: string): Work {
  return (client) =>
    asked(client, user ?? randomUUID(), `select book_slot_atomically($1, '${EVENING}', '21:30', $2, 'Ada')`, [
      businessId,
      people,
    ])
}

/** Within a transaction that is open, as the service. */
function bookAs(businessId: string, people: number): Work {
  return async (client) => {
    const sql = `select book_slot_atomically($1, '${EVENING}', '21:30', $2, 'Ada') as answer`
    return (await client.query(sql, [businessId, people])).rows[0]?.answer
  }
}

function pair([one, two]: readonly pg.Client[]): readonly [pg.Client, pg.Client] {
  if (one === undefined || two === undefined) throw new Error('two runners are needed')
  return [one, two]
}

function addOffer({ db, businessId }: House, total: number | null, once = false): Promise<string> {
  return db.value(
    `insert into discounts (business_id, title, total_people, one_claim_per_person) values ($1, 'Offer', $2, $3) returning id`,
    [businessId, total, once],
  )
}

/** A business of its own with a slot for each of these covers, all open at 21:30. */
async function addSlots({ db }: Pick<House, 'db'>, ...capacities: readonly number[]): Promise<string> {
  const businessId = await db.value<string>(
    `insert into businesses (slug, name) values ('t-' || left(gen_random_uuid()::text, 8), 'T') returning id`,
  )
  await db.rows(
    `insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
     select $1, 5, time '19:00' + o * interval '1 hour', '23:00', c, 10 from unnest($2::int[]) with ordinality as u(c, o)`,
    [businessId, capacities],
  )
  return businessId
}
