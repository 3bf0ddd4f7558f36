import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { type Caller, rowsAs, signedIn } from '../support/callers.ts'
import { doublesOf, type OfflineScan, scanOnline, sync, validate } from '../support/gates.ts'
import { ago, openOfflineGate, outcomeOf, UNKNOWN } from '../support/offline.ts'

const { db, house, other, theirTier, staff, stranger, buyer, ticket, syncAs, codeOf } =
  await openOfflineGate()

const NO_TIMES = [
  ...['2026-13-01T00:00:00Z', 'now', 'infinity', '2026-11-21T25:00:00Z', '2026-11-21T10:00:00+16:30'],
  1,
]

describe('sync_offline_scans', () => {
  it('tells who scanned first, not who asks', async () => {
    const id = await ticket()
    const colleague = randomUUID()
    await db.rows('insert into business_staff (business_id, user_id) values ($1, $2)', [
      house.businessId,
      colleague,
    ])
    const first = { ticket_id: id, scanned_at: ago(2000), device_id: 'north' }
    await syncAs(staff, [first])
    const later = { ticket_id: id, scanned_at: ago(1000), device_id: 'south' }
    const { results } = await syncAs(signedIn(colleague), [later])
    const [loser] = results as readonly { readonly scanned_by?: string; readonly scanned_at?: string }[]
    assert.deepEqual(
      [loser?.scanned_by, Date.parse(String(loser?.scanned_at))],
      [house.staffId, Date.parse(first.scanned_at)],
    )
    const [sent] = await rowsAs(
      db.client,
      signedIn(colleague),
      'select * from sync_offline_scan($1, $2, $3, $4)',
      [id, colleague, later.scanned_at, 'east'],
    )
    assert.equal(sent?.['scanned_by'], house.staffId)
  })

  it('answers every scan in the order in which it was sent, whatever became of the others', async () => {
    const gone = await ticket(30, 'refunded')
    const [fresh, twice, plain, odd] = [await ticket(), await ticket(), await ticket(), await ticket()]
    const [theirs] = await buyTickets(db, other.eventId, theirTier, 1)
    const { results } = await syncAs(staff, [
      { ticket_id: twice, scanned_at: ago(1000), device_id: 'late' },
      { ticket_id: gone, scanned_at: ago(1000) },
      { ticket_id: fresh, scanned_at: ago(1000) },
      { ticket_id: UNKNOWN, scanned_at: ago(1000) },
      { ticket_id: theirs, scanned_at: ago(1000) },
      { ticket_id: twice, scanned_at: ago(2000), device_id: 'early' },
      { code: await codeOf(plain), scanned_at: ago(1000) },
      { code: 'no code of ours', scanned_at: ago(1000) },
      { ticket_id: odd, scanned_at: ago(1000), scanned_by: other.staffId, device_id: 'named a stranger' },
      { ticket_id: odd, scanned_at: null },
      ...NO_TIMES.map((scanned_at) => ({ ticket_id: odd, scanned_at })),
      { ticket_id: 'the one with the hat', scanned_at: ago(1000) },
      { ticket_id: odd, scanned_at: ago(1000), scanned_by: 'me', device_id: 'named nobody' },
      { ticket_id: odd, scanned_at: ago(1000), scan_id: '', device_id: 'no id' },
      { ticket_id: odd, code: await codeOf(plain), scanned_at: ago(500), device_id: 'two tickets' },
      { scanned_at: ago(1000) },
      null,
    ])
    assert.deepEqual(results?.map(outcomeOf), [
      'already',
      'INVALID_STATUS',
      'admitted',
      'NOT_FOUND',
      'NOT_FOUND',
      'admitted',
      'admitted',
      'UNREADABLE',
      'admitted',
      ...Array<string>(7).fill('already'),
      'NOT_FOUND',
      ...Array<string>(3).fill('already'),
      ...Array<string>(2).fill('INVALID_REQUEST'),
    ])
    assert.equal(results?.[0]?.scanned_at, results?.[5]?.scanned_at, 'the loser is told of the winner')
    assert.deepEqual(
      results?.map(({ ticket_id }) => ticket_id),
      [
        ...[twice, gone, fresh, null, null, twice, plain, null],
        ...[...Array(8).fill(odd), null, odd, odd, plain, null, null],
      ],
    )
    assert.deepEqual(
      results?.slice(8).map(({ disbelieved }) => disbelieved.join()),
      ['scanned_by', ...Array(7).fill('scanned_at'), ...['ticket_id', 'scanned_by', '', 'ticket_id', '', '']],
    )
    assert.equal(results?.[2]?.scanned_by, house.staffId, 'who sends it has scanned it')
    const refused = results?.filter(({ error }) => error === 'INVALID_REQUEST') ?? []
    assert.ok(refused.every(({ message }) => typeof message === 'string' && message.length > 0))
  })

  it('what is nothing of ours leaves a row under what was shown, however often it is sent', async () => {
    const code = randomUUID().replaceAll('-', '')
    const [theirs] = await buyTickets(db, other.eventId, theirTier, 1)
    const scans = [
      { code, scanned_at: ago(1000), device_id: 'd' },
      { ticket_id: theirs, scanned_at: ago(1000), device_id: 'd', scan_id: 'x' },
    ]
    for (let time = 0; time < 2; time++)
      assert.deepEqual((await syncAs(staff, scans, house.businessId)).results?.map(outcomeOf), [
        'NOT_FOUND',
        'NOT_FOUND',
      ])
    const digest = createHash('sha256').update(code).digest('hex')
    const rows = await rowsAs(
      db.client,
      staff,
      `select ticket_id, presented_id, presented_hash, business_id, scanned_by, synced_by, error_code, offline from scan_logs
       where presented_hash = $1 or presented_id = $2 order by presented_id nulls first`,
      [digest, theirs],
    )
    const both = {
      ticket_id: null,
      business_id: house.businessId,
      scanned_by: house.staffId,
      synced_by: house.staffId,
      error_code: 'NOT_FOUND',
      offline: true,
    }
    assert.deepEqual(rows, [
      { ...both, presented_id: null, presented_hash: digest },
      { ...both, presented_id: theirs, presented_hash: null },
    ])
  })

  it('after the shift a colleague hands in the scans: both are written down', async () => {
    const colleague = randomUUID()
    await db.rows('insert into business_staff (business_id, user_id) values ($1, $2)', [
      house.businessId,
      colleague,
    ])
    const id = await ticket()
    const scans = [{ ticket_id: id, scanned_at: ago(1000), scanned_by: colleague }]
    assert.deepEqual((await syncAs(staff, scans, house.businessId)).results?.map(outcomeOf), ['admitted'])
    assert.deepEqual(
      await db.rows('select scanned_by, synced_by from scan_logs where ticket_id = $1', [id]),
      [{ scanned_by: colleague, synced_by: house.staffId }],
    )
  })

  it('who may not know of a ticket does not wait for it, nor makes anybody wait', async () => {
    const id = await ticket()
    const holder = await db.connect()
    await holder.query('begin')
    await holder.query('select from tickets where id = $1 for update', [id])
    const [hidden] = await rowsAs<OfflineScan & { error_message: string }>(
      db.client,
      stranger,
      'select * from sync_offline_scan($1, $2, now())',
      [id, other.staffId],
    )
    assert.match(String(hidden?.error_message), /not found/)
    for (const [caller, business, error] of [
      [stranger, other.businessId, 'NOT_FOUND'],
      [buyer, null, 'FORBIDDEN'],
    ] as const)
      assert.deepEqual(
        (await syncAs(caller, [{ ticket_id: id, scanned_at: ago(0) }], business)).results?.map(outcomeOf),
        [error],
      )
    await holder.query('rollback')
  })

  it('a scan that was admitted online and lost its answer is that scan: no row, no double', async () => {
    const id = await ticket()
    const scan = { code: await codeOf(id), device_id: 'a', scan_id: 'opening' }
    const online = await validate(db.client, house.businessId, scan)
    const { results } = await syncAs(staff, [
      { ticket_id: id, scanned_at: ago(0), device_id: 'a', scan_id: 'opening' },
    ])
    assert.deepEqual(results?.map(outcomeOf), ['admitted'])
    assert.deepEqual(
      [results?.[0]?.scanned_at, results?.[0]?.conflict_resolved],
      [online.details['checked_in_at'], false],
    )
    assert.equal(await db.value('select count(*)::int from scan_logs where ticket_id = $1', [id]), 1)
    const doubles = await doublesOf(db, house.eventId)
    assert.equal(doubles.filter(({ ticket_id }) => ticket_id === id).length, 0)
  })

  it('a scan that was refused online and let in without network is an entry of its own', async () => {
    const id = await ticket()
    const code = await codeOf(id)
    await validate(db.client, house.businessId, { code, device_id: 'a' })
    await validate(db.client, house.businessId, { code, device_id: 'b', scan_id: 'opening' })
    const scans = [{ ticket_id: id, scanned_at: ago(-1000), device_id: 'b', scan_id: 'opening' }]
    for (let time = 0; time < 2; time++)
      assert.equal((await syncAs(staff, scans)).results?.[0]?.already_scanned, true)
    const doubles = (await doublesOf(db, house.eventId)).filter(({ ticket_id }) => ticket_id === id)
    assert.deepEqual(
      doubles.map(({ counted, other }) => [counted?.device_id, other.device_id]),
      [['a', 'b']],
    )
  })

  it('sent again, in another order, in parts: the same answers, and every scan is one row', async () => {
    const ids = [await ticket(), await ticket(), await ticket(30, 'refunding')]
    const scans = ids.flatMap((ticket_id, i) => [
      { ticket_id, scanned_at: ago(1000 * i + 10), device_id: 'a' },
      { ticket_id, scanned_at: ago(1000 * i + 20), device_id: 'b' },
    ])
    const first = (await syncAs(staff, scans)).results
    assert.deepEqual((await syncAs(staff, scans)).results, first)
    assert.deepEqual((await syncAs(staff, scans.toReversed())).results?.toReversed(), first)
    for (const [i, scan] of scans.entries())
      assert.deepEqual((await syncAs(staff, [scan])).results?.[0], first?.[i])
    const rows = await db.value('select count(*)::int from scan_logs where ticket_id = any ($1)', [ids])
    assert.equal(rows, scans.length)
  })

  it('a scan that was refused admits when the ticket is valid again, and stays one row', async () => {
    const id = await ticket(30, 'refunding')
    const scans = [{ ticket_id: id, scanned_at: ago(1000) }]
    assert.deepEqual((await syncAs(staff, scans)).results?.map(outcomeOf), ['INVALID_STATUS'])
    await db.rows(`update tickets set status = 'valid' where id = $1`, [id])
    assert.deepEqual((await syncAs(staff, scans)).results?.map(outcomeOf), ['admitted'])
    assert.deepEqual(await db.rows('select scan_success from scan_logs where ticket_id = $1', [id]), [
      { scan_success: true },
    ])
  })
})

