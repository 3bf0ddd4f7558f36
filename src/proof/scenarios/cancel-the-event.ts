import type { ProviderPayment } from '../stand-in.ts'
import { moneyOf, paymentsOf } from './money-back.ts'
import { counterOf, mismatchVerdict, onlyWhole, reconcile, rowsOf, type Scenario } from './scenario.ts'

export const cancelTheEvent: Scenario = {
  name: 'cancel-the-event',
  story: 'An event is cancelled while buyers order and pay: nothing is sold after, and all money goes back.',
  obstacle: onlyWhole,
  fixture: () => ({}),
  env: ({ profile }) => ({
    USERS: String(profile.cancellation.buyers),
    ARRIVAL_S: String(profile.cancellation.arrivalSeconds),
    WAIT_S: String(profile.cancellation.waitSeconds),
  }),
  outcomes: {
    payments_made: 'success',
    off_sale_answers: 'TIER_INACTIVE',
    pages_closed: 'pay page closed',
    sold_afterwards: 'sold after it was cancelled',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    payments_made: 'payments made',
    off_sale_answers: 'buyers told that it is off sale',
    cancellations_done: 'cancellations that came to their end',
  },
  stock: undefined,
  judge: async (run, fixture, load) => {
    const payments = await paymentsOf(run, fixture)
    const [left] = await rowsOf<Left>(run, LEFT, fixture.eventId)
    if (left === undefined) throw new Error('the database gave no event')
    const late = counterOf(load, 'sold_afterwards')
    const paid = counterOf(load, 'payments_made')
    const owed = payments.filter(({ amount, amount_refunded: back }) => back !== amount)
    const { taken, back } = moneyOf(payments)
    // Who broke off before the event was cancelled leaves everything as it was.
    const remains = mismatchVerdict(load)
    const lives = left.tickets + left.orders + left.holds
    return [
      {
        name: 'nothing is sold after the event was cancelled',
        verdict: late > 0 ? 'FAIL' : 'PASS',
        detail: `${late} orders were taken after the house was told`,
      },
      {
        name: 'no ticket, order or hold of it lives on',
        verdict: lives > 0 ? remains : 'PASS',
        detail: `${left.tickets} tickets, ${left.orders} orders, ${left.holds} holds`,
        ...(lives > 0 ? { witness: left } : {}),
      },
      {
        name: 'every payment that a buyer made is known to the provider',
        verdict: reconcile(load, paid, payments.length),
        detail: `${paid} buyers paid, the provider has ${payments.length} payments`,
      },
      {
        name: 'all that was paid went back, to the cent',
        verdict: owed.length > 0 || left.owed_cents !== 0 ? remains : 'PASS',
        detail: `${taken} paid, ${back} back; ${left.owed_cents} still in the books`,
        ...(owed.length > 0 ? { witness: owed[0] satisfies ProviderPayment | undefined } : {}),
      },
    ]
  },
}

interface Left {
  readonly tickets: number
  readonly orders: number
  readonly holds: number
  readonly owed_cents: number
}

const LEFT = `select
    (select count(*)::int from tickets k where k.event_id = e.id and k.status not in ('refunded', 'void')) as tickets,
    (select count(*)::int from orders o where o.event_id = e.id and o.status in ('pending', 'paid', 'partially_refunded')) as orders,
    (select count(*)::int from ticket_holds h where h.event_id = e.id and h.status = 'active') as holds,
    (select coalesce(-sum(l.amount_cents), 0)::int from ticketing.ledger_entries l
      where l.event_id = e.id and l.account in ('tickets', 'fees')) as owed_cents
  from events e where e.id = $1`
