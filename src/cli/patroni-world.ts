import type pg from 'pg'
import type { FailoverWorld, Replication } from '../proof/faults/failover.ts'
import type { Opened } from '../proof/run.ts'
import type { PatroniTools } from './find-patroni.ts'
import type { MortalOptions } from './mortal-world.ts'
import { openPatroni } from './patroni.ts'
import { serveFrom } from './serve-from.ts'

interface PatroniWorldOptions extends Omit<MortalOptions, 'prepare'> {
  readonly install: (client: pg.Client) => Promise<void>
}

/** A cluster under Patroni with the product in it, whose server is told all of its hosts. */
export async function openPatroniWorld(
  tools: PatroniTools,
  replication: Replication,
  { jwtSecret, servers, install, signal }: PatroniWorldOptions,
): Promise<Opened<FailoverWorld>> {
  const cluster = await openPatroni({ tools, replication, signal })
  try {
    const client = await cluster.connect()
    await install(client).finally(() => client.end())
  } catch (error) {
    await cluster.close()
    throw error
  }
  const world: FailoverWorld = {
    startServer: () => serveFrom(cluster.url, jwtSecret, servers),
    killPrimary: cluster.killLeader,
    promote: cluster.elect,
    connect: cluster.connect,
    signal,
  }
  return { world, close: cluster.close }
}
