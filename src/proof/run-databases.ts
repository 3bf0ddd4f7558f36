import type pg from 'pg'
import { connect } from '../db/connection.ts'
import { DatabaseError } from '../db/failures.ts'

/** Databases of a run's own on one server: an installed template, and clones of it that are dropped after use. */
export interface RunDatabases {
  /** The database that the run's server sells from. */
  readonly main: RunDatabase
  /** A clone of the installed template for one experiment. */
  withClone<T>(work: (database: RunDatabase) => Promise<T>): Promise<T>
  /** Drops everything. Safe to call twice. */
  close(): Promise<void>
}

/** Where races are stepped through and protections are taken away. */
export type AttackDatabases = Pick<RunDatabases, 'withClone' | 'close'>

export interface RunDatabase {
  readonly url: string
  readonly client: pg.Client
  /** `count` more connections, closed with the database. */
  connect(count: number): Promise<pg.Client[]>
}

/** One more connection to it. */
export async function connectOne(database: Pick<RunDatabase, 'connect'>): Promise<pg.Client> {
  const [client] = await database.connect(1)
  if (client === undefined) throw new Error('no connection')
  return client
}

const PREFIX = 'admit_once_prove_'

/**
 * `serverUrl` may create databases; `install` fills the template. Databases that a killed run left are dropped first.
 * `runId` has letters and digits only, and is this run's alone.
 */
export async function openRunDatabases(
  serverUrl: string,
  runId: string,
  install: (client: pg.Client) => Promise<void>,
): Promise<RunDatabases> {
  const server = await connectTo(serverUrl)
  try {
    // Set after connecting: an application_name in the URL would win over one in the options.
    await server.query(`select set_config('application_name', $1, false)`, [`${PREFIX}${runId}`])
    await dropLeftovers(server)
    const template = `${PREFIX}${runId}_template`
    await server.query(`create database ${template}`)
    await requireDirect(server, urlOf(serverUrl, template), template)
    await installInto(urlOf(serverUrl, template), install)
    return await databasesOf(server, serverUrl, runId, template)
  } catch (error) {
    await server.end()
    throw error
  }
}

/** A pooler such as PgBouncer leads to the databases of its own list alone. */
async function requireDirect(server: pg.Client, url: string, name: string): Promise<void> {
  try {
    await (await connectTo(url)).end()
  } catch (error) {
    await server.query(`drop database if exists ${name} with (force)`)
    throw new DatabaseError(
      'NO_DATABASE',
      `The database "${name}", which was just made for this run, cannot be reached by DATABASE_URL. \`prove\` makes databases of its own: give it a direct connection to PostgreSQL, none through PgBouncer or another pooler.`,
      error,
    )
  }
}

async function installInto(url: string, install: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = await connectTo(url)
  try {
    await install(client)
  } finally {
    await client.end()
  }
}

async function databasesOf(
  server: pg.Client,
  serverUrl: string,
  runId: string,
  template: string,
): Promise<RunDatabases> {
  let clones = 0
  const administer = inTurn(async (sql: string) => {
    await server.query(sql)
  })
  const clone = async () => {
    const name = `${PREFIX}${runId}_${clones++}`
    await administer(`create database ${name} template ${template}`)
    return openDatabase(administer, serverUrl, name)
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
      closing ??= closeAll(server, main, template)
      return closing
    },
  }
}

type Administer = (sql: string) => Promise<void>

/** Mutex: experiments at once share the one session that makes and drops databases, and a session does one thing at a time. */
function inTurn(work: Administer): Administer {
  let last: Promise<unknown> = Promise.resolve()
  return (sql) => {
    const mine = last.then(() => work(sql))
    last = mine.catch(() => undefined)
    return mine
  }
}

async function closeAll(server: pg.Client, main: { drop(): Promise<void> }, template: string): Promise<void> {
  try {
    await main.drop()
    await server.query(`drop database if exists ${template} with (force)`)
  } finally {
    await server.end()
  }
}

async function openDatabase(administer: Administer, serverUrl: string, name: string) {
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
      await administer(`drop database if exists ${name} with (force)`)
    },
  }
}

/**
 * Orphans: a living run has a session with its application_name; databases whose run has none are dropped. An advisory lock
 * would not do: it belongs to one database, and two runs may have connected through different ones.
 */
async function dropLeftovers(server: pg.Client): Promise<void> {
  const found = await server.query<{ name: string }>(
    `select d.datname as name from pg_database d where d.datname like $1 and not exists (
       select from pg_stat_activity a where a.application_name = $2 || split_part(d.datname, '_', 4))`,
    [`${PREFIX.replaceAll('_', '\\_')}%`, PREFIX],
  )
  for (const { name } of found.rows) await server.query(`drop database if exists ${name} with (force)`)
}

function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${database}`
  return url.href
}

function connectTo(url: string): Promise<pg.Client> {
  return connect(url, { connectionTimeoutMillis: CONNECT_MS_MAX })
}

const CONNECT_MS_MAX = 10_000