describe('double_admissions', () => {
  it('has every entry that was one too many with both scans, and those of tickets that did not admit', async () => {
    const { eventId, staffId } = await openBoxOffice(db)
    const tier = await addTier(db, eventId)
    const [once, beaten, thrice, gone] = (await buyTickets(db, eventId, tier, 4)) as [
      string,
      string,
      string,
      string,
    ]
    await db.rows(`update tickets set created_at = now() - interval '1 day' where event_id = $1`, [eventId])
    await scanOnline(db.client, once, 'online')
    await scanOnline(db.client, once, 'online again')
    await scanOnline(db.client, beaten, 'online')
    await db.rows(`update tickets set status = 'refunded' where id = $1`, [gone])
    await sync(db.client, [
      { ticket_id: beaten, scanned_at: ago(1000), device_id: 'offline' },
      { ticket_id: thrice, scanned_at: ago(1000), device_id: 'a' },
      { ticket_id: thrice, scanned_at: ago(3000), device_id: 'b' },
      { ticket_id: thrice, scanned_at: ago(2000), device_id: 'c' },
      { ticket_id: gone, scanned_at: ago(1000), device_id: 'a' },
    ])
    const doubles = await doublesOf(db, eventId)
    const short = doubles.map((double) => [
      double.ticket_id,
      double.status,
      double.counted?.device_id,
      double.other.device_id,
      double.other.error_code,
    ])
    assert.deepEqual(
      short.sort(),
      [
        [beaten, 'used', 'offline', 'online', 'SUPERSEDED'],
        [gone, 'refunded', undefined, 'a', 'INVALID_STATUS'],
        [thrice, 'used', 'b', 'a', 'ALREADY_USED'],
        [thrice, 'used', 'b', 'c', 'ALREADY_USED'],
      ].sort(),
    )
    const seenBy = (caller: Caller) =>
      rowsAs(db.client, caller, 'select * from double_admissions($1)', [eventId])
    assert.equal((await seenBy(signedIn(staffId))).length, 4)
    assert.equal((await seenBy(staff)).length, 0)
  })
})
