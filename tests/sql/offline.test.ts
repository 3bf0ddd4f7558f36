import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { afterEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import {
  ANON,
  assertLawful,
  type Caller,
  refusalOf,
  rowsAs,
  SERVICE,
  signedIn,
  valueAs,
} from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'
import {
  applyList,
  doublesOf,
  entriesOf,
  entryOf,
  type GateList,
  gateList,
  type OfflineScan,
  type Synced,
  scanOnline,
  sync,
  truth,
} from '../support/gates.ts'

const db = await testDatabase()
const house = await openBoxOffice(db)
const other = await openBoxOffice(db)
const staff = signedIn(house.staffId)
const stranger = signedIn(other.staffId)
const buyer = signedIn(randomUUID())
const tierId = await addTier(db, house.eventId, { total: 1000 })
const theirTier = await addTier(db, other.eventId)
const UNKNOWN = '00000000-0000-0000-0001-000000000099'
const DAY_MS = 86_400_000

afterEach(() => assertLawful(db))

/** A ticket that was bought so many days ago. */
async function ticket(days = 30, status = 'valid'): Promise<string> {
  const [id] = await buyTickets(db, house.eventId, tierId, 1)
  await db.rows(`update tickets set created_at = now() - $2 * interval '1 day', status = $3 where id = $1`, [
    id,
    days,
    status,
  ])
  return String(id)
}

const ago = (ms: number) => new Date(Date.now() - ms).toISOString()
const syncAs = (caller: Caller, scans: unknown, businessId: string | null = null) =>
  valueAs<Synced>(db.client, caller, 'select ticketing.sync_offline_scans($1, $2)', [
    JSON.stringify(scans),
    businessId,
  ])
const told = ({ success, already_scanned, error }: OfflineScan) =>
  success ? 'admitted' : already_scanned ? 'already' : error
const codeOf = (id: string) => db.value<string>('select qr_code from tickets where id = $1', [id])

describe('sync_offline_scans', () => {
  it('answers every scan in the order in which it was sent, whatever became of the others', async () => {
    const [fresh, twice, gone, plain] = [
      await ticket(),
      await ticket(),
      await ticket(30, 'refunded'),
      await ticket(),
    ]
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
      { ticket_id: fresh, scanned_at: ago(1000), scanned_by: other.staffId },
      { ticket_id: fresh, scanned_at: null },
      { scanned_at: ago(1000) },
    ])
    assert.deepEqual(results?.map(told), [
      'already',
      'INVALID_STATUS',
      'admitted',
      'NOT_FOUND',
      'NOT_FOUND',
      'admitted',
      'admitted',
      'NOT_FOUND',
      'FORBIDDEN',
      'INVALID_REQUEST',
      'NOT_FOUND',
    ])
    assert.equal(results?.[0]?.scanned_at, results?.[5]?.scanned_at, 'the loser is told of the winner')
    assert.deepEqual(
      results?.map(({ ticket_id }) => ticket_id),
      [twice, gone, fresh, null, null, twice, plain, null, null, fresh, null],
    )
    assert.equal(results?.[2]?.scanned_by, house.staffId, 'who sends it has scanned it')
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
    assert.deepEqual((await syncAs(staff, scans)).results?.map(told), ['INVALID_STATUS'])
    await db.rows(`update tickets set status = 'valid' where id = $1`, [id])
    assert.deepEqual((await syncAs(staff, scans)).results?.map(told), ['admitted'])
    assert.deepEqual(await db.rows('select scan_success from scan_logs where ticket_id = $1', [id]), [
      { scan_success: true },
    ])
  })

  const clocks: readonly [string, number, (at: Date, made: Date, now: Date) => boolean, boolean][] = [
    ['right', -60_000, (at, _made, now) => Math.abs(now.getTime() - at.getTime() - 60_000) < 1000, false],
    ['ahead', 3_600_000, (at, _made, now) => at <= now, true],
    ['before the ticket was made', -2 * DAY_MS, (at, made) => at.getTime() === made.getTime(), true],
  ]
  for (const [what, offMs, isBelieved, isSuspect] of clocks)
    it(`a clock that is ${what} ${isSuspect ? 'is bounded and marked' : 'is believed'}`, async () => {
      const id = await ticket(1)
      const { results } = await syncAs(staff, [{ ticket_id: id, scanned_at: ago(-offMs) }])
      const [row] = await db.rows<{ scanned_at: Date; clock_suspect: boolean; created_at: Date; now: Date }>(
        `select s.scanned_at, s.clock_suspect, t.created_at, clock_timestamp() as now
         from scan_logs s join tickets t on t.id = s.ticket_id where t.id = $1`,
        [id],
      )
      assert.ok(row && isBelieved(row.scanned_at, row.created_at, row.now), JSON.stringify(row))
      assert.deepEqual([row.clock_suspect, results?.[0]?.clock_suspect], [isSuspect, isSuspect])
    })

  it('a scan is at most as old as the settings say', async () => {
    const id = await ticket(30)
    const { results } = await syncAs(staff, [{ ticket_id: id, scanned_at: ago(20 * DAY_MS) }])
    const off = Date.parse(String(results?.[0]?.scanned_at)) - (Date.now() - 7 * DAY_MS)
    assert.ok(Math.abs(off) < 60_000, `${off} ms off`)
    assert.equal(results?.[0]?.clock_suspect, true)
  })

  const bad: readonly [string, unknown][] = [
    ['nothing', null],
    ['no list', {}],
    ['an empty list', []],
    ['more than 500', Array.from({ length: 501 }, () => ({ ticket_id: UNKNOWN, scanned_at: ago(0) }))],
    ['a time that is none', [{ ticket_id: UNKNOWN, scanned_at: 'yesterday evening' }]],
    ['a month that is none', [{ ticket_id: UNKNOWN, scanned_at: '2026-13-01T00:00:00Z' }]],
    ['a scanner that is none', [{ ticket_id: UNKNOWN, scanned_at: ago(0), scanned_by: 'me' }]],
  ]
  for (const [what, scans] of bad)
    it(`refuses ${what}`, async () => {
      const answer = await syncAs(staff, scans)
      assert.deepEqual([answer.success, answer.error], [false, 'INVALID_REQUEST'])
    })

  const callers: readonly [string, Caller, string | null, string][] = [
    ['staff names its business', staff, house.businessId, 'admitted'],
    ['staff names none', staff, null, 'admitted'],
    ['staff names another', staff, other.businessId, 'FORBIDDEN'],
    ['staff of another house names ours', stranger, house.businessId, 'FORBIDDEN'],
    ['staff of another house names its own', stranger, other.businessId, 'NOT_FOUND'],
    ['a buyer names ours', buyer, house.businessId, 'FORBIDDEN'],
    ['a buyer names none', buyer, null, 'FORBIDDEN'],
    ['the service names ours', SERVICE, house.businessId, 'admitted'],
    ['the service names another', SERVICE, other.businessId, 'NOT_FOUND'],
  ]
  for (const [what, caller, businessId, expected] of callers)
    it(`${what}: ${expected}`, async () => {
      const id = await ticket()
      const answer = await syncAs(caller, [{ ticket_id: id, scanned_at: ago(0) }], businessId)
      const result = answer.results?.[0]
      assert.equal(result === undefined ? answer.error : told(result), expected)
      const rows = await db.value('select count(*)::int from scan_logs where ticket_id = $1', [id])
      assert.equal(rows, expected === 'admitted' ? 1 : 0)
    })

  it('is not for guests, nor are the list and the report', async () => {
    for (const call of [`sync_offline_scans('[]')`, `gate_list('x')`, `double_admissions(gen_random_uuid())`])
      assert.deepEqual(await refusalOf(rowsAs(db.client, ANON, `select ticketing.${call}`)), {
        code: '42501',
      })
  })

  it('a busy ticket: nothing is recorded, and the gate is told to send it again', async () => {
    const [held, free] = [await ticket(), await ticket()]
    const holder = await db.connect()
    await holder.query('begin')
    await holder.query('select from tickets where id = $1 for update', [held])
    const impatient = await db.connect()
    await impatient.query(`set statement_timeout = '500ms'`)
    const scans = [held, free].map((ticket_id) => ({ ticket_id, scanned_at: ago(0) }))
    assert.equal((await sync(impatient, scans)).error, 'LOCK_TIMEOUT')
    await holder.query('rollback')
    assert.deepEqual((await sync(impatient, scans)).results?.map(told), ['admitted', 'admitted'])
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

describe('gate_list', () => {
  const listAs = (caller: Caller, event: string | null, since: string | null = null) =>
    valueAs<GateList>(db.client, caller, 'select ticketing.gate_list($1, $2)', [event, since])

  it('has every ticket once, where it stands, and the times of the door', async () => {
    const { eventId, eventSlug } = await openBoxOffice(db)
    const tier = await addTier(db, eventId)
    const ids = await buyTickets(db, eventId, tier, 5)
    const statuses = ['valid', 'used', 'refunding', 'refunded', 'cancelled']
    for (const [i, status] of statuses.entries())
      await db.rows(
        `with scan as (insert into scan_logs (event_id, ticket_id, scan_method, scan_success, scanned_at)
           select $3, $1, 'qr', true, now() where $2 = 'used')
         update tickets set status = $2 where id = $1`,
        [ids[i], status, eventId],
      )
    const list = await gateList(db.client, eventSlug)
    assert.equal(list.full, true)
    const codes = await Promise.all(ids.map(codeOf))
    assert.deepEqual(entriesOf(list.tickets.valid), [entryOf(String(codes[0]))])
    assert.deepEqual(entriesOf(list.tickets.used), [entryOf(String(codes[1]))])
    assert.deepEqual(
      entriesOf(list.tickets.gone).sort(),
      codes
        .slice(2)
        .map((code) => entryOf(code))
        .sort(),
    )
    const times = await db.value(
      `select jsonb_build_object('entry_from', start_at - interval '24 hours', 'entry_until', end_at + interval '6 hours')
       from events where id = $1`,
      [eventId],
    )
    const { entry_from, entry_until, id, status } = list.event
    assert.deepEqual({ entry_from, entry_until }, times)
    assert.deepEqual([id, status], [eventId, 'published'])
  })

  it('with a cursor holds what changed since, and may be applied twice', async () => {
    const { eventId } = await openBoxOffice(db)
    const tier = await addTier(db, eventId)
    const ids = await buyTickets(db, eventId, tier, 3)
    const kept = new Map<string, string>()
    const first = await gateList(db.client, eventId)
    applyList(kept, first)
    assert.equal(entriesOf(first.tickets.valid).length, 3)
    await scanOnline(db.client, String(ids[0]), 'a')
    const second = await gateList(db.client, eventId, first.cursor)
    assert.deepEqual([second.full, entriesOf(second.tickets.used).length], [false, 1])
    for (let time = 0; time < 2; time++) applyList(kept, second)
    assert.deepEqual(kept, await truth(db, eventId))
    const nothing = await gateList(
      db.client,
      eventId,
      (await gateList(db.client, eventId, second.cursor)).cursor,
    )
    assert.deepEqual(nothing.tickets, { valid: '', used: '', gone: '' })
  })

  const strangers: readonly [string, string][] = [
    ['of another life of the database', '000000000000-1'],
    ['that is none', `' or true --`],
    ['that is empty', ''],
    ['with a number that is too large', `${'9'.repeat(12)}-${'9'.repeat(30)}`],
  ]
  for (const [what, since] of strangers)
    it(`a cursor ${what} gets everything`, async () => {
      const list = await gateList(db.client, house.eventId, since)
      assert.equal(list.full, true)
      assert.equal(
        new Set(Object.values(list.tickets).flatMap(entriesOf)).size,
        (await truth(db, house.eventId)).size,
      )
    })

  const readers: readonly [string, Caller, boolean][] = [
    ['its staff', staff, true],
    ['the service', SERVICE, true],
    ['staff of another house', stranger, false],
    ['a buyer', buyer, false],
  ]
  for (const [who, caller, may] of readers)
    it(`is ${may ? '' : 'not '}for ${who}`, async () => {
      const list = await listAs(caller, house.eventSlug)
      assert.deepEqual([list.success, list.error], [may, may ? undefined : 'EVENT_NOT_FOUND'])
      assert.equal((await listAs(caller, 'no such event')).error, 'EVENT_NOT_FOUND')
      assert.equal((await listAs(caller, null)).error, 'EVENT_NOT_FOUND')
    })

  it('50,000 tickets are 550 KB, and what changed is found without reading them', async () => {
    const { eventId } = await openBoxOffice(db)
    const tier = await addTier(db, eventId, { total: 50_000 })
    await db.rows(
      `with o as (insert into orders (event_id, session_id, status, currency, total_cents, tickets_issued_at)
                  select $1, 's', 'paid', 'EUR', 0, now() from generate_series(1, 50) returning id),
            i as (insert into order_items (order_id, event_id, tier_id, quantity, unit_price_cents)
                  select id, $1, $2::uuid, 1000, 0 from o returning id, order_id)
       insert into tickets (event_id, tier_id, order_id, order_item_id, ordinal)
       select $1, $2, i.order_id, i.id, n from i, generate_series(1, 1000) n`,
      [eventId, tier],
    )
    const list = await gateList(db.client, eventId)
    assert.equal(list.tickets.valid.length, 550_000)
    assert.ok(gzipSync(list.tickets.valid).length < 420_000)
    const [one] = await db.rows<{ id: string }>('select id from tickets where event_id = $1 limit 1', [
      eventId,
    ])
    await scanOnline(db.client, String(one?.id), 'a')
    await db.client.query('begin')
    const reads = () =>
      db.value<string>(
        `select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables where relname = 'tickets'`,
      )
    const before = Number(await reads())
    const next = await gateList(db.client, eventId, list.cursor)
    const read = Number(await reads()) - before
    await db.client.query('rollback')
    assert.equal(entriesOf(next.tickets.used).length, 1)
    assert.ok(read <= 10, `${read} tickets read for one that changed`)
  })
})
