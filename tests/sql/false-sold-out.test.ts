import assert from 'node:assert/strict'
import { test } from 'node:test'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()
const { eventId } = await openBoxOffice(db)

const RESERVE = `select reserve_tickets_batch(
  jsonb_build_array(jsonb_build_object('tier_id', $1::uuid, 'quantity', 1))) as answer`

/**
 * The only ticket lies in a lapsed hold. A buyer sees the tier sold out, and before the look for due holds the expiry of that
 * hold commits: nothing is due any more, and there is room.
 */
async function raceWithExpiry(): Promise<{ success: boolean; error_code?: string }> {
  const tierId = await addTier(db, eventId, { total: 1 })
  await db.rows(
    `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
     values ($1, $2::uuid, $2::uuid::text, 1, clock_timestamp() + interval '1 millisecond')`,
    [eventId, tierId],
  )
  const [job, buyer] = [await db.connect(), await db.connect()]
  // A session's first call would stop sooner: where its functions are read.
  await buyer.query(RESERVE, [await addTier(db, eventId, { total: 0 })])
  await job.query('begin')
  // Holds cannot be read, so the buyer stops between its two looks.
  await job.query('lock table ticket_holds in access exclusive mode')
  const answer = buyer.query<{ answer: { success: boolean; error_code?: string } }>(RESERVE, [tierId])
  await untilWaiting(db, 1)
  await job.query('select expire_ticket_holds()')
  await job.query('commit')
  return (await answer).rows[0]?.answer ?? { success: false }
}

test('a hold expires between a buyer’s two looks: the buyer gets the ticket', async () => {
  assert.equal((await raceWithExpiry()).success, true)
  await assertLawful(db)
})

test('looked at once only, the buyer is told "sold out" of a ticket that nobody has', async () => {
  const again =
    'v_tier := ticketing.read_tier(p_tier_ids[i]);\n      v_refusal := ticketing.judge_tier(v_tier, p_quantities[i], 0, p_now);\n'
  const source = await db.value<string>(`select pg_get_functiondef('ticketing.refused_at_once'::regproc)`)
  assert.equal(source.split(again).length, 2)
  await db.client.query(source.replace(again, ''))
  assert.equal((await raceWithExpiry()).error_code, 'INSUFFICIENT_TICKETS')
})
