import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../bin/admit-once.js', import.meta.url))
const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that runs in a process group of its own, as in a terminal. */
export interface Command {
  readonly pid: number
  readonly ended: Promise<Ended>
  /** All that it printed so far. */
  output(): string
  /** Waits until it has printed something like this; fails where it ends before. */
  printed(what: RegExp): Promise<RegExpExecArray>
  /** Sends a signal to the whole group, as Ctrl-C does, or to the process alone. */
  signal(name: NodeJS.Signals, whom?: 'group' | 'process'): void
}

export type Environment = Readonly<Record<string, string>>

/** Nobody's installation: removed when the file is done, with a name that a list of processes shows. */
export function newHome(suffix = ''): string {
  const home = join(tmpdir(), `admit-once-cli-${process.pid}-${homes++}${suffix}`)
  after(() => rm(home, { recursive: true, force: true }))
  return home
}

let homes = 0

/** Runs `admit-once …` to its end. */
export function admitOnce(args: readonly string[], env: Environment = {}): Promise<Ended> {
  return launch(args, env).ended
}

export function launch(args: readonly string[], env: Environment = {}): Command {
  return run(process.execPath, [PROGRAM, ...args], env)
}

/** The whole proof, beside the other tests of a busy machine. */
const COMMAND_MS_MAX = 300_000

export function run(file: string, args: readonly string[], env: Environment = {}, cwd = ROOT): Command {
  const child = spawn(file, args, {
    cwd,
    detached: true,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ADMIT_ONCE_HOME: NOWHERE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      child.emit('printed')
    })
  }
  const pid = child.pid
  assert.ok(pid !== undefined, `${file} did not start`)
  const signal = (name: NodeJS.Signals, whom: 'group' | 'process' = 'group') => {
    process.kill(whom === 'group' ? -pid : pid, name)
  }
  const output = () => text.stdout + text.stderr
  return {
    pid,
    ended: endOf(child, () => ({ ...text })),
    output,
    printed: (what) => printed(child, output, what),
    signal,
  }
}

const NOWHERE = join(tmpdir(), 'admit-once-cli-nowhere')

async function endOf(child: ChildProcess, text: () => Omit<Ended, 'code'>): Promise<Ended> {
  const late = setTimeout(() => child.kill('SIGKILL'), COMMAND_MS_MAX)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearTimeout(late)
  return { code, ...text() }
}

function printed(child: ChildProcess, output: () => string, what: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const found = what.exec(output())
      if (found !== null) resolve(found)
    }
    child.on('printed', look)
    child.once('close', () => reject(new Error(`it ended without ${what}:\n${output()}`)))
    look()
  })
}

/** `admit-once start`, once it is open. */
export async function startOffice(env: Environment, ...args: readonly string[]) {
  const command = launch(['start', '--port', '0', ...args], env)
  await command.printed(/Ctrl-C stops it/)
  const value = (label: string) => new RegExp(`${label} +(\\S+)`).exec(command.output())?.[1] ?? ''
  return { ...command, url: value('URL'), anonKey: value('anon key'), secretKey: value('secret key') }
}

const GONE_MS_MAX = 15_000

/** Waits until no process has these words in its command line or its environment. */
export async function nothingLeftOf(words: string): Promise<void> {
  const end = performance.now() + GONE_MS_MAX
  for (let left = await processesOf(words); left.length > 0; left = await processesOf(words)) {
    assert.ok(performance.now() < end, `still running:\n${left.join('\n')}`)
    await delay(50)
  }
}

async function processesOf(words: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [command = '', environment = ''] = await Promise.all(
        ['cmdline', 'environ'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')),
      )
      // A process that has ended and waits for its parent has neither.
      return `${command}\0${environment}`.includes(words) ? `${pid} ${command.replaceAll('\0', ' ')}` : ''
    }),
  )
  return found.filter((line) => line !== '')
}

/** This process and all that came of it, as pid and start time: a pid alone is given to strangers later. */
export async function familyOf(pid: number): Promise<ReadonlySet<string>> {
  const all = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(processOf))
  const family = new Set([String(pid)])
  for (let size = 0; size < family.size; ) {
    size = family.size
    for (const one of all) if (one !== undefined && family.has(one.parent)) family.add(one.pid)
  }
  return new Set(all.flatMap((one) => (one !== undefined && family.has(one.pid) ? [one.identity] : [])))
}

/** Waits until none of them is left. */
export async function goneAll(family: ReadonlySet<string>): Promise<void> {
  const end = performance.now() + GONE_MS_MAX
  for (;;) {
    const all = await Promise.all([...family].map((identity) => processOf(identity.split(' ')[0] ?? '')))
    const left = all.filter((one) => one !== undefined && family.has(one.identity))
    if (left.length === 0) return
    assert.ok(performance.now() < end, `still running: ${left.map((one) => one?.identity).join(', ')}`)
    await delay(50)
  }
}

async function processOf(pid: string) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // After the name, which may hold anything: state, parent, …, and as the 20th the start time.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields === undefined || fields[0] === 'Z') return undefined
  return { pid, parent: fields[1] ?? '', identity: `${pid} ${fields[19]} ${stat?.split(' ')[1]}` }
}
