import { afterEach } from 'node:test'
import { openBoxOffice } from './box-office.ts'
import { assertLawful } from './callers.ts'
import { testDatabase } from './database.ts'

/** A database of the test file's own with one box office; after each of its tests every law holds. */
export async function openLawfulOffice() {
  const db = await testDatabase()
  afterEach(() => assertLawful(db))
  return { db, ...(await openBoxOffice(db)) }
}

/** The same with fees: a ticket of 20.00 costs 0.30 + 2 % = 0.70 more. */
export async function openOfficeWithFees() {
  const office = await openLawfulOffice()
  await office.db.rows('update events set fee_fixed_cents = 30, fee_basis_points = 200 where id = $1', [
    office.eventId,
  ])
  return office
}
