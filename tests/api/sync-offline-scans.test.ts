import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { qrSpelling } from '../../src/core/code-token.ts'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { codesOf } from '../support/codes.ts'
import { KEYBOARDS } from '../support/keyboards.ts'
import { openShop } from './shop.ts'

const shop = await openShop()
const { db, house } = shop
const codes = await codesOf(db)
const staff = await shop.tokenOf(house.staffId)
const tierId = await addTier(db, house.eventId, { total: 1000 })
const other = await openBoxOffice(db)

interface Sold {
  readonly id: string
  readonly code: string
}

/** Tickets that were bought yesterday. */
async function sold(count: number): Promise<Sold[]> {
  const ids = await buyTickets(db, house.eventId, tierId, count)
  return db.rows<Sold>(
    `update tickets set created_at = now() - interval '1 day' where id = any ($1) returning id, qr_code as code`,
    [ids],
  )
}

const sync = (body: unknown, headers: Readonly<Record<string, string>> = staff) =>
  shop.call('sync-offline-scans', body, headers)
const ago = (ms: number) => new Date(Date.now() - ms).toISOString()

describe('sync-offline-scans', () => {
  it('takes tokens, plain codes and ids, in any order, and answers in the order of the list', async () => {
    const [a, b, c] = (await sold(3)) as [Sold, Sold, Sold]
    const token = codes.token('ticket', house.eventId, a.code)
    const scans = [
      { code: token, scannedAt: ago(1000), deviceId: 'late' },
      { code: b.code.toUpperCase(), scannedAt: ago(1000), deviceId: 'd' },
      { ticketId: c.id, scannedAt: '2026-01-01T20:00:00+02:00', deviceId: 'd' },
      { code: token, scannedAt: ago(5000), deviceId: 'early' },
      { code: 'https://example.org', scannedAt: ago(1000) },
      { code: codes.token('claim', house.eventId, b.code), scannedAt: ago(1000) },
    ]
    const { status, body } = await sync({ businessId: house.businessId, scans })
    assert.equal(status, 200)
    const results = body['results'] as readonly Readonly<Record<string, unknown>>[]
    assert.deepEqual(
      results.map((one) => [
        one['ticketId'],
        one['success'],
        one['alreadyScanned'],
        one['conflictResolved'],
        one['error'],
      ]),
      [
        [a.id, false, true, true, 'ALREADY_USED'],
        [b.id, true, false, false, null],
        [c.id, true, false, false, null],
        [a.id, true, false, false, null],
        [null, false, false, false, 'UNREADABLE'],
        [null, false, false, false, 'NOT_FOUND'],
      ],
    )
    assert.equal(results[0]?.['scannedAt'], results[3]?.['scannedAt'])
    assert.deepEqual([results[2]?.['clockSuspect'], results[1]?.['clockSuspect']], [true, false])
    assert.equal(results[1]?.['scannedBy'], house.staffId)
    assert.deepEqual((await sync({ businessId: house.businessId, scans })).body, body, 'sent again')
  })

  it('takes 500 scans with tokens and names of devices in one request', async () => {
    const tickets = await sold(500)
    const scans = tickets.map(({ code }) => ({
      code: codes.token('ticket', house.eventId, code),
      scannedAt: ago(60_000),
      deviceId: 'gate '.repeat(20).trim(),
    }))
    const { status, body } = await sync({ businessId: house.businessId, scans })
    assert.equal(status, 200, JSON.stringify(body))
    const results = body['results'] as readonly Readonly<Record<string, unknown>>[]
    assert.deepEqual(
      results.map(({ ticketId }) => ticketId),
      tickets.map(({ id }) => id),
    )
    assert.ok(results.every(({ success }) => success))
  })

  const scan = { code: 'x', scannedAt: ago(0) }
  const bad: readonly [string, object, string | undefined][] = [
    ['no business', { scans: [scan] }, 'businessId'],
    ['no scans', { businessId: house.businessId }, 'scans'],
    ['an empty list', { businessId: house.businessId, scans: [] }, 'scans'],
    ['501 scans', { businessId: house.businessId, scans: Array(501).fill(scan) }, 'scans'],
  ]
  for (const [what, body, field] of bad)
    it(`refuses ${what}`, async () => {
      const answer = await sync(body)
      assert.deepEqual(
        [answer.status, answer.body['code'], answer.body['field']],
        [400, 'INVALID_REQUEST', field],
      )
    })

  it('an entry whose time, scanner or event cannot be believed is kept as of now, by the bearer, and noted', async () => {
    const odd: readonly [object, readonly string[]][] = [
      [{}, ['scannedAt']],
      [{ scannedAt: '' }, ['scannedAt']],
      [{ scannedAt: 1_700_000_000 }, ['scannedAt']],
      [{ scannedAt: 'tomorrow' }, ['scannedAt']],
      [{ scannedAt: 'x'.repeat(5000) }, ['scannedAt']],
      [{ scannedAt: '2026-01-01T00:00:00' }, ['scannedAt']],
      [{ scannedAt: '0000-01-01T00:00:00Z' }, ['scannedAt']],
      [{ scannedAt: '2026-11-21T10:00:00+16:30' }, ['scannedAt']],
      [{ scannedAt: '2026-02-30T10:00:00Z' }, ['scannedAt']],
      [{ scannedAt: { at: 'now' } }, ['scannedAt']],
      [{ scannedAt: '9999-12-31T23:59:59Z' }, []],
      [{ scannedAt: '1970-01-01T00:00:00Z' }, []],
      [{ scannedAt: ago(0), scannedBy: 'me\u0000' }, ['scannedBy']],
      [{ scannedAt: ago(0), scannedBy: randomUUID() }, ['scannedBy']],
      [{ scannedAt: ago(0), scannedBy: other.staffId }, ['scannedBy']],
      [{ scannedAt: ago(0), scannedBy: 7 }, ['scannedBy']],
      [{ scannedAt: ago(0), eventId: 'no-such-event' }, ['eventId']],
      [{ scannedAt: ago(0), eventId: other.eventId }, ['eventId']],
      [{ scannedAt: ago(0), ticketId: 'zz' }, ['ticketId']],
      [{ scannedBy: '\ud800', scannedAt: null, eventId: 7 }, ['eventId', 'scannedAt', 'scannedBy']],
    ]
    const tickets = await sold(odd.length)
    const scans = odd.map(([more], at) => ({ code: tickets[at]?.code, deviceId: 'd', ...more }))
    for (let time = 0; time < 2; time++) {
      const { status, body } = await sync({ businessId: house.businessId, scans })
      assert.equal(status, 200, JSON.stringify(body))
      const results = body['results'] as readonly Readonly<Record<string, unknown>>[]
      for (const [at, [more, disbelieved]] of odd.entries()) {
        const result = results[at] ?? {}
        const { ticketId, success, scannedBy, clockSuspect } = result
        const noTime = disbelieved.includes('scannedAt')
        assert.deepEqual(
          [ticketId, success, scannedBy, [...(result['disbelieved'] as string[])].sort()],
          [tickets[at]?.id, true, house.staffId, disbelieved],
          JSON.stringify(more),
        )
        if (noTime)
          assert.ok(clockSuspect && Math.abs(Date.parse(String(result['scannedAt'])) - Date.now()) < 60_000)
      }
    }
    const rows = await db.value(
      `select count(*)::int from scan_logs where ticket_id = any ($1) and scan_success`,
      [tickets.map(({ id }) => id)],
    )
    assert.equal(rows, odd.length, 'sent twice, kept once')
  })

  it('what names nothing is refused in its place, and the others take effect', async () => {
    const [a] = (await sold(1)) as [Sold]
    const nothing = [{ scannedAt: ago(0) }, { code: '', scannedAt: ago(0) }, null, 7, 'A1', [], [a.code]]
    const odd = [{ ticketId: 'zz', scannedAt: ago(0) }, { ticketId: 7 }]
    const good = { ticketId: a.id, scannedAt: ago(0), deviceId: 'south', scanId: 'opening' }
    const { status, body } = await sync({ businessId: house.businessId, scans: [...nothing, ...odd, good] })
    assert.equal(status, 200, JSON.stringify(body))
    const results = body['results'] as readonly Readonly<Record<string, unknown>>[]
    assert.deepEqual(
      results.map(({ error }) => error),
      [...nothing.map(() => 'INVALID_REQUEST'), 'NOT_FOUND', 'NOT_FOUND', null],
    )
  })

  it('what is told twice in one list is one entry; ids and names that are odd tell entries apart all the same', async () => {
    const [a, b, c] = (await sold(3)) as [Sold, Sold, Sold]
    const scannedAt = ago(0)
    const long = 'x'.repeat(300)
    const scans = [
      { code: a.code, scannedAt, deviceId: 'a\u0000', scanId: long },
      { code: a.code, scannedAt, deviceId: 'a\u0000', scanId: long },
      { code: b.code, scannedAt, deviceId: 7, scanId: {} },
      { code: b.code, scannedAt, deviceId: 'y'.repeat(9000), scanId: `${long}!` },
      { code: c.code },
      { code: c.code },
      { code: 'x'.repeat(7090), scannedAt },
      { code: { a: 1 }, scannedAt },
    ]
    const { status, body } = await sync({ businessId: house.businessId, scans })
    const results = body['results'] as readonly Readonly<Record<string, unknown>>[]
    assert.deepEqual(
      [status, ...results.map(({ success, error }) => (success ? 'success' : error))],
      [
        200,
        'success',
        'success',
        'success',
        'ALREADY_USED',
        'success',
        'success',
        'UNREADABLE',
        'UNREADABLE',
      ],
    )
    const rows = await db.rows<{ device_id: string | null; scan_id: string | null }>(
      'select device_id, scan_id from scan_logs where ticket_id = any ($1) order by ticket_id, scan_success desc',
      [[a.id, b.id]],
    )
    assert.deepEqual(rows, [
      { device_id: 'a\uFFFD', scan_id: `sha256:${createHash('sha256').update(long).digest('hex')}` },
      { device_id: '7', scan_id: '{}' },
      {
        device_id: 'y'.repeat(200),
        scan_id: `sha256:${createHash('sha256').update(`${long}!`).digest('hex')}`,
      },
    ])
    assert.equal(await db.value('select count(*)::int from scan_logs where ticket_id = $1', [c.id]), 1)
  })

  it("takes a list of an event: another event's ticket is kept and told of", async () => {
    const [a, b] = (await sold(2)) as [Sold, Sold]
    const [tonight] = await db.rows<{ slug: string }>(
      `insert into events (business_id, slug, title, start_at, end_at, status)
       select business_id, 'tonight', 'Tonight', start_at, end_at, status from events where id = $1 returning slug`,
      [house.eventId],
    )
    const scans = [
      { code: a.code, scannedAt: ago(0) },
      { code: b.code, scannedAt: ago(0), eventId: house.eventSlug },
    ]
    const { body } = await sync({ businessId: house.businessId, eventId: tonight?.slug, scans })
    const [wrong, right] = body['results'] as readonly Readonly<Record<string, unknown>>[]
    assert.deepEqual(
      [wrong?.['error'], (wrong?.['event'] as { title: string } | undefined)?.title, right?.['error']],
      ['WRONG_EVENT', 'Gala', null],
    )
  })

  it('takes 500 scans whose names are as long as names may be', async () => {
    const scans = Array.from({ length: 500 }, (_, at) => ({
      code: `A1${'x'.repeat(115)}`,
      scannedAt: ago(0),
      deviceId: 'Ω'.repeat(200),
      scanId: `${at} ${'Ω'.repeat(250)}`,
    }))
    const { status } = await sync({ businessId: house.businessId, scans })
    assert.equal(status, 200)
  })

  it('a scan that validate-qr admitted and whose answer was lost is that scan', async () => {
    const [ticket] = (await sold(1)) as [Sold]
    const opening = { deviceId: 'south', scanId: 'opening' }
    const online = await shop.call(
      'validate-qr',
      { qrData: ticket.code, businessId: house.businessId, ...opening },
      staff,
    )
    assert.equal(online.body['outcome'], 'ADMITTED')
    const scans = [{ code: ticket.code, scannedAt: ago(-1000), ...opening }]
    const { body } = await sync({ businessId: house.businessId, scans })
    const [result] = body['results'] as readonly Readonly<Record<string, unknown>>[]
    assert.deepEqual([result?.['success'], result?.['conflictResolved']], [true, false])
    assert.equal(
      await db.value('select count(*)::int from double_admissions($1) where ticket_id = $2', [
        house.eventId,
        ticket.id,
      ]),
      0,
    )
  })

  it('reads what scanners and keyboards made of a code, as validate-qr does', async () => {
    const keyboards = Object.values(KEYBOARDS)
    const tickets = await sold(2 * keyboards.length)
    const scans = tickets.map(({ code }, at) => {
      const token = codes.token('ticket', house.eventId, code)
      const typed = keyboards[at >> 1]?.(`]Q1${at % 2 === 0 ? token : qrSpelling(token)}`)
      return { code: `${typed}\t`, scannedAt: ago(1000), deviceId: 'd' }
    })
    const qr = qrSpelling(codes.token('ticket', house.eventId, tickets[0]?.code ?? ''))
    const misread = [qr.slice(0, -1), qr + qr].map((code) => ({ code, scannedAt: ago(1000), deviceId: 'd' }))
    const { body } = await sync({ businessId: house.businessId, scans: [...scans, ...misread] })
    const results = body['results'] as readonly Readonly<Record<string, unknown>>[]
    assert.deepEqual(
      results.map(({ ticketId, error }) => ticketId ?? error),
      [...tickets.map(({ id }) => id), 'UNREADABLE', 'UNREADABLE'],
    )
    assert.equal(results.at(-1)?.['message'], 'This cannot be a code: scan again.')
  })

  it('keeps of a code that is nothing of ours the same hash that validate-qr keeps', async () => {
    const shown = randomUUID().replaceAll('-', '')
    await shop.call('validate-qr', { qrData: ` ${shown}\n`, businessId: house.businessId }, staff)
    await sync({ businessId: house.businessId, scans: [{ code: shown, scannedAt: ago(0) }] })
    const digest = createHash('sha256').update(shown).digest('hex')
    assert.deepEqual(
      await db.rows(
        'select offline, error_code, business_id from scan_logs where presented_hash = $1 order by offline',
        [digest],
      ),
      [
        { offline: false, error_code: 'UNKNOWN', business_id: house.businessId },
        { offline: true, error_code: 'NOT_FOUND', business_id: house.businessId },
      ],
    )
  })

  it('is for staff of the business that is named', async () => {
    const body = { businessId: house.businessId, scans: [scan] }
    for (const [headers, status, code] of [
      [{}, 401, 'UNAUTHORIZED'],
      [await shop.tokenOf(randomUUID()), 403, 'FORBIDDEN'],
      [await shop.tokenOf(other.staffId), 403, 'FORBIDDEN'],
    ] as const) {
      const answer = await sync(body, headers)
      assert.deepEqual([answer.status, answer.body['code']], [status, code])
    }
  })

  it('and an online gate agree about a ticket that was scanned at two gates', async () => {
    const [online, offline] = (await sold(2)) as [Sold, Sold]
    const validate = ({ code }: Sold) =>
      shop.call(
        'validate-qr',
        { qrData: codes.token('ticket', house.eventId, code), businessId: house.businessId, language: 'en' },
        staff,
      )
    assert.equal((await validate(online)).body['success'], true)
    const scans = [online, offline].map(({ id }) => ({ ticketId: id, scannedAt: ago(-1000), deviceId: 'd' }))
    const { body } = await sync({ businessId: house.businessId, scans })
    const [late, first] = body['results'] as readonly Readonly<Record<string, unknown>>[]
    assert.deepEqual([late?.['alreadyScanned'], first?.['success']], [true, true])
    const told = (await validate(offline)).body
    assert.deepEqual([told['success'], told['alreadyUsed']], [false, true])
    const { checkedInAt } = told['details'] as Readonly<Record<string, string>>
    assert.equal(Date.parse(String(checkedInAt)), Date.parse(String(first?.['scannedAt'])))
  })
})
