import assert from 'node:assert/strict'
import { createHash, createPublicKey, randomBytes, randomUUID, verify } from 'node:crypto'
import { describe, it } from 'node:test'
import { eventually } from '../../src/embedded/processes.ts'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { codesOf } from '../support/codes.ts'
import { applyList, entriesOf, entryOf, truth } from '../support/gates.ts'
import { ask } from './scratch.ts'
import { openShop } from './shop.ts'

const UNDER_WAY_MS_MAX = 30_000

const shop = await openShop()
const { db, house, server } = shop
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

const list = (query: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = staff) =>
  ask(server, `/functions/v1/gate-list?${new URLSearchParams(query)}`, { headers })
const sync = (body: unknown, headers: Readonly<Record<string, string>> = staff) =>
  shop.call('sync-offline-scans', body, headers)
const ago = (ms: number) => new Date(Date.now() - ms).toISOString()

interface List {
  readonly cursor: string
  readonly full: boolean
  readonly since: string | null
  readonly kid: number
  readonly keys: readonly { readonly kid: number; readonly x: string; readonly revoked: boolean }[]
  readonly event: Readonly<Record<string, string>>
  readonly tickets: Readonly<Record<'valid' | 'used' | 'gone', string>>
  readonly signedAt: string
  readonly signature: string
}

/** As a scanner does it, with nothing but the text and the key that it knows. */
function holds(text: string, x: string): boolean {
  const { signature, ...signed } = JSON.parse(text) as List
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
  return verify(null, Buffer.from(JSON.stringify(signed)), key, Buffer.from(signature, 'base64url'))
}

