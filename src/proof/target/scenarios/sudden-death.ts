import { setTimeout as delay } from 'node:timers/promises'
import { purchase, wasSold } from '../buyers.ts'
import { runCommand } from '../call.ts'
import { TargetError } from '../failure.ts'
import { toldYes } from '../judge.ts'
import { judged } from '../promises.ts'
import type { Target } from '../target.ts'
import { crowd } from './crowd.ts'
import type { TargetScenario } from './scenario.ts'

export const suddenDeath: TargetScenario = {
  name: 'sudden-death',
  story: 'The system is killed while it sells, and started again; who got no answer asks again.',
  shows: ['acknowledged-is-durable'],
  obstacle: ({ adapter }) => (adapter.commands === undefined ? 'the adapter has no `commands`' : undefined),
  calls: ({ buyers }) => 4 * buyers,
  work: async (target, world) => {
    const seen = await crowd(target, world, async (item, shoppers) => {
      const queue = shoppers.values()
      let death: Promise<void> | undefined
      const buyOn = async () => {
        for (const who of queue) {
          await death
          await purchase(target, item, who)
          if (shoppers.filter(wasSold).length >= target.profile.units / 3) death ??= dieAndRise(target)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, buyOn))
      await death
    })
    return { ...seen, judged: judged(seen.judged, toldYes(seen, 'acknowledged-is-durable')) }
  },
}

const AT_ONCE = 8
const RISE_MS_MAX = 120_000
const LOOK_MS = 250

async function dieAndRise({ adapter, env, urls, signal }: Target): Promise<void> {
  if (adapter.commands === undefined) return
  await runCommand(adapter.commands.kill, env, signal)
  await runCommand(adapter.commands.start, env, signal)
  const end = performance.now() + RISE_MS_MAX
  while (!(await answers(urls, signal))) {
    if (performance.now() > end)
      throw new TargetError(
        'UNREACHABLE',
        `the system did not come up within ${RISE_MS_MAX / 1000} s of \`start\`.`,
      )
    await delay(LOOK_MS, undefined, { signal })
  }
}

/** Any answer is one: it listens. */
async function answers(urls: readonly string[], signal: AbortSignal): Promise<boolean> {
  const looks = urls.map(async (url) => {
    const stop = AbortSignal.any([signal, AbortSignal.timeout(RISE_MS_MAX)])
    await (await fetch(url, { redirect: 'manual', signal: stop })).body?.cancel()
  })
  return (await Promise.allSettled(looks)).every(({ status }) => status === 'fulfilled')
}
