import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { literal } from './literals.ts'

/** `migrations.sql`: which migration was run by which text, from the files of `sql/migrations`. */
export function migrationsSql(): string {
  const digests = names().map((name) => `    when ${literal(name)} then ${literal(digestOf(name))}`)
  return `-- Written by \`npm run generate\` from sql/migrations; a test compares the two.
-- begin_migration: true for a migration that has not run in this database; from now on it has. leftovers.sql drops it.
-- Errors: 0A000 for one that ran as another text: this database has other tables than ours.
create or replace function ticketing.begin_migration(p_name text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  -- MD5 of the text, without comments and blanks.
  v_digest text := case p_name
${digests.join('\n')}
  end;
begin
  insert into ticketing.migrations (name, digest) values (p_name, v_digest) on conflict do nothing;
  if found then
    return true;
  elsif not exists (select from ticketing.migrations m where m.name = p_name and m.digest = v_digest) then
    raise exception 'this database has the tables of another Admit Once: its migration % is not ours', p_name
      using errcode = '0A000', hint = 'Before 1.0 tables are not carried over: install into a new database.';
  end if;
  return false;
end
$$;
`
}

const folder = new URL('../migrations/', import.meta.url)

function names(): string[] {
  return readdirSync(folder)
    .map((file) => file.replace(/\.sql$/, ''))
    .sort()
}

/** Of what a migration does; not of the frame that lets it run once. */
function digestOf(name: string): string {
  const text = readFileSync(new URL(`${name}.sql`, folder), 'utf8')
  const bare = text
    .replace(`do $migration$ begin\nif not ticketing.begin_migration('${name}') then return; end if;\n`, '')
    .replace(/end \$migration\$;\n$/, '')
    .replaceAll(/--.*$/gm, '')
    .replaceAll(/\s+/g, ' ')
  return createHash('md5').update(bare).digest('hex')
}
