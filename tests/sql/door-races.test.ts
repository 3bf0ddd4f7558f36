import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { type BoxOffice, openBoxOffice } from '../support/box-office.ts'
import { assertLawful, rowsAs, signedIn } from '../support/callers.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { bookedTable, claimedOffer, type Shown, soldTicket } from '../support/door.ts'

interface Answer {
  readonly outcome?: string
  readonly error?: string
}

/** A house of its own with two gates. */
interface Door {
  readonly db: TestDatabase
  readonly house: BoxOffice
  readonly first: pg.Client
  readonly second: pg.Client
}

async function openDoor(): Promise<Door> {
  const db = await testDatabase()
  const house = await openBoxOffice(db)
  return { db, house, first: await db.connect(), second: await db.connect() }
}

async function scanAt(client: pg.Client, { house }: Door, { code }: Shown): Promise<Answer> {
  const scan = { business_id: house.businessId, code }
  const { rows } = await client.query<{ answer: Answer }>('select ticketing.validate_qr($1) as answer', [
    scan,
  ])
  return rows[0]?.answer ?? {}
}

/** The second gate judges while the first one has judged and not committed. */
async function atTwoGates(door: Door, shown: Shown): Promise<(string | undefined)[]> {
  const { db, first, second } = door
  await first.query('begin')
  const one = await scanAt(first, door, shown)
  const other = scanAt(second, door, shown)
  await untilWaiting(db, 1)
  await first.query('commit')
  return [one.outcome, (await other).outcome]
}

const ONCE = ['ADMITTED', 'ALREADY_USED']
const KINDS = {
  ticket: soldTicket,
  claim: claimedOffer,
  booking: (db: TestDatabase, house: BoxOffice) => bookedTable(db, house, 0),
}

describe('two gates at the same moment', () => {
  for (const [kind, make] of Object.entries(KINDS)) {
    it(`one ${kind}: one lets it in, the other says that it did`, async () => {
      const door = await openDoor()
      assert.deepEqual(await atTwoGates(door, await make(door.db, door.house)), ONCE)
      await assertLawful(door.db)
    })
  }

  const LOCKS = [
    ['claim', 'ticketing.redeem_claim', 'for no key update of c'],
    ['booking', 'ticketing.check_in_booking', 'for no key update'],
  ] as const
  for (const [kind, verb, lock] of LOCKS) {
    const atTwoGatesWithout = async (removals: readonly ((db: TestDatabase) => Promise<unknown>)[]) => {
      const door = await openDoor()
      for (const remove of removals) await remove(door.db)
      const scans = await atTwoGates(door, await KINDS[kind](door.db, door.house))
      return [...scans, await door.db.value('select count(*)::int from ticketing.law_party_admitted_once')]
    }
    const lockOf = (db: TestDatabase) => takeOut(db, verb, lock)
    const scanOf = (db: TestDatabase) => db.rows(`drop index uniq_successful_scan_${kind}`)
    it(`one ${kind}: the lock alone holds, the unique scan alone holds, without both two come in, and the law sees it`, async () => {
      assert.deepEqual(await atTwoGatesWithout([scanOf]), [...ONCE, 0])
      assert.deepEqual(await atTwoGatesWithout([lockOf]), [...ONCE, 0])
      assert.deepEqual(await atTwoGatesWithout([lockOf, scanOf]), ['ADMITTED', 'ADMITTED', 1])
    })
  }
})

describe('a gate, and somebody who gives back', () => {
  it('the gate first: the party is in, and its places are not given back', async () => {
    const door = await openDoor()
    const { db, house, first, second } = door
    const ada = signedIn(randomUUID())
    const shown = await claimedOffer(db, house, { userId: ada.userId })
    await first.query('begin')
    assert.equal((await scanAt(first, door, shown)).outcome, 'ADMITTED')
    const released = rowsAs(second, ada, 'select release_offer_spots($1, 2)', [shown.scopeId])
    await untilWaiting(db, 1)
    await first.query('commit')
    await released
    assert.equal(await db.value('select status from offer_claims where id = $1', [shown.id]), 'redeemed')
    await assertLawful(db)
  })

  it('the guest first: the code opens nothing', async () => {
    const door = await openDoor()
    const { db, house, first, second } = door
    const ada = signedIn(randomUUID())
    const shown = await claimedOffer(db, house, { userId: ada.userId })
    await first.query('begin')
    await first.query(`update offer_claims set status = 'released' where id = $1`, [shown.id])
    const scanned = scanAt(second, door, shown)
    await untilWaiting(db, 1)
    await first.query('commit')
    assert.equal((await scanned).outcome, 'CANCELLED')
    await assertLawful(db)
  })
})

describe('what is locked for longer than a gate waits', () => {
  for (const [kind, make] of Object.entries(KINDS)) {
    it(`${kind}: LOCK_TIMEOUT before the statement is cancelled, and the next scan admits`, async () => {
      const door = await openDoor()
      const { db, house, first, second } = door
      const shown = await make(db, house)
      const table = { ticket: 'tickets', claim: 'offer_claims', booking: 'reservations' }[kind]
      await first.query('begin')
      await first.query(`select from ${table} where id = $1 for update`, [shown.id])
      await second.query(`set statement_timeout = '400ms'`)
      assert.equal((await scanAt(second, door, shown)).error, 'LOCK_TIMEOUT')
      await first.query('commit')
      assert.equal((await scanAt(second, door, shown)).outcome, 'ADMITTED')
    })
  }
})

async function takeOut(db: TestDatabase, verb: string, fragment: string): Promise<void> {
  const source = await db.value<string>('select pg_get_functiondef($1::regproc)', [verb])
  assert.equal(source.split(fragment).length, 2, `"${fragment}" is in ${verb} once`)
  await db.rows(source.replace(fragment, ''))
}
