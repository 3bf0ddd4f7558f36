import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { afterEach, describe, it } from 'node:test'
import type pg from 'pg'
import { overlap } from '../../src/proof/interleaving/overlap.ts'
import { openBoxOffice } from '../support/box-office.ts'
import { ANON, assertLawful, type Caller, refusalOf, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { codesOf } from '../support/codes.ts'
import { testDatabase } from '../support/database.ts'
import { bookedTable, claimedOffer, type Shown, soldTicket } from '../support/door.ts'

interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly outcome?: string
  readonly qr_type?: string
  readonly details?: Readonly<Record<string, unknown>>
  readonly results?: readonly { readonly error: string | null }[]
}

const db = await testDatabase()
const house = await openBoxOffice(db)
const other = await openBoxOffice(db)
const staff = signedIn(house.staffId)
await codesOf(db)
const PRESENTED = createHash('sha256').update('what was read').digest('hex')

afterEach(() => assertLawful(db))

type Scan = Readonly<Record<string, unknown>>

const scan = (given: Scan, caller: Caller = staff, business: string | null = house.businessId) =>
  valueAs<Answer>(db.client, caller, 'select ticketing.validate_qr($1)', [
    { business_id: business, device_id: 'gate 1', presented: PRESENTED, ...given },
  ])
const plain = ({ code }: Shown): Scan => ({ code })
const scopeOf = (id: string) => createHash('sha256').update(id).digest('hex').slice(0, 8)
const signed = ({ code, scopeId }: Shown, kind: string): Scan => ({
  code,
  kind,
  kid: 1,
  scope: scopeOf(scopeId),
})
const UNKNOWN = { success: true, outcome: 'UNKNOWN', qr_type: 'unknown', details: {} }

