import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Client } from 'pg'

/**
 * The whole of `sql/` as one file that installs on an empty PostgreSQL 15 or newer, brings an older installation up to
 * date, and changes nothing where everything is in place. `admit-once sql` prints it; {@link migrate} runs it.
 */
export function installSql(): string {
  const parts = [
    '-- Admit Once: everything that the database needs, in one transaction.',
    'begin;',
    read('prepare.sql'),
    read('platform/supabase.sql'),
    ...names('migrations').map(migration),
    ...names('ticketing').map((name) => read(`ticketing/${name}.sql`)),
    ...names('laws').map((name) => `drop view if exists ticketing.law_${name};\n${read(`laws/${name}.sql`)}`),
    ...names('public').map((name) => read(`public/${name}.sql`)),
    read('grants.sql'),
    read('protections.sql'),
    read('finish.sql'),
    'commit;',
  ]
  return `${parts.join('\n\n')}\n`
}

/**
 * Installs or updates, in one transaction and under one lock, so that any number of processes may call it at once. Beside a
 * running sale it waits for a moment in which it has all tables, again and again, at most {@link ATTEMPTS_MAX} times.
 * Errors: those of PostgreSQL; nothing is half-installed.
 */
export async function migrate(client: Client): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(installSql())
      return
    } catch (error) {
      await client.query('rollback')
      if (!isBusy(error) || attempt === ATTEMPTS_MAX) throw error
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS_MAX * Math.random()))
    }
  }
}

const ATTEMPTS_MAX = 100
const WAIT_MS_MAX = 200

/** The tables were in use (55P03), or a sale and the update waited for each other (40P01). */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '55P03' || error.code === '40P01')
}

/** Tables move once, in the order of their numbers. What was moved by another text than ours has other tables. */
function migration(name: string): string {
  const sql = read(`migrations/${name}.sql`)
  const digest = digestOf(sql)
  return `do $migration$
begin
  if not exists (select from ticketing.migrations where name = '${name}') then
    execute $sql$
${sql}$sql$;
    insert into ticketing.migrations (name, digest) values ('${name}', '${digest}');
  elsif not exists (select from ticketing.migrations where name = '${name}' and digest = '${digest}') then
    raise exception 'this database has the tables of another Admit Once: its migration ${name} is not ours' using
      errcode = '0A000', hint = 'Before 1.0 tables are not carried over: install into a new database.';
  end if;
end
$migration$;`
}

function digestOf(sql: string): string {
  const bare = sql.replaceAll(/--.*$/gm, '').replaceAll(/\s+/g, ' ')
  return createHash('md5').update(bare).digest('hex')
}

const root = new URL('../../sql/', import.meta.url)

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}

function names(folder: string): string[] {
  return readdirSync(fileURLToPath(new URL(folder, root)))
    .filter((name) => name.endsWith('.sql'))
    .map((name) => name.slice(0, -'.sql'.length))
    .sort()
}
