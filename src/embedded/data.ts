import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Account } from './account.ts'
import { type Binaries, majorOf, program, runProgram, unsupported } from './binaries.ts'
import { EmbeddedError, hasCode } from './errors.ts'
import { freshData, give, type Place } from './place.ts'

/** Refuses data that another major version of PostgreSQL made. */
export async function checkVersion(place: Place, binaries: Binaries): Promise<void> {
  const made = await versionOf(place)
  if (made === undefined || Number(made) === majorOf(binaries)) return
  throw new EmbeddedError(
    'WRONG_VERSION',
    `${place.pgdata} was made by PostgreSQL ${made}, and this is ${binaries.version}. Name another data ` +
      `folder, or move this one away; only a PostgreSQL ${made} can read its data.`,
  )
}

/** Runs initdb on first use. */
export async function prepareData(
  place: Place,
  binaries: Binaries,
  account: Account | undefined,
  ephemeral: boolean,
): Promise<void> {
  if ((await versionOf(place)) !== undefined) return
  const fresh = freshData(place)
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { mode: 0o700 })
  await give(fresh, account)
  await writeFile(place.password, randomBytes(24).toString('base64url'), { mode: 0o600 })
  await give(place.password, account)
  await initdb(fresh, place.password, binaries, account, ephemeral)
  await rename(fresh, place.pgdata)
}

async function versionOf(place: Place): Promise<string | undefined> {
  try {
    return (await readFile(join(place.pgdata, 'PG_VERSION'), 'utf8')).trim()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

async function initdb(
  pgdata: string,
  password: string,
  binaries: Binaries,
  account: Account | undefined,
  ephemeral: boolean,
): Promise<void> {
  const args = [
    ...['-D', pgdata, '--username=postgres', `--pwfile=${password}`, '--auth=scram-sha-256'],
    // Sorts and folds case alike on every platform.
    ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...(ephemeral ? ['--no-sync'] : []),
    '--no-instructions',
  ]
  try {
    await runProgram(program(binaries, 'initdb'), args, account)
  } catch (error) {
    // The file is there, so what is missing is its loader: a Linux without glibc.
    if (hasCode(error, 'ENOENT')) throw unsupported('its binaries do not run on this system.', error)
    throw new EmbeddedError('START_FAILED', `initdb failed in ${pgdata}: ${said(error)}`, { cause: error })
  }
}

function said(error: unknown): string {
  return error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error)
}
