import {
  askCommit,
  baseUrlOf,
  commitCart,
  finalOf,
  isSafeToRepeat,
  openCart,
  type Shopper,
  wasSold,
} from '../buyers.ts'
import { judge, unitsOf } from '../judge.ts'
import { judged, judgement } from '../promises.ts'
import type { Target } from '../target.ts'
import { withOrder } from './release.ts'
import type { TargetScenario, World } from './scenario.ts'

/** Who comes when all is sold, to be told so. */
const LATECOMERS = 2

export const oneAfterAnother: TargetScenario = {
  name: 'one-after-another',
  story: 'Buyers come one after another until it is sold out, and each clicks twice.',
  shows: ['never-undersold', 'never-oversold', 'counter-agrees'],
  calls: ({ singles }) => 3 * (singles + LATECOMERS),
  work: async (target, world) => {
    const units = target.profile.singles
    const item = await world.prepare(units)
    const shoppers = await sellOut(target, world, item, units)
    const truth = await world.truth(item)
    const served = shoppers.filter(wasSold).length
    return {
      units,
      shoppers,
      truth,
      judged: judged(
        judge(target, { units, shoppers, truth }),
        judgement(
          'never-undersold',
          `all ${units} are sold before it is sold out`,
          served >= units,
          `${served} served, then ${saidAtTheEnd(shoppers)}`,
          { units, served, unitsInOrders: unitsOf(truth.orders), counterSaysLeft: truth.left },
        ),
      ),
      happened: [
        { what: 'units sold', times: unitsOf(truth.orders) },
        { what: 'buyers told that it is sold out', times: countSoldOut(shoppers) },
      ],
    }
  },
}

export const cancelAndSellAgain: TargetScenario = {
  name: 'cancel-and-sell-again',
  story: 'It is sold out, some orders are cancelled, and exactly so many more buyers are served.',
  shows: ['never-undersold', 'never-oversold', 'counter-agrees'],
  obstacle: ({ adapter }) => (adapter.cancel === undefined ? 'the adapter has no `cancel`' : undefined),
  calls: ({ singles }) => 3 * (singles + 2 * LATECOMERS) + 2 * singles,
  work: async (target, world) => {
    const units = Math.max(2, Math.floor(target.profile.singles / 2))
    const item = await world.prepare(units)
    const first = await sellOut(target, world, item, units)
    const cancelled = first.filter(wasSold).slice(0, Math.ceil(units / 2))
    for (const who of cancelled) await withOrder(target, 'cancel', item, who)
    const second = await sellOut(target, world, item, cancelled.length, first.length)
    const truth = await world.truth(item)
    const served = second.filter(wasSold).length
    const gone = new Set(cancelled)
    const shoppers = [...first.filter((who) => !gone.has(who)), ...second]
    const detail = `${cancelled.length} cancelled, ${served} sold again, then ${saidAtTheEnd(second)}`
    return {
      units,
      shoppers,
      truth,
      judged: judged(
        judge(target, { units, shoppers, truth }),
        judgement('never-undersold', 'what is cancelled is sold again', served >= cancelled.length, detail, {
          units,
          cancelled: cancelled.map(({ buyer }) => buyer.email),
          soldAgain: served,
          counterSaysLeft: truth.left,
        }),
      ),
      happened: [
        { what: 'units sold', times: unitsOf(truth.orders) },
        { what: 'orders cancelled', times: cancelled.length },
        { what: 'buyers told that it is sold out', times: countSoldOut([...first, ...second]) },
      ],
    }
  },
}

/** Sells `units` and tries for a few more. */
async function sellOut(
  target: Target,
  world: World,
  item: unknown,
  units: number,
  from = 0,
): Promise<readonly Shopper[]> {
  const shoppers: Shopper[] = []
  while (shoppers.length < units + LATECOMERS && countSoldOut(shoppers) < LATECOMERS) {
    const who = world.shopper(from + shoppers.length)
    shoppers.push(who)
    world.report(`buyer ${shoppers.length} of ${units + LATECOMERS}`)
    if (!(await openCart(target, item, who))) continue
    if (isSafeToRepeat(target)) await clickTwice(target, item, who)
    else await commitCart(target, item, who)
  }
  return shoppers
}

/** Both clicks at once; where neither is answered with a yes or "sold out", the buyer asks again. */
async function clickTwice(target: Target, item: unknown, who: Shopper): Promise<void> {
  const other = baseUrlOf(target, who.buyer.index + 1)
  const answers = await Promise.all([askCommit(target, item, who), askCommit(target, item, who, other)])
  const isAnswered = answers.some(({ outcome }) => outcome === 'sold' || outcome === 'soldOut')
  if (!isAnswered) await commitCart(target, item, who)
}

function countSoldOut(shoppers: readonly Shopper[]): number {
  return shoppers.filter((who) => !wasSold(who) && who.answers.some(({ outcome }) => outcome === 'soldOut'))
    .length
}

function saidAtTheEnd(shoppers: readonly Shopper[]): string {
  const last = shoppers.findLast((who) => !wasSold(who))
  return last === undefined ? 'nobody was refused' : `${finalOf(last)?.outcome} (${finalOf(last)?.answer})`
}
