import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { ANON, type Caller, refusalOf, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { codesOf } from '../support/codes.ts'
import { bookedTable, claimedOffer, type Shown, soldTicket } from '../support/door.ts'
import { openQrGate, plain, type Scan, signed, UNKNOWN } from '../support/qr-gate.ts'

const { db, house, other, staff, scan } = await openQrGate()

describe('whatever a gate reads', () => {
  type Make = () => Promise<Shown>
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
      event_id: house.eventId,
      event_title: 'Gala',
    })
    const masked = (email: string | null) => db.value('select ticketing.masked($1)', [email])
    assert.equal(await masked('x@y'), 'x***@y')
    assert.equal(await masked('"a@b"@c.org'), '"***@c.org')
    assert.equal(await masked('no address'), 'n***')
    assert.equal(await masked(null), null)
  })
})

describe('what is not known here', () => {
  const cases: Readonly<Record<string, () => Promise<Scan>>> = {
    'a code of nobody': async () => ({ code: randomUUID().replaceAll('-', '') }),
    'what an older server could not read': async () => ({ problem: 'MALFORMED' }),
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

describe('what cannot be a code', () => {
  const cases: Readonly<Record<string, Scan>> = {
    'what was misread': { problem: 'UNREADABLE' },
    'nothing at all': {},
    'half a code': { code: '0123456789abcdef' },
  }
  for (const [what, given] of Object.entries(cases)) {
    it(`${what}: UNREADABLE, nothing learned, and kept under what was read`, async () => {
      const presented = createHash('sha256').update(what).digest('hex')
      assert.deepEqual(await scan({ ...given, presented }), { ...UNKNOWN, outcome: 'UNREADABLE' })
      const rows = await db.rows('select error_code, scan_success from scan_logs where presented_hash = $1', [
        presented,
      ])
      assert.deepEqual(rows, [{ error_code: 'UNREADABLE', scan_success: false }])
    })
  }
})

describe('a scan id of any form', () => {
  it('keeps no scan from being judged, and a long one tells scans apart as any other', async () => {
    const shown = await soldTicket(db, house)
    const opening = 'x'.repeat(300)
    assert.equal((await scan({ ...plain(shown), scan_id: opening })).outcome, 'ADMITTED')
    assert.equal((await scan({ ...plain(shown), scan_id: opening })).outcome, 'ADMITTED')
    assert.equal((await scan({ ...plain(shown), scan_id: `${opening}y` })).outcome, 'ALREADY_USED')
    assert.equal((await scan({ ...plain(shown), scan_id: '' })).outcome, 'ALREADY_USED')
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
  it('what is no digest is not stored: INVALID_REQUEST', async () => {
    assert.equal((await scan({ code: 'x', presented: 'my code' })).error, 'INVALID_REQUEST')
  })
})
