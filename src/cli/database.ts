import { existsSync } from 'node:fs'
import type pg from 'pg'
import { type Config, dataFolderOf } from '../config.ts'
import { checkServer } from '../db/check-server.ts'
import { connectToOneOf } from '../db/connection.ts'
import { requireCommits } from '../db/durability.ts'
import { DatabaseError } from '../db/failures.ts'
import { IS_INSTALLED } from '../db/pool.ts'
import { type EmbeddedOptions, findEmbedded, startEmbedded } from '../embedded/embedded.ts'

export interface Server {
  readonly url: string
  readonly source: 'embedded' | 'DATABASE_URL'
  /** Why it is gone for good, where it is ours. */
  readonly lost?: Promise<Error>
  stop(): Promise<void>
}

/** DATABASE_URL's server, or one of our own in `dataFolder`, which is started again where it dies. */
export async function useServer(
  config: Config,
  dataFolder: string,
  options: Pick<EmbeddedOptions, 'ephemeral' | 'onRestart'> = {},
): Promise<Server> {
  if (config.databaseUrl !== undefined) {
    return { url: config.databaseUrl, source: 'DATABASE_URL', stop: async () => {} }
  }
  const { url, lost, stop } = await startEmbedded({ dataFolder, ...options })
  return { url, source: 'embedded', lost, stop }
}

/** A connection to DATABASE_URL, or to the database of `admit-once start` here, which runs already or just for this. */
export async function withDatabase<T>(config: Config, work: Work<T>, readOnly = false): Promise<T> {
  const folder = dataFolderOf(config)
  const running = config.databaseUrl ?? (await findEmbedded(folder))
  if (running !== undefined) return withClient(running, work, readOnly)
  if (!existsSync(folder)) {
    const advice = 'start one with `admit-once start` (in another terminal), or set DATABASE_URL.'
    throw new DatabaseError('UNREACHABLE', `No database in ${folder}: ${advice}`)
  }
  // Not `await using`: Node 22 does not know it.
  const cluster = await startEmbedded({ dataFolder: folder })
  try {
    return await withClient(cluster.url, work)
  } finally {
    await cluster.stop()
  }
}

/** What a command does with its connection; `url` leads to the same database, on one host. */
type Work<T> = (client: pg.Client, url: string) => Promise<T>

/** The same, where Admit Once is installed already. */
export async function withInstalled<T>(config: Config, work: Work<T>, readOnly = false): Promise<T> {
  const workThere: Work<T> = async (client, url) => {
    const { rows } = await client.query<{ name: string; installed: boolean }>(
      `select current_database() as name, ${IS_INSTALLED} as installed`,
    )
    if (rows[0]?.installed === true) return work(client, url)
    const message = `Admit Once is not installed in database "${rows[0]?.name}". Run \`admit-once migrate\`.`
    throw new DatabaseError('NOT_INSTALLED', message)
  }
  return withDatabase(config, workThere, readOnly)
}

/**
 * One connection for a command; the errors of connecting say what to do. Where it only reads, a standby will do; else it is said
 * before anything is written that no commit gets through.
 */
export async function withClient<T>(url: string, work: Work<T>, readOnly = false): Promise<T> {
  const name = { application_name: 'admit-once' }
  const { client, url: used } = await connectToOneOf(url, name, (it) => checkServer(it, readOnly))
  try {
    if (!readOnly) await requireCommits(client, used)
    return await work(client, used)
  } finally {
    await client.end()
  }
}
