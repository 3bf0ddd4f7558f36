import pg from 'pg'
import { type Address, callFailure, connectFailure, DatabaseError, sqlErrorOf } from './failures.ts'

/** The oldest server that the SQL is written for. */
const SERVER_VERSION_MIN = 15

/** How long a call waits for a free connection, and a connection for its server. */
const POOL_WAIT_MS_MAX = 10_000

/** How long one call may run, on the server and on the wire; roles and functions may set less or more. */
const STATEMENT_MS_MAX = 8_000
const READ_MS_MAX = 60_000

/** How long an unused connection is kept, and how long closing waits for calls under way. */
const IDLE_MS_MAX = 60_000
const CLOSE_MS_MAX = 10_000

/** A cell as PostgreSQL wrote it: text, never parsed. */
export type Row = readonly (string | null)[]

/** A setting and its value, as `set_config` takes them. */
export type Setting = readonly [name: string, value: string]

/** What a call runs on: a pool, or the one connection of a command. */
export interface Runner {
  /**
   * Sends one string of statements, which is one round trip and one transaction, and gives the rows of the last.
   * Throws the driver's error for what a statement raised (`sqlErrorOf`), a `DatabaseError` for all else.
   */
  run(text: string): Promise<readonly Row[]>
  /** What ALTER ROLE … SET gives this role; it does not take effect by SET ROLE, so that each call sets it. */
  roleSettings(role: string): readonly Setting[]
}

export interface Database extends Runner, AsyncDisposable {
  /** As the server names itself, such as `15.18`. */
  readonly version: string
  /** Reads again what `roleSettings` answers. */
  refresh(): Promise<void>
  /** Finishes the calls under way within a bound and disconnects; safe to call twice. */
  close(): Promise<void>
}

/**
 * Connects, checks the server and gives a pool of at most `max` connections, named `name` in pg_stat_activity.
 * Throws a `DatabaseError` that says what to do.
 */
