import { connect } from '../db/connection.ts'
import { killEmbedded } from '../embedded/kill.ts'
import type { FailoverWorld, Replication } from '../proof/faults/failover.ts'
import { openTcpProxy, type TcpProxy } from '../proof/faults/tcp-proxy.ts'
import type { Opened } from '../proof/run.ts'
import type { MortalOptions } from './mortal-world.ts'
import { openReplicated, type Replicated } from './replicated.ts'
import { serveFrom } from './serve-from.ts'

const PROMOTE_S_MAX = 60

/** A PostgreSQL below `folder` with its standby, and an address that leads to whichever is the primary. */
export async function openFailoverWorld(
  folder: string,
  replication: Replication,
  options: MortalOptions,
): Promise<Opened<FailoverWorld>> {
  const pair = await openReplicated(folder, replication, options.prepare)
  try {
    const address = await openTcpProxy(pair.primary.port)
    const close = async () => {
      address.close()
      await pair.close()
    }
    return { world: worldOf(pair, address, options), close }
  } catch (error) {
    await pair.close()
    throw error
  }
}

function worldOf(
  { primary, standby, relay }: Replicated,
  address: TcpProxy,
  options: MortalOptions,
): FailoverWorld {
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
