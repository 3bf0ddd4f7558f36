import { rm } from 'node:fs/promises'
import { connect } from '../db/connection.ts'
import { copyEmbedded, makeStandby } from '../embedded/copy.ts'
import { type Cluster, type EmbeddedOptions, startEmbedded } from '../embedded/embedded.ts'
import { eventually } from '../embedded/processes.ts'
import type { Replication } from '../proof/faults/failover.ts'
import { openTcpProxy, type TcpProxy } from '../proof/faults/tcp-proxy.ts'
import { openClosing } from './closing.ts'

const STANDBY = 'standby'
const STREAMS_MS_MAX = 30_000
/** Neither of them comes back by itself. */
const MORTAL: Pick<EmbeddedOptions, 'restartsMax'> = { restartsMax: 0 }
/** A standby whose way was changed connects again at once, not after PostgreSQL's five seconds. */
const SOON = { wal_retrieve_retry_interval: '100ms' }

/** A PostgreSQL, its standby, and the way between them. */
export interface Replicated {
  readonly primary: Cluster
  readonly standby: Cluster
  readonly relay: TcpProxy
  /** Returns when the standby streams so. */
  replicate(how: Replication): Promise<void>
  close(): Promise<void>
}

/**
 * Two PostgreSQL of their own below `folder`, the second a standby of the first, with nothing but npm's binaries. `prepare` makes
 * one in a folder, which does not run.
 */
export async function openReplicated(
  folder: string,
  how: Replication,
  prepare: (dataFolder: string) => Promise<void>,
): Promise<Replicated> {
  const { after, close } = openClosing()
  const start = (own: EmbeddedOptions) => after(startEmbedded({ ...MORTAL, ...own }), (it) => it.stop())
  try {
    await after(undefined, () => rm(folder, { recursive: true, force: true }))
    const [one, other] = [`${folder}/primary`, `${folder}/${STANDBY}`]
    await prepare(one)
    await copyEmbedded(one, other)
    const primary = await start({ dataFolder: one })
    const relay = await after(openTcpProxy(primary.port), async (it) => it.close())
    await makeStandby(other, { primaryPort: relay.port, name: STANDBY })
    const standby = await start({ dataFolder: other, settings: SOON })
    const replicate = (next: Replication) => replicateSo(primary.url, relay, next)
    await replicate(how)
    return { primary, standby, relay, replicate, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The distance is that of new connections: the standby's is cut, and what streams then is another one. */
async function replicateSo(
  url: string,
  relay: TcpProxy,
  { isSynchronous, distanceMs }: Replication,
): Promise<void> {
  const client = await connect(url)
  try {
    await client.query(`alter system set synchronous_standby_names = '${isSynchronous ? STANDBY : ''}'`)
    await client.query('select pg_reload_conf()')
    const { rows } = await client.query<{ pid: number }>('select pid from pg_stat_replication')
    const cut = rows.map(({ pid }) => pid)
    relay.delay(distanceMs)
    relay.cut()
    const streams = `select from pg_stat_replication where state = 'streaming' and sync_state = $1 and pid <> all ($2)`
    const isThere = async () =>
      (await client.query(streams, [isSynchronous ? 'sync' : 'async', cut])).rowCount === 1
    if (!(await eventually(STREAMS_MS_MAX, isThere))) throw new Error('the standby does not stream')
  } finally {
    await client.end()
  }
}
