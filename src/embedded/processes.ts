import { execFile } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { hasCode } from './errors.ts'

export interface ServerStatus {
  readonly pid: number
  readonly port: number
  readonly ready: boolean
}

/** What the server on this folder wrote into its postmaster.pid; undefined where there is none. */
export async function readStatus(pgdata: string): Promise<ServerStatus | undefined> {
  const text = await readFile(join(pgdata, 'postmaster.pid'), 'utf8').catch((error) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
  if (text === undefined) return undefined
  // pid, data folder, start time, port, socket folder, address, shared memory key, state
  const lines = text.split('\n')
  return { pid: Number(lines[0]), port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' }
}

/** Whether this process is the PostgreSQL of this folder: a pid alone may have been given to a stranger since. */
export async function isServerOf(pgdata: string, pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false
  if (process.platform !== 'linux') return (await commandOf(pid)).includes(pgdata)
  // PostgreSQL moves into its data folder, whatever name it was given for it.
  return (await readlink(`/proc/${pid}/cwd`).catch(() => undefined)) === pgdata
}

async function commandOf(pid: number): Promise<string> {
  const answer = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => undefined)
  return answer?.stdout ?? ''
}

export function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
}

/** Whether the promise was fulfilled within so many milliseconds. */
export async function within(ms: number, done: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController()
  const late = delay(ms, false, { signal: timer.signal }).catch(() => false)
  try {
    return await Promise.race([done.then(() => true), late])
  } finally {
    timer.abort()
  }
}

const POLL_MS = 20

/** Asks again and again until the answer is true; false when it was not within so many milliseconds. */
export async function eventually(ms: number, ask: () => Promise<boolean> | boolean): Promise<boolean> {
  const end = performance.now() + ms
  while (!(await ask())) {
    if (performance.now() > end) return false
    await delay(POLL_MS)
  }
  return true
}
