import type { LoadRun } from '../../load/engine.ts'
import type { Check } from '../results.ts'
import { BOOKS, type Books } from './books.ts'
import { counterOf, mismatchVerdict, reconcile, rowsOf, type Scenario } from './scenario.ts'

export const webhookBurst: Scenario = {
  name: 'webhook-burst',
  story:
    'Fifty payments are reported within seconds, each three times, and some orders are said to have expired.',
  fixture: ({ profile }) => ({ orders: profile.burst.events + SPARE }),
  env: ({ profile }) => ({
    EVENTS: String(profile.burst.events),
    BURST_S: String(profile.burst.seconds),
  }),
  outcomes: {
    orders_paid: 'success',
    duplicates_answered: 'success (duplicate)',
    unmatched_kept: 'UNMATCHED',
    expiries_sent: 'expired, and paid',
    forged_refused: 'forged',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    orders_paid: 'orders paid',
    duplicates_answered: 'duplicates answered',
    unmatched_kept: 'payments of nobody kept',
    expiries_sent: 'orders said to have expired while they were paid',
    forged_refused: 'forged webhooks refused',
  },
  stock: undefined,
  judge: async (run, { eventId, priceCents }, load) => {
    const [books] = await rowsOf<Books>(run, BOOKS, eventId)
    const [inbox] = await rowsOf<Inbox>(run, INBOX, eventId)
    if (books === undefined || inbox === undefined) throw new Error('the database gave no books')
    return [paidCheck(load, books), booksCheck(books, priceCents), ...inboxChecks(load, inbox)]
  },
}

/** An arrival rate may start one iteration more than it was asked for. */
const SPARE = 2

interface Inbox {
  readonly events: number
  readonly unmatched: number
  readonly unmatched_payments: number
}

const INBOX = `select count(*)::int as events, (count(*) filter (where outcome = 'UNMATCHED' and payload is not null))::int as unmatched,
    (select count(*)::int from ticketing.payments p where p.status = 'unmatched' and starts_with(p.id, 'pi_fixture_' || $1))
      as unmatched_payments
  from webhook_events where starts_with(id, 'evt_fixture_' || $1)`

function paidCheck(load: LoadRun, books: Books): Check {
  const paid = counterOf(load, 'orders_paid')
  const seen = { orders: books.paid_orders, payments: books.payments, tickets: books.tickets }
  const same = Object.values(seen).every((count) => count === paid)
  return {
    name: 'every order that was reported as paid has one payment and its one ticket',
    verdict: same ? 'PASS' : mismatchVerdict(load),
    detail: `${paid} reported; ${books.paid_orders} paid orders, ${books.payments} payments, ${books.tickets} tickets`,
    ...(same ? {} : { witness: seen }),
  }
}

function booksCheck(books: Books, priceCents: number): Check {
  const { captured_cents: captured, payments_cents: taken, owed_cents: owed } = books
  const same = captured === taken && owed === taken && taken >= priceCents * books.tickets
  return {
    name: 'what was captured is owed for tickets and fees, to the cent',
    verdict: same ? 'PASS' : 'FAIL',
    detail: `payments ${taken}, captured ${captured}, tickets and fees ${owed}`,
  }
}

function inboxChecks(load: LoadRun, inbox: Inbox): Check[] {
  const sent = counterOf(load, 'events_processed') + counterOf(load, 'expiries_sent')
  const nobodys = counterOf(load, 'unmatched_kept')
  return [
    {
      name: 'each event is kept once, and nothing of a forged one',
      verdict: reconcile(load, sent, inbox.events),
      detail: `${sent} events sent, ${inbox.events} kept`,
    },
    {
      name: 'what nobody ordered is kept whole for a person to look at',
      verdict:
        inbox.unmatched === inbox.unmatched_payments ? reconcile(load, nobodys, inbox.unmatched) : 'FAIL',
      detail: `${nobodys} sent, ${inbox.unmatched} events and ${inbox.unmatched_payments} payments kept`,
    },
  ]
}
