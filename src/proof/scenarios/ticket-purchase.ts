import type { LoadRun } from '../../load/engine.ts'
import type { Fixture } from '../fixtures/fixtures.ts'
import type { Check } from '../results.ts'
import type { Run } from '../run.ts'
import type { ProviderPayment } from '../stand-in.ts'
import { BOOKS, type Books } from './books.ts'
import { counterOf, mismatchVerdict, reconcile, rowsOf, type Scenario } from './scenario.ts'

export const ticketPurchase: Scenario = {
  name: 'ticket-purchase',
  story: 'A hundred buyers order, pay and get their tickets; each payment is reported up to three times.',
  fixture: () => ({}),
  env: ({ profile }) => ({
    USERS: String(profile.purchase.buyers),
    ARRIVAL_S: String(profile.purchase.arrivalSeconds),
    WAIT_S: String(profile.purchase.waitSeconds),
  }),
  outcomes: {
    purchases_completed: 'success',
    cards_declined: 'card declined',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: { purchases_completed: 'purchases completed', cards_declined: 'cards declined first' },
  stock: undefined,
  judge: async (run, fixture, load) => {
    // Duplicates that are still on their way may do harm later.
    const { delivered, pending, failed_attempts: failed } = await run.provider.settled()
    const [inbox] = await rowsOf<{ events: number }>(run, INBOX, 'evt_fixture_')
    const events = inbox?.events ?? 0
    const [books] = await rowsOf<Books>(run, BOOKS, fixture.eventId)
    if (books === undefined) throw new Error('the database gave no books')
    const { payments, disagreements } = await run.provider.ledger()
    const ours = await ordersOf(run, fixture)
    const paid = payments.filter(({ client_reference_id: id }) => id !== null && ours.has(id))
    return [
      ...boughtChecks(load, books),
      moneyCheck(load, books, paid),
      {
        name: 'the witness agrees with itself',
        verdict: disagreements.length === 0 ? 'PASS' : 'INCONCLUSIVE',
        detail: disagreements[0] ?? `${payments.length} payments`,
      },
      {
        name: 'every webhook was taken',
        verdict: pending === 0 ? 'PASS' : mismatchVerdict(load),
        detail: `${delivered} taken, ${pending} not yet, ${failed} attempts failed`,
      },
      {
        name: 'it happened: payments were reported more than once',
        verdict: delivered > events && events > 0 ? 'PASS' : 'INCONCLUSIVE',
        detail: `${delivered} webhooks for ${events} events`,
      },
    ]
  },
}

/** Events of the provider's own, and not those that a script makes up. */
const INBOX = 'select count(*)::int as events from webhook_events where not starts_with(id, $1)'

function boughtChecks(load: LoadRun, books: Books): Check[] {
  const purchases = counterOf(load, 'purchases_completed')
  const tickets = counterOf(load, 'tickets_bought')
  return [
    {
      name: 'who paid has the tickets, and nobody else has',
      verdict: reconcile(load, tickets, books.tickets),
      detail: `${tickets} tickets were promised, ${books.tickets} exist`,
    },
    {
      name: 'each order that was paid was paid once',
      verdict: books.payments === books.paid_orders ? reconcile(load, purchases, books.payments) : 'FAIL',
      detail: `${purchases} purchases, ${books.paid_orders} paid orders, ${books.payments} payments`,
    },
  ]
}

/** Four independent records of one sum: the buyers', the provider's, our payments and our ledger. */
function moneyCheck(load: LoadRun, books: Books, paid: readonly ProviderPayment[]): Check {
  const answers = counterOf(load, 'cents_paid')
  const taken = paid.reduce((sum, payment) => sum + payment.amount - payment.amount_refunded, 0)
  const theirs = {
    buyers: answers,
    provider: taken,
    payments: books.payments_cents,
    captured: books.captured_cents,
  }
  const isSame = [taken, books.payments_cents, books.captured_cents].every((sum) => sum === answers)
  return {
    name: 'buyers, provider, payments and books agree to the cent',
    verdict: isSame && books.owed_cents === answers ? 'PASS' : mismatchVerdict(load),
    detail: `${Object.entries(theirs)
      .map(([who, cents]) => `${who} ${cents}`)
      .join(', ')}; tickets and fees ${books.owed_cents}`,
    ...(isSame ? {} : { witness: theirs }),
  }
}

async function ordersOf(run: Run, fixture: Fixture): Promise<ReadonlySet<string>> {
  const orders = await rowsOf<{ id: string }>(
    run,
    'select id from orders where event_id = $1',
    fixture.eventId,
  )
  return new Set(orders.map(({ id }) => id))
}
