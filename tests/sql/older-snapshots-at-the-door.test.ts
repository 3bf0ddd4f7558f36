import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { addTier, type BoxOffice, openBoxOffice } from '../support/box-office.ts'
import { assertLawful, SERVICE } from '../support/callers.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { bookedTable, claimedOffer, type Shown } from '../support/door.ts'
import { paidOrder, requestRefund } from '../support/money.ts'
import { MOMENTS, pairsOf, type Writing, writeAgain, writeLate } from '../support/older-snapshot.ts'

// Write skew at the door: whoever counts who was let in, or lets in, comes after and beside everybody else, with a snapshot from before
// that, at every isolation level. Whoever is told to retry does.

interface Thing {
  readonly id: string
  readonly code: string
  readonly orderId: string
  readonly refundId: string
}
interface Door extends BoxOffice {
  readonly db: TestDatabase
  readonly tierId: string
}
type Writer = (thing: Thing, door: Door) => Writing
interface Stand {
  readonly open: (door: Door) => Promise<Thing>
  readonly writers: Readonly<Record<string, Writer>>
}

const asked = (sql: string): Writing => [SERVICE, `select ticketing.${sql} as answer`]
const presented = '0'.repeat(64)
const scannedAs =
  (scanId: string): Writer =>
  ({ code }, { businessId }) => {
    const scan = { business_id: businessId, code, presented, device_id: 'online', scan_id: scanId }
    return asked(`validate_qr('${JSON.stringify(scan)}')`)
  }
/** The one that is undone. */
const scanned = scannedAs('online')
const entry =
  (minutes: number, event?: 'elsewhere'): Writer =>
  ({ id }) => {
    const at = `now() - interval '${minutes} minutes'`
    const gate = event === undefined ? '' : `, 'event', (select max(id::text) from public.events)`
    return asked(`sync_offline_scans(jsonb_build_array(jsonb_build_object('ticket_id', '${id}', 'scanned_at', ${at},
      'device_id', 'offline', 'scan_id', '${randomUUID()}'${gate})))`)
  }
const undone =
  (kind: string): Writer =>
  ({ id }) =>
    asked(`undo_scan('${kind}', '${id}', 'a mistake', 'online')`)

const bought = async ({ db, eventId, tierId }: Door): Promise<Thing> => {
  const { orderId, tickets } = await paidOrder(db, { eventId, tierId, quantity: 1 })
  const id = String(tickets[0])
  const code = await db.value<string>(
    `update tickets set created_at = now() - interval '1 day' where id = $1 returning qr_code`,
    [id],
  )
  return { id, code, orderId, refundId: '' }
}
const after =
  (open: Stand['open'], ...writers: readonly Writer[]): Stand['open'] =>
  async (door) => {
    const thing = await open(door)
    for (const writer of writers) await door.db.rows(writer(thing, door)[1])
    return thing
  }
const refunding: Stand['open'] = async (door) => {
  const thing = await bought(door)
  const { refund_id } = await requestRefund(door.db.client, thing.orderId)
  return { ...thing, refundId: String(refund_id) }
}
const party =
  (make: (db: TestDatabase, house: BoxOffice) => Promise<Shown>): Stand['open'] =>
  async (door) => ({ ...(await make(door.db, door)), orderId: '', refundId: '' })

