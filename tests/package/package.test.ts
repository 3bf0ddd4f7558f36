import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { DEMO } from '../../src/cli/demo.ts'
import { type Command, type Ended, run } from '../cli/support.ts'

/** What a stranger has: a tarball, an empty folder, and a PATH without this checkout's programs. */
describe('the package, installed from its tarball in an empty folder', () => {
  let parent: string
  let shop: string
  let listed: readonly string[]

  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'admit-once-package-'))
    shop = join(parent, 'shop')
    await mkdir(shop)
    const [packed] = JSON.parse(
      (await npm(process.cwd(), 'pack', '--json', '--pack-destination', parent)).stdout,
    )
    listed = packed.files.map((file: { path: string }) => file.path)
    await npm(shop, 'install', '--prefer-offline', '--no-audit', '--no-fund', join(parent, packed.filename))
  })

  after(() => rm(parent, { recursive: true, force: true }))

  test('holds what is needed at run time: no sources of ours, no tests, nothing of a developer', () => {
    const folders = new Set(listed.map((path) => path.split('/').slice(0, -1)[0] ?? path))
    assert.deepEqual([...folders].sort(), [
      ...['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'database-tests', 'dist', 'load-tests'],
      ...['package.json', 'sql'],
    ])
    const typeScript = listed.filter((path) => path.endsWith('.ts'))
    assert.deepEqual(
      typeScript.filter((path) => !path.startsWith('load-tests/')),
      [],
    )
    assert.deepEqual(
      listed.filter((path) => /\.test\.|results\/|data\//.test(path)),
      [],
    )
  })

  test('--help, sql and fixtures answer', async () => {
    assert.match((await admitOnce('--help')).stdout, /USAGE admit-once start\|prove\|/)
    assert.match((await admitOnce('sql')).stdout, /^-- Admit Once: [\s\S]*\ncommit;\n$/)
    assert.match((await admitOnce('fixtures')).stderr, /webhook-burst/)
  })

  test('start sells a free ticket', async () => {
    // What npx would start; npx itself dies of Ctrl-C, whatever its program answers.
    const office = run(
      join(shop, 'node_modules', '.bin', 'admit-once'),
      ['start', '--port', '0'],
      STRANGER,
      shop,
    )
    const [, url = ''] = await office.printed(/URL +(\S+)[\s\S]*Ctrl-C stops it/)
    const health = await fetch(`${url}/functions/v1/health-check`, { method: 'POST' })
    assert.equal(health.status, 200)
    const { success, isFree } = await orderFree(url)
    assert.deepEqual({ success, isFree }, { success: true, isFree: true })
    office.signal('SIGINT')
    await succeeded(office)
  })

  test('prove attacks over HTTP and in the database, with the built-in runners', async () => {
    const scenarios = ['concurrent-checkout', 'reserve-race']
    const ended = await admitOnce('prove', ...scenarios, '--k6', 'off', '--pgbench', 'off')
    assert.match(ended.stdout, /^HTTP load +PASS/m)
    assert.match(ended.stdout, /^Database concurrency +PASS/m)
    assert.ok(existsSync(join(shop, 'results')))
  })

  const admitOnce = (...args: string[]) => succeeded(run('npx', ['admit-once', ...args], STRANGER, shop))
})

/** The default home, and a PATH on which only the machine's own Node is found, however old that is. */
const STRANGER = {
  PATH: (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.endsWith(join('node_modules', '.bin')))
    .join(delimiter),
  ADMIT_ONCE_HOME: '',
}

function npm(folder: string, ...args: readonly string[]): Promise<Ended> {
  return succeeded(run('npm', args, STRANGER, folder))
}

async function succeeded(command: Command): Promise<Ended> {
  const ended = await command.ended
  assert.equal(ended.code, 0, command.output())
  return ended
}

async function orderFree(url: string): Promise<{ readonly success: boolean; readonly isFree: boolean }> {
  const answer = await fetch(`${url}/functions/v1/create-ticket-checkout`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      eventId: DEMO.slug,
      items: [{ tierId: DEMO.freeTier, quantity: 1 }],
      customerName: 'Ada',
      customerEmail: 'ada@example.org',
    }),
  })
  return (await answer.json()) as { success: boolean; isFree: boolean }
}
