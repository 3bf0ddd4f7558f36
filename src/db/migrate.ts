import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Client } from 'pg'

/**
 * The whole of `sql/` as one file that installs on an empty PostgreSQL 15 or newer, brings an older installation up to
 * date, and changes nothing where everything is in place. `admit-one sql` prints it; {@link migrate} runs it.
 */
export function installSql(): string {
  const parts = [
    '-- Admit One: everything that the database needs, in one transaction.',
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
 * Installs or updates, in one transaction and under one lock, so that any number of processes may call it at once.
 * Errors: those of PostgreSQL; nothing is half-installed.
 */
export async function migrate(client: Client): Promise<void> {
  try {
    await client.query(installSql())
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** Tables move once, in the order of their numbers. */
function migration(name: string): string {
  return `do $migration$
begin
  if not exists (select from ticketing.migrations where name = '${name}') then
    execute $sql$
${read(`migrations/${name}.sql`)}$sql$;
    insert into ticketing.migrations (name) values ('${name}');
  end if;
end
$migration$;`
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