const TICKET = {
  'a gate scans it': scannedAs('another'),
  'a gate tells of an entry from before': entry(60),
  'a gate tells of an entry just now': entry(0),
  'a gate of another event tells of an entry': entry(0, 'elsewhere'),
  'the gate sends its scan again': scanned,
  'its scan is undone': undone('ticket'),
  'staff sends it back': ({ orderId }: Thing) => asked(`request_refund('${orderId}', null, null, true)`),
}
const RETURNING = {
  'a gate scans it': scannedAs('another'),
  'a gate tells of an entry': entry(0),
  'a gate of another event tells of an entry': entry(0, 'elsewhere'),
  'its money does not go': ({ refundId }: Thing) => asked(`refuse_refund('${refundId}', 'no')`),
  'it is given back': ({ id }: Thing): Writing => [
    null,
    `select ticketing.give_back_tickets(array[k.id]) from ticketing.lock_scanned('${id}') k`,
  ],
}
const STANDS: Readonly<Record<string, Stand>> = {
  'a valid ticket': { open: bought, writers: TICKET },
  'a used ticket': { open: after(bought, scanned), writers: TICKET },
  'a ticket that let two in': { open: after(bought, scanned, entry(0)), writers: TICKET },
  'a ticket on its way back': { open: refunding, writers: RETURNING },
  'a claim': {
    open: after(party(claimedOffer), scanned),
    writers: {
      'a gate scans it': scannedAs('another'),
      'its scan is undone': undone('claim'),
      'it is given up': ({ id }) => asked(`cancel_claim('${id}')`),
    },
  },
  'a booking': {
    open: after(
      party((db, house) => bookedTable(db, house, 0)),
      scanned,
    ),
    writers: {
      'a gate scans it': scannedAs('another'),
      'its scan is undone': undone('booking'),
      'it is given up': ({ id }) => asked(`cancel_reservation('${id}')`),
    },
  },
}

async function openDoor(): Promise<Door> {
  const db = await testDatabase()
  const office = await openBoxOffice(db)
  await db.rows(`insert into events (business_id, slug, title, start_at, end_at, status)
    select business_id, slug || '-other', 'Other', start_at, end_at, status from events`)
  const tierId = await addTier(db, office.eventId, { priceCents: 2000, total: 10_000 })
  return { db, ...office, tierId }
}

/** What the laws say of it. */
const broken = ({ db }: Door, { id }: Thing) =>
  db.rows(
    `select status from ticketing.law_admitted_once where ticket_id = $1
     union all select status from ticketing.law_party_admitted_once where id = $1`,
    [id],
  )

describe('the door with an older snapshot', async () => {
  const door = await openDoor()
  const { db } = door
  const pair = [await db.connect(), await db.connect()] as const
  for (const { name, stand, first, late } of pairsOf<Writer, Stand>(STANDS))
    it(name, async () => {
      for (const moment of MOMENTS) {
        const thing = await stand.open(door)
        const writing = late[1](thing, door)
        const [, end] = await writeLate(db, pair, moment, first[1](thing, door), writing)
        if (moment.level === 'read committed') assert.notEqual(end, 'retry')
        assert.deepEqual(await broken(door, thing), [], `${Object.values(moment)}`)
        if (end !== 'retry') continue
        await writeAgain(db, pair, writing)
        assert.deepEqual(await broken(door, thing), [], `${Object.values(moment)}, again`)
      }
    })
  it('leaves every law whole', () => assertLawful(db))
})

describe('an opening that does not write the row of its ticket', () => {
  const twins = [
    ['a used ticket', 'a gate tells of an entry just now', 'its scan is undone'],
    ['a ticket on its way back', 'a gate tells of an entry', 'it is given back'],
  ] as const
  for (const [what, first, late] of twins)
    it(`${what}: ${first}, then ${late}: it is valid again, and the law sees it`, async () => {
      const door = await openDoor()
      await takeAway(door.db.client, {
        name: 'naive',
        role: 'refuses',
        kind: 'decision',
        object: '',
        without: [['ticketing.touch_ticket', 'where t.id = p_ticket_id', 'where false']],
      })
      const { open, writers } = STANDS[what] ?? assert.fail()
      const thing = await open(door)
      const pair = [await door.db.connect(), await door.db.connect()] as const
      const [one, two] = [writers[first], writers[late]].map(
        (writer) => writer?.(thing, door) ?? assert.fail(),
      )
      if (one === undefined || two === undefined) assert.fail()
      await writeLate(door.db, pair, { level: 'repeatable read', comes: 'after' }, one, two)
      assert.deepEqual(await broken(door, thing), [{ status: 'valid' }])
    })
})
