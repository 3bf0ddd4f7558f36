import { join } from 'node:path'
import { mintToken } from '../api/keys.ts'
import { connect } from '../db/connection.ts'
import type { Engines } from '../load/engine.ts'
import type { FragileWorld } from '../proof/faults/strikes.ts'
import { openTcpProxy } from '../proof/faults/tcp-proxy.ts'
import type { FragileNeeds, Opened } from '../proof/run.ts'
import { type MortalOptions, openMortalCluster } from './mortal-world.ts'
import { openPgBouncer, type PgBouncer } from './pgbouncer.ts'
import { serveFrom } from './serve-from.ts'
import { openSmallDisk } from './small-disk.ts'
import { CHAOS_TIME_SCALE, openStandInServer } from './stand-in-server.ts'

/** Few enough that strangers take them all in a moment. */
const SETTINGS = { max_connections: '70' }
/** What fits on a small disk. */
const SMALL = { max_wal_size: '64MB', min_wal_size: '32MB' }
const POOL_SIZE = 20

/** A server, a PostgreSQL, where it is needed a PgBouncer, and a provider, with a proxy on each way between them. */
export async function openFragileWorld(
  folder: string,
  { seed, isPooled, hasSmallDisk }: FragileNeeds,
  options: MortalOptions & { readonly pooler: Engines['pooler'] },
): Promise<Opened<FragileWorld>> {
  const closers: (() => unknown)[] = []
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  const keep = <Thing extends { close(): unknown }>(thing: Thing): Thing => {
    closers.push(() => thing.close())
    return thing
  }
  try {
    const disk = hasSmallDisk ? keep(await openSmallDisk(folder)) : undefined
    const data = disk === undefined ? folder : join(disk.folder, 'data')
    const settings = disk === undefined ? SETTINGS : { ...SETTINGS, ...SMALL }
    const cluster = keep(await openMortalCluster(data, options, settings))
    const bouncer = isPooled ? keep(await openBouncer(options.pooler, cluster.url)) : undefined
    const url = bouncer?.url ?? cluster.url
    const line = keep(await openTcpProxy(Number(new URL(url).port)))
    const standIn = keep(await openStandInServer(seed, CHAOS_TIME_SCALE))
    const providerLine = keep(await openTcpProxy(Number(new URL(standIn.url).port)))
    const api = { STRIPE_API_URL: providerLine.through(standIn.environment['STRIPE_API_URL'] ?? '') }
    const environment = { ...options.servers, ...standIn.environment, ...api }
    const world: FragileWorld = {
      startServer: (clockShiftMs) =>
        standIn.serve(() => serveFrom(line.through(url), options.jwtSecret, environment, clockShiftMs)),
      strikeDatabase: cluster.strike,
      killProcess: (pid) => process.kill(pid, 'SIGKILL'),
      connect: () => connect(cluster.url),
      ...{ line, providerLine, pooler: bouncer, disk },
      standIn: { url: standIn.url, secretKey: standIn.secretKey, timeScale: CHAOS_TIME_SCALE },
      staffToken: (sub) => mintToken(options.jwtSecret, { sub, email: 'manager@example.org' }),
      signal: options.signal,
    }
    return { world, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Its own default waits fifteen seconds before it asks a PostgreSQL again that did not answer. */
const ASKS_AGAIN_S = 1

async function openBouncer(pooler: Engines['pooler'], url: string): Promise<PgBouncer> {
  if (pooler === undefined) throw new Error('there is no PgBouncer here')
  const settings = { default_pool_size: POOL_SIZE, server_login_retry: ASKS_AGAIN_S }
  const bouncer = await openPgBouncer(pooler.path, url, settings)
  await bouncer.start().catch(async (error: unknown) => {
    await bouncer.close()
    throw error
  })
  return bouncer
}
