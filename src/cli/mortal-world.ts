import { rm } from 'node:fs/promises'
import { connect } from '../db/connection.ts'
import { startEmbedded } from '../embedded/embedded.ts'
import { killEmbedded } from '../embedded/kill.ts'
import type { MortalWorld } from '../proof/faults/sudden-death.ts'
import { serveFrom } from './serve-from.ts'

interface MortalOptions {
  readonly jwtSecret: string
  readonly signal: AbortSignal
  readonly install: (client: Awaited<ReturnType<typeof connect>>) => Promise<void>
  /** Of PostgreSQL, over the product's. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A PostgreSQL of its own in `folder`, on the disk and with the product's settings, which its keeper starts again. */
export async function openMortalWorld(
  folder: string,
  { jwtSecret, signal, install, settings = {} }: MortalOptions,
): Promise<{ readonly world: MortalWorld; close(): Promise<void> }> {
  let restarted = Promise.withResolvers<void>()
  const cluster = await startEmbedded({
    dataFolder: folder,
    settings,
    onRestart: () => restarted.resolve(),
  })
  const close = async () => {
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  }
  void cluster.lost.then((error) => restarted.reject(error))
  try {
    const client = await connect(cluster.url)
    await install(client).finally(() => client.end())
  } catch (error) {
    await close()
    throw error
  }
  const world: MortalWorld = {
    startServer: () => serveFrom(cluster.url, jwtSecret),
    killDatabase: async () => {
      restarted = Promise.withResolvers()
      await killEmbedded(folder)
      await restarted.promise
    },
    connect: () => connect(cluster.url),
    signal,
  }
  return { world, close }
}
