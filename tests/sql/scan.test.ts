import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { ANON, type Caller, refusalOf, rowsAs, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

interface Scan {
  readonly success: boolean
  readonly conflict_resolved?: boolean
  readonly already_scanned: boolean
  readonly scanned_at: Date | null
  readonly scanned_by: string | null
  readonly error_message: string | null
}

const db = await lawfulDatabase()
const house = await openBoxOffice(db)
const other = await openBoxOffice(db)
const staff = signedIn(house.staffId)
const stranger = signedIn(other.staffId)
const buyer = signedIn(randomUUID())
const tierId = await addTier(db, house.eventId, { total: 1000 })
const UNKNOWN = '00000000-0000-0000-0001-000000000099'
const NOBODY_OF_US = '00000000-0000-0000-0000-000000000001'

async function ticket(status = 'valid'): Promise<string> {
  const [id] = await buyTickets(db, house.eventId, tierId, 1)
  await db.rows('update tickets set status = $2 where id = $1', [id, status])
  return String(id)
}

async function scan(
  id: string | null,
  by: string | null,
  caller: Caller = SERVICE,
  device = 'd1',
): Promise<Scan> {
  const rows = await rowsAs<Scan>(db.client, caller, 'select * from scan_ticket_atomic($1, $2, $3)', [
    id,
    by,
    device,
  ])
  assert.equal(rows.length, 1)
  return rows[0] as Scan
}

async function offline(
  id: string | null,
  by: string | null,
  at: string | null,
  device = 'd1',
  caller: Caller = SERVICE,
) {
  const sql = 'select * from sync_offline_scan($1, $2, $3, $4)'
  const rows = await rowsAs<Scan>(db.client, caller, sql, [id, by, at, device])
  assert.equal(rows.length, 1)
  return rows[0] as Scan
}

const checkin = (id: string | null, by: string | null, caller: Caller = SERVICE) =>
  valueAs<{ success: boolean; error?: string; checked_in_at?: string }>(
    db.client,
    caller,
    'select atomic_ticket_checkin($1, $2)',
    [id, by],
  )
const scansOf = (id: string) =>
  db.value<number>('select count(*)::int from scan_logs where ticket_id = $1', [id])

describe('scan_ticket_atomic', () => {
  it('admits once; the second is told who came first, and when', async () => {
    const id = await ticket()
    const first = await scan(id, house.staffId, staff)
    assert.deepEqual([first.success, first.already_scanned, first.error_message], [true, false, null])
    const second = await scan(id, NOBODY_OF_US)
    assert.deepEqual([second.success, second.already_scanned], [false, true])
    assert.deepEqual([second.scanned_at, second.scanned_by], [first.scanned_at, house.staffId])
    assert.match(second.error_message ?? '', /already/)
    assert.equal(await scansOf(id), 2)
  })

  for (const status of ['cancelled', 'refunded', 'refunding']) {
    it(`does not admit a ticket that is ${status}, and keeps the scan`, async () => {
      const id = await ticket(status)
      const { success, already_scanned, error_message } = await scan(id, house.staffId, staff)
      assert.deepEqual([success, already_scanned], [false, false])
      assert.match(error_message ?? '', /does not admit/)
      assert.equal(
        await db.value('select error_code from scan_logs where ticket_id = $1', [id]),
        'INVALID_STATUS',
      )
    })
  }

  it('says not found for an unknown ticket and for none, and keeps what was shown', async () => {
    assert.match((await scan(UNKNOWN, house.staffId, staff)).error_message ?? '', /not found/)
    assert.match((await scan(null, house.staffId)).error_message ?? '', /not found/)
    assert.equal(await db.value('select count(*)::int from scan_logs where presented_id = $1', [UNKNOWN]), 1)
  })

  it('cuts a device and a method that are too long', async () => {
    const id = await ticket()
    await rowsAs(db.client, SERVICE, 'select scan_ticket_atomic($1, null, $2, $2)', [id, 'x'.repeat(1000)])
    assert.deepEqual(
      await db.rows(
        'select length(device_id) as d, length(scan_method) as m from scan_logs where ticket_id = $1',
        [id],
      ),
      [{ d: 200, m: 50 }],
    )
  })
})

describe('who may open the gate', () => {
  /** What the ticket of another house is: no more than one that does not exist. */
  const ELSEWHERE = 'staff of another house names itself'
  const table: readonly [string, Caller, string | null, boolean][] = [
    ['staff names itself', staff, house.staffId, true],
    ['staff names a colleague', staff, other.staffId, false],
    ['staff names nobody', staff, null, false],
    [ELSEWHERE, stranger, other.staffId, false],
    ['staff of another house names ours', stranger, house.staffId, false],
    ['a buyer names itself', buyer, buyer.userId, false],
    ['a buyer names nobody', buyer, null, false],
    ['a token without a subject names nobody', { role: 'authenticated' }, null, false],
    ['the service names anybody', SERVICE, NOBODY_OF_US, true],
    ['the service names nobody', SERVICE, null, true],
    ['the owner names staff', null, house.staffId, true],
  ]
  for (const [what, caller, by, may] of table) {
    it(`${what}: ${may ? 'admitted' : 'refused, nothing learned and nothing written'}`, async () => {
      const used = await ticket()
      await scan(used, house.staffId)
      const [a, b] = [await ticket(), await ticket()]
      assert.equal((await scan(a, by, caller)).success, may)
      const refusal = what === ELSEWHERE ? 'NOT_FOUND' : 'FORBIDDEN'
      assert.equal((await checkin(b, by, caller)).error, may ? undefined : refusal)
      if (may) return
      if (refusal === 'FORBIDDEN')
        assert.match((await scan(a, by, caller)).error_message ?? '', /in the name of staff/)
      assert.deepEqual(await scan(used, by, caller), await scan(a, by, caller))
      assert.equal((await checkin(UNKNOWN, by, caller)).error, refusal, 'as for what does not exist')
      for (const id of [a, b]) assert.equal(await scansOf(id), 0)
    })
  }
  // Without network the gate has opened: the entry is kept, in the name of who tells it.
  const told: readonly [string, Caller, string | null, string | null | undefined][] = [
    ['staff names itself', staff, house.staffId, house.staffId],
    ['staff names a stranger', staff, other.staffId, house.staffId],
    ['staff names nobody', staff, null, house.staffId],
    ['staff of another house names itself', stranger, other.staffId, undefined],
    ['staff of another house names ours', stranger, house.staffId, undefined],
    ['a buyer names itself', buyer, buyer.userId ?? null, undefined],
    ['a buyer names ours', buyer, house.staffId, undefined],
    ['the service names anybody', SERVICE, NOBODY_OF_US, NOBODY_OF_US],
    ['the service names nobody', SERVICE, null, null],
  ]
  for (const [what, caller, by, recorded] of told)
    it(`offline, ${what}: ${recorded === undefined ? 'refused, nothing written' : `recorded of ${recorded}`}`, async () => {
      const id = await ticket()
      const { success, scanned_by } = await offline(id, by, '2026-01-01', 'd', caller)
      assert.deepEqual([success, scanned_by], [recorded !== undefined, recorded ?? null])
      assert.equal(await scansOf(id), recorded === undefined ? 0 : 1)
      const noted = await db.rows(
        `select from scan_logs where ticket_id = $1 and disbelieved ? 'scanned_by'`,
        [id],
      )
      assert.equal(noted.length, recorded === undefined || recorded === by ? 0 : 1)
    })
  for (const verb of ['scan_ticket_atomic', 'atomic_ticket_checkin']) {
    it(`${verb} is not for guests`, async () => {
      const work = rowsAs(db.client, ANON, `select ${verb}($1, $2)`, [UNKNOWN, house.staffId])
      assert.deepEqual(await refusalOf(work), { code: '42501' })
    })
  }
})

describe('atomic_ticket_checkin', () => {
  it('answers every case by its code', async () => {
    const id = await ticket()
    const first = await checkin(id, house.staffId, staff)
    assert.equal(first.success, true)
    const second = await checkin(id, house.staffId, staff)
    assert.deepEqual([second.error, second.checked_in_at], ['ALREADY_USED', first.checked_in_at])
    assert.equal((await checkin(UNKNOWN, house.staffId, staff)).error, 'NOT_FOUND')
    assert.equal((await checkin(null, house.staffId)).error, 'NOT_FOUND')
    assert.equal((await checkin(await ticket('refunded'), house.staffId, staff)).error, 'INVALID_STATUS')
    assert.equal((await checkin(UNKNOWN, house.staffId, buyer)).error, 'FORBIDDEN')
  })
})

describe('sync_offline_scan', () => {
  const EARLY = '2999-01-01 10:00Z'
  /** A time on the ticket's own clock, that many milliseconds after it was made: already past when it is sent. */
  const soon = async (id: string, ms: number) =>
    (
      await db.value<Date>(`select created_at + $2 * interval '1 millisecond' from tickets where id = $1`, [
        id,
        ms,
      ])
    ).toISOString()

  it('admits, gives the same answer to the same scan sent again, and records it once', async () => {
    const id = await ticket()
    const at = await soon(id, 1)
    const first = await offline(id, house.staffId, at, 'd1', staff)
    assert.deepEqual([first.success, first.conflict_resolved, first.already_scanned], [true, false, false])
    assert.deepEqual(await offline(id, house.staffId, at, 'd1', staff), first)
    assert.equal(await scansOf(id), 1)
  })

  it('takes a scan of the future as of now, one from before the ticket as of its making; sent again, the same answer', async () => {
    for (const at of [EARLY, 'infinity', '1970-01-01', '-infinity']) {
      const id = await ticket()
      const first = await offline(id, house.staffId, at)
      assert.equal(first.success, true)
      assert.ok((first.scanned_at ?? 0) <= new Date())
      assert.deepEqual(await offline(id, house.staffId, at), first)
      assert.equal(await scansOf(id), 1)
    }
  })

  it('gives the ticket to the earliest of three gates, in whatever order they come back', async () => {
    for (const order of [
      [1, 2, 3],
      [1, 3, 2],
      [2, 1, 3],
      [2, 3, 1],
      [3, 1, 2],
      [3, 2, 1],
    ]) {
      const id = await ticket()
      for (const gate of order) await offline(id, house.staffId, await soon(id, gate), `gate ${gate}`)
      assert.deepEqual(
        await db.rows('select device_id from scan_logs where ticket_id = $1 and scan_success', [id]),
        [{ device_id: 'gate 1' }],
      )
      assert.equal(await scansOf(id), 3)
      assert.deepEqual(
        await db.value('select checked_in_at from tickets where id = $1', [id]),
        new Date(await soon(id, 1)),
      )
      for (const gate of order) {
        const again = await offline(id, house.staffId, await soon(id, gate), `gate ${gate}`)
        assert.deepEqual([again.success, again.already_scanned], [gate === 1, gate !== 1])
      }
      assert.equal(await scansOf(id), 3)
    }
  })

  it('wins over a later scan at an online gate, loses to an earlier one', async () => {
    const id = await ticket()
    const online = await scan(id, house.staffId)
    const lost = await offline(id, NOBODY_OF_US, EARLY, 'd2')
    assert.deepEqual([lost.success, lost.already_scanned, lost.scanned_at], [false, true, online.scanned_at])
    const won = await offline(id, NOBODY_OF_US, await soon(id, 1), 'd3')
    assert.deepEqual([won.success, won.conflict_resolved, won.scanned_by], [true, true, NOBODY_OF_US])
    const late = await scan(id, house.staffId)
    assert.deepEqual([late.already_scanned, late.scanned_by], [true, NOBODY_OF_US])
  })

  it('refuses what does not admit, and admits the same scan when the ticket is valid again', async () => {
    const id = await ticket('refunding')
    const at = await soon(id, 5)
    assert.match((await offline(id, house.staffId, at)).error_message ?? '', /does not admit/)
    assert.match((await offline(id, house.staffId, at)).error_message ?? '', /does not admit/)
    assert.equal(await scansOf(id), 1)
    await db.rows(`update tickets set status = 'valid' where id = $1`, [id])
    assert.equal((await offline(id, house.staffId, at)).success, true)
  })

  it('takes a scan without a time as of now, once, and says so in the log', async () => {
    const id = await ticket()
    const first = await offline(id, house.staffId, null)
    assert.ok(first.success && Math.abs(Date.now() - Number(first.scanned_at)) < 60_000)
    assert.deepEqual(await offline(id, house.staffId, null), first)
    assert.deepEqual(
      await db.rows('select clock_suspect, claimed_at, disbelieved from scan_logs where ticket_id = $1', [
        id,
      ]),
      [{ clock_suspect: true, claimed_at: null, disbelieved: { scanned_at: null } }],
    )
  })

  it('refuses an unknown ticket and none', async () => {
    assert.match((await offline(UNKNOWN, house.staffId, EARLY)).error_message ?? '', /not found/)
    assert.match((await offline(null, house.staffId, EARLY)).error_message ?? '', /not found/)
  })
})
