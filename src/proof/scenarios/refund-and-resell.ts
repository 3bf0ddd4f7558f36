import type { LoadRun } from '../../load/engine.ts'
import { FIXTURES } from '../fixtures/fixtures.ts'
import type { Check } from '../results.ts'
import type { ProviderPayment } from '../stand-in.ts'
import { BOOKS, type Books } from './books.ts'
import { moneyOf, paymentsOf } from './money-back.ts'
import { counterOf, mismatchVerdict, onlyWhole, reconcile, rowsOf, type Scenario } from './scenario.ts'

const STOCK = FIXTURES['refund-and-resell'].stock

export const refundAndResell: Scenario = {
  name: 'refund-and-resell',
  story: 'Sold out; some give their tickets back while others ask, and each place is sold once more.',
  obstacle: onlyWhole,
  fixture: () => ({}),
  env: ({ profile }) => ({
    STOCK: String(STOCK),
    ASKING_S: String(profile.resale.askingSeconds),
    ASK_S: String(profile.resale.askSeconds),
  }),
  outcomes: {
    purchases_completed: 'success',
    none_left_answers: 'INSUFFICIENT_TICKETS',
    second_refunds_refused: 'ALREADY_REFUNDED',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    purchases_completed: 'purchases completed',
    tickets_returned: 'tickets given back',
    none_left_answers: 'buyers told that none is left',
    second_refunds_refused: 'second refunds refused',
  },
  stock: undefined,
  judge: async (run, fixture, load) => {
    const payments = await paymentsOf(run, fixture)
    const [books] = await rowsOf<Books>(run, BOOKS, fixture.eventId)
    const [refunded] = await rowsOf<{ tickets: number }>(run, REFUNDED, fixture.eventId)
    if (books === undefined || refunded === undefined) throw new Error('the database gave no books')
    const bought = counterOf(load, 'purchases_completed')
    const returned = counterOf(load, 'tickets_returned')
    return [
      {
        name: `${STOCK} of ${STOCK} places are sold in the end, never one more, never one less while buyers ask`,
        verdict: books.tickets > STOCK ? 'FAIL' : reconcile(load, books.tickets, STOCK),
        detail: `${books.tickets} tickets that are worth something in the database`,
      },
      {
        name: 'each place that was given back was sold once more',
        verdict:
          returned === refunded.tickets ? reconcile(load, bought, STOCK + returned) : mismatchVerdict(load),
        detail: `${bought} purchases of ${STOCK} places, ${returned} given back, ${refunded.tickets} refunded tickets`,
      },
      booksCheck(load, books, payments, returned),
    ]
  },
}

/** Two independent records: the provider's and ours. A payment went back whole, or not at all. */
function booksCheck(
  load: LoadRun,
  books: Books,
  payments: readonly ProviderPayment[],
  returned: number,
): Check {
  const { taken, back } = moneyOf(payments)
  const halves = payments.filter(({ amount, amount_refunded: gone }) => gone !== 0 && gone !== amount)
  const whole = payments.filter(({ amount, amount_refunded: gone }) => gone === amount)
  const isRight = taken - back === books.owed_cents && halves.length === 0
  const isSame = isRight && whole.length === returned && taken > 0
  return {
    name: 'what was paid is owed for tickets and fees, or back with the buyer, to the cent',
    verdict: isSame ? 'PASS' : isRight ? mismatchVerdict(load) : 'FAIL',
    detail: `${taken} paid, ${back} back in ${whole.length} payments, ${books.owed_cents} in the books`,
    ...(isSame ? {} : { witness: { books, halves } }),
  }
}

const REFUNDED = `select count(*)::int as tickets from tickets where event_id = $1 and status = 'refunded'`
