import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { DEMO } from '../../src/cli/demo.ts'
import { type Command, type Ended, run } from '../cli/support.ts'
import { TSC } from '../support/project.ts'

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
      ...['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'database-tests', 'dist', 'docs', 'load-tests'],
      ...['package.json', 'sql'],
    ])
    assert.deepEqual(
      listed.filter((path) => path.startsWith('docs/')),
      ['docs/reference/openapi.json'],
    )
    const typeScript = listed.filter((path) => path.endsWith('.ts'))
    // Types are for who imports the client or writes an adapter, and of what those rest on.
    const foreign = typeScript.filter(
      (path) => !/^load-tests\/|^dist\/(client|adapter|core)\/[\w-]+\.d\.ts$/.test(path),
    )
    assert.deepEqual(foreign, [])
    assert.ok(typeScript.includes('dist/client/index.d.ts'))
    assert.ok(typeScript.includes('dist/adapter/index.d.ts'))
    assert.deepEqual(
      listed.filter((path) => /\.test\.|results\/|data\//.test(path)),
      [],
    )
  })

  test('--help, sql and fixtures answer', async () => {
    assert.match((await admitOnce('--help')).stdout, /USAGE admit-once start\|prove\|/)
    assert.match((await admitOnce('sql')).stdout, /^-- Admit Once: [\s\S]*\ncommit;\n[\s\S]*\$schedule\$;\n$/)
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

  test('the client and the types of adapters are imported by name, in a project that has no others', async () => {
    await writeFile(join(shop, 'buy.mts'), PROGRAM)
    const options = {
      strict: true,
      noEmit: true,
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2022', 'dom'],
      types: [],
    }
    const config = { compilerOptions: { ...options, skipLibCheck: false }, files: ['buy.mts'] }
    await writeFile(join(shop, 'tsconfig.json'), JSON.stringify(config))
    await succeeded(run(process.execPath, [TSC, '-p', shop], STRANGER, shop))
    const ended = await succeeded(run(process.execPath, ['buy.mts'], STRANGER, shop))
    assert.equal(ended.stdout, 'NO_ANSWER unknown\n')
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

const PROGRAM = `import { createClient } from 'admit-once/client'
import type { Adapter } from 'admit-once/adapter'
const tickets = createClient({ url: 'http://127.0.0.1:9', backoffMs: 1 })
const { data, error } = await tickets.call('health-check')
console.log(error?.code, error?.outcome)
// @ts-expect-error: there is no such function.
void (() => tickets.call('no-such-function', {}))
// @ts-expect-error: where there is an error there is no data.
void (() => error !== null && data.status)
// @ts-expect-error: a cart has items.
void (() => tickets.call('guest-checkout', { event_id: 'x', contact_email: 'y' }))
const pay: () => Promise<string | undefined> = async () =>
  (await tickets.call('guest-checkout', { event_id: 'x', contact_email: 'y', items: [] })).data?.url
void pay
// @ts-expect-error: an adapter says whether an open cart holds.
const shop: Pick<Adapter, 'name' | 'holds'> = { name: 'a shop' }
void shop
`

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
