import pg from 'pg'
import { checkServer } from './check-server.ts'
import {
  addressOf,
  connectionsTo,
  type Hosts,
  isOfHost,
  openHosts,
  takeUnconfirmed,
  urlOf,
} from './connection.ts'
import { type Counter, type Counts, openCounter } from './counts.ts'
import { callFailure, connectFailure, DatabaseError } from './failures.ts'
import { outlast } from './late.ts'
import { requestComment } from './request.ts'
import type { DatabaseWatch } from './watch.ts'

/** How long a call waits for a free connection. */
const POOL_WAIT_MS_MAX = 10_000

/**
 * How long one call may run on the server; roles and functions may set less or more. Its answer may be so much later: packets
 * that vanish are noticed by nothing else.
 */
const STATEMENT_MS_MAX = 8_000
const LATE_MS_MAX = 2_000

/** A statement without a bound of its own has this one. */
const UNBOUNDED_MS_MAX = 60_000

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
  run(text: string, how?: HowToRun): Promise<readonly Row[]>
  /** What ALTER ROLE … SET gives this role; it does not take effect by SET ROLE, so that each call sets it. */
  roleSettings(role: string): readonly Setting[]
}

interface HowToRun {
  /** The transaction is read-only because its caller wants that. */
  readonly readOnly?: boolean
  /** The statement_timeout that it sets, as PostgreSQL writes it. */
  readonly statementTimeout?: string | undefined
}

export interface Database extends Runner, AsyncDisposable {
  /** As the server names itself, such as `15.18`. */
  readonly version: string
  /** How its connections are used now, and what its calls came to since it was opened. */
  figures(): PoolFigures
  /** Opens a connection beside its own and closes it: whether a new one is to be had. Throws as `run` does. */
  tryConnect(): Promise<void>
  /** Reads again what `roleSettings` answers. */
  refresh(): Promise<void>
  /** Finishes the calls under way within a bound and disconnects; safe to call twice. */
  close(): Promise<void>
}

export interface PoolFigures extends Counts {
  readonly max: number
  readonly size: number
  readonly idle: number
  readonly waiting: number
}

interface PoolOptions {
  /** So many connections at most. */
  readonly max: number
  /** In pg_stat_activity. */
  readonly name: string
  /** How long a call waits for a free connection. */
  readonly waitMs?: number
  /** A server that only reads will do: a standby. */
  readonly readOnly?: boolean
  /** Is told of every call that the database failed. */
  readonly watch?: Pick<DatabaseWatch, 'failed'>
}

/** Connects, checks the server and gives a pool. Throws a `DatabaseError` that says what to do. */
export async function openPool(url: string, options: PoolOptions): Promise<Database> {
  const pool = openConnections(url, options)
  const run = (text: string, how: HowToRun = {}) => runOn(pool, text, how)
  try {
    let settings = await readRoleSettings(run)
    const [version, timeout] = (await run(SERVER))[0] ?? []
    pool.statementMs = millisecondsOf(timeout ?? '') ?? STATEMENT_MS_MAX
    return {
      version: version ?? '',
      run,
      close: pool.close,
      figures: () => figuresOf(pool),
      tryConnect: () => watched(pool, () => tryConnect(pool, options)),
      roleSettings: (role) => settings.get(role) ?? settings.get(DEFAULTS) ?? [],
      refresh: async () => {
        settings = await readRoleSettings(run)
      },
      [Symbol.asyncDispose]: pool.close,
    }
  } catch (error) {
    await pool.close()
    throw error
  }
}

const SERVER = `select current_setting('server_version'), current_setting('statement_timeout')`

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

/** The connections of a pool, and what calls on them need to know. */
interface Connections {
  readonly pool: pg.Pool
  readonly hosts: Hosts
  readonly watch: Pick<DatabaseWatch, 'failed'> | undefined
  readonly max: number
  /** Connections from before the last failure that was about all of them. */
  readonly stale: WeakSet<pg.ClientBase>
  readonly clients: ReadonlySet<pg.ClientBase>
  readonly closing: AbortSignal
  /** The login's own statement_timeout. */
  statementMs: number
  readonly close: () => Promise<void>
  readonly counter: Counter
}

function openConnections(url: string, { max, name, waitMs, readOnly, watch }: PoolOptions): Connections {
  const hosts = openHosts(url)
  const pool = new pg.Pool({
    Client: connectionsTo(hosts) as new () => pg.Client,
    application_name: name,
    max,
    connectionTimeoutMillis: waitMs ?? POOL_WAIT_MS_MAX,
    idleTimeoutMillis: IDLE_MS_MAX,
    onConnect: (client) => checkServer(client, readOnly),
  })
  // An idle connection that the server closed is dropped by the pool; the next call opens another.
  pool.on('error', () => {})
  const clients = new Set<pg.PoolClient>()
  pool.on('connect', (client) => clients.add(client))
  pool.on('remove', (client) => clients.delete(client))
  const closing = new AbortController()
  const close = closeOnce(pool, clients, closing)
  const common = {
    watch,
    max,
    counter: openCounter(),
    stale: new WeakSet<pg.ClientBase>(),
    clients,
    statementMs: STATEMENT_MS_MAX,
  }
  return { pool, hosts, ...common, closing: closing.signal, close }
}

