import { FIXTURES } from '../fixtures/fixtures.ts'
import { counterOf, reconcile, rowsOf, type Scenario } from './scenario.ts'

const STOCK = FIXTURES['ticketing-flow'].stock

export const ticketingFlow: Scenario = {
  name: 'ticketing-flow',
  story: 'Guests come in growing numbers, up to a hundred at a time, and some press the button twice.',
  fixture: () => ({}),
  env: ({ profile }) => ({ RAMP_S: String(profile.flow.seconds), PAUSE_S: String(profile.flow.pause) }),
  outcomes: {
    orders_placed: 'success',
    repeats_answered: 'success (repeated)',
    reused_keys_refused: 'IDEMPOTENCY_KEY_REUSED',
    sold_out_answers: 'INSUFFICIENT_INVENTORY',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    orders_placed: 'orders placed',
    repeats_answered: 'requests repeated',
    reused_keys_refused: 'keys refused for another request',
  },
  stock: undefined,
  judge: async (run, fixture, load) => {
    const orders = await rowsOf<Order>(run, ORDERS, fixture.eventId)
    const answers = counterOf(load, 'orders_placed')
    const twice = orders.find((order) => order.of_key > 1)
    const held = orders.reduce((sum, order) => sum + order.held, 0)
    return [
      {
        name: 'each key has one order, and each order one key',
        verdict: twice === undefined ? reconcile(load, answers, orders.length) : 'FAIL',
        detail: `${answers} keys won an order, ${orders.length} orders exist`,
        ...(twice === undefined ? {} : { witness: twice }),
      },
      {
        name: `each order holds what it was promised, and all of them no more than ${STOCK} places`,
        verdict: held > STOCK ? 'FAIL' : reconcile(load, answers, held),
        detail: `${held} places held for ${answers} orders of one`,
      },
    ]
  },
}

interface Order {
  readonly id: string
  readonly request_key: string
  /** Orders that were made under the same key. */
  readonly of_key: number
  readonly held: number
}

const ORDERS = `select o.id, o.request_key, (count(*) over (partition by o.request_key))::int as of_key,
    (select coalesce(sum(h.quantity), 0)::int from ticket_holds h where h.order_id = o.id and h.status = 'active') as held
  from orders o where o.event_id = $1`
