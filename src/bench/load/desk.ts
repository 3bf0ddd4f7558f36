import { type Database, openPool } from '../../db/pool.ts'
import { ANON } from '../../desk/callers.ts'
import { reserveTicketsAtomically } from '../../desk/holds.ts'
import type { Reserving } from './orders.ts'
import { inClosedLoop, openTally, serveLoad } from './serve.ts'

let pool: Promise<Database> | undefined

serveLoad(async ({ databaseUrl, connectionsMax, tierId, callers, seconds }: Reserving) => {
  pool ??= openPool(databaseUrl, { max: connectionsMax, name: 'admit-once bench' })
  const database = await pool
  const endMs = performance.now() + seconds * 1000
  const tally = openTally(endMs)
  const ask = async () => {
    const answer = await reserveTicketsAtomically(database, ANON, { tier_id: tierId, quantity: 1 })
    if (answer.success) return true
    throw new Error(`the desk refused: ${answer.code} ${answer.message}`)
  }
  await inClosedLoop(callers, endMs, ask, tally)
  return tally.load()
})
