import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { overlap } from '../../src/proof/interleaving/overlap.ts'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { type BoxOffice, openBoxOffice } from '../support/box-office.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { bookedTable, claimedOffer, type Shown, soldTicket } from '../support/door.ts'
import { validate } from '../support/gates.ts'
import { countedAt } from '../support/undoings.ts'

interface Undone {
  readonly success: boolean
  readonly error?: string
  readonly replayed?: boolean
}

interface Door {
  readonly db: TestDatabase
  readonly house: BoxOffice
  readonly shown: Shown
  readonly clients: readonly [pg.Client, pg.Client]
  readonly kind: string
  /** When the scan was that let it in. */
  readonly scannedAt: string | undefined
}

const MAKE: Readonly<Record<string, (db: TestDatabase, house: BoxOffice) => Promise<Shown>>> = {
  ticket: soldTicket,
  claim: claimedOffer,
  booking: (db, house) => bookedTable(db, house, 0),
}
const LOCKS: Readonly<Record<string, string>> = {
  ticket: 'from public.tickets t where t.id = p_id for no key update',
  claim: 'from public.offer_claims c where c.id = p_id for no key update',
  booking: 'from public.reservations r where r.id = p_id for no key update',
}

/** Something that was let in, at a door whose undoing locks it, or not. */
async function doorWith(kind: string, naive: boolean): Promise<Door> {
  const db = await testDatabase()
  const house = await openBoxOffice(db)
  const shown = (await MAKE[kind]?.(db, house)) as Shown
  const lock = LOCKS[kind] ?? ''
  const without = [['ticketing.undo_scan', lock, lock.replace(' for no key update', '')]] as const
  if (naive)
    await takeAway(db.client, { name: 'naive', role: 'guards', kind: 'decision', object: '', without })
  const clients = [await db.connect(), await db.connect()] as const
  const door = { db, house, shown, clients, kind, scannedAt: undefined }
  assert.equal((await scan(door, db.client)).outcome, 'ADMITTED')
  return { ...door, scannedAt: await countedAt(db, shown.id) }
}

const scan = ({ house, shown }: Door, client: pg.Client) =>
  validate(client, house.businessId, { code: shown.code, device_id: 'gate' })
const undo = async ({ shown, kind, scannedAt }: Door, client: pg.Client) =>
  Object.values(
    (
      await client.query('select ticketing.undo_scan($1, $2, $3, p_scanned_at => $4)', [
        kind,
        shown.id,
        'why',
        scannedAt,
      ])
    ).rows[0] ?? {},
  )[0] as Undone

const told = ({ success, error, replayed }: Undone) => (success ? (replayed ? 'replayed' : 'undone') : error)
const lawsOf = (door: Door) => door.db.rows('select law from ticketing.broken_laws()')

/** Two members of staff undo one scan: one does, the other is told that it was. */
async function undoTwice(door: Door): Promise<void> {
  const [one, other, hasWaited] = await overlap(
    door.db,
    door.clients,
    (client) => undo(door, client),
    (client) => undo(door, client),
  )
  assert.deepEqual([told(one), told(other), hasWaited], ['undone', 'replayed', true])
  assert.deepEqual(await lawsOf(door), [])
}

/** A guest comes back while the first scan of its code is undone: the gate waits, and lets it in once. */
async function undoAndScan(door: Door): Promise<void> {
  const [undone, scanned, hasWaited] = await overlap(
    door.db,
    door.clients,
    (client) => undo(door, client),
    (client) => scan(door, client),
  )
  assert.deepEqual([told(undone), scanned.outcome, hasWaited], ['undone', 'ADMITTED', true])
  assert.equal((await scan(door, door.db.client)).outcome, 'ALREADY_USED')
  assert.deepEqual(await lawsOf(door), [])
}

describe('two at one scan', () => {
  for (const kind of Object.keys(MAKE)) {
    it(`of a ${kind}: both undo it, once`, async () => undoTwice(await doorWith(kind, false)))
    it(`of a ${kind}: one undoes it while the guest is scanned again, who is let in once`, async () =>
      undoAndScan(await doorWith(kind, false)))
    it(`of a ${kind}: both undo it: the naive twin loses`, async () => {
      const door = await doorWith(kind, true)
      await assert.rejects(undoTwice(door), assert.AssertionError)
    })
  }
})
