import type { Check } from '../results.ts'
import type { TrueState } from './answers.ts'
import { type Answer, commitCart, finalOf, openCart, orderOf, wasSold } from './buyers.ts'
import { TargetError } from './failure.ts'
import { unitsOf } from './judge.ts'
import { openWorld } from './run-scenario.ts'
import type { Target } from './target.ts'

/** One buyer buys the only unit: an adapter that cannot do that, or does not see it in the rows, shows nothing. Throws a TargetError. */
export async function firstPurchase(target: Target, report: (text: string) => void): Promise<Check[]> {
  const world = openWorld(target, 'first-purchase', report)
  const startedAt = performance.now()
  try {
    report('one buyer, one unit')
    const item = await world.prepare(1)
    demandNew(await world.truth(item))
    const who = world.shopper(0)
    if (await openCart(target, item, who)) await commitCart(target, item, who)
    const ms = performance.now() - startedAt
    if (!wasSold(who)) throw notSold(target, who.answers)
    const truth = await world.truth(item)
    const sold = unitsOf(truth.orders)
    if (sold !== 1)
      throw new TargetError(
        'FIRST_PURCHASE',
        `one buyer was sold one unit, and \`truth\` sees ${sold}. Does it read the orders of \`item\`, and is \`settleSeconds\` long enough?`,
      )
    demandSameId(orderOf(who), truth.orders[0]?.id)
    return [
      {
        name: 'one buyer buys the only unit',
        verdict: 'PASS',
        detail: `${finalOf(who)?.answer}, ${ms.toFixed(0)} ms with what was prepared`,
      },
    ]
  } finally {
    await world.close()
  }
}

/** What is sold already, or has more units than were asked for, would be taken for a fault of the system. */
function demandNew({ orders, left }: TrueState): void {
  if (orders.length === 0 && (left ?? 1) === 1) return
  const counted = left === undefined ? '' : ` and ${left} left`
  throw new TargetError(
    'FIRST_PURCHASE',
    `\`prepare\` was asked for something new with 1 unit, and before anybody bought \`truth\` sees ${orders.length} orders${counted}. Does \`prepare\` heed \`units\`, and \`truth\` \`item\`?`,
  )
}

/** Answers and rows are compared by it. */
function demandSameId(told: string | undefined, stands: string | undefined): void {
  if (told === undefined || told === stands) return
  throw new TargetError(
    'FIRST_PURCHASE',
    `\`commit\` names the order ${told}, and \`truth\` the only one ${stands}: \`order\` of the one is \`id\` of the other.`,
  )
}

/** What the buyer was told, and what the adapter did not understand of it. */
function notSold({ faults }: Target, answers: readonly Answer[]): TargetError {
  const said = answers.map(({ step, outcome, answer }) => `${step}: ${outcome} (${answer})`)
  const shown =
    said.length > ANSWERS_SHOWN
      ? [...said.slice(0, ANSWERS_SHOWN), `${said.length - ANSWERS_SHOWN} more`]
      : said
  const why = faults.length === 0 ? '' : ` ${faults[0]}`
  return new TargetError(
    'FIRST_PURCHASE',
    `one buyer could not buy the only unit. ${shown.join(', ')}.${why}`,
  )
}

const ANSWERS_SHOWN = 3
