import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Hono } from 'hono'
import pg from 'pg'
import { type AppOptions, buildApp } from '../../src/api/app.ts'
import { type Authenticator, openAuthenticator } from '../../src/api/authenticator.ts'
import { listen } from '../../src/api/listen.ts'
import type { ReadLimits } from '../../src/core/capacity.ts'
import { type Database, openPool } from '../../src/db/pool.ts'
import { CODES } from '../support/codes.ts'
import { serverUrl } from '../support/server.ts'

export const JWT_SECRET = 'a secret for tests with at least 32 characters'

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
}

/** The whole app over real HTTP on a free port. */
export function startServer(scratch: Scratch, options: ServeOptions = {}): Promise<TestServer> {
  return serve(scratch.url, options)
}

export interface ServeOptions {
  readonly max?: number
  readonly waitMs?: number
  readonly app?: Partial<Omit<AppOptions, 'database' | 'gate' | 'log'>>
  readonly reading?: Partial<ReadLimits>
}

/** The whole app over real HTTP on a free port, on any database. */
export async function serve(
  url: string,
  { max = 4, waitMs = 10_000, app: options, reading = {} }: ServeOptions = {},
): Promise<TestServer> {
  const database = await openPool(url, { max, waitMs, name: 'api-test' })
  const authenticator = await openAuthenticator(JWT_SECRET)
  const logged: string[] = []
  const app = buildApp({
    codes: CODES,
    ...options,
    database,
    authenticator,
    log: (line) => logged.push(line),
  })
  const listening = await listen(app, { reading })
  return {
    url: listening.url,
    app,
    authenticator,
    database,
    logged,
    [Symbol.asyncDispose]: async () => {
      await listening.close()
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