describe('what a gate reads', () => {
  type Make = () => Promise<Shown>
  const change = async (make: Promise<Shown>, sql: string): Promise<Shown> => {
    const shown = await make
    await db.rows(sql, [shown.id])
    return shown
  }
  /** A ticket of an event of its own, changed by SQL. */
  const ticketOf = async (event: string) => {
    const own = await openBoxOffice(db)
    await db.rows('insert into business_staff (business_id, user_id) values ($1, $2)', [
      own.businessId,
      house.staffId,
    ])
    const shown = await soldTicket(db, own)
    await db.rows(`update events set ${event} where id = $1`, [own.eventId])
    return { ...shown, business: own.businessId }
  }
  const tickets: readonly [what: string, Make, outcome: string][] = [
    ['is fresh', () => soldTicket(db, house), 'ADMITTED'],
    ['is refunded', () => soldTicket(db, house, 'refunded'), 'REFUNDED'],
    ['is being refunded', () => soldTicket(db, house, 'refunding'), 'REFUNDING'],
    ['is cancelled', () => soldTicket(db, house, 'cancelled'), 'CANCELLED'],
    ['is of a cancelled event', () => ticketOf(`status = 'cancelled'`), 'EVENT_CANCELLED'],
    ['comes a day and a minute before', () => ticketOf(startsIn('24 hours 1 minute')), 'TOO_EARLY'],
    ['comes a day less a minute before', () => ticketOf(startsIn('23 hours 59 minutes')), 'ADMITTED'],
    ['comes six hours less a minute after the end', () => ticketOf(endedAgo('5:59')), 'ADMITTED'],
    ['comes six hours after the end', () => ticketOf(endedAgo('6:00')), 'TOO_LATE'],
    ['comes before the entry', () => ticketOf(`entry_from = now() + interval '1 minute'`), 'TOO_EARLY'],
    ['comes when the entry has begun', () => ticketOf('entry_from = now()'), 'ADMITTED'],
    ['comes when the entry is over', () => ticketOf('entry_until = now()'), 'TOO_LATE'],
  ]
  const startsIn = (time: string) =>
    `start_at = now() + interval '${time}', end_at = now() + interval '2 days'`
  const endedAgo = (time: string) =>
    `start_at = now() - interval '1 day', end_at = now() - interval '${time}'`
  for (const [what, make, outcome] of tickets) {
    it(`a ticket that ${what}: ${outcome}, as token and as plain code`, async () => {
      for (const spell of [plain, (shown: Shown) => signed(shown, 'ticket')]) {
        const shown: Shown & { business?: string } = await make()
        const answer = await scan(spell(shown), staff, shown.business ?? house.businessId)
        assert.deepEqual([answer.success, answer.outcome, answer.qr_type], [true, outcome, 'ticket'])
        assert.deepEqual(await logOf('ticket_id', shown.id), [
          { device_id: 'gate 1', scan_success: outcome === 'ADMITTED', error_code: logged(outcome) },
        ])
        const status = await db.value('select status from tickets where id = $1', [shown.id])
        assert.equal(status === 'used', outcome === 'ADMITTED')
      }
    })
  }
  /** In the log what does not admit by its status has one code. */
  const logged = (outcome: string) =>
    outcome === 'ADMITTED' ? null : /^REFUND|^CANCELLED/.test(outcome) ? 'INVALID_STATUS' : outcome

  it('a used ticket: ALREADY_USED with the time of the first scan, also when the event is over or cancelled', async () => {
    const shown = await ticketOf('title = title')
    const first = await scan(plain(shown), staff, shown.business)
    await db.rows(`update events set status = 'cancelled' where id = $1`, [shown.scopeId])
    const second = await scan(plain(shown), staff, shown.business)
    assert.equal(second.outcome, 'ALREADY_USED')
    assert.ok(first.details?.['checked_in_at'])
    assert.deepEqual(second.details, { ...first.details, checked_in_device: 'gate 1' })
  })

  const kinds: readonly [kind: string, column: string, Make, off: string][] = [
    [
      'ticket',
      'ticket_id',
      () => soldTicket(db, house),
      `update tickets set status = 'cancelled' where id = $1`,
    ],
    [
      'claim',
      'claim_id',
      () => claimedOffer(db, house),
      `update offer_claims set status = 'released' where id = $1`,
    ],
    [
      'booking',
      'reservation_id',
      () => bookedTable(db, house, 0),
      `update reservations set status = 'cancelled' where id = $1`,
    ],
  ]
  it('a ticket that is deleted by hand while its scan waits is nothing of ours, with network and without', async () => {
    const clients = [await db.connect(), await db.connect()] as const
    const scans: readonly (readonly [
      (shown: Shown) => [sql: string, argument: unknown],
      (answer: Answer) => unknown,
      unknown,
    ])[] = [
      [
        ({ code }) => [
          'select ticketing.validate_qr($1)',
          { business_id: house.businessId, presented: PRESENTED, code },
        ],
        (answer) => answer,
        UNKNOWN,
      ],
      [
        ({ id }) => [
          'select ticketing.sync_offline_scans($1)',
          JSON.stringify([{ ticket_id: id, scanned_at: new Date().toISOString() }]),
        ],
        ({ results = [] }) => results.map(({ error }) => error),
        ['NOT_FOUND'],
      ],
    ]
    for (const [callOf, told, expected] of scans) {
      const shown = await soldTicket(db, house)
      const remove = (client: pg.Client) => client.query('delete from tickets where id = $1', [shown.id])
      const [sql, argument] = callOf(shown)
      const judge = (client: pg.Client) => valueAs<Answer>(client, SERVICE, sql, [argument])
      const [, answer] = await overlap(db, clients, remove, judge)
      assert.deepEqual(told(answer), expected)
    }
  })

  for (const [kind, column, make, off] of kinds) {
    const rows = (shown: Shown) =>
      db.value<number>(`select count(*)::int from scan_logs where ${column} = $1`, [shown.id])

    it(`a ${kind} whose scan lost its answer is let in again by that scan, and by no other`, async () => {
      const shown = await make()
      const opening = { ...plain(shown), scan_id: 'opening' }
      const first = await scan(opening)
      assert.equal(first.outcome, 'ADMITTED')
      assert.deepEqual(await scan(opening), first)
      assert.deepEqual(await scan({ ...opening, device_id: null }), first, 'it names no other device')
      assert.equal(await rows(shown), 1)
      for (const more of [{}, { scan_id: 'another' }, { scan_id: 'opening', device_id: 'gate 2' }]) {
        const { outcome, details } = await scan({ ...plain(shown), ...more })
        assert.deepEqual([outcome, details?.['checked_in_device']], ['ALREADY_USED', 'gate 1'])
      }
      assert.equal(await rows(shown), 4)
      assert.deepEqual(await scan(opening), first, 'also after these')
      await db.rows(
        `update scan_logs set recorded_at = recorded_at - interval '6 minutes' where ${column} = $1`,
        [shown.id],
      )
      assert.equal((await scan(opening)).outcome, 'ALREADY_USED', 'an answer is asked for again at once')
    })

    it(`a ${kind} that was refused is refused again to the same scan, in one row`, async () => {
      const shown = await make()
      await db.rows(off, [shown.id])
      const opening = { ...plain(shown), scan_id: 'opening' }
      const first = await scan(opening)
      assert.equal(first.outcome, 'CANCELLED')
      assert.deepEqual(await scan(opening), first)
      assert.equal(await rows(shown), 1)
      await scan(plain(shown))
      await scan({ ...opening, device_id: 'gate 2' })
      assert.equal(await rows(shown), 3)
    })
  }

  it('an online scan that an earlier one beat says so when it is sent again, in one row', async () => {
    const shown = await soldTicket(db, house)
    await db.rows(`update tickets set created_at = now() - interval '1 day' where id = $1`, [shown.id])
    const opening = { ...plain(shown), scan_id: 'opening' }
    await scan(opening)
    await db.rows(`select ticketing.sync_offline_scan($1, null, now() - interval '1 hour', 'early')`, [
      shown.id,
    ])
    const { outcome, details } = await scan(opening)
    assert.deepEqual([outcome, details?.['checked_in_device']], ['ALREADY_USED', 'early'])
    assert.equal(await db.value('select count(*)::int from scan_logs where ticket_id = $1', [shown.id]), 2)
  })

  it('shows the door what it needs, and of the e-mail address its first letter and its host', async () => {
    const shown = await soldTicket(db, house)
    const { details } = await scan(plain(shown))
    const { checked_in_at, event_start_at, ...rest } = details ?? {}
    assert.ok(
      !Number.isNaN(Date.parse(String(checked_in_at))) && !Number.isNaN(Date.parse(String(event_start_at))),
    )
    assert.deepEqual(rest, {
      id: shown.id,
      tier_name: 'Floor',
      price_cents: 0,
      currency: 'EUR',
      customer_name: 'Ada Buyer',
      customer_email: 'a***@example.org',
      event_title: 'Gala',
    })
    const masked = (email: string | null) => db.value('select ticketing.masked($1)', [email])
    assert.equal(await masked('x@y'), 'x***@y')
    assert.equal(await masked('"a@b"@c.org'), '"***@c.org')
    assert.equal(await masked('no address'), 'n***')
    assert.equal(await masked(null), null)
  })

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

  /** The scan as it was logged; where it admitted, a second one is told and kept, and opens nothing. */
  async function assertOnce(column: string, shown: Shown, outcome: string): Promise<void> {
    const admitted = outcome === 'ADMITTED'
    const log = [{ device_id: 'gate 1', scan_success: admitted, error_code: admitted ? null : outcome }]
    assert.deepEqual(await logOf(column, shown.id), log)
    if (!admitted) return
    const again = await scan(plain(shown))
    assert.equal(again.outcome, 'ALREADY_USED')
    assert.ok(again.details?.['checked_in_at'])
    assert.deepEqual(
      (await logOf(column, shown.id)).map((row) => row['scan_success']),
      [true, false],
    )
  }

  const logOf = (column: string, id: string) =>
    db.rows<Record<string, unknown>>(
      `select device_id, scan_success, error_code from scan_logs where ${column} = $1 order by recorded_at, id`,
      [id],
    )
})

