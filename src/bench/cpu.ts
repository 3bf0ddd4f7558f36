import { readdir, readFile } from 'node:fs/promises'

/** Linux counts CPU time in hundredths of a second for whoever asks, whatever its own clock is. */
const TICKS_PER_SECOND = 100

interface ProcessTimes {
  readonly pid: number
  readonly parent: number
  readonly name: string
  /** Its own, and that of its children which have ended. */
  readonly seconds: number
  readonly childSeconds: number
}

/**
 * CPU seconds of some processes and of all that came of them, those included that have ended since; undefined for one that
 * cannot be seen: not on Linux, or not on this machine.
 */
export async function cpuOfTrees(
  roots: readonly (number | undefined)[],
): Promise<readonly (number | undefined)[]> {
  const all = await processes()
  return roots.map((root) => (root === undefined ? undefined : secondsOfTree(all, root)))
}

/** A process and all that came of it and lives. */
export async function familyOf(root: number): Promise<readonly number[]> {
  return membersOf(await processes(), root).map(({ pid }) => pid)
}

/** CPU seconds of this process's children that have ended. */
export async function cpuOfEnded(): Promise<number | undefined> {
  return (await timesOf(String(process.pid)))?.childSeconds
}

/** The postmaster of a backend, where that runs on this machine. */
export async function postmasterOf(backendPid: number): Promise<number | undefined> {
  const backend = await timesOf(String(backendPid))
  return backend?.name.startsWith('postgres') ? backend.parent : undefined
}

function secondsOfTree(all: readonly ProcessTimes[], root: number): number | undefined {
  const members = membersOf(all, root)
  if (members.length === 0) return undefined
  return members.reduce((sum, { seconds, childSeconds }) => sum + seconds + childSeconds, 0)
}

function membersOf(all: readonly ProcessTimes[], root: number): readonly ProcessTimes[] {
  const family = new Set([root])
  for (let size = 0; size < family.size; ) {
    size = family.size
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid)
  }
  return all.filter(({ pid }) => family.has(pid))
}

async function processes(): Promise<readonly ProcessTimes[]> {
  const names = await readdir('/proc').catch(() => [])
  const all = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(timesOf))
  return all.filter((one) => one !== undefined)
}

async function timesOf(pid: string): Promise<ProcessTimes | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return undefined
  const end = stat.lastIndexOf(')')
  // After the name, which may hold anything: state, parent, …, and from the 12th on the times of it and of its children.
  const fields = stat.slice(end + 2).split(' ')
  const ticks = (at: number) => Number(fields[at] ?? 0) / TICKS_PER_SECOND
  return {
    pid: Number(pid),
    parent: Number(fields[1]),
    name: stat.slice(stat.indexOf('(') + 1, end),
    seconds: ticks(11) + ticks(12),
    childSeconds: ticks(13) + ticks(14),
  }
}
