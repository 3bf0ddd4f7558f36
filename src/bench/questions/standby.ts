import { openLoad } from '../load/process.ts'
import { pgbenchContestant, withoutPgbench } from '../pgbench.ts'
import type { BenchPair, Contestant, Question, RatioSpec, World } from '../question.ts'
import { openTiers, tierLedger } from '../sale.ts'

const CALLERS = 200
const CLIENTS = 50

/** How far the standby is that a commit waits for, each way; undefined: it waits for none. */
const DISTANCES = [
  { name: 'alone', label: 'no standby waited for', ms: undefined },
  { name: '1ms', label: 'standby 1 ms away', ms: 1 },
  { name: '5ms', label: 'standby 5 ms away', ms: 5 },
] as const
type Distance = (typeof DISTANCES)[number]

const WAYS = { gathered: `desk, ${CALLERS} callers`, verbs: `SQL verb, ${CLIENTS} clients` } as const
type Way = keyof typeof WAYS
const nameOf = (way: Way, { name }: Distance) => `${way}_${name}`
const labelOf = (way: Way, { label }: Distance) => `${WAYS[way]}, ${label}`

const RATIOS: readonly RatioSpec[] = [
  ...DISTANCES.map((at) => ({
    name: `gathered_over_verbs_${at.name}`,
    label: `${at.label}: gathered : one by one`,
    of: [nameOf('gathered', at), nameOf('verbs', at)] as const,
  })),
  ...DISTANCES.filter(({ ms }) => ms !== undefined).map((at) => ({
    name: `gathered_${at.name}_over_alone`,
    label: `gathered: ${at.label} : none`,
    of: [nameOf('gathered', at), nameOf('gathered', DISTANCES[0])] as const,
  })),
]

/** Who holds one by one keeps the tier until the standby has said that it has the row; together they keep it once. */
export const standby: Question = {
  name: 'standby',
  asks: 'How fast is a tier held whose commits wait for a synchronous standby, together and one by one?',
  seconds: 3,
  ratios: RATIOS,
  open: async (world) => {
    const pair = await world.openPair()
    const ways: readonly Way[] = world.pgbench === undefined ? ['gathered'] : ['gathered', 'verbs']
    const each = ways.flatMap((way) => DISTANCES.map((at) => ({ way, at })))
    const tierOf = await openTiers(
      pair,
      each.map(({ way, at }) => slugOf(way, at)),
    )
    const open = { gathered: await openDesk(world, pair), verbs: oneByOne(world, pair) }
    return {
      client: pair.client,
      contestants: await Promise.all(
        each.map(({ way, at }) => open[way](at, tierOf(slugOf(way, at)), () => pair.replicate(howFar(at)))),
      ),
      ledgers: each.map(({ way, at }) =>
        tierLedger(pair, [tierOf(slugOf(way, at))], labelOf(way, at), [nameOf(way, at)]),
      ),
      ...(world.pgbench === undefined
        ? { missing: [withoutPgbench(DISTANCES.map((at) => ({ label: labelOf('verbs', at) })))] }
        : {}),
    }
  },
}

const howFar = ({ ms }: Distance) => ({ isSynchronous: ms !== undefined, distanceMs: ms ?? 0 })
const slugOf = (way: Way, at: Distance) => nameOf(way, at).replaceAll('_', '-')

type Open = (at: Distance, tierId: string, prepare: () => Promise<void>) => Promise<Contestant>

async function openDesk(world: World, { url }: BenchPair): Promise<Open> {
  const load = await world.keep(openLoad('desk'), (it) => it.close())
  return async (at, tierId, prepare) => ({
    name: nameOf('gathered', at),
    label: labelOf('gathered', at),
    warmsUp: at.ms === undefined,
    prepare,
    run: async ({ seconds, signal }) => {
      const order = { databaseUrl: url, connectionsMax: world.buyersMax, tierId, callers: CALLERS, seconds }
      const { cpuSeconds, ...came } = await load.run(order, signal)
      return { ...came, seconds, loadCpuSeconds: cpuSeconds }
    },
  })
}

function oneByOne(world: World, { url }: BenchPair): Open {
  return (at, tierId, prepare) =>
    pgbenchContestant(world, url, {
      name: nameOf('verbs', at),
      label: labelOf('verbs', at),
      clients: CLIENTS,
      sql: 'select reserve_tickets_atomically(:tier_id, 1);',
      defines: () => ({ tier_id: tierId }),
      prepare,
    })
}
