// Where the files of one cluster are.
import { randomBytes } from 'node:crypto'
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  realpath,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Account, accountFor, canReach } from './account.ts'
import { EmbeddedError, hasCode } from './errors.ts'

export interface Place {
  /** The folder the caller named. */
  readonly folder: string
  /** The folder the files are in: the caller's, or one it points to. */
  readonly home: string
  readonly pgdata: string
  readonly password: string
  readonly log: string
  readonly lock: string
  /** Holds the pid of the process that PostgreSQL runs for, while it does. */
  readonly owner: string
}

const LOCK = 'admit-once.lock'
const POINTER = 'admit-once.data-is-in'

/** The place that `folder` has had since its first start. */
export async function findPlace(folder: string): Promise<Place> {
  const pointer = await readFile(join(folder, POINTER), 'utf8').catch((error) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
  return placeIn(folder, pointer?.trim() ?? folder)
}

/**
 * The place to use, and the account that PostgreSQL runs as there (undefined: our own). Under root that account
 * often cannot pass through the folder's parents (a checkout in /root), so the data goes to a folder it can
 * reach, and the caller's folder holds a pointer.
 */
export async function choosePlace(folder: string): Promise<[Place, Account | undefined]> {
  await makeFolder(folder, 0o755)
  let place = await findPlace(folder)
  const account = await accountFor(place.pgdata)
  if (account !== undefined && place.home === folder && !(await canReach(folder, account))) {
    if (await isThere(place.pgdata)) throw shutIn(place, account)
    await pointElsewhere(folder)
    place = await findPlace(folder)
  }
  if (place.home !== folder) await makeFolder(place.home, 0o755)
  return [place, account]
}

/** Data that was made when its folder was open must not be forgotten for a new, empty database elsewhere. */
function shutIn({ pgdata }: Place, { uid }: Account): EmbeddedError {
  const advice = 'Open those folders to it (chmod o+x), or move the data folder.'
  const message = `PostgreSQL has to run as account ${uid}, which cannot pass the folders down to ${pgdata}. ${advice}`
  return new EmbeddedError('NO_RIGHTS', message)
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Where a superuser connects to. Only this machine can, and only with the password. */
export async function urlOf(place: Place, port: number): Promise<string> {
  return `postgresql://postgres:${await readFile(place.password, 'utf8')}@127.0.0.1:${port}/postgres`
}

/** Removes all that is ours; a file that somebody else put there stays, and its folder with it. */
export async function removePlace(place: Place): Promise<void> {
  const ours = [place.pgdata, freshData(place), place.password, place.log, place.owner]
  for (const path of ours) await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  await rm(join(place.folder, POINTER), { force: true })
  await rm(place.lock, { force: true })
  for (const folder of new Set([place.home, place.folder])) await rmdir(folder).catch(() => undefined)
}

/** Refuses a folder that has files in it, but not ours. */
export async function checkOurs(folder: string): Promise<void> {
  const names = await readdir(folder)
  if (names.length === 0 || names.some((name) => name === LOCK || name.startsWith(POINTER))) return
  const advice = 'Name a folder that is empty or does not exist yet.'
  throw new EmbeddedError('FOLDER_NOT_OURS', `${folder} holds files of something else. ${advice}`)
}

/** initdb works here; what it made is renamed when it is whole. */
export function freshData(place: Place): string {
  return `${place.pgdata}.new`
}

/** Gives a file that root made to the account that PostgreSQL runs as. */
export async function give(path: string, account: Account | undefined): Promise<void> {
  if (account !== undefined) await chown(path, account.uid, account.gid)
}

/** A folder of our own, outside the checkout, that nobody else can have filled. */
export async function spareFolder(): Promise<string> {
  const root = process.getuid?.() === 0
  const last = join(tmpdir(), `admit-once-${process.getuid?.() ?? 'user'}`)
  const candidates = [...(root ? ['/var/lib/admit-once'] : cacheFolders()), last]
  for (const path of candidates) {
    await makeFolder(path, root ? 0o755 : 0o700).catch(() => undefined)
    if (await isOnlyOurs(path)) return realpath(path)
  }
  const advice = `Remove ${last}, which another account made, or set DATABASE_URL.`
  throw new EmbeddedError('NO_RIGHTS', `None of ${candidates.join(', ')} can be used. ${advice}`)
}

function cacheFolders(): readonly string[] {
  try {
    return [join(homedir(), '.cache', 'admit-once')]
  } catch {
    // An account without a name has no home either.
    return []
  }
}

async function isOnlyOurs(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined || !found.isDirectory()) return false
  return process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o022) === 0)
}

async function pointElsewhere(folder: string): Promise<void> {
  const home = join(await spareFolder(), `data-${randomBytes(8).toString('hex')}`)
  const written = join(folder, `${POINTER}.${process.pid}`)
  await writeFile(written, `${home}\n`, { mode: 0o600 })
  // A link never replaces: of two processes at once, both go where the first one pointed.
  await link(written, join(folder, POINTER)).catch((error) => {
    if (!hasCode(error, 'EEXIST')) throw error
  })
  await rm(written)
}

/** A folder that is new gets this mode whatever the umask; one that is there keeps its own. */
export async function makeFolder(path: string, mode: number): Promise<void> {
  if ((await mkdir(path, { recursive: true, mode })) !== undefined) await chmod(path, mode)
}

function placeIn(folder: string, home: string): Place {
  return {
    folder,
    home,
    pgdata: join(home, 'pgdata'),
    password: join(home, 'password'),
    log: join(home, 'server.log'),
    lock: join(home, LOCK),
    owner: join(home, 'owner.pid'),
  }
}
