import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { accountFor } from '../../src/embedded/account.ts'
import { installedBinaries, program, runProgram, usableBinaries } from '../../src/embedded/binaries.ts'
import { freePort } from './free-port.ts'

/** A PostgreSQL without a keeper: it can be killed, copied, promoted, and put on a disk that is full. */
export interface Postgres {
  readonly url: string
  readonly port: number
  readonly pgdata: string
  start(settings?: Settings): Promise<void>
  /** SIGKILL to the postmaster and all its processes at once, as when a machine dies. */
  kill(): Promise<void>
  stop(): Promise<void>
  /** A stopped one's data under another folder and port. */
  copy(): Promise<Postgres>
  promote(): Promise<void>
  /** Runs one statement on a connection of its own. */
  ask<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]>
}

type Settings = Readonly<Record<string, string>>

const START_MS_MAX = 60_000
let made = 0

/** In `parent`, or below the system's folder for temporary files; gone with the test file. */
export async function makePostgres(parent = tmpdir()): Promise<Postgres> {
  const postgres = await placed(parent)
  const { pgdata } = postgres
  const { account, binaries } = await tools(pgdata)
  await runProgram(
    program(binaries, 'initdb'),
    ['-D', pgdata, '-U', 'postgres', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C'],
    account,
  )
  return postgres
}

/** Connects until the server has no connection left. */
export async function takeAll({ url }: Pick<Postgres, 'url'>): Promise<pg.Client[]> {
  const taken: pg.Client[] = []
  for (let refused = 0; refused < 20; ) {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    try {
      await client.connect()
      taken.push(client)
    } catch {
      refused++
      await delay(20)
    }
  }
  return taken
}

async function tools(pgdata: string) {
  const account = await accountFor(pgdata)
  return { account, binaries: await usableBinaries(await installedBinaries(), account) }
}

async function placed(parent: string): Promise<Postgres> {
  const folder = join(parent, `admit-once-postgres-${process.pid}-${made++}`)
  const pgdata = join(folder, 'data')
  await mkdir(pgdata, { recursive: true, mode: 0o755 })
  const { account } = await tools(pgdata)
  if (account !== undefined) await chown(pgdata, account.uid, account.gid)
  const port = await freePort()
  let server: ChildProcess | undefined
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const end = async (signal: NodeJS.Signals) => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    if (signal === 'SIGKILL') {
      for (const pid of [server.pid, ...(await childrenOf(server.pid))]) kill(pid)
    } else server.kill(signal)
    await ended
  }
  after(async () => {
    await end('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })
  return {
    ...{ url, port, pgdata },
    start: async (settings = {}) => {
      server = await launch(pgdata, port, settings)
      await untilAnswers(url)
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGINT'),
    copy: () => copyOf(parent, pgdata),
    promote: async () => {
      await ask(url, 'select pg_promote(true, 30)')
    },
    ask: (sql, values) => ask(url, sql, values),
  }
}

async function launch(pgdata: string, port: number, settings: Settings): Promise<ChildProcess> {
  const { account, binaries } = await tools(pgdata)
  const own = { port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: '' }
  const options = Object.entries({ ...own, ...settings }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
  const child = spawn(program(binaries, 'postgres'), ['-D', pgdata, ...options], {
    ...account,
    env: { LC_ALL: 'C' },
    cwd: '/',
    stdio: 'ignore',
  })
  child.on('error', () => {})
  return child
}

async function copyOf(parent: string, from: string): Promise<Postgres> {
  const copy = await placed(parent)
  await cp(from, copy.pgdata, { recursive: true })
  await chmod(copy.pgdata, 0o700)
  await rm(join(copy.pgdata, 'postmaster.pid'), { force: true })
  await writeFile(join(copy.pgdata, 'standby.signal'), '')
  const { account } = await tools(copy.pgdata)
  const names = await readdir(copy.pgdata, { recursive: true })
  if (account !== undefined) {
    for (const name of names) await chown(join(copy.pgdata, name), account.uid, account.gid)
  }
  return copy
}

async function untilAnswers(url: string): Promise<void> {
  for (const endMs = performance.now() + START_MS_MAX; ; await delay(50)) {
    try {
      await ask(url, 'select 1')
      return
    } catch (error) {
      if (performance.now() > endMs) throw error
    }
  }
}

async function ask<Row extends object>(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Row & pg.QueryResultRow>(sql, [...values])).rows
  } finally {
    await client.end()
  }
}

async function childrenOf(pid: number | undefined): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.trim().split(' ').filter(Boolean).map(Number)
}

function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
  } catch {
    // It went with its parent.
  }
}

/**
 * Which standbys commits wait for from now on, as SQL writes it. What asks is a superuser, whose own commits would wait as well: it
 * writes nothing while they do.
 */
export async function setStandby(ask: Postgres['ask'], names: string): Promise<void> {
  await ask(`alter system set synchronous_standby_names = ${names}`)
  await ask('select pg_reload_conf()')
  // The checkpointer tells the others, and nothing shows when it has.
  await delay(500)
}
