import { randomUUID } from 'node:crypto'
import { after } from 'node:test'
import pg from 'pg'
import { type TestDatabase, testDatabase } from './database.ts'
import { serverUrl } from './server.ts'

/** What new objects in `public` are for the API's roles: projects before 2026 grant everything by name, newer ones nothing. */
export type Regime = 'older' | 'newer'

export interface Project {
  readonly db: TestDatabase
  /** As the owner of a project's database: no superuser, and none of what is in `auth` is its own. */
  readonly url: string
  readonly client: pg.Client
}

/** An empty database as a hosted project has it, with roles, `auth` and default privileges made by the platform. */
export async function supabaseProject(regime: Regime): Promise<Project> {
  let client: pg.Client | undefined
  // Before the database goes, and its owner after it: hooks run in the order in which they were made.
  after(() => client?.end())
  const db = await testDatabase(null)
  const owner = `project_${randomUUID().slice(0, 8)}`
  const name = await db.value<string>('select current_database()')
  await db.client.query(`
    create role ${owner} login createrole createdb password '${owner}' in role anon, authenticated, service_role, pg_monitor;
    alter database ${name} owner to ${owner};
    create schema extensions; grant usage on schema extensions to public; grant all on schema extensions to ${owner};
    ${AUTH}
    grant usage on schema auth to ${owner}, anon, authenticated, service_role;
    grant select on auth.users to ${owner} with grant option;
    grant usage on schema public to anon, authenticated, service_role;`)
  if (regime === 'older') {
    for (const what of ['tables', 'functions', 'sequences'])
      await db.rows(
        `alter default privileges for role ${owner} in schema public grant all on ${what} to anon, authenticated, service_role`,
      )
  }
  const url = new URL(db.url)
  url.username = owner
  url.password = owner
  client = new pg.Client({ connectionString: url.href })
  await client.connect()
  after(() => dropRole(owner))
  return { db, url: url.href, client }
}

async function dropRole(name: string): Promise<void> {
  const server = new pg.Client({ connectionString: serverUrl() })
  await server.connect()
  await server.query(`drop role ${name}`)
  await server.end()
}

/** In the words of supabase/postgres: the claims of the request, as one setting or as one each. */
const AUTH = `
  create schema auth;
  create table auth.users (id uuid primary key, email text, created_at timestamptz default now());
  create function auth.uid() returns uuid language sql stable as $$
    select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
      (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid $$;
  create function auth.role() returns text language sql stable as $$
    select coalesce(nullif(current_setting('request.jwt.claim.role', true), ''),
      (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'))::text $$;
  create function auth.jwt() returns jsonb language sql stable as $$
    select coalesce(nullif(current_setting('request.jwt.claim', true), ''),
      nullif(current_setting('request.jwt.claims', true), ''))::jsonb $$;`
