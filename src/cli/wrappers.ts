import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

const LOOK_EVERY_MS = 500
const WRAPPERS_MAX = 10

/**
 * Calls `stop` when one of the processes is gone that do nothing but wait for us: `npm start`, `npx`, `sh -c`. A service manager
 * knows only the first of them; a shell passes no signal on, so that what it stops would be the shell alone.
 */
export function onWrappersGone(stop: () => void): void {
  const wrappers = wrappersOf(process.ppid)
  if (wrappers.length === 0) return
  const timer = setInterval(() => {
    if (wrappers.every(({ pid, started }) => describe(pid)?.started === started)) return
    clearInterval(timer)
    stop()
  }, LOOK_EVERY_MS)
  timer.unref()
}

interface Process {
  readonly pid: number
  readonly parent: number
  /** A pid alone is given to strangers later. */
  readonly started: string
  readonly words: readonly string[]
}

/** From the parent upwards, as far as each does nothing else. */
function wrappersOf(parent: number): Process[] {
  const wrappers: Process[] = []
  for (let pid = parent; wrappers.length < WRAPPERS_MAX; ) {
    const found = describe(pid)
    if (found === undefined || !isWrapper(found.words)) break
    wrappers.push(found)
    pid = found.parent
  }
  return wrappers
}

/**
 * A package manager, which waits for what it runs, or a shell with a script; but one that puts something in the background may
 * end before it. npm writes its title over its command line.
 */
export function isWrapper(words: readonly string[]): boolean {
  const [title = '', first = ''] = words
  const [program = ''] = title.split(' ')
  if (SHELLS.has(basename(program))) {
    const at = words.findIndex((word) => /^-[a-z]*c$/.test(word))
    return at > 0 && !/(?<!&|>|<)&(?!&|>|\d)/.test(words[at + 1] ?? '')
  }
  return MANAGER.test(basename(program)) || (/^node/.test(basename(program)) && MANAGER.test(basename(first)))
}

const SHELLS = new Set(['sh', 'dash', 'bash', 'ash', 'ksh', 'zsh', 'busybox'])
const MANAGER = /^(npm|npx|pnpm|yarn|corepack)(-cli)?(\.c?js)?( |$)/

/** Undefined where it is gone, and where the system has no /proc. */
function describe(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    // After the name, which may hold anything: state, parent, …, and as the 20th the start time.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return undefined
    return { pid, parent: Number(fields[1]), started: fields[19] ?? '', words }
  } catch {
    return undefined
  }
}
