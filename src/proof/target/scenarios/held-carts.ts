import { commitCart, finalOf, openCarts, purchase, wasSold } from '../buyers.ts'
import { historyOf, judge, unitsOf } from '../judge.ts'
import { judged, judgement } from '../promises.ts'
import type { Target } from '../target.ts'
import { releaseCart } from './release.ts'
import type { TargetScenario } from './scenario.ts'

export const heldCarts: TargetScenario = {
  name: 'held-carts',
  story: 'Every unit is in an open cart when as many others come; then the carts are committed.',
  shows: ['holds-hold', 'never-oversold'],
  obstacle: withoutHolds,
  calls: ({ singles }) => 5 * singles,
  work: async (target, world) => {
    const units = target.profile.singles
    const item = await world.prepare(units)
    const holders = Array.from({ length: units }, (_, index) => world.shopper(index))
    const held = await openCarts(target, item, holders)
    const others = Array.from({ length: units }, (_, index) => world.shopper(units + index))
    await Promise.all(others.map((who) => purchase(target, item, who)))
    await Promise.all(held.map((who) => commitCart(target, item, who)))
    const truth = await world.truth(item)
    const lost = held.filter((who) => !wasSold(who))
    const [first] = lost
    const detail = `${held.length - lost.length} of ${held.length} carts became orders`
    const shoppers = [...holders, ...others]
    return {
      units,
      shoppers,
      truth,
      judged: judged(
        judge(target, { units, shoppers, truth }),
        judgement(
          'holds-hold',
          'who has an open cart gets the unit',
          first === undefined,
          first === undefined
            ? detail
            : `${detail}; ${first.buyer.email} was told ${finalOf(first)?.outcome} (${finalOf(first)?.answer})`,
          first && historyOf(first),
        ),
      ),
      happened: [
        { what: 'units sold', times: unitsOf(truth.orders) },
        { what: 'carts opened', times: held.length },
        {
          what: 'others told that it is sold out',
          times: others.filter((who) => finalOf(who)?.outcome === 'soldOut').length,
        },
      ],
    }
  },
}

export const givenUpCarts: TargetScenario = {
  name: 'given-up-carts',
  story: 'Every unit is in an open cart; some are given up, and exactly so many others are served.',
  shows: ['never-undersold', 'holds-hold'],
  obstacle: (target) =>
    withoutHolds(target) ??
    (target.adapter.release === undefined ? 'the adapter has no `release`' : undefined),
  calls: ({ singles }) => 5 * singles,
  work: async (target, world) => {
    const units = Math.max(2, Math.floor(target.profile.singles / 2))
    const item = await world.prepare(units)
    const holders = Array.from({ length: units }, (_, index) => world.shopper(index))
    const held = await openCarts(target, item, holders)
    const givenUp = held.slice(0, Math.ceil(units / 2))
    await Promise.all(givenUp.map((who) => releaseCart(target, item, who)))
    const others = givenUp.map((_, index) => world.shopper(units + index))
    for (const who of others) await purchase(target, item, who)
    await Promise.all(held.slice(givenUp.length).map((who) => commitCart(target, item, who)))
    const truth = await world.truth(item)
    const served = others.filter(wasSold).length
    const shoppers = [...holders, ...others]
    return {
      units,
      shoppers,
      truth,
      judged: judged(
        judge(target, { units, shoppers, truth }),
        judgement(
          'never-undersold',
          'what is given up is sold',
          served === givenUp.length,
          `${givenUp.length} given up, ${served} of ${others.length} others served, ${unitsOf(truth.orders)} of ${units} sold`,
          { units, givenUp: givenUp.length, served, counterSaysLeft: truth.left },
        ),
      ),
      happened: [
        { what: 'units sold', times: unitsOf(truth.orders) },
        { what: 'carts given up', times: givenUp.length },
      ],
    }
  },
}

function withoutHolds({ adapter }: Target): string | undefined {
  return adapter.holds === 'none' ? 'the system holds nothing for an open cart' : undefined
}
