import pg from 'pg'
import { type Config, dataFolderOf } from '../config.ts'
import { findEmbedded, startEmbedded } from '../db/embedded.ts'
import { DatabaseError } from '../db/failures.ts'
import { openPool } from '../db/pool.ts'

export interface Server {
  readonly url: string
  readonly source: 'embedded' | 'DATABASE_URL'
  stop(): Promise<void>
}

/** DATABASE_URL's server, or one of our own in `dataFolder`. */
export async function useServer(config: Config, dataFolder: string, ephemeral = false): Promise<Server> {
  if (config.databaseUrl !== undefined) {
    return { url: config.databaseUrl, source: 'DATABASE_URL', stop: async () => {} }
  }
  const cluster = await startEmbedded({ dataFolder, ephemeral })
  return { url: cluster.url, source: 'embedded', stop: () => cluster.stop() }
}

/** A connection to DATABASE_URL, or to the database of the `admit-one start` that is running here. */
export async function withDatabase<T>(config: Config, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const url = config.databaseUrl ?? (await findEmbedded(dataFolderOf(config)))
  if (url === undefined) {
    throw new DatabaseError(
      'UNREACHABLE',
      'No database: start one with `npm start` (in another terminal), or set DATABASE_URL.',
    )
  }
  return withClient(url, work)
}

/** One connection for a command; the errors of connecting say what to do. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  // The pool's first connection checks the address, the password, the rights and the version.
  const pool = await openPool(url, { max: 1, name: 'admit-one' })
  await pool.close()
  const client = new pg.Client({ connectionString: url, application_name: 'admit-one' })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
