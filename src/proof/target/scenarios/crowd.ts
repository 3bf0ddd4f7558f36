import { commitCart, finalOf, openCarts, purchase, type Shopper, wasSold } from '../buyers.ts'
import { judge, openCartsOf, unitsOf } from '../judge.ts'
import { type Judged, judged, judgement, unsaid } from '../promises.ts'
import type { Target } from '../target.ts'
import { releaseCart } from './release.ts'
import type { Observation, TargetScenario, World } from './scenario.ts'

const SHOWS = ['never-oversold', 'never-undersold', 'answers-are-true', 'counter-agrees'] as const

/** A crowd wants more than there is, so many at once. */
export function ladder(atOnce: number): TargetScenario {
  return {
    name: `ladder-${atOnce}`,
    story: `More buyers than units, ${atOnce === 1 ? 'one after another' : `${atOnce} at a time`}.`,
    shows: SHOWS,
    calls: callsOfCrowd,
    work: (target, world) =>
      crowd(target, world, async (item, shoppers) => {
        const queue = shoppers.values()
        const buyOn = async () => {
          for (const who of queue) await purchase(target, item, who)
        }
        await Promise.all(Array.from({ length: atOnce }, buyOn))
      }),
  }
}

export const rush: TargetScenario = {
  name: 'rush',
  story: 'More buyers than units, all from nothing at the same moment.',
  shows: SHOWS,
  calls: callsOfCrowd,
  work: (target, world) =>
    crowd(target, world, async (item, shoppers) => {
      await Promise.all(shoppers.map((who) => purchase(target, item, who)))
    }),
}

export const barrier: TargetScenario = {
  name: 'barrier',
  story: 'More buyers than units: all open their carts first, then all commit at the same moment.',
  shows: SHOWS,
  calls: callsOfCrowd,
  work: (target, world) =>
    crowd(target, world, async (item, shoppers) => {
      const ready = await openCarts(target, item, shoppers)
      const startedAt = performance.now()
      await Promise.all(
        ready.map(async (who) => {
          await commitCart(target, item, who)
          who.ms = performance.now() - startedAt
        }),
      )
    }),
}

const LATECOMERS_MAX = 5

function callsOfCrowd({ buyers }: { readonly buyers: number }): number {
  return 2 * (buyers + LATECOMERS_MAX) + buyers
}

type Attack = (item: unknown, shoppers: readonly Shopper[]) => Promise<void>

export async function crowd(target: Target, world: World, attack: Attack): Promise<Observation> {
  const { buyers, units } = target.profile
  const item = await world.prepare(units)
  const shoppers = Array.from({ length: buyers }, (_, index) => world.shopper(index))
  world.report(`${buyers} buyers, ${units} units`)
  await attack(item, shoppers)
  const [late, backIn] = await comeLate(target, world, item, shoppers)
  const truth = await world.truth(item)
  const all = [...shoppers, ...late]
  return {
    units,
    shoppers: all,
    truth,
    judged: judged(judge(target, { units, shoppers: all, truth }), backIn),
    happened: [
      { what: 'units sold', times: unitsOf(truth.orders) },
      {
        what: 'buyers told that it is sold out',
        times: all.filter((who) => finalOf(who)?.outcome === 'soldOut').length,
      },
    ],
  }
}

/**
 * Compensation leaves units behind that nobody holds. Whoever comes when all is quiet must get one: else "sold out" is said of
 * what is there.
 */
async function comeLate(
  target: Target,
  world: World,
  item: unknown,
  shoppers: readonly Shopper[],
): Promise<readonly [readonly Shopper[], Judged]> {
  const { units } = target.profile
  const promise = 'never-undersold'
  const name = 'while units are left, nobody is told that it is sold out'
  const toldSoldOut = shoppers.some((who) => finalOf(who)?.outcome === 'soldOut')
  const left = units - unitsOf((await world.truth(item)).orders)
  if (!toldSoldOut) return [[], unsaid(promise, 'nobody was told that it is sold out')]
  if (left <= 0) return [[], judgement(promise, name, true, 'nothing was left')]
  const isHeld = await hasOpenCarts(target, item, shoppers)
  if (isHeld)
    return [[], unsaid(promise, 'open carts may hold what is left, and the adapter has no `release`')]
  const late: Shopper[] = []
  for (let at = 0; at < Math.min(left, LATECOMERS_MAX); at++) {
    const who = world.shopper(shoppers.length + at)
    late.push(who)
    await purchase(target, item, who)
    if (finalOf(who)?.outcome === 'unknown') break
  }
  const refused = late.filter((who) => finalOf(who)?.outcome === 'soldOut')
  const detail = `${left} of ${units} were left when all was quiet; of ${late.length} who came then, ${refused.length} were told that it is sold out`
  return [
    late,
    judgement(promise, name, refused.length === 0, detail, {
      units,
      left,
      toldSoldOut: refused.map(({ buyer }) => buyer.email),
    }),
  ]
}

/** Gives up what was opened and not sold; are there carts left that hold something? */
async function hasOpenCarts(target: Target, item: unknown, shoppers: readonly Shopper[]): Promise<boolean> {
  if (target.adapter.holds === 'none') return false
  const open = shoppers.filter((who) => who.cart !== undefined && !wasSold(who))
  if (target.adapter.release === undefined) return openCartsOf(target, shoppers) > 0
  await Promise.all(open.map((who) => releaseCart(target, item, who)))
  return false
}
