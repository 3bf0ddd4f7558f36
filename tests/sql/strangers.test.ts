import assert from 'node:assert/strict'
import { test } from 'node:test'
import { migrate } from '../../src/db/migrate.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { ANON, valueAs } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'

test("a stranger's function of a verb's name keeps its own rights through an installation", async () => {
  const db = await testDatabase(null)
  await db.client.query(`create function public.checkout(integer) returns integer language sql as 'select 1';
    revoke all on function public.checkout(integer) from public`)
  await migrate(db.client)
  const anonMay = `select has_function_privilege('anon', 'public.checkout(integer)', 'execute')`
  assert.equal(await db.value(anonMay), false)
})

test("a guest cannot hold in a session that marks the service role's own holds", async () => {
  const db = await testDatabase()
  const { eventId } = await openBoxOffice(db)
  const tierId = await addTier(db, eventId)
  const cart = JSON.stringify([{ tier_id: tierId, quantity: 1 }])
  const answer = await valueAs<{ error_code: string }>(
    db.client,
    ANON,
    `select reserve_tickets_batch('${cart}', 'service:mine')`,
  )
  assert.equal(answer.error_code, 'FORBIDDEN')
})
