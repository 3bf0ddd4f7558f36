import { appendFile, chmod, cp, readdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { choosePlace, findPlace, give, makeFolder, type Place } from './place.ts'

/** Cold backup: the data of a PostgreSQL that was stopped in order, in another folder. For proofs. */
export async function copyEmbedded(from: string, folder: string): Promise<void> {
  const source = await findPlace(await realpath(from))
  await makeFolder(folder, 0o755)
  const [place, account] = await choosePlace(await realpath(folder))
  await cp(source.pgdata, place.pgdata, { recursive: true })
  await cp(source.password, place.password)
  // By which the folder is known to be ours.
  await writeFile(place.lock, '')
  await chmod(place.pgdata, 0o700)
  const names = account === undefined ? [] : await filesOf(place)
  for (const name of names) await give(name, account)
}

async function filesOf({ pgdata, password, lock }: Place): Promise<string[]> {
  const names = await readdir(pgdata, { recursive: true })
  return [pgdata, password, lock, ...names.map((name) => join(pgdata, name))]
}

/** Where a standby finds its primary, and the name under which that knows it. */
interface StandbyOptions {
  readonly primaryPort: number
  readonly name: string
}

/** What is started on this copy is a standby of where it was copied from: the binaries from npm have no pg_basebackup. */
export async function makeStandby(folder: string, { primaryPort, name }: StandbyOptions): Promise<void> {
  const { pgdata, password } = await findPlace(await realpath(folder))
  const secret = await readFile(password, 'utf8')
  const primary = `host=127.0.0.1 port=${primaryPort} user=postgres password=${secret} application_name=${name}`
  // In a file: on the command line everybody would see it.
  await appendFile(join(pgdata, 'postgresql.auto.conf'), `primary_conninfo = '${primary}'\n`)
  await writeFile(join(pgdata, 'standby.signal'), '')
}
