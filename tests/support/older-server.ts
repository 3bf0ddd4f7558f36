import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import pg from 'pg'
import { accountFor } from '../../src/embedded/account.ts'
import { type Binaries, program, runProgram } from '../../src/embedded/binaries.ts'
import { freePort } from './free-port.ts'

const SYSTEM = '/usr/lib/postgresql'
const START_MS_MAX = 30_000

/** The oldest PostgreSQL that the system brought, with its tools; undefined where there is none. */
export async function systemBinaries(): Promise<Binaries | undefined> {
  const versions = await readdir(SYSTEM).catch(() => [])
  const [version] = versions.filter((name) => Number(name) >= 15).sort()
  return version === undefined ? undefined : { native: join(SYSTEM, version), version }
}

/** A server of these binaries, on loopback and for one test file; gives its URL. `more` are settings such as `work_mem=8MB`. */
export async function startSystemServer(binaries: Binaries, ...more: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'admit-once-system-'))
  await chmod(folder, 0o700)
  const account = await accountFor(folder)
  if (account !== undefined) await chown(folder, account.uid, account.gid)
  const data = join(folder, 'data')
  await runProgram(
    program(binaries, 'initdb'),
    ['-D', data, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
    account,
  )
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', `port=${port}`, ...more]
  const server = spawn(
    program(binaries, 'postgres'),
    ['-D', data, ...settings.flatMap((each) => ['-c', each])],
    {
      ...account,
      env: { LC_ALL: 'C' },
      cwd: '/',
      stdio: 'ignore',
    },
  )
  const ended = once(server, 'exit')
  after(async () => {
    server.kill('SIGINT')
    await ended
    await rm(folder, { recursive: true, force: true })
  })
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  await untilReady(url)
  return url
}

async function untilReady(url: string): Promise<void> {
  const until = Date.now() + START_MS_MAX
  for (;;) {
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      return await client.end()
    } catch (error) {
      if (Date.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
