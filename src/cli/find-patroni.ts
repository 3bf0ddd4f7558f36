import { existsSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { firstTool, inDebian, onPath } from '../load/find.ts'

/** What a cluster under Patroni is made of, as the user has it. */
export interface PatroniTools {
  readonly patroni: string
  readonly etcd: string
  /** Of PostgreSQL: `postgres`, `initdb`, `pg_basebackup` and the others lie there. */
  readonly binFolder: string
}

/** The oldest PostgreSQL that the SQL is written for. */
const MAJOR_MIN = 15

/** Patroni and etcd on the PATH with a PostgreSQL on the PATH or of Debian; or what this machine lacks, and what to do. */
export async function findPatroni(): Promise<PatroniTools | { readonly lacks: string }> {
  if (process.platform !== 'linux')
    return { lacks: 'a cluster of its own under Patroni is made on Linux only' }
  const [patroni, etcd, binFolder] = await Promise.all([onPath('patroni'), onPath('etcd'), findBinFolder()])
  if (patroni !== undefined && etcd !== undefined && binFolder !== undefined)
    return { patroni, etcd, binFolder }
  const all = [
    [patroni, 'Patroni', 'patroni'],
    [etcd, 'etcd', 'etcd-server'],
    [binFolder, `PostgreSQL ${MAJOR_MIN} or newer with pg_basebackup`, 'postgresql'],
  ] as const
  const missing = all.filter(([found]) => found === undefined)
  const names = missing.map(([, name]) => name).join(', no ')
  const packages = missing.map(([, , name]) => name).join(' ')
  return { lacks: `there is no ${names} here: on Debian \`apt-get install -y ${packages}\`` }
}

/** A client's package may be there alone, and the PostgreSQL of npm has no pg_basebackup. */
async function findBinFolder(): Promise<string | undefined> {
  const onIt = await onPath('postgres')
  const programs = [...(onIt === undefined ? [] : [await realpath(onIt)]), ...(await inDebian('postgres'))]
  const whole = programs.filter((path) => existsSync(join(dirname(path), 'pg_basebackup')))
  const postgres = await firstTool(whole, '--version', versionIn)
  return postgres === undefined ? undefined : dirname(postgres.path)
}

/** For example `15.18`. */
function versionIn(output: string): string | undefined {
  const version = /^postgres \(PostgreSQL\) (\S+)/.exec(output)?.[1]
  return version !== undefined && Number.parseInt(version, 10) >= MAJOR_MIN ? version : undefined
}
