import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os'
import { type Durability, LOSES_AT_FAILOVER, losesAtFailover, readDurability } from '../../db/durability.ts'
import { runOnClient } from '../../db/pool.ts'
import type { DatabaseEngine, HttpEngine } from '../../load/engine.ts'
import { enableStatements } from '../health/final.ts'
import type { Check } from '../results.ts'
import type { Environment, Run, Stage } from '../run.ts'

/** The environment: versions, cores, durability; what a reader needs before any figure. */
export const preflightStage: Stage = {
  name: 'preflight',
  title: 'Preflight',
  level: 1,
  work: async (run) => {
    const { rows } = await run.databases.main.client.query<Settings>(SETTINGS)
    const settings = rows[0]
    if (settings === undefined) throw new Error('PostgreSQL gave no row about its settings')
    run.environment = environmentOf(run, settings)
    await enableStatements(run.databases.main.client)
    const durable = settings.fsync === 'on' && settings.synchronous_commit !== 'off'
    return [
      {
        name: 'commits are durable',
        verdict: durable ? 'PASS' : 'INCONCLUSIVE',
        detail: `fsync ${settings.fsync}, synchronous_commit ${settings.synchronous_commit}`,
      },
      standbyCheck(await readDurability(runOnClient(run.databases.main.client))),
      {
        name: 'the load generators are known',
        verdict: 'PASS',
        detail: `HTTP by ${nameOf(run.engines.http)}, SQL by ${nameOf(run.engines.database)}`,
      },
    ]
  },
}

/** What a PostgreSQL of our own does not have says nothing about the one that sells. */
function standbyCheck(durability: Durability): Check {
  const { standbys, waits } = durability
  const name = 'what is acknowledged survives a failover'
  if (losesAtFailover(durability)) return { name, verdict: 'INCONCLUSIVE', detail: LOSES_AT_FAILOVER }
  const detail = waits ? `commits wait for a standby; ${standbys} attached` : 'no standby is attached'
  return { name, verdict: 'PASS', detail }
}

interface Settings {
  readonly version: string
  readonly fsync: string
  readonly synchronous_commit: string
  readonly max_connections: number
}

const SETTINGS = `select current_setting('server_version') as version, current_setting('fsync') as fsync,
  current_setting('synchronous_commit') as synchronous_commit, current_setting('max_connections')::int as max_connections`

function environmentOf(run: Run, settings: Settings): Environment {
  return {
    node: process.version,
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    postgres: {
      version: settings.version,
      source: run.source,
      fsync: settings.fsync,
      synchronousCommit: settings.synchronous_commit,
      maxConnections: settings.max_connections,
    },
    k6: versionOf(run.engines.http),
    pgbench: versionOf(run.engines.database),
    placement:
      run.source === 'embedded'
        ? 'load generator, server and database on this machine'
        : 'load generator and server on this machine, database at DATABASE_URL',
  }
}

function nameOf({ name, version }: HttpEngine | DatabaseEngine): string {
  return name === 'built-in' ? 'the built-in runner' : `${name} ${version}`
}

/** Null for the built-in runner, whose version is Node's. */
function versionOf({ name, version }: HttpEngine | DatabaseEngine): string | null {
  return name === 'built-in' ? null : version
}
