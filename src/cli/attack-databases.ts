import { join } from 'node:path'
import { migrate } from '../db/migrate.ts'
import { startEmbedded } from '../embedded/embedded.ts'
import { findMemoryFolder } from '../embedded/memory.ts'
import type { ProofOptions } from '../proof/run.ts'
import { type AttackDatabases, openRunDatabases } from '../proof/run-databases.ts'
import { clonesAtOnce, semaphore } from '../proof/sabotage/at-once.ts'

/** A data folder with a few databases, and twice the WAL that PostgreSQL is told to keep to. */
const MEMORY_BYTES_MIN = 1024 ** 3
const WAL_MEGABYTES_MAX = 256

/**
 * tmpfs: a hundred databases are made, attacked and dropped, and none is meant to outlive the run. An embedded PostgreSQL has
 * them in memory where there is room, so no attack waits for a disk; its settings stay the product's. Else, and at
 * DATABASE_URL, they are the run's own. Nothing is started before the first clone is asked for. Whoever asks beside others shares
 * one bound with them.
 */
export function openAttackDatabases(options: AttackOptions): AttackDatabases {
  let opened: Promise<AttackDatabases> | undefined
  const enter = semaphore(clonesAtOnce())
  return {
    withClone: async (work) => {
      const leave = await enter()
      try {
        opened ??= start(options)
        return await (await opened).withClone(work)
      } finally {
        leave()
      }
    },
    close: async () => (await opened)?.close(),
  }
}

type AttackOptions = Pick<ProofOptions, 'databases' | 'source' | 'run'>

async function start({ databases, source, run }: AttackOptions): Promise<AttackDatabases> {
  const folder = source === 'embedded' ? await findMemoryFolder(MEMORY_BYTES_MIN) : undefined
  if (folder === undefined) return { withClone: databases.withClone, close: async () => {} }
  const cluster = await startEmbedded({
    dataFolder: join(folder, `admit-once-prove-${run.id}`),
    ephemeral: true,
    settings: { max_wal_size: `${WAL_MEGABYTES_MAX}MB` },
  })
  try {
    const { withClone, close } = await openRunDatabases(cluster.url, `${process.pid}`, migrate)
    return { withClone, close: () => close().finally(() => cluster.stop()) }
  } catch (error) {
    await cluster.stop()
    throw error
  }
}
