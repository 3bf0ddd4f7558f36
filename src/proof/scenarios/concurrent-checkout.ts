import { FIXTURES } from '../fixtures/fixtures.ts'
import { counterOf, mismatchVerdict, rowsOf, type Scenario, type SizedRun } from './scenario.ts'

const STOCK = FIXTURES['concurrent-checkout'].stock

/** With fewer buyers than tickets nobody is told that it is sold out, which makes the run inconclusive. */
function sellable(run: SizedRun): number {
  return Math.min(STOCK, run.profile.buyers)
}

export const concurrentCheckout: Scenario = {
  name: 'concurrent-checkout',
  story: 'Two hundred buyers press "buy" at the same moment, and there are fifty tickets.',
  fixture: () => ({}),
  env: (run) => ({ USERS: String(run.profile.buyers), STOCK: String(sellable(run)) }),
  outcomes: {
    successful_checkouts: 'success',
    sold_out_answers: 'INSUFFICIENT_TICKETS',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    successful_checkouts: 'tickets sold',
    sold_out_answers: 'buyers told that it is sold out',
  },
  stock: STOCK,
  judge: async (run, fixture, load) => {
    const tickets = await rowsOf(
      run,
      `select id, tier_id, order_id, status, created_at from tickets
       where tier_id = $1 and status in ('valid', 'used', 'refunding', 'void') order by created_at, id`,
      fixture.tierId,
    )
    const sold = tickets.length
    const answers = counterOf(load, 'successful_checkouts')
    const fewer = mismatchVerdict(load)
    return [
      {
        name: `${sellable(run)} of ${STOCK} tickets are sold, never ${STOCK + 1}, never ${sellable(run) - 1} while buyers remain`,
        verdict: sold > STOCK ? 'FAIL' : sold === sellable(run) ? 'PASS' : fewer,
        detail: `${sold} tickets in the database`,
        ...(sold > STOCK ? { witness: tickets[STOCK] } : {}),
      },
      {
        name: 'who was told "sold" has a ticket, and nobody else has',
        verdict: sold === answers ? 'PASS' : answers > sold ? 'FAIL' : fewer,
        detail: `${answers} buyers were told so, ${sold} tickets exist`,
      },
    ]
  },
}
