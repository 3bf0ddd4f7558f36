// One keeper for each data folder, and nothing left of the one before.
import { rmSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Account } from './account.ts'
import { EmbeddedError, hasCode } from './errors.ts'
import { type Lock, tryLock } from './lock.ts'
import { choosePlace, findPlace, give, type Place } from './place.ts'
import { eventually, isAlive, isServerOf, readStatus } from './processes.ts'

/** A folder in use has an owner; one without is only being left, or taken. */
const IN_USE_MS = 500
const TAKE_MS_MAX = 30_000
const END_MS_MAX = 10_000

export interface Claim {
  readonly place: Place
  /** What PostgreSQL runs as there; undefined: as we do. */
  readonly account: Account | undefined
  /** Frees the folder for the next one. */
  leave(): void
}

/** Makes the folder this process's alone until it leaves, in the name of its owner, while that still wants it. */
export async function takeFolder(folder: string, owner: number, isWanted: () => boolean): Promise<Claim> {
  const claim = await waitForFolder(folder, isWanted)
  try {
    await endRemains(claim.place, owner)
    await writeFile(claim.place.owner, String(owner))
    return claim
  } catch (error) {
    claim.leave()
    throw error
  }
}

async function waitForFolder(folder: string, isWanted: () => boolean): Promise<Claim> {
  let claim: Claim | undefined
  let holder: string | undefined
  let heldSince = Number.POSITIVE_INFINITY
  await eventually(TAKE_MS_MAX, async () => {
    claim = await tryTakeFolder(folder)
    if (claim !== undefined || !isWanted()) return true
    holder = await readOwner(await findPlace(folder))
    heldSince = holder === undefined ? Number.POSITIVE_INFINITY : Math.min(heldSince, performance.now())
    return performance.now() - heldSince > IN_USE_MS
  })
  if (claim === undefined) throw inUse(folder, holder)
  return claim
}

/** The folder may vanish or move at any step, while the last keeper of an ephemeral one removes it. */
async function tryTakeFolder(folder: string): Promise<Claim | undefined> {
  try {
    const [place, account] = await choosePlace(folder)
    const lock = tryLock(place.lock)
    if (lock === undefined) return undefined
    await give(place.lock, account)
    if ((await findPlace(folder)).home === place.home) return claimOf(place, account, lock)
    lock.release()
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
  return undefined
}

function claimOf(place: Place, account: Account | undefined, lock: Lock): Claim {
  const leave = () => {
    rmSync(place.owner, { force: true })
    lock.release()
  }
  return { place, account, leave }
}

/** Clears up after a keeper that was killed: we hold its lock, so a server that runs here has nobody. */
async function endRemains(place: Place, owner: number): Promise<void> {
  const pid = (await readStatus(place.pgdata))?.pid
  // PostgreSQL itself sees that the file of a dead server means nothing.
  if (pid === undefined || !isAlive(pid)) return
  if (!(await isServerOf(place.pgdata, pid))) return rm(join(place.pgdata, 'postmaster.pid'))
  const holder = await readOwner(place)
  if (holder !== undefined && Number(holder) !== owner && isAlive(Number(holder))) {
    throw inUse(place.folder, holder)
  }
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    if (isAlive(pid)) process.kill(pid, signal)
    if (await eventually(END_MS_MAX, async () => !(await isServerOf(place.pgdata, pid)))) return
  }
  throw inUse(place.folder, String(pid))
}

async function readOwner(place: Place): Promise<string | undefined> {
  const text = await readFile(place.owner, 'utf8').catch(() => '')
  return text === '' ? undefined : text
}

function inUse(folder: string, holder: string | undefined): EmbeddedError {
  const who = holder === undefined ? 'another process' : `process ${holder}`
  const advice = 'Connect to the PostgreSQL it runs, stop that process, or name another data folder.'
  return new EmbeddedError('FOLDER_IN_USE', `${folder} is in use by ${who}. ${advice}`)
}