describe('what is not known here', () => {
  const cases: Readonly<Record<string, () => Promise<Scan>>> = {
    'a code of nobody': async () => ({ code: randomUUID().replaceAll('-', '') }),
    'what is no code': async () => ({ problem: 'MALFORMED' }),
    'a forged token': async () => ({ ...signed(await soldTicket(db, house), 'ticket'), problem: 'FORGED' }),
    'a token of a key that was never registered': async () => ({
      ...signed(await soldTicket(db, house), 'ticket'),
      kid: 9,
    }),
    "another business's ticket": async () => plain(await soldTicket(db, other)),
    "another business's ticket, signed": async () => signed(await soldTicket(db, other), 'ticket'),
    "another business's claim": async () => plain(await claimedOffer(db, other)),
    "another business's booking": async () => plain(await bookedTable(db, other, 0)),
    'a ticket that says it is a claim': async () => signed(await soldTicket(db, house), 'claim'),
    'a claim that says it is a booking': async () => signed(await claimedOffer(db, house), 'booking'),
    'a ticket that says it is of another event': async () =>
      signed({ ...(await soldTicket(db, house)), scopeId: other.eventId }, 'ticket'),
    'a kind that there is not': async () => ({ ...plain(await soldTicket(db, house)), kind: 'voucher' }),
  }
  for (const [what, make] of Object.entries(cases)) {
    it(`${what}: the same answer, nothing learned, nothing changed, and the scan kept without the code`, async () => {
      const given = await make()
      const before = await used()
      const presented = createHash('sha256').update(what).digest('hex')
      assert.deepEqual(await scan({ ...given, presented }), UNKNOWN)
      assert.equal(await used(), before)
      const log = await db.rows(
        `select business_id, event_id, ticket_id, claim_id, reservation_id, scanned_by, scan_success, error_code from scan_logs
         where presented_hash = $1`,
        [presented],
      )
      const nothing = { event_id: null, ticket_id: null, claim_id: null, reservation_id: null }
      const by = { business_id: house.businessId, scanned_by: house.staffId }
      assert.deepEqual(log, [{ ...by, ...nothing, scan_success: false, error_code: 'UNKNOWN' }])
      const { code = 'none' } = given
      const anywhere = 'select count(*)::int from scan_logs s where s::text like $1'
      assert.equal(await db.value(anywhere, [`%${code}%`]), 0)
    })
  }

  const used = () =>
    db.value<number>(
      `select ((select count(*) from tickets where status = 'used') + (select count(*) from offer_claims where status = 'redeemed')
         + (select count(*) from reservations where status = 'checked_in'))::int`,
    )

  it('a token of a key that was revoked, from the commit on, while the plain code goes on admitting', async () => {
    const shown = await soldTicket(db, house)
    await codesOf(db, Buffer.alloc(32, 8).toString('base64url'))
    await db.rows('select ticketing.revoke_code_key(2)')
    assert.deepEqual(await scan({ ...signed(shown, 'ticket'), kid: 2 }), UNKNOWN)
    assert.equal((await scan(signed(shown, 'ticket'))).outcome, 'ADMITTED')
  })

  it('is one row for each scan, however often it is sent', async () => {
    const given = { problem: 'MALFORMED', presented: createHash('sha256').update('odd').digest('hex') }
    for (const scan_id of ['a', 'a', 'b', undefined, undefined])
      assert.deepEqual(await scan({ ...given, scan_id }), UNKNOWN)
    const rows = 'select count(*)::int from scan_logs where presented_hash = $1'
    assert.equal(await db.value(rows, [given.presented]), 4)
  })

  it('is seen by the staff of the gate, and by nobody else', async () => {
    const seen = (caller: Caller) =>
      valueAs<number>(db.client, caller, `select count(*)::int from scan_logs where error_code = 'UNKNOWN'`)
    assert.ok((await seen(staff)) > 10)
    assert.equal(await seen(signedIn(other.staffId)), 0)
    assert.equal(await seen(signedIn(randomUUID())), 0)
  })
})

