import type pg from 'pg'
import { queueBehind } from '../../src/proof/interleaving/lock-queue.ts'
import { addTier, type BoxOffice, buyTickets, openBoxOffice } from './box-office.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import type { Naive } from './race.ts'

/** A house of its own; a naive one is the same but for what was taken out of its verbs. */
export interface House {
  readonly db: TestDatabase
  readonly box: BoxOffice
  readonly tierId: string
  readonly gates: readonly [pg.Client, pg.Client]
}

export async function openHouse(naive: Naive = async () => {}): Promise<House> {
  const db = await testDatabase()
  const box = await openBoxOffice(db)
  await naive(db)
  const tierId = await addTier(db, box.eventId, { total: 1000 })
  return { db, box, tierId, gates: [await db.connect(), await db.connect()] }
}

export const ticketIn = async ({ db, box, tierId }: House, count = 1): Promise<string[]> => {
  const ids = await buyTickets(db, box.eventId, tierId, count)
  // They were bought long before the evening.
  await db.rows(`update tickets set created_at = now() - interval '1 day' where id = any ($1)`, [ids])
  return ids.sort()
}
export const one = async (at: House): Promise<string> => String((await ticketIn(at))[0])
export const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()
export const statusOf = ({ db }: House, id: string) =>
  db.value('select status from tickets where id = $1', [id])
export const verdictOf = ({ success, already_scanned }: { success: boolean; already_scanned: boolean }) =>
  success ? 'admitted' : already_scanned ? 'already' : 'refused'

/** Runs both while a third session has one ticket's row, so that each has what it takes before that one. */
export async function heldAt<One, Other>(
  { db, gates }: House,
  ticketId: string,
  [first, second]: readonly [(client: pg.Client) => Promise<One>, (client: pg.Client) => Promise<Other>],
): Promise<readonly [One, Other]> {
  const lock = { sql: 'select from tickets where id = $1 for update', values: [ticketId] }
  return queueBehind<[One, Other]>(db, await db.connect(), lock, [
    () => first(gates[0]),
    () => second(gates[1]),
  ])
}