export async function openPool(
  url: string,
  options: { readonly max: number; readonly name: string; readonly waitMs?: number },
): Promise<Database> {
  const at = addressOf(url)
  const pool = new pg.Pool({
    connectionString: url,
    application_name: options.name,
    max: options.max,
    connectionTimeoutMillis: options.waitMs ?? POOL_WAIT_MS_MAX,
    idleTimeoutMillis: IDLE_MS_MAX,
    query_timeout: READ_MS_MAX,
    keepAlive: true,
    onConnect: checkServer,
  })
  // An idle connection that the server closed is dropped by the pool; the next call opens another.
  pool.on('error', () => {})
  const close = closeOnce(pool)
  const run = (text: string) => runOn(pool, at, text)
  try {
    let settings = await readRoleSettings(run)
    const version = (await run("select current_setting('server_version')"))[0]?.[0] ?? ''
    return {
      version,
      run,
      close,
      roleSettings: (role) => settings.get(role) ?? settings.get(DEFAULTS) ?? [],
      refresh: async () => {
        settings = await readRoleSettings(run)
      },
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Whether the SQL of Admit Once is in this database, as an expression. */
export const IS_INSTALLED = `to_regprocedure('public.verify_protections()') is not null`

/**
 * Throws NOT_INSTALLED where the SQL of Admit Once is missing, and NO_RIGHTS where the login may not act as one of the
 * callers' roles.
 */
export async function requireInstalled(database: Database): Promise<void> {
  const rows = await database.run(`
    select ${IS_INSTALLED}, current_database(), session_user,
      (select string_agg(r.name, ', ') from unnest(array['anon', 'authenticated', 'service_role']) as r (name)
        where not coalesce((select pg_has_role(session_user, o.oid, 'MEMBER') from pg_roles o where o.rolname = r.name), false))`)
  const [installed, name, user, missing] = rows[0] ?? []
  if (installed !== 't') {
    const message = `Admit Once is not installed in database "${name}". Run \`admit-once migrate\`.`
    throw new DatabaseError('NOT_INSTALLED', message)
  }
  if (missing !== null) {
    const message = `User "${user}" may not act as ${missing}. As the owner of the server: grant ${missing} to "${user}".`
    throw new DatabaseError('NO_RIGHTS', message)
  }
}

async function runOn(pool: pg.Pool, at: Address, text: string): Promise<readonly Row[]> {
  const client = await pool.connect().catch((error: unknown) => {
    throw connectFailure(error, at)
  })
  try {
    const rows = await send(client, text)
    client.release()
    return rows
  } catch (error) {
    // A statement's own error rolled its transaction back: the session is clean. Any other cause condemns it.
    client.release(sqlErrorOf(error) === undefined)
    throw callFailure(error)
  }
}

/** A command's own connection as what calls run on; nothing of a role's settings is set, so that its login's hold. */
export function runOnClient(client: pg.Client): Runner {
  return { run: (text) => send(client, text), roleSettings: () => [] }
}

async function send(client: pg.ClientBase, text: string): Promise<readonly Row[]> {
  const results: unknown = await client.query({ text, rowMode: 'array', types: asText })
  return rowsOf(Array.isArray(results) ? results.at(-1) : results)
}

const asText: pg.CustomTypesConfig = { getTypeParser: () => (value: string) => value }

function rowsOf(result: unknown): readonly Row[] {
  return (result as pg.QueryArrayResult<(string | null)[]>).rows
}

/** Refuses a server that the SQL is not written for. */
async function checkServer(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ version: string; strings: string }>(
    `select current_setting('server_version') as version, current_setting('standard_conforming_strings') as strings`,
  )
  const { version = '0', strings = '' } = rows[0] ?? {}
  const problem = serverProblem(version, strings)
  if (problem !== undefined) throw problem
}

/** Why a server cannot be used: it is too old, or literals would mean something else on it. */
export function serverProblem(version: string, conformingStrings: string): DatabaseError | undefined {
  if (Number.parseInt(version, 10) < SERVER_VERSION_MIN) {
    const message = `This is PostgreSQL ${version}. Admit Once needs ${SERVER_VERSION_MIN} or newer.`
    return new DatabaseError('WRONG_VERSION', message)
  }
  if (conformingStrings === 'on') return undefined
  return new DatabaseError('WRONG_SETTING', 'Set standard_conforming_strings = on, as PostgreSQL ships it.')
}

/** Key of what a role without settings of its own gets. */
const DEFAULTS = ''

/**
 * Only what any session may set; the database's own entries come last and win. A role that sets no statement_timeout
 * keeps the login's, and where that is unlimited gets ours.
 */
async function readRoleSettings(
  run: (text: string) => Promise<readonly Row[]>,
): Promise<Map<string, readonly Setting[]>> {
  const rows = await run(`
    select r.rolname, g.name, substr(c.setting, strpos(c.setting, '=') + 1), s.setdatabase
    from pg_catalog.pg_db_role_setting s
    join pg_catalog.pg_roles r on r.oid = s.setrole
    cross join lateral unnest(s.setconfig) as c(setting)
    join pg_catalog.pg_settings g on g.name = split_part(c.setting, '=', 1) and g.context = 'user'
    where s.setdatabase in (0, (select d.oid from pg_catalog.pg_database d where d.datname = current_database()))
    union all
    select '', 'statement_timeout', '${STATEMENT_MS_MAX}', 0 where current_setting('statement_timeout') = '0'
    order by 1, 4`)
  const settings = new Map<string, readonly Setting[]>()
  for (const [role, name, value] of rows) {
    const known = settings.get(role ?? '') ?? settings.get(DEFAULTS) ?? []
    settings.set(role ?? '', [...known.filter(([key]) => key !== name), [name ?? '', value ?? '']])
  }
  return settings
}

function addressOf(url: string): Address {
  try {
    const { host, port, user = '', database = '' } = new pg.Client({ connectionString: url })
    return { host, port, user, database }
  } catch (error) {
    throw new DatabaseError(
      'INVALID_URL',
      'DATABASE_URL is no PostgreSQL URL. Write postgres://user:password@host:port/database.',
      error instanceof Error ? error.name : undefined,
    )
  }
}

function closeOnce(pool: pg.Pool): () => Promise<void> {
  const clients = new Set<pg.PoolClient>()
  pool.on('connect', (client) => clients.add(client))
  pool.on('remove', (client) => clients.delete(client))
  let closed: Promise<void> | undefined
  const close = async () => {
    // A client that is still at work when the bound is reached has its connection cut.
    const cut = setTimeout(() => {
      for (const client of clients) void (client as unknown as pg.Client).end()
    }, CLOSE_MS_MAX)
    await pool.end()
    clearTimeout(cut)
  }
  return () => {
    closed ??= close()
    return closed
  }
}
