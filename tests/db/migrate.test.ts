import assert from 'node:assert/strict'
import { test } from 'node:test'
import { migrate } from '../../src/db/migrate.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'

test('an update beside a running sale: it is installed, every buyer is answered, no law is broken', async () => {
  const db = await testDatabase()
  const { eventId } = await openBoxOffice(db)
  const tierId = await addTier(db, eventId, { total: 100_000 })
  const buyers = await Promise.all(Array.from({ length: 6 }, () => db.connect()))
  let selling = true
  const codes = new Set<string>()
  const sale = buyers.map(async (buyer) => {
    while (selling) {
      const { rows } = await buyer.query<{ answer: { success: boolean; error?: string } }>(
        'select reserve_tickets_atomically($1, 1) as answer',
        [tierId],
      )
      codes.add(rows[0]?.answer.success === true ? 'success' : (rows[0]?.answer.error ?? 'no code'))
    }
  })
  const installer = await db.connect()
  for (let round = 0; round < 5; round++) await migrate(installer)
  selling = false
  await Promise.all(sale)
  assert.ok(codes.has('success'))
  codes.delete('success')
  codes.delete('LOCK_TIMEOUT')
  assert.deepEqual([...codes], [])
  assert.deepEqual(await db.rows('select law from ticketing.broken_laws()'), [])
  assert.deepEqual(await db.rows('select protection from verify_protections() where not active'), [])
})
