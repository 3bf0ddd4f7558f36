import { rm } from 'node:fs/promises'
import { connect } from '../db/connection.ts'
import { copyEmbedded } from '../embedded/copy.ts'
import { startEmbedded } from '../embedded/embedded.ts'
import type { Engines } from '../load/engine.ts'
import type { Mortals } from '../proof/run.ts'
import { openFailoverWorld } from './failover-world.ts'
import type { findPatroni } from './find-patroni.ts'
import { openFragileWorld } from './fragile-world.ts'
import { openMortalWorld } from './mortal-world.ts'
import { openPatroniWorld } from './patroni-world.ts'
import { NO_SMALL_DISK } from './small-disk.ts'

interface MortalsOptions {
  readonly jwtSecret: string
  readonly servers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  readonly install: (client: Awaited<ReturnType<typeof connect>>) => Promise<void>
  readonly pooler: Engines['pooler']
  readonly patroni: Awaited<ReturnType<typeof findPatroni>>
}

/** Each in a folder of its own, whose name begins with `folder`, that is gone when it is closed. */
export function openMortals(
  folder: string,
  { install, patroni, ...given }: MortalsOptions,
): Mortals & { close(): Promise<void> } {
  const template = `${folder}-template`
  let made: Promise<void> | undefined
  let worlds = 0
  const next = () => `${folder}-${++worlds}`
  const prepare = async (dataFolder: string) => {
    made ??= makeInstalled(template, install)
    await made
    await copyEmbedded(template, dataFolder)
  }
  const options = { ...given, prepare }
  return {
    openWorld: () => openMortalWorld(next(), options),
    openPair: (replication) => openFailoverWorld(next(), replication, options),
    openPatroni: async (replication) => {
      if ('lacks' in patroni) throw new Error(patroni.lacks)
      return openPatroniWorld(patroni, replication, { ...given, install })
    },
    openFragile: (needs) => openFragileWorld(next(), needs, options),
    lacks: {
      smallDisk: NO_SMALL_DISK,
      pooler: options.pooler === undefined ? 'there is no PgBouncer on the PATH' : undefined,
      patroni: 'lacks' in patroni ? patroni.lacks : undefined,
    },
    close: () => rm(template, { recursive: true, force: true }),
  }
}

/** A PostgreSQL in a folder, with what `install` puts into it, which does not run. */
export async function makeInstalled(dataFolder: string, install: MortalsOptions['install']): Promise<void> {
  const cluster = await startEmbedded({ dataFolder })
  try {
    const client = await connect(cluster.url)
    await install(client).finally(() => client.end())
  } finally {
    await cluster.stop()
  }
}
