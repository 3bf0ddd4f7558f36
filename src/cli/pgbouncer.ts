import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '../db/connection.ts'
import { accountFor } from '../embedded/account.ts'
import { freePort } from '../embedded/server.ts'

/** A PgBouncer of the user's own with transaction pooling, in front of one database, on loopback and with a password of its own. */
export interface PgBouncer {
  /** Of the database behind it, as `tickets`. */
  readonly url: string
  /** Starts it, and waits until it takes connections. */
  start(): Promise<void>
  kill(): Promise<void>
  /** SIGINT: it lets transactions under way finish. */
  stop(): Promise<void>
  /** A command of its console, such as PAUSE. */
  command(text: string): Promise<void>
  log(): Promise<string>
  /** Killed, and its folder gone. */
  close(): Promise<void>
}

const START_MS_MAX = 10_000
const RETRY_MS = 20
const USER = 'postgres'

/** Lines of its `[pgbouncer]` section. */
export type PgBouncerSettings = Readonly<Record<string, string | number>>

/** Made, and not yet started. */
export async function openPgBouncer(
  executable: string,
  to: string,
  settings: PgBouncerSettings = {},
): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), 'admit-once-bouncer-'))
  const file = (name: string) => join(folder, name)
  // It refuses root, and its folder holds passwords: only the account that it runs as may read them.
  const account = await accountFor(folder)
  const port = await freePort()
  const password = randomBytes(16).toString('hex')
  const own = { listen_port: port, logfile: file('bouncer.log'), auth_file: file('users.txt') }
  await writeFile(file('users.txt'), `"${USER}" "${password}"\n`)
  await writeFile(file('bouncer.ini'), configOf(to, { ...own, ...settings }))
  if (account !== undefined)
    await Promise.all(
      [folder, file('users.txt'), file('bouncer.ini')].map((path) => chown(path, account.uid, account.gid)),
    )
  const url = (name: string) => `postgres://${USER}:${password}@127.0.0.1:${port}/${name}`
  const command = (text: string) => ask(url('pgbouncer'), text)
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
  return {
    url: url('tickets'),
    start: async () => {
      child = launch(executable, file('bouncer.ini'), account)
      await untilItTakes(() => command('show version'))
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGINT'),
    command,
    log: () => readFile(file('bouncer.log'), 'utf8'),
    close: async () => {
      await end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function launch(executable: string, config: string, account: object | undefined): ChildProcess {
  return spawn(executable, ['-q', config], {
    ...account,
    // Where it was unpacked without being installed, its libraries lie beside it.
    env: { LD_LIBRARY_PATH: join(dirname(executable), '../lib/x86_64-linux-gnu') },
    stdio: 'ignore',
  })
}

function configOf(to: string, settings: PgBouncerSettings): string {
  const { hostname, port, pathname, username, password } = new URL(to)
  const secret = password === '' ? '' : ` password='${decodeURIComponent(password).replaceAll("'", "''")}'`
  const target = `host=${hostname} port=${port || 5432} dbname=${decodeURIComponent(pathname.slice(1))} user=${decodeURIComponent(username)}${secret}`
  const all = {
    listen_addr: '127.0.0.1',
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    admin_users: USER,
    pool_mode: 'transaction',
    ...settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`)
  return ['[databases]', `tickets = ${target}`, '[pgbouncer]', ...lines, ''].join('\n')
}

async function untilItTakes(connect: () => Promise<void>): Promise<void> {
  for (const endMs = performance.now() + START_MS_MAX; ; await delay(RETRY_MS)) {
    try {
      return await connect()
    } catch (error) {
      if (performance.now() > endMs) throw error
    }
  }
}

async function ask(url: string, text: string): Promise<void> {
  const client = await connect(url)
  await client.query(text).finally(() => client.end())
}
