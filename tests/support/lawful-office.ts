import { afterEach } from 'node:test'
import { openBoxOffice } from './box-office.ts'
import { assertLawful } from './callers.ts'
import { type TestDatabase, testDatabase } from './database.ts'

/** A database of the test file's own; after each of its tests every law holds. */
export async function lawfulDatabase() {
  const db = await testDatabase()
  afterEach(() => assertLawful(db))
  return db
}

/** One with a box office whose fees are 0.30 + 2 %: a ticket of 20.00 costs 0.70 more. */
export async function openOfficeWithFees() {
  const db = await lawfulDatabase()
  return { db, ...(await openOfficeWithFeesIn(db)) }
}

/** The same in a database that is there. */
export async function openOfficeWithFeesIn(db: TestDatabase) {
  const office = await openBoxOffice(db)
  await db.rows('update events set fee_fixed_cents = 30, fee_basis_points = 200 where id = $1', [
    office.eventId,
  ])
  return office
}
