import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { type Caller, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'
import {
  applyList,
  entriesOf,
  entryOf,
  type GateList,
  gateList,
  scanOnline,
  truth,
} from '../support/gates.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

const db = await lawfulDatabase()
const house = await openBoxOffice(db)
const other = await openBoxOffice(db)
const staff = signedIn(house.staffId)
const stranger = signedIn(other.staffId)
const buyer = signedIn(randomUUID())
await buyTickets(db, house.eventId, await addTier(db, house.eventId), 3)

const codeOf = (id: string) => db.value<string>('select qr_code from tickets where id = $1', [id])

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
         update tickets set status = $2, checked_in_at = case when $2 = 'used' then now() end where id = $1`,
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
    await settledCursor(eventId, second.cursor)
  })

  it('with a cursor tells a change again while an older transaction is open, in whatever database', async () => {
    const { eventId } = await openBoxOffice(db)
    const [id] = await buyTickets(db, eventId, await addTier(db, eventId), 1)
    const { client: elsewhere } = await testDatabase(null)
    await elsewhere.query('begin; select pg_current_xact_id()')
    const first = await gateList(db.client, eventId)
    await scanOnline(db.client, String(id), 'a')
    const second = await gateList(db.client, eventId, first.cursor)
    const again = await gateList(db.client, eventId, second.cursor)
    assert.equal(entriesOf(again.tickets.used).length, 1)
    await elsewhere.query('rollback')
    await settledCursor(eventId, again.cursor)
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
    const cursor = await settledCursor(eventId, list.cursor)
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
    const next = await gateList(db.client, eventId, cursor)
    const read = Number(await reads()) - before
    await db.client.query('rollback')
    assert.equal(entriesOf(next.tickets.used).length, 1)
    assert.ok(read <= 10, `${read} tickets read for one that changed`)
  })
})

/**
 * xmin: a cursor is the oldest transaction of the whole server, those of other databases too, so what changed after it began is
 * told again until it ends. Gives a cursor after which nothing is told.
 */
async function settledCursor(eventId: string, since: string): Promise<string> {
  let cursor = since
  for (let poll = 0; poll < POLLS_MAX; poll++) {
    const list = await gateList(db.client, eventId, cursor)
    if (Object.values(list.tickets).every((tickets) => tickets === '')) return list.cursor
    cursor = list.cursor
    await setTimeout(POLL_MS)
  }
  return assert.fail(`changes are told again and again since ${since}`)
}

const POLLS_MAX = 200
const POLL_MS = 50
