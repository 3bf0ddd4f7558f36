import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Account } from './account.ts'
import { type Binaries, program, runProgram } from './binaries.ts'
import { EmbeddedError } from './errors.ts'
import { give, type Place } from './place.ts'
import { eventually, readStatus, within } from './processes.ts'

/** Ours; the caller's settings come after these, and the last one wins. Durable, and on loopback only. */
const defaults = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '250',
  shared_buffers: '128MB',
  wal_level: 'logical',
  fsync: 'on',
  synchronous_commit: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
}

const START_MS_MAX = 120_000
const START_ATTEMPTS = 50
const RETRY_MS = 100
const FAST_STOP_MS_MAX = 15_000
const IMMEDIATE_STOP_MS_MAX = 10_000
const LOG_BYTES_MAX = 16 * 1024 * 1024
const LOG_LINES_SHOWN = 12

export interface Server {
  readonly port: number
  /** Fulfilled when PostgreSQL has ended, for whatever reason. */
  readonly ended: Promise<unknown>
  /** `immediate` leaves recovery to the next start. */
  stop(mode: 'fast' | 'immediate'): Promise<void>
}

export interface ServerOrder {
  readonly port?: number
  readonly settings: Readonly<Record<string, string>>
}

/** Starts PostgreSQL and waits until it accepts connections. */
export async function startServer(
  place: Place,
  binaries: Binaries,
  account: Account | undefined,
  order: ServerOrder,
): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    const logged = await prepareLog(place, account)
    const server = await launch(place, binaries, account, order)
    if (await isReady(server, place)) return server
    await server.stop('immediate')
    const failure = await explain(place, logged, order.port)
    if (!failure.passing || attempt === START_ATTEMPTS) throw failure.error
    await delay(RETRY_MS)
  }
}

interface RunningServer extends Server {
  readonly pid: number | undefined
}

async function launch(
  place: Place,
  binaries: Binaries,
  account: Account | undefined,
  order: ServerOrder,
): Promise<RunningServer> {
  const port = order.port ?? (await freePort())
  const settings = Object.entries({ ...defaults, ...order.settings, port: String(port) })
  const log = openSync(place.log, 'a')
  const child = spawn(
    program(binaries, 'postgres'),
    ['-D', place.pgdata, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...account, env: { LC_ALL: 'C' }, cwd: '/', stdio: ['ignore', log, log], windowsHide: true },
  )
  const ended = once(child, 'exit')
  closeSync(log)
  return { pid: child.pid, port, ended, stop: (mode) => stop(child, ended, mode, binaries) }
}

async function isReady(server: RunningServer, place: Place): Promise<boolean> {
  let over = false
  const end = server.ended.finally(() => {
    over = true
  })
  const ready = eventually(START_MS_MAX, async () => {
    const status = over ? undefined : await readStatus(place.pgdata)
    return over || (status?.ready === true && status.pid === server.pid)
  })
  // A program that cannot be started at all ends this race with its error.
  await Promise.race([end, ready])
  return !over && (await ready)
}

/** Signals harder and harder; returns when the process is gone. */
async function stop(
  child: ChildProcess,
  ended: Promise<unknown>,
  mode: 'fast' | 'immediate',
  binaries: Binaries,
) {
  if (child.exitCode !== null || child.signalCode !== null) return
  if (mode === 'fast') {
    await signal(child, 'SIGINT', binaries)
    if (await within(FAST_STOP_MS_MAX, ended)) return
  }
  await signal(child, 'SIGQUIT', binaries)
  if (await within(IMMEDIATE_STOP_MS_MAX, ended)) return
  child.kill('SIGKILL')
  await ended
}

async function signal(child: ChildProcess, name: 'SIGINT' | 'SIGQUIT', binaries: Binaries): Promise<void> {
  if (process.platform !== 'win32') child.kill(name)
  // Windows has no signals; PostgreSQL takes them through a pipe of its own there.
  else await runProgram(program(binaries, 'pg_ctl'), ['kill', name.slice(3), String(child.pid)])
}

interface Failure {
  /** It may work in a moment, with another port. */
  readonly passing: boolean
  readonly error: EmbeddedError
}

/** Reads the reason in what PostgreSQL logged since this byte. */
async function explain(place: Place, start: number, asked: number | undefined): Promise<Failure> {
  const text = (await readFile(place.log)).subarray(start).toString()
  const portTaken = /could not bind .*: Address already in use/.test(text)
  if (portTaken && asked !== undefined) {
    const advice = 'Stop what listens there, or leave the port out to get a free one.'
    return { passing: false, error: new EmbeddedError('PORT_TAKEN', `Port ${asked} is taken. ${advice}`) }
  }
  // The processes of a server that was killed live on for a moment after it.
  const remains = /pre-existing shared memory block/.test(text)
  const lines = text.trim().split('\n').slice(-LOG_LINES_SHOWN).join('\n')
  const error = new EmbeddedError(
    'START_FAILED',
    `PostgreSQL did not start. The end of ${place.log}:\n${lines}`,
  )
  return { passing: portTaken || remains, error }
}

/** Returns where in the log this start begins, in bytes; a log that has grown too large begins anew. */
async function prepareLog(place: Place, account: Account | undefined): Promise<number> {
  const log = await open(place.log, 'a', 0o600)
  const { size } = await log.stat()
  if (size > LOG_BYTES_MAX) await log.truncate()
  await log.close()
  await give(place.log, account)
  return size > LOG_BYTES_MAX ? 0 : size
}

/** A port that was free a moment ago; who needs it tries again with another if it is gone. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return address.port
}
