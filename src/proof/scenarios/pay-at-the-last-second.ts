import { FIXTURES } from '../fixtures/fixtures.ts'
import type { Check, Verdict } from '../results.ts'
import type { ProviderPayment } from '../stand-in.ts'
import { paymentsOf } from './money-back.ts'
import { counterOf, mismatchVerdict, onlyWhole, rowsOf, type Scenario } from './scenario.ts'

const STOCK = FIXTURES['pay-at-the-last-second'].stock

export const payAtTheLastSecond: Scenario = {
  name: 'pay-at-the-last-second',
  story:
    'Payments arrive as the hold ends, while others ask for the place: a ticket or money back, one of both.',
  isHurried: true,
  obstacle: onlyWhole,
  fixture: () => ({}),
  env: ({ profile }) => ({
    STOCK: String(STOCK),
    ASKING_S: String(profile.lastSecond.askingSeconds),
    ASK_S: String(profile.lastSecond.askSeconds),
  }),
  outcomes: {
    cards_charged: 'success',
    debits_authorised: 'debit under way',
    pages_closed: 'pay page closed',
    none_left_answers: 'INSUFFICIENT_TICKETS',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    debits_authorised: 'debits authorised',
    cards_charged: 'cards charged',
    none_left_answers: 'buyers told that none is left',
  },
  stock: undefined,
  judge: async (run, fixture, load) => {
    const payments = await paymentsOf(run, fixture)
    const orders = await rowsOf<Tickets>(run, TICKETS, fixture.eventId)
    const { rows: laws } = await run.databases.main.client.query(
      'select law, witnesses from ticketing.broken_laws()',
    )
    const charged = counterOf(load, 'cards_charged') + counterOf(load, 'debits_authorised')
    return [
      ...fateChecks(payments, orders, mismatchVerdict(load)),
      {
        name: 'every payment that a buyer made arrived',
        verdict: payments.length === charged ? 'PASS' : mismatchVerdict(load),
        detail: `${charged} made, ${payments.length} arrived at the provider`,
      },
      {
        name: 'no law is broken in the database of these orders',
        verdict: laws.length === 0 ? 'PASS' : 'FAIL',
        detail: `${laws.length} laws are broken`,
        ...(laws.length === 0 ? {} : { witness: laws[0] }),
      },
    ]
  },
}

/**
 * Each payment by the provider's ledger, and what its order has. `stray`: what a payment without an end is; the last one of a script
 * that broke off may be on its way.
 */
function fateChecks(
  payments: readonly ProviderPayment[],
  orders: readonly Tickets[],
  stray: Verdict,
): Check[] {
  const ticketsOf = new Map(orders.map(({ id, tickets }) => [id, tickets]))
  const fates = payments.map((payment) => {
    const { amount, amount_refunded: back, client_reference_id: order } = payment
    return { payment, tickets: ticketsOf.get(order ?? '') ?? 0, isKept: back === 0, isBack: back === amount }
  })
  const both = fates.filter(({ tickets, isKept }) => tickets > 0 && !isKept)
  const neither = fates.filter(({ tickets, isBack }) => tickets === 0 && !isBack)
  const returned = fates.filter(({ isBack }) => isBack).length
  const payers = new Set(payments.map(({ client_reference_id: order }) => order))
  const unpaid = orders.filter(({ id, tickets }) => tickets > 0 && !payers.has(id))
  return [
    fateCheck('nobody has both a ticket and the money back', both, 'FAIL'),
    fateCheck('nobody who paid has neither a ticket nor the money back', neither, stray),
    fateCheck('nobody has a ticket without having paid', unpaid, 'FAIL'),
    {
      name: 'it happened: payments came in time, and payments came too late',
      verdict: returned > 0 && returned < payments.length ? 'PASS' : 'INCONCLUSIVE',
      detail: `${payments.length - returned} kept, ${returned} returned`,
    },
  ]
}

function fateCheck(name: string, wrong: readonly object[], otherwise: Verdict): Check {
  return {
    name,
    verdict: wrong.length > 0 ? otherwise : 'PASS',
    detail: `${wrong.length} of them`,
    ...(wrong.length > 0 ? { witness: wrong[0] } : {}),
  }
}

interface Tickets {
  readonly id: string
  readonly tickets: number
}

const TICKETS = `select o.id, count(k.id)::int as tickets from orders o
  left join tickets k on k.order_id = o.id and k.status in ('valid', 'used', 'refunding', 'void')
  where o.event_id = $1 group by o.id`