describe('gate-list', () => {
  it('gives a gate what it needs, under a signature that it checks with the public key', async () => {
    const [ticket] = await sold(1)
    const answer = await list({ event: house.eventSlug })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('cache-control'), 'private, no-cache')
    const body = JSON.parse(answer.text) as List
    assert.deepEqual([body.event['id'], body.full, body.since], [house.eventId, true, null])
    assert.ok(Date.parse(String(body.event['entryFrom'])) < Date.parse(String(body.event['entryUntil'])))
    assert.ok(entriesOf(body.tickets.valid).includes(entryOf(String(ticket?.code))))
    const key = body.keys.find(({ kid }) => kid === body.kid)
    assert.equal(key?.x, codes.publicKeys[0]?.public_key)
    assert.equal(holds(answer.text, String(key?.x)), true)
    const cut = answer.text.slice(0, answer.text.lastIndexOf(',"signature":'))
    assert.deepEqual(
      Object.keys(JSON.parse(`${cut}}`)),
      Object.keys(body).slice(0, -1),
      'it is the last member',
    )
  })

  it('a list of which anything was changed does not hold', async () => {
    await sold(1)
    const { text } = await list({ event: house.eventId })
    const x = String(codes.publicKeys[0]?.public_key)
    const body = JSON.parse(text) as List
    const changes: readonly Partial<List>[] = [
      { tickets: { ...body.tickets, valid: body.tickets.valid.slice(11) } },
      { event: { ...body.event, id: other.eventId } },
      { full: false },
      { since: body.cursor },
      { cursor: `${body.cursor}1` },
      { signedAt: ago(-1000) },
    ]
    assert.equal(holds(text, x), true)
    for (const change of changes) assert.equal(holds(JSON.stringify({ ...body, ...change }), x), false)
  })

  it('with its cursor gives what changed, over HTTP too', async () => {
    const [ticket] = await sold(2)
    const kept = new Map<string, string>()
    const read = async (query: Readonly<Record<string, string>>) => {
      const body = JSON.parse((await list({ event: house.eventId, ...query })).text)
      applyList(kept, body)
      return body as List
    }
    const { cursor } = await read({})
    await db.rows('select scan_ticket_atomic($1, null)', [ticket?.id])
    const next = await read({ since: cursor })
    assert.deepEqual(
      [next.full, next.since, next.tickets.used],
      [false, cursor, entryOf(String(ticket?.code))],
    )
    assert.deepEqual(kept, await truth(db, house.eventId))
  })

  it('asked for again is a 304 as long as it stands, for those who may have it', async () => {
    const [ticket] = await sold(1)
    let first = await list({ event: house.eventId })
    const tag = () => String(first.headers.get('etag'))
    const again = (query = {}, headers: Record<string, string> = staff) =>
      list({ event: house.eventId, ...query }, { ...headers, 'if-none-match': tag() })
    // While a transaction of before the sale is under way, in whatever database, the sale counts as a change.
    const stands = async () => {
      first = await list({ event: house.eventId })
      return (await again()).status === 304
    }
    assert.ok(await eventually(UNDER_WAY_MS_MAX, stands))
    const same = await again()
    assert.deepEqual([same.status, same.text, same.headers.get('etag')], [304, '', tag()])
    assert.equal(
      (await again({ since: (JSON.parse(first.text) as List).cursor })).status,
      200,
      'another list',
    )
    assert.equal((await again({}, await shop.tokenOf(other.staffId))).status, 404)
    await db.rows(`update events set title = title || '!' where id = $1`, [house.eventId])
    assert.equal((await again()).status, 200, 'another title')
    const titled = await list({ event: house.eventId })
    await db.rows('select scan_ticket_atomic($1, null)', [ticket?.id])
    const scanned = await list(
      { event: house.eventId },
      {
        ...staff,
        'if-none-match': String(titled.headers.get('etag')),
      },
    )
    assert.equal(scanned.status, 200)
    assert.ok(
      entriesOf((JSON.parse(scanned.text) as List).tickets.used).includes(entryOf(String(ticket?.code))),
    )
    await codesOf(db, randomBytes(32).toString('base64url'))
    const keyed = { ...staff, 'if-none-match': String(scanned.headers.get('etag')) }
    await shop.codes.reload()
    assert.equal((await list({ event: house.eventId }, keyed)).status, 200, 'another key')
  })

  const refused: readonly [
    string,
    Readonly<Record<string, string>>,
    () => Promise<Record<string, string>>,
    number,
    string,
  ][] = [
    ['no event', {}, async () => staff, 400, 'INVALID_REQUEST'],
    ['an empty cursor', { event: house.eventId, since: '' }, async () => staff, 400, 'INVALID_REQUEST'],
    ['an unknown event', { event: 'nowhere' }, async () => staff, 404, 'EVENT_NOT_FOUND'],
    ['no bearer', { event: house.eventId }, async () => ({}), 401, 'UNAUTHORIZED'],
    [
      'a bad bearer',
      { event: house.eventId },
      async () => ({ authorization: 'Bearer x.y.z' }),
      401,
      'UNAUTHORIZED',
    ],
    [
      'staff of another house',
      { event: house.eventId },
      () => shop.tokenOf(other.staffId),
      404,
      'EVENT_NOT_FOUND',
    ],
    ['a buyer', { event: house.eventId }, () => shop.tokenOf(randomUUID()), 404, 'EVENT_NOT_FOUND'],
  ]
  for (const [what, query, headers, status, code] of refused)
    it(`refuses ${what}: ${code}`, async () => {
      const answer = await list(query, await headers())
      assert.deepEqual([answer.status, answer.json().code], [status, code])
    })
})

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

  it('takes a cursor of another event for none', async () => {
    const elsewhere = await openBoxOffice(db)
    await sold(1)
    const { cursor } = JSON.parse((await list({ event: house.eventId })).text) as List
    await db.rows('insert into business_staff (business_id, user_id) values ($1, $2)', [
      elsewhere.businessId,
      house.staffId,
    ])
    const other = JSON.parse((await list({ event: elsewhere.eventId, since: cursor })).text) as List
    assert.equal(other.full, true)
    const own = JSON.parse((await list({ event: house.eventId, since: cursor })).text) as List
    assert.equal(own.full, false)
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
