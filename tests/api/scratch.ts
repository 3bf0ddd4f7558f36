import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Hono } from 'hono'
import pg from 'pg'
import { type AppOptions, buildApp } from '../../src/api/app.ts'
import { type Authenticator, openAuthenticator, type Signing } from '../../src/api/authenticator.ts'
import { clientFinder } from '../../src/api/client-address.ts'
import { listen } from '../../src/api/listen.ts'
import { openRealtime, type RealtimeLimits } from '../../src/api/realtime/realtime.ts'
import type { ReadLimits } from '../../src/core/capacity.ts'
import { openLog } from '../../src/core/log.ts'
import { type Database, openPool } from '../../src/db/pool.ts'
import { CODES } from '../support/codes.ts'
import { serverUrl } from '../support/server.ts'
import { judging } from '../support/told.ts'
import { IS_EDGE, openEdge } from './edge.ts'
import { JWT_SECRET } from './secrets.ts'

export { JWT_SECRET }

export interface Scratch extends AsyncDisposable {
  /** URL of the login that becomes the callers' roles: no superuser, no rights of its own. */
  readonly url: string
  /** Runs statements as the superuser. */
  admin(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
}

/** A database of its own with the functions of functions.sql; gone when disposed. */
export async function makeScratch(): Promise<Scratch> {
  const name = `api_test_${randomUUID().slice(0, 8)}`
  const server = new pg.Client({ connectionString: serverUrl() })
  await server.connect()
  await server.query(ROLES)
  await server.query(
    `create role ${name} login noinherit password '${name}' in role anon, authenticated, service_role`,
  )
  await server.query(`create database ${name}`)
  const url = new URL(serverUrl())
  url.pathname = `/${name}`
  const inside = new pg.Client({ connectionString: url.href })
  await inside.connect()
  await inside.query(await readFile(new URL('functions.sql', import.meta.url), 'utf8'))
  url.username = name
  url.password = name
  return {
    url: url.href,
    admin: async (sql) => {
      const result: unknown = await inside.query(sql)
      return (Array.isArray(result) ? result.at(-1) : result).rows
    },
    [Symbol.asyncDispose]: async () => {
      await inside.end()
      await server.query(`drop database ${name} with (force)`)
      await server.query(`drop role ${name}`)
      await server.end()
    },
  }
}

/** Roles belong to the whole server, so that another test may make them at the same moment. */
const ROLES = `
do $$
declare v_role text;
begin
  foreach v_role in array array['anon', 'authenticated', 'service_role'] loop
    begin
      execute format('create role %I nologin noinherit', v_role);
    exception when duplicate_object or unique_violation then null;
    end;
  end loop;
end $$`

export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly app: Hono
  readonly authenticator: Authenticator
  readonly database: Database
  readonly logged: readonly string[]
  /** Of subscribers, open now. */
  sockets(): number
}

/** The whole app over real HTTP on a free port. */
export function startServer(scratch: Scratch, options: ServeOptions = {}): Promise<TestServer> {
  return serve(scratch.url, { hasVault: false, ...options })
}

export interface ServeOptions {
  readonly max?: number
  readonly waitMs?: number
  readonly app?: Partial<Omit<AppOptions, 'database' | 'gate' | 'log'>>
  readonly reading?: Partial<ReadLimits>
  readonly signing?: Signing
  /** Sockets for subscribers, with these limits. */
  readonly realtime?: Partial<RealtimeLimits>
  /** Where changes are followed, if not where all else is asked. */
  readonly replicationUrl?: string
  /** The database is an installation: what it answers is held against the OpenAPI document. */
  readonly hasVault?: boolean
}

/** The whole app over real HTTP on a free port, on any database. */
export async function serve(
  url: string,
  {
    max = 4,
    waitMs = 10_000,
    app: options,
    reading = {},
    signing,
    realtime,
    replicationUrl = url,
    hasVault = true,
  }: ServeOptions = {},
): Promise<TestServer> {
  const database = await openPool(url, { max, waitMs, name: 'api-test' })
  const authenticator = await openAuthenticator(JWT_SECRET, undefined, undefined, signing)
  const logged: string[] = []
  const log = (line: string) => void logged.push(line)
  const open =
    realtime === undefined
      ? undefined
      : await openRealtime({
          database,
          databaseUrl: replicationUrl,
          authenticator,
          findClient: clientFinder({ header: undefined, trusted: ['private'] }),
          log: openLog('warn', () => new Date(), log),
          limits: realtime,
        })
  const app = buildApp({
    codes: CODES,
    ...(open === undefined ? {} : { realtime: open }),
    ...options,
    database,
    authenticator,
    log,
  })
  const edge = IS_EDGE ? openEdge(url, options) : undefined
  const upgrade = open === undefined ? {} : { upgrade: open.upgrade }
  const answer = edge?.before(app) ?? app.fetch
  const listening = await listen({ fetch: hasVault ? judging(answer) : answer }, { reading, ...upgrade })
  edge?.start(listening.url)
  return {
    url: listening.url,
    app,
    authenticator,
    database,
    logged,
    sockets: () => open?.sockets() ?? 0,
    [Symbol.asyncDispose]: async () => {
      await open?.close()
      await listening.close()
      await edge?.close()
      await database.close()
    },
  }
}

/** One request with the anon key; a body that is no string is sent as JSON. */
export async function ask(server: TestServer, path: string, options: Ask = {}): Promise<Answer> {
  const { body, headers = {}, method = body === undefined ? 'GET' : 'POST' } = options
  const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  const response = await fetch(server.url + path, {
    method,
    headers: { apikey: server.authenticator.keys.anon, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: text as BodyInit }),
  })
  const answer = await response.text()
  return { status: response.status, text: answer, headers: response.headers, json: () => JSON.parse(answer) }
}

export interface Ask {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: string
}

export interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
  json(): AnswerBody
}

/** The fields that tests look at, wherever they come from. */
type AnswerBody = Readonly<
  Partial<
    Record<
      | 'code'
      | 'message'
      | 'details'
      | 'hint'
      | 'success'
      | 'error'
      | 'field'
      | 'available'
      | 'role'
      | 'claims'
      | 'read_only'
      | 'timezone'
      | 'status'
      | 'database'
      | 'protections',
      unknown
    >
  >
>
