import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { canReach } from '../../src/embedded/account.ts'
import { takeFolder } from '../../src/embedded/claim.ts'
import {
  EmbeddedError,
  type EmbeddedErrorCode,
  findEmbedded,
  startEmbedded,
} from '../../src/embedded/embedded.ts'
import { findPlace } from '../../src/embedded/place.ts'
import { eventually, isAlive, isServerOf, readStatus, within } from '../../src/embedded/processes.ts'

const isRoot = process.getuid?.() === 0
const stranger = { uid: 65534, gid: 65534 }
const ownerScript = fileURLToPath(new URL('./embedded-owner.ts', import.meta.url))
const GONE_MS_MAX = 15_000

/** Root tests an ordinary user's view as `stranger`, who has to reach Node and these sources for that. */
const reachable = (path: string) => canReach(path, stranger)
const reached = !isRoot || ((await reachable(process.execPath)) && (await reachable(dirname(ownerScript))))
const outOfReach = reached ? false : 'other accounts cannot reach this checkout'

describe('embedded PostgreSQL', { timeout: 120_000, concurrency: 3 }, () => {
  let scratch: string
  before(async () => {
    process.umask(0o022)
    scratch = await mkdtemp(join(tmpdir(), 'admit once é '))
    await chmod(scratch, 0o755)
  })
  after(() => rm(scratch, { recursive: true, force: true }))

  test('started again on the same folder, it still has its data', async () => {
    const dataFolder = join(scratch, 'geöffnet für alle')
    const first = await startEmbedded({ dataFolder })
    await query(first.url, 'create table seen as select 50 as tickets')
    assert.equal(await findEmbedded(dataFolder), first.url)
    await first.stop()
    assert.equal(await findEmbedded(dataFolder), undefined)

    await using second = await startEmbedded({ dataFolder, settings: { max_connections: '30' } })
    assert.deepEqual(await query(second.url, 'select tickets from seen'), [{ tickets: 50 }])
    assert.deepEqual(await query(second.url, 'show max_connections'), [{ max_connections: '30' }])
  })

  test('it is durable, speaks UTF-8 and UTC, and lets nobody in without the password', async () => {
    await using cluster = await startEmbedded({ dataFolder: join(scratch, 'settings'), ephemeral: true })
    const [settings] = await query(
      cluster.url,
      `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
              current_setting('server_encoding') as encoding, current_setting('timezone') as timezone,
              current_setting('listen_addresses') as listens, current_setting('max_connections') as connections,
              'É' ilike 'é' as folds`,
    )
    assert.deepEqual(settings, {
      fsync: 'on',
      commit: 'on',
      encoding: 'UTF8',
      timezone: 'UTC',
      listens: '127.0.0.1',
      connections: '250',
      folds: true,
    })
    const guess = new URL(cluster.url)
    guess.password = 'guess'
    await assert.rejects(query(guess.href, 'select 1'), { code: '28P01' })
    const { mode } = await stat((await findPlace(cluster.dataFolder)).password)
    assert.equal(mode & 0o777, 0o600)
  })

  test('an owner that is interrupted finishes its work on a living database, and then ends by itself', async (t) => {
    const dataFolder = join(scratch, 'interrupted')
    const owner = await startOwner(t, { dataFolder })
    const pid = await serverPid(dataFolder)
    // Ctrl-C goes to every process of the terminal's group.
    process.kill(-owner.pid, 'SIGINT')
    assert.deepEqual(await owner.ended, [0, null])
    assert.equal(isAlive(pid), false)

    await using again = await startEmbedded({ dataFolder, ephemeral: true })
    assert.deepEqual(await query(again.url, 'select count(*)::int from drained'), [{ count: 0 }])
  })

  test('an owner killed with -9 takes its server with it, and leaves what was committed', async (t) => {
    const dataFolder = join(scratch, 'killed')
    const owner = await startOwner(t, { dataFolder })
    const pid = await serverPid(dataFolder)
    await query(owner.url, 'create table committed ()')
    process.kill(owner.pid, 'SIGKILL')
    await owner.ended

    // At once, while the server of the dead owner may still be ending.
    await using next = await startEmbedded({ dataFolder, ephemeral: true })
    assert.equal(isAlive(pid), false)
    assert.deepEqual(await query(next.url, 'select count(*)::int from committed'), [{ count: 0 }])
  })

  test('an ephemeral folder is gone when its owner was killed with -9', async (t) => {
    const dataFolder = join(scratch, 'ephemeral')
    const owner = await startOwner(t, { dataFolder, ephemeral: true })
    const { home } = await findPlace(dataFolder)
    const pid = await serverPid(dataFolder)
    process.kill(owner.pid, 'SIGKILL')
    assert.ok(await eventually(GONE_MS_MAX, async () => !(await exists(home)) && !(await exists(dataFolder))))
    assert.equal(isAlive(pid), false)
  })

  test('an owner that forgets its cluster ends all the same, and its cluster with it', async (t) => {
    const dataFolder = join(scratch, 'forgotten')
    const owner = await startOwner(t, { dataFolder, ephemeral: true, careless: true })
    assert.ok(await within(GONE_MS_MAX, owner.ended), 'the cluster keeps its owner alive')
    assert.ok(await eventually(GONE_MS_MAX, async () => !(await exists(dataFolder))))
  })

  test('with every process killed at once, the next start recovers', { skip: notLinux() }, async (t) => {
    const dataFolder = join(scratch, 'all killed')
    const owner = await startOwner(t, { dataFolder })
    await query(owner.url, 'create table committed ()')
    const client = new pg.Client({ connectionString: owner.url })
    client.on('error', () => undefined)
    await client.connect()
    const { rows } = await client.query('select pg_backend_pid() as pid')
    const backend: number = rows[0].pid
    const pid = await serverPid(dataFolder)
    // A connection that does not notice yet still holds the memory of the server that is gone.
    process.kill(backend, 'SIGSTOP')
    for (const each of [owner.pid, await parentOf(pid), pid]) process.kill(each, 'SIGKILL')
    await owner.ended

    const { log } = await findPlace(dataFolder)
    const starting = startEmbedded({ dataFolder, ephemeral: true })
    const waits = async () => (await readFile(log, 'utf8')).includes('pre-existing shared memory block')
    assert.ok(await eventually(GONE_MS_MAX, waits))
    process.kill(backend, 'SIGCONT')
    await using next = await starting
    assert.deepEqual(await query(next.url, 'select count(*)::int from committed'), [{ count: 0 }])
  })

  test('a server whose keeper was killed is ended, but not while its owner lives', {
    skip: notLinux(),
  }, async (t) => {
    const dataFolder = join(scratch, 'keeper killed')
    const owner = await startOwner(t, { dataFolder })
    const pid = await serverPid(dataFolder)
    process.kill(await parentOf(pid), 'SIGKILL')
    await refused('FOLDER_IN_USE', startEmbedded({ dataFolder }), new RegExp(`process ${owner.pid}`))
    assert.ok(isAlive(pid))

    process.kill(owner.pid, 'SIGKILL')
    await owner.ended
    await using next = await startEmbedded({ dataFolder, ephemeral: true })
    assert.notEqual(await serverPid(next.dataFolder), pid)
    assert.equal(await isServerOf((await findPlace(dataFolder)).pgdata, pid), false)
  })

  test('what a crash left behind does not stop the next start', async (t) => {
    const dataFolder = join(scratch, 'crashed')
    await mkdir(dataFolder, { mode: 0o755 })
    await writeFile(join(dataFolder, 'admit-once.lock'), '')
    await mkdir(join(dataFolder, 'pgdata.new', 'base'), { recursive: true })
    await (await startEmbedded({ dataFolder })).stop()

    // The number of the dead server now belongs to another process of the same account.
    const { pgdata } = await findPlace(dataFolder)
    const { uid, gid } = await stat(pgdata)
    const heir = spawn('sleep', ['600'], { uid, gid })
    t.after(() => heir.kill())
    const lines = [heir.pid, pgdata, 1, 5432, '', '127.0.0.1', '0 0', 'ready', '']
    await writeFile(join(pgdata, 'postmaster.pid'), lines.join('\n'))
    assert.equal(await findEmbedded(dataFolder), undefined)
    await using cluster = await startEmbedded({ dataFolder, ephemeral: true })
    assert.equal(await findEmbedded(dataFolder), cluster.url)
    assert.equal(heir.exitCode, null)
  })

  test('of four that start on one folder at once, one wins, and the others are told who', async () => {
    const dataFolder = join(scratch, 'contended')
    const starts = await Promise.allSettled(
      [1, 2, 3, 4].map(() => startEmbedded({ dataFolder, ephemeral: true })),
    )
    const won = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
    const lost = starts.flatMap((start) => (start.status === 'rejected' ? [start.reason] : []))
    assert.equal(won.length, 1)
    for (const reason of lost) {
      assert.equal(reason.code, 'FOLDER_IN_USE')
      assert.match(reason.message, new RegExp(`in use by process ${process.pid}\\.`))
    }
    await Promise.all(won.map((cluster) => cluster.stop()))
    assert.equal(await exists(dataFolder), false)
  })

  test('a folder that is only being left is waited for', async () => {
    const folder = join(scratch, 'left')
    const { place, leave } = await takeFolder(folder, process.pid, () => true)
    await rm(place.owner)
    let attempts = 0
    const isWanted = () => {
      attempts += 1
      if (attempts === 3) leave()
      return true
    }
    const next = await takeFolder(folder, process.pid, isWanted)
    assert.equal(attempts, 3)
    next.leave()
    assert.equal(await exists(place.owner), false)
  })

  test('a port that is taken is named', async () => {
    const squatter = createServer().listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    const { port } = squatter.address() as { port: number }
    const start = startEmbedded({ dataFolder: join(scratch, 'port'), ephemeral: true, port })
    await refused('PORT_TAKEN', start, new RegExp(`Port ${port} is taken`))
    squatter.close()
  })

  test('a server that cannot start says why', async () => {
    const settings = { shared_buffers: 'plenty' }
    const start = startEmbedded({ dataFolder: join(scratch, 'failing'), ephemeral: true, settings })
    await refused('START_FAILED', start, /invalid value for parameter "shared_buffers": "plenty"/)
  })

  test('data of another major version is refused and kept, also by an ephemeral start', async () => {
    const dataFolder = join(scratch, 'old')
    await mkdir(join(dataFolder, 'pgdata'), { recursive: true })
    await chmod(dataFolder, 0o755)
    await writeFile(join(dataFolder, 'admit-once.lock'), '')
    await writeFile(join(dataFolder, 'pgdata', 'PG_VERSION'), '16\n')
    const start = startEmbedded({ dataFolder, ephemeral: true })
    await refused('WRONG_VERSION', start, /made by PostgreSQL 16, and this is 18\./)
    assert.equal(await readFile(join(dataFolder, 'pgdata', 'PG_VERSION'), 'utf8'), '16\n')
  })

  test('a folder with files of something else is refused, and keeps them', async () => {
    await writeFile(join(scratch, 'letter'), '')
    await refused('FOLDER_NOT_OURS', startEmbedded({ dataFolder: scratch, ephemeral: true }), /Name a folder/)
    await refused('NO_RIGHTS', startEmbedded({ dataFolder: join(scratch, 'letter') }), /Choose a data folder/)
    assert.ok((await readdir(scratch)).includes('letter'))
  })

  test('a folder without rights is refused', { skip: outOfReach }, async (t) => {
    const closed = join(scratch, 'closed')
    await mkdir(closed, { mode: 0o500 })
    const owner = await startOwner(t, { dataFolder: join(closed, 'data') }, isRoot ? stranger : undefined)
    assert.equal(owner.code, 'NO_RIGHTS')
    assert.match(owner.message, /permission denied/)
  })

  test('an ordinary user starts it in its own name', { skip: outOfReach }, async (t) => {
    const open = join(scratch, 'ordinary')
    await mkdir(open)
    if (isRoot) await chown(open, stranger.uid, stranger.gid)
    const dataFolder = join(open, 'data')
    const owner = await startOwner(t, { dataFolder, ephemeral: true }, isRoot ? stranger : undefined)
    assert.equal(owner.message, undefined)
    const { uid } = await stat((await findPlace(dataFolder)).pgdata)
    assert.equal(uid, isRoot ? stranger.uid : process.getuid?.())
    process.kill(-owner.pid, 'SIGINT')
    assert.deepEqual(await owner.ended, [0, null])
  })

  test('root runs it as another account, also from a folder that only root can enter', {
    skip: isRoot ? false : 'only root can do this',
  }, async () => {
    for (const [mode, elsewhere] of [[0o755, false] as const, [0o700, true] as const]) {
      const parent = join(scratch, `parent ${elsewhere}`)
      await mkdir(parent)
      await chmod(parent, mode)
      const dataFolder = join(parent, 'data')
      const cluster = await startEmbedded({ dataFolder, ephemeral: true })
      const { home, pgdata } = await findPlace(dataFolder)
      assert.equal(home !== dataFolder, elsewhere)
      assert.notEqual((await stat(pgdata)).uid, 0)
      assert.equal(await findEmbedded(dataFolder), cluster.url)
      await cluster.stop()
      assert.deepEqual([await exists(home), await exists(dataFolder)], [false, false])
    }
  })

  test('data that PostgreSQL can no longer reach is not replaced by an empty database', {
    skip: isRoot ? false : 'an ordinary user runs it in its own name',
  }, async () => {
    const dataFolder = join(scratch, 'shut in')
    await mkdir(join(dataFolder, 'pgdata'), { recursive: true })
    await writeFile(join(dataFolder, 'admit-once.lock'), '')
    await chmod(dataFolder, 0o700)
    await refused('NO_RIGHTS', startEmbedded({ dataFolder }), /Open those folders to it/)
  })
})

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

async function refused(code: EmbeddedErrorCode, start: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(start, (error) => {
    assert.ok(error instanceof EmbeddedError)
    assert.equal(error.code, code, error.message)
    assert.match(error.message, message)
    return true
  })
}

interface Owner {
  readonly pid: number
  readonly ended: Promise<unknown[]>
  readonly url: string
  readonly code: string
  readonly message: string
}

/** A program in a process group of its own, as in a terminal; returns when it has started its cluster or failed. */
async function startOwner(t: TestContext, options: object, account: object = {}): Promise<Owner> {
  const child: ChildProcess = spawn(process.execPath, [ownerScript, JSON.stringify(options)], {
    ...account,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  assert.ok(child.stdout && child.pid)
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), ended])
  return { pid: child.pid, ended, ...JSON.parse(line) }
}

async function serverPid(dataFolder: string): Promise<number> {
  const status = await readStatus((await findPlace(dataFolder)).pgdata)
  assert.ok(status)
  return status.pid
}

async function parentOf(pid: number): Promise<number> {
  const [, parent] = /^PPid:\s*(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(parent)
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

function notLinux(): string | false {
  return process.platform === 'linux' ? false : 'finds the keeper in /proc'
}
