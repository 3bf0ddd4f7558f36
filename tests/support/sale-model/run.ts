import fc from 'fast-check'
import type { BoxOffice } from '../box-office.ts'
import type { TestDatabase } from '../database.ts'
import { buyingCalls } from './buying-calls.ts'
import type { Call } from './call.ts'

import { gateCalls } from './gate-calls.ts'
import { paymentCalls } from './payment-calls.ts'
import { type Answers, closeReal, openReal } from './real.ts'
import { refundCalls } from './refund-calls.ts'
import { openSale } from './sale.ts'

export type { Call }

/** Random sequences of at most so many calls, the shortest first where one is wrong. */
export function calls(most: number): fc.Arbitrary<Iterable<Call>> {
  const all = [...buyingCalls(), ...paymentCalls(), ...refundCalls(), ...gateCalls()]
  const each = all.map(([weight, arbitrary]) => ({ weight, arbitrary }))
  return fc.commands([fc.oneof(...each)], { maxCommands: most, size: 'max' })
}

/** Makes the calls in a sale of its own. */
export async function runSale(
  db: TestDatabase,
  box: BoxOffice,
  sequence: Iterable<Call>,
  answers: Answers = new Map(),
): Promise<void> {
  const real = await openReal(db, box, answers)
  try {
    await fc.asyncModelRun(async () => ({ model: openSale(), real }), sequence)
  } finally {
    await closeReal(real)
  }
}
