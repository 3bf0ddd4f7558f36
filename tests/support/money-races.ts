import { type BoxOffice, openBoxOffice } from './box-office.ts'
import { advisory, type Crowd, openCrowd } from './crowd.ts'
import { testDatabase } from './database.ts'
import type { MoneyAnswer, PlacedOrder } from './money.ts'
import type { Edit, Naive } from './race.ts'

/** A box office of its own and a crowd; a naive one is the same but for what was taken out of its verbs. */
export interface House extends Crowd {
  readonly box: BoxOffice
}

export async function openHouse(naive: Naive = async () => {}): Promise<House> {
  const db = await testDatabase()
  const box = await openBoxOffice(db)
  await naive(db)
  return { ...(await openCrowd(db)), box }
}

export const tierOf = ({ tierId }: PlacedOrder) => advisory(`tier:${tierId}`)
export const orderOf = ({ orderId }: PlacedOrder) => advisory(`order:${orderId}`)

export const outcomes = (answers: readonly MoneyAnswer[]) =>
  answers.map((a) => (a.duplicate ? 'duplicate' : (a.outcome ?? a.error ?? 'success'))).sort()

export const NO_ORDER_LOCK: readonly Edit[] = [
  ['ticketing.lock_order', "perform ticketing.lock_key('order:' || p_order_id);", ''],
  ['ticketing.lock_order', ' for no key update;', ';'],
]

/** How two tickets of one order stand when it was paid once. */
export const PAID_ONCE = { order: 'paid', tickets: { valid: 2 }, payments: { kept: 1 }, refunds: {} }
