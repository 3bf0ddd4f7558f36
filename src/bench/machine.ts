import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os'
import type pg from 'pg'

/** What a figure means nothing without. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly platform: string
  readonly node: string
  readonly pgbench: string | null
  readonly postgres: {
    readonly version: string
    readonly fsync: string
    readonly synchronousCommit: string
    readonly sharedBuffers: string
  }
  /** Load averages of 1, 5 and 15 minutes, before the first window and after the last. */
  readonly load: { readonly before: readonly number[]; readonly after: readonly number[] }
}

const SETTINGS = `select current_setting('server_version') as version, current_setting('fsync') as fsync,
  current_setting('synchronous_commit') as "synchronousCommit", current_setting('shared_buffers') as "sharedBuffers"`

export async function machineOf(
  client: pg.Client,
  pgbench: string | undefined,
): Promise<Omit<Machine, 'load'>> {
  const { rows } = await client.query<Machine['postgres']>(SETTINGS)
  if (rows[0] === undefined) throw new Error('PostgreSQL gave no row about its settings')
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${platform()} ${arch()}`,
    node: process.versions.node,
    pgbench: pgbench ?? null,
    postgres: rows[0],
  }
}

export function loadNow(): readonly number[] {
  return loadavg().map((load) => Math.round(load * 100) / 100)
}
