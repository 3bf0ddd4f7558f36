import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { supabaseSql } from '../db/migrate.ts'

/**
 * Writes a migration that installs, or brings an older installation up to date, after all that are in the folder: what was pushed
 * is never changed. Nothing is written where the last one of ours says the same. Gives what was done, for people.
 */
export async function writeSupabaseMigration(folder: string, now: Date): Promise<string> {
  await mkdir(folder, { recursive: true })
  const names = (await readdir(folder)).filter((name) => MIGRATION.test(name)).sort()
  const sql = supabaseSql()
  const last = names.findLast((name) => name.endsWith(SUFFIX))
  if (last !== undefined && (await readFile(join(folder, last), 'utf8')) === sql) {
    return `${join(folder, last)} is up to date.`
  }
  const path = join(folder, `${versionAfter(names.at(-1), now)}${SUFFIX}`)
  await writeFile(path, sql, { flag: 'wx' })
  return `${path} is new: \`supabase db push\` runs it.`
}

const SUFFIX = '_admit_once.sql'
const VERSION_DIGITS = 14
const MIGRATION = /^\d{14}_.*\.sql$/

/** The second in UTC, as Supabase's own tool counts; later than the last one where clocks differ. */
function versionAfter(last: string | undefined, now: Date): string {
  const version = now.toISOString().replaceAll(/\D/g, '').slice(0, VERSION_DIGITS)
  const previous = last?.slice(0, VERSION_DIGITS) ?? ''
  return version > previous ? version : String(BigInt(previous) + 1n)
}
