import { baseUrlOf, purchase, wasSold } from '../buyers.ts'
import { judge, unitsOf } from '../judge.ts'
import { withOrder } from './release.ts'
import type { TargetScenario } from './scenario.ts'

export const paymentEvents: TargetScenario = {
  name: 'payment-events',
  story: 'The event that an order is paid comes several times at the same moment.',
  shows: ['paid-once-issued-once'],
  obstacle: ({ adapter }) => (adapter.pay === undefined ? 'the adapter has no `pay`' : undefined),
  calls: ({ payments: { orders, events } }) => orders * (2 + events),
  work: async (target, world) => {
    const { orders, events } = target.profile.payments
    const item = await world.prepare(orders)
    const shoppers = Array.from({ length: orders }, (_, index) => world.shopper(index))
    await Promise.all(shoppers.map((who) => purchase(target, item, who)))
    const sold = shoppers.filter(wasSold)
    const sendings = sold.flatMap((who) =>
      Array.from({ length: events }, (_, at) =>
        withOrder(target, 'pay', item, who, baseUrlOf(target, who.buyer.index + at)),
      ),
    )
    // A system may refuse the second event; what it must not do is count it.
    const sent = await Promise.allSettled(sendings)
    target.signal.throwIfAborted()
    const truth = await world.truth(item)
    return {
      units: orders,
      shoppers,
      truth,
      judged: judge(target, { units: orders, shoppers, truth }),
      happened: [
        { what: 'units sold', times: unitsOf(truth.orders) },
        { what: 'events taken', times: sent.filter(({ status }) => status === 'fulfilled').length },
        { what: 'payments', times: truth.payments?.length ?? 0 },
      ],
    }
  },
}
