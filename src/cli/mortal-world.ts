import { rm } from 'node:fs/promises'
import { connect } from '../db/connection.ts'
import { startEmbedded } from '../embedded/embedded.ts'
import { killEmbedded, signalEmbedded } from '../embedded/kill.ts'
import type { Blow } from '../proof/faults/strikes.ts'
import type { MortalWorld } from '../proof/faults/sudden-death.ts'
import type { Opened } from '../proof/run.ts'
import { serveFrom } from './serve-from.ts'

export interface MortalOptions {
  readonly jwtSecret: string
  /** The environment of its servers, over ours. */
  readonly servers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** Makes a PostgreSQL there with the product in it, which does not run. */
  readonly prepare: (dataFolder: string) => Promise<void>
}

/** A server and a PostgreSQL of its own in `folder`, on the disk and with the product's settings. */
export async function openMortalWorld(folder: string, options: MortalOptions): Promise<Opened<MortalWorld>> {
  const cluster = await openMortalCluster(folder, options)
  const world: MortalWorld = {
    startServer: () => serveFrom(cluster.url, options.jwtSecret, options.servers),
    killDatabase: () => cluster.strike('everything'),
    connect: () => connect(cluster.url),
    signal: options.signal,
  }
  return { world, close: cluster.close }
}

export interface MortalCluster {
  readonly url: string
  readonly port: number
  /** Fulfilled when it runs again. */
  strike(blow: Blow): Promise<void>
  close(): Promise<void>
}

/** A PostgreSQL that its keeper starts again each time; `settings` are over the product's. */
export async function openMortalCluster(
  folder: string,
  { prepare }: Pick<MortalOptions, 'prepare'>,
  settings: Readonly<Record<string, string>> = {},
): Promise<MortalCluster> {
  let restarted = Promise.withResolvers<void>()
  await prepare(folder)
  const cluster = await startEmbedded({
    dataFolder: folder,
    settings,
    onRestart: () => restarted.resolve(),
    restartsMax: Number.POSITIVE_INFINITY,
  })
  const close = async () => {
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  }
  void cluster.lost.then((error) => restarted.reject(error))
  return {
    url: cluster.url,
    port: cluster.port,
    strike: async (blow) => {
      restarted = Promise.withResolvers()
      if (blow === 'everything') await killEmbedded(folder)
      else await signalEmbedded(folder, SIGNALS[blow])
      await restarted.promise
    },
    close,
  }
}

const SIGNALS: Readonly<Record<Exclude<Blow, 'everything'>, NodeJS.Signals>> = {
  postmaster: 'SIGKILL',
  fast: 'SIGINT',
  immediate: 'SIGQUIT',
}
