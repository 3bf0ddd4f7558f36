import { rm } from 'node:fs/promises'
import { connect } from '../db/connection.ts'
import { copyEmbedded, makeStandby } from '../embedded/copy.ts'
import { type Cluster, type EmbeddedOptions, startEmbedded } from '../embedded/embedded.ts'
import { killEmbedded } from '../embedded/kill.ts'
import { eventually } from '../embedded/processes.ts'
import type { FailoverWorld, Replication } from '../proof/faults/failover.ts'
import { openTcpProxy, type TcpProxy } from '../proof/faults/tcp-proxy.ts'
import type { Opened } from '../proof/run.ts'
import type { MortalOptions } from './mortal-world.ts'
import { serveFrom } from './serve-from.ts'

const STANDBY = 'standby'
const STREAMS_MS_MAX = 30_000
const PROMOTE_S_MAX = 60
/** Neither of them comes back by itself. */
const MORTAL: Pick<EmbeddedOptions, 'restartsMax'> = { restartsMax: 0 }

/** Two PostgreSQL of their own below `folder`, the second a standby of the first, with nothing but npm's binaries. */
export async function openFailoverWorld(
  folder: string,
  { isSynchronous, distanceMs }: Replication,
  options: MortalOptions,
): Promise<Opened<FailoverWorld>> {
  const closers: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })]
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  const start = async (own: EmbeddedOptions) => {
    const cluster = await startEmbedded({ ...MORTAL, ...own })
    closers.push(() => cluster.stop())
    return cluster
  }
  try {
    const [one, other] = [`${folder}/primary`, `${folder}/${STANDBY}`]
    await options.prepare(one)
    await copyEmbedded(one, other)
    const settings = isSynchronous ? { synchronous_standby_names: STANDBY } : {}
    const primary = await start({ dataFolder: one, settings })
    const relay = await openTcpProxy(primary.port)
    closers.push(relay.close)
    relay.delay(distanceMs)
    await makeStandby(other, { primaryPort: relay.port, name: STANDBY })
    const standby = await start({ dataFolder: other })
    await untilItStreams(primary.url, isSynchronous ? 'sync' : 'async')
    const address = await openTcpProxy(primary.port)
    closers.push(address.close)
    return { world: worldOf({ primary, standby, relay, address }, options), close }
  } catch (error) {
    await close()
    throw error
  }
}

interface Pair {
  readonly primary: Cluster
  readonly standby: Cluster
  /** Between the two. */
  readonly relay: TcpProxy
  /** Before whichever is the primary. */
  readonly address: TcpProxy
}

function worldOf({ primary, standby, relay, address }: Pair, options: MortalOptions): FailoverWorld {
  const url = address.through(primary.url)
  return {
    startServer: () => serveFrom(url, options.jwtSecret, options.servers),
    killPrimary: async () => {
      await Promise.all([killEmbedded(primary.dataFolder), relay.die()])
    },
    promote: async () => {
      const client = await connect(standby.url)
      await client.query('select pg_promote(true, $1)', [PROMOTE_S_MAX]).finally(() => client.end())
      address.pointAt(standby.port)
    },
    connect: () => connect(url),
    signal: options.signal,
  }
}

async function untilItStreams(url: string, state: 'sync' | 'async'): Promise<void> {
  const client = await connect(url)
  const streams = `select from pg_stat_replication where state = 'streaming' and sync_state = $1`
  try {
    const isThere = async () => (await client.query(streams, [state])).rowCount === 1
    if (!(await eventually(STREAMS_MS_MAX, isThere))) throw new Error('the standby does not stream')
  } finally {
    await client.end()
  }
}
