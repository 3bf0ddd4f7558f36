import { PLACES } from '../../core/capacity.ts'
import { openPool } from '../../db/pool.ts'
import { ANON } from '../../desk/callers.ts'
import { openReserving, type Reserve } from '../../desk/reserving.ts'
import type { Reserving } from './orders.ts'
import { inClosedLoop, openTally, serveLoad } from './serve.ts'

let opened: Promise<Reserve> | undefined

serveLoad(async ({ databaseUrl, connectionsMax, tierId, callers, seconds }: Reserving) => {
  opened ??= openDesk(databaseUrl, connectionsMax)
  const reserve = await opened
  const endMs = performance.now() + seconds * 1000
  const tally = openTally(endMs)
  const ask = async () => {
    const answer = await reserve({ role: ANON.role, callerId: null, tierId, quantity: 1 })
    if (answer?.includes('"hold_id"')) return true
    throw new Error(`the desk gave no hold: ${answer}`)
  }
  await inClosedLoop(callers, endMs, ask, tally)
  return tally.load()
})

/** As a server does for the calls of its buyers. */
async function openDesk(databaseUrl: string, max: number): Promise<Reserve> {
  const database = await openPool(databaseUrl, { max, name: 'admit-once bench' })
  return openReserving(database, { perKeyMax: PLACES.buyers }).reserve
}