describe('who may ask', () => {
  const buyer = signedIn(randomUUID())
  const table: readonly [string, Caller, string | null, string | undefined][] = [
    ['staff of the business', staff, house.businessId, undefined],
    ['staff of another business', signedIn(other.staffId), house.businessId, 'FORBIDDEN'],
    ['a buyer', buyer, house.businessId, 'FORBIDDEN'],
    ['staff, of a business that there is not', staff, randomUUID(), 'FORBIDDEN'],
    ['a token without a subject', { role: 'authenticated' }, house.businessId, 'UNAUTHORIZED'],
    ['the service', SERVICE, house.businessId, undefined],
    ['the service, of a business that there is not', SERVICE, randomUUID(), 'INVALID_REQUEST'],
    ['staff, naming no business', staff, null, 'INVALID_REQUEST'],
    ['staff, naming what is no business', staff, 'gala', 'INVALID_REQUEST'],
  ]
  for (const [what, caller, business, error] of table) {
    it(`${what}: ${error ?? 'is answered'}`, async () => {
      const shown = await soldTicket(db, house)
      const answer = await scan(plain(shown), caller, business)
      assert.deepEqual([answer.error, answer.outcome], [error, error === undefined ? 'ADMITTED' : undefined])
      const logged = await db.value<number>('select count(*)::int from scan_logs where ticket_id = $1', [
        shown.id,
      ])
      assert.equal(logged, error === undefined ? 1 : 0)
    })
  }
  it('guests do not come so far', async () => {
    assert.deepEqual(await refusalOf(scan({ code: 'x' }, ANON)), { code: '42501' })
  })
  it('what is no digest, or no scan id, is not stored: INVALID_REQUEST', async () => {
    for (const bad of [{ presented: 'my code' }, { scan_id: '' }, { scan_id: 'x'.repeat(256) }])
      assert.equal((await scan({ code: 'x', ...bad })).error, 'INVALID_REQUEST')
  })
})
