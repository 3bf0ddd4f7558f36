import {
  type Answer,
  askCommit,
  baseUrlOf,
  commitCart,
  isSafeToRepeat,
  openCarts,
  orderOf,
  type Shopper,
  wasSold,
} from '../buyers.ts'
import { historyOf, judge, unitsOf } from '../judge.ts'
import { type Judged, judged, judgement } from '../promises.ts'
import type { Target } from '../target.ts'
import type { TargetScenario } from './scenario.ts'

export const sameRequest: TargetScenario = {
  name: 'same-request',
  story:
    'Every buyer sends the last request twice at the same moment, to two processes where there are several, and once more later.',
  shows: ['same-request-same-answer', 'counter-agrees', 'paid-once-issued-once'],
  obstacle: ({ adapter: { retry } }) =>
    retry === undefined
      ? 'the adapter does not say what a `retry` means'
      : retry.means === 'newOrder'
        ? 'to this system the same request again is another order'
        : undefined,
  calls: ({ twins }) => 4 * twins,
  work: async (target, world) => {
    const { twins } = target.profile
    // Twice what they want: nothing here is about being sold out.
    const units = 2 * twins
    const item = await world.prepare(units)
    const shoppers = Array.from({ length: twins }, (_, index) => world.shopper(index))
    const ready = await openCarts(target, item, shoppers)
    await Promise.all(ready.map((who) => sendTwice(target, item, who)))
    await world.truth(item)
    const later = await Promise.all(ready.map((who) => askCommit(target, item, who)))
    const truth = await world.truth(item)
    return {
      units,
      shoppers,
      truth,
      judged: judged(
        judge(target, { units, shoppers, truth }),
        oneOrderTold(ready),
        saidLater(target, ready, later),
      ),
      happened: [
        { what: 'units sold', times: unitsOf(truth.orders) },
        { what: 'requests sent twice', times: ready.filter(wasSold).length },
      ],
    }
  },
}

async function sendTwice(target: Target, item: unknown, who: Shopper): Promise<void> {
  const other = baseUrlOf(target, who.buyer.index + 1)
  await Promise.all([askCommit(target, item, who), askCommit(target, item, who, other)])
  if (!wasSold(who) && isSafeToRepeat(target)) await commitCart(target, item, who)
}

function oneOrderTold(shoppers: readonly Shopper[]): Judged {
  const two = shoppers.find(({ answers }) => ordersIn(answers).size > 1)
  return judgement(
    'same-request-same-answer',
    'nobody is told two orders for one request',
    two === undefined,
    two === undefined
      ? `${shoppers.length} buyers`
      : `${two.buyer.email} was told ${[...ordersIn(two.answers)].join(' and ')}`,
    two && historyOf(two),
  )
}

function ordersIn(answers: readonly Answer[]): ReadonlySet<string> {
  return new Set(answers.flatMap(({ order }) => (order === undefined ? [] : [order])))
}

/** The later request must be answered as the adapter says that it is. */
function saidLater({ adapter }: Target, shoppers: readonly Shopper[], later: readonly Answer[]): Judged {
  const means = adapter.retry?.means
  const isAsSaid = (answer: Answer | undefined, who: Shopper) => {
    const isSame = answer?.outcome === 'sold' && (answer.order ?? orderOf(who)) === orderOf(who)
    return isSame || (means === 'refused' && answer?.outcome === 'refused')
  }
  const wrong = shoppers.filter((who, at) => wasSold(who) && !isAsSaid(later[at], who))
  const [first] = wrong
  const said = means === 'refused' ? 'refused' : 'the same order'
  return judgement(
    'same-request-same-answer',
    `sent again later, it is ${said}`,
    first === undefined,
    first === undefined
      ? `${later.length} of ${later.length}`
      : `${wrong.length} of ${later.length} are not: ${first.buyer.email} was told ${first.answers.at(-1)?.outcome} (${first.answers.at(-1)?.answer})`,
    first && historyOf(first),
  )
}
