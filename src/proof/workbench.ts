import pg from 'pg'

/** Databases of a run's own on one server: an installed template, and clones of it that are dropped after use. */
export interface Workbench {
  /** The database that the run's server sells from. */
  readonly main: WorkDatabase
  /** A clone of the installed template for one experiment. */
  withClone<T>(work: (database: WorkDatabase) => Promise<T>): Promise<T>
  /** Drops everything. Safe to call twice. */
  close(): Promise<void>
}

export interface WorkDatabase {
  readonly url: string
  readonly client: pg.Client
  /** `count` more connections, closed with the database. */
  connect(count: number): Promise<pg.Client[]>
}

const PREFIX = 'admit_one_prove_'

/**
 * `serverUrl` may create databases; `install` fills the template. Databases that a killed run left are dropped first.
 */
export async function openWorkbench(
  serverUrl: string,
  runId: string,
  install: (client: pg.Client) => Promise<void>,
): Promise<Workbench> {
  const server = await connectTo(serverUrl)
  try {
    await server.query('select pg_advisory_lock(hashtextextended($1, 0))', [`${PREFIX}${runId}`])
    await dropLeftovers(server)
    const template = `${PREFIX}${runId}_template`
    await server.query(`create database ${template}`)
    const client = await connectTo(urlOf(serverUrl, template))
    try {
      await install(client)
    } finally {
      await client.end()
    }
    return await workbenchOn(server, serverUrl, runId, template)
  } catch (error) {
    await server.end()
    throw error
  }
}

async function workbenchOn(
  server: pg.Client,
  serverUrl: string,
  runId: string,
  template: string,
): Promise<Workbench> {
  let clones = 0
  const clone = async () => {
    const name = `${PREFIX}${runId}_${clones++}`
    await server.query(`create database ${name} template ${template}`)
    return openDatabase(server, serverUrl, name)
  }
  const main = await clone()
  let closing: Promise<void> | undefined
  return {
    main,
    withClone: async (work) => {
      const database = await clone()
      try {
        return await work(database)
      } finally {
        await database.drop()
      }
    },
    close: () => {
      closing ??= main
        .drop()
        .then(() => server.query(`drop database if exists ${template} with (force)`))
        .then(() => server.end())
      return closing
    },
  }
}

async function openDatabase(server: pg.Client, serverUrl: string, name: string) {
  const url = urlOf(serverUrl, name)
  const client = await connectTo(url)
  const clients = [client]
  return {
    url,
    client,
    connect: async (count: number) => {
      const more = await Promise.all(Array.from({ length: count }, () => connectTo(url)))
      clients.push(...more)
      return more
    },
    drop: async () => {
      await Promise.all(clients.map((open) => open.end()))
      await server.query(`drop database if exists ${name} with (force)`)
    },
  }
}

/** A run takes this lock for its id while it lives; a database whose run's lock is free belongs to nobody. */
async function dropLeftovers(server: pg.Client): Promise<void> {
  const found = await server.query<{ name: string; run: string }>(
    `select datname as name, split_part(datname, '_', 4) as run from pg_database where datname like $1`,
    [`${PREFIX.replaceAll('_', '\\_')}%`],
  )
  for (const { name, run } of found.rows) {
    const free = await server.query<{ free: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as free',
      [`${PREFIX}${run}`],
    )
    if (free.rows[0]?.free !== true) continue
    await server.query(`drop database if exists ${name} with (force)`)
    await server.query('select pg_advisory_unlock(hashtextextended($1, 0))', [`${PREFIX}${run}`])
  }
}

function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${database}`
  return url.href
}

async function connectTo(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: CONNECT_MS_MAX })
  // A connection that the server ends (a dropped database, a stopped server) is reported by the query that uses it.
  client.on('error', () => {})
  await client.connect()
  return client
}

const CONNECT_MS_MAX = 10_000
