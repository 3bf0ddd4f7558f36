import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { familyOf } from './cpu.ts'

const KIB_PER_MIB = 1024
const EVERY_MS = 250

/** Resident memory of a process and of all that came of it; undefined where it cannot be seen: not on Linux, or ended. */
export async function residentMiB(root: number | undefined): Promise<number | undefined> {
  const family = root === undefined ? [] : await familyOf(root)
  const known = (await Promise.all(family.map(residentKiB))).filter((one) => one !== undefined)
  return known.length === 0 ? undefined : known.reduce((sum, one) => sum + one, 0) / KIB_PER_MIB
}

/** What some work came to, and the mean of the resident memory meanwhile. */
export async function withResident<T>(
  root: number | undefined,
  work: Promise<T>,
): Promise<{ readonly came: T; readonly meanMiB: number | undefined }> {
  const over = new AbortController()
  const watching = watch(root, over.signal)
  const came = await work.finally(() => over.abort())
  const seen = await watching
  const meanMiB = seen.length === 0 ? undefined : seen.reduce((sum, one) => sum + one, 0) / seen.length
  return { came, meanMiB }
}

async function watch(root: number | undefined, signal: AbortSignal): Promise<readonly number[]> {
  const seen: number[] = []
  while (!signal.aborted) {
    const found = await residentMiB(root)
    if (found !== undefined) seen.push(found)
    await setTimeout(EVERY_MS, undefined, { signal }).catch(() => {})
  }
  return seen
}

async function residentKiB(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  return found === undefined ? undefined : Number(found)
}