function runOn(connections: Connections, text: string, how: HowToRun): Promise<readonly Row[]> {
  return watched(connections, async () => {
    const client = await take(connections)
    return runWith(connections, client, requestComment() + text, how)
  })
}

/** One call, which is counted, and whose failure the watch is told of. */
async function watched<Answer>({ counter, watch }: Connections, ask: () => Promise<Answer>): Promise<Answer> {
  counter.call()
  try {
    return await ask()
  } catch (error) {
    counter.failed(error)
    if (error instanceof DatabaseError) watch?.failed(error)
    throw error
  }
}

function figuresOf({ pool, max, counter }: Connections): PoolFigures {
  return { max, size: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount, ...counter.read() }
}

/** A connection that is fit: of the first host that takes writes, and not from before a failure of all. */
async function take({ pool, hosts, max, stale }: Connections): Promise<pg.PoolClient> {
  for (let thrownAway = 0; ; ) {
    const client = await onOneOf(hosts, () => pool.connect())
    if (!stale.has(client) || thrownAway++ > max) return client
    client.release(true)
  }
}

async function tryConnect({ hosts }: Connections, { name, readOnly }: PoolOptions): Promise<void> {
  const Fresh = connectionsTo(hosts)
  await onOneOf(hosts, async () => {
    const client = new Fresh({ application_name: name })
    try {
      await client.connect()
      await checkServer(client, readOnly)
    } finally {
      void client.end().catch(() => undefined)
    }
  })
}

/** Failover: the host in use, and where it fails each of the others, once. */
async function onOneOf<Answer>(hosts: Hosts, connect: () => Promise<Answer>): Promise<Answer> {
  for (let failed = 0; ; ) {
    const url = hosts.url()
    try {
      return await connect()
    } catch (error) {
      const failure = connectFailure(error, addressOf(url))
      if (!isOfHost(failure)) throw failure
      hosts.leave(url)
      if (++failed >= hosts.count) throw failure
    }
  }
}

async function runWith(
  connections: Connections,
  client: pg.PoolClient,
  text: string,
  { readOnly, statementTimeout }: HowToRun,
): Promise<readonly Row[]> {
  const answer = send(client, text)
  const statementMs =
    statementTimeout === undefined ? connections.statementMs : millisecondsOf(statementTimeout)
  const deadline = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => deadline.reject(new DatabaseError('TIMED_OUT', LATE)),
    (statementMs ?? UNBOUNDED_MS_MAX) + LATE_MS_MAX,
  )
  try {
    const rows = await Promise.race([answer, deadline.promise])
    client.release()
    return rows
  } catch (error) {
    const failure = callFailure(error, readOnly)
    endCall(connections, client, answer, failure)
    throw failure
  } finally {
    clearTimeout(timer)
  }
}

const LATE = 'The database did not answer in time; the outcome is unknown.'

/** A statement's own error rolled its transaction back: the session is clean. Any other cause condemns it, some all others too. */
function endCall(
  connections: Connections,
  client: pg.PoolClient,
  answer: Promise<unknown>,
  failure: unknown,
): void {
  const code = failure instanceof DatabaseError ? failure.code : undefined
  if (code === 'TIMED_OUT' || code === 'READ_ONLY') {
    for (const other of connections.clients) connections.stale.add(other)
  }
  if (code !== 'TIMED_OUT') client.release(code !== undefined && !KEEPS_SESSION.has(code))
  else
    void outlast(urlOf(client) ?? connections.hosts.url(), client, answer, connections.closing).then(
      (isFit) => {
        if (isFit) connections.stale.delete(client)
        client.release(!isFit)
      },
    )
}

/** Raised by a statement in a session that can go on. */
const KEEPS_SESSION: ReadonlySet<DatabaseError['code']> = new Set(['DISK_FULL', 'COMMIT_UNCONFIRMED'])

/** A command's own connection as what calls run on; nothing of a role's settings is set, so that its login's hold. */
export function runOnClient(client: pg.Client): Runner {
  return { run: (text) => send(client, text), roleSettings: () => [] }
}

async function send(client: pg.ClientBase, text: string): Promise<readonly Row[]> {
  const results: unknown = await client.query({ text, rowMode: 'array', types: asText })
  if (takeUnconfirmed(client)) throw new DatabaseError('COMMIT_UNCONFIRMED', UNCONFIRMED)
  return rowsOf(Array.isArray(results) ? results.at(-1) : results)
}

const asText: pg.CustomTypesConfig = { getTypeParser: () => (value: string) => value }

function rowsOf(result: unknown): readonly Row[] {
  return (result as pg.QueryArrayResult<(string | null)[]>).rows
}

const UNCONFIRMED = 'A wait for the synchronous standby was cancelled; the commit may be lost at a failover.'

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

function closeOnce(
  pool: pg.Pool,
  clients: ReadonlySet<pg.ClientBase>,
  closing: AbortController,
): () => Promise<void> {
  let closed: Promise<void> | undefined
  const close = async () => {
    closing.abort()
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

/** A length of time as PostgreSQL writes it (`8s`) or a setting says it (`120ms`, `8000`); undefined: endless. */
export function millisecondsOf(text: string): number | undefined {
  const [, amount, unit = 'ms'] = /^(\d+)\s*(ms|s|min|h|d)?$/.exec(text.trim()) ?? []
  const ms = Number(amount) * (UNIT_MS[unit] ?? 1)
  return ms > 0 ? ms : undefined
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 }
