import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { codesOf } from '../support/codes.ts'
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
        [null, false, false, false, 'NOT_FOUND'],
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

  it('what cannot be read is refused in its place, and the others take effect', async () => {
    const [a, b] = (await sold(2)) as [Sold, Sold]
    const good = { ticketId: a.id, scannedAt: ago(0), deviceId: 'south', scanId: 'opening' }
    const { code } = b
    const unreadable = [
      { scannedAt: ago(0) },
      { code: '', scannedAt: ago(0) },
      { ticketId: 'zz', scannedAt: ago(0) },
      { ticketId: 7, scannedAt: ago(0) },
      { code },
      { code, scannedAt: 1_700_000_000 },
      { code, scannedAt: 'tomorrow' },
      { code, scannedAt: '2026-01-01T00:00:00' },
      { code, scannedAt: '0000-01-01T00:00:00Z' },
      { code, scannedAt: '2026-11-21T10:00:00+16:30' },
      { code, scannedAt: '2026-02-30T10:00:00Z' },
      { code, scannedAt: ago(0), scannedBy: 'me\u0000' },
      { code, ticketId: a.id, scannedAt: ago(0) },
      null,
    ]
    const scans = [...unreadable, good]
    const { status, body } = await sync({ businessId: house.businessId, scans })
    assert.equal(status, 200, JSON.stringify(body))
    const results = body['results'] as readonly Readonly<Record<string, unknown>>[]
    assert.deepEqual(
      results.map(({ error }) => error),
      [...unreadable.map(() => 'INVALID_REQUEST'), null],
    )
    const rows = await db.rows(
      'select ticket_id, device_id, scan_id from scan_logs where ticket_id = any ($1)',
      [[a.id, b.id]],
    )
    assert.deepEqual(rows, [{ ticket_id: a.id, device_id: 'south', scan_id: 'opening' }])
  })

  it('records an entry whose device or scan id cannot be kept, and what is no code under its hash', async () => {
    const [a, b] = (await sold(2)) as [Sold, Sold]
    const scans = [
      { code: a.code, scannedAt: ago(0), deviceId: 'a\u0000', scanId: 'x'.repeat(256) },
      { code: b.code, scannedAt: ago(0), deviceId: 7, scanId: {} },
      { code: 'x'.repeat(7090), scannedAt: ago(0) },
      { code: { a: 1 }, scannedAt: ago(0) },
    ]
    const { status, body } = await sync({ businessId: house.businessId, scans })
    const results = body['results'] as readonly Readonly<Record<string, unknown>>[]
    assert.deepEqual(
      [status, ...results.map(({ success, error }) => (success ? 'success' : error))],
      [200, 'success', 'success', 'NOT_FOUND', 'NOT_FOUND'],
    )
    assert.deepEqual(
      await db.rows('select device_id, scan_id from scan_logs where ticket_id = any ($1)', [[a.id, b.id]]),
      [
        { device_id: null, scan_id: null },
        { device_id: null, scan_id: null },
      ],
    )
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

  it('keeps of a code that is nothing of ours the same hash that validate-qr keeps', async () => {
    const shown = `forged ${randomUUID()}`
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
