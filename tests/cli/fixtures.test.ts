import assert from 'node:assert/strict'
import { mkdir, symlink } from 'node:fs/promises'
import { resolve } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { BUILT_IN } from '../../src/load/engine.ts'
import { FIXTURES } from '../../src/proof/fixtures/fixtures.ts'
import { FIXTURE_FLAGS, type FixtureFlagName } from '../../src/proof/fixtures/flags.ts'
import { PROFILES } from '../../src/proof/profiles.ts'
import { commandByHand, reproduceCommand } from '../../src/proof/scenarios/commands.ts'
import { HTTP_SCENARIOS } from '../../src/proof/scenarios/index.ts'
import { DATABASE_SCENARIOS } from '../../src/proof/stages/database.ts'
import { FAULT_SCENARIOS, REPEATED } from '../../src/proof/stages/faults.ts'
import { INTERLEAVINGS } from '../../src/proof/stages/interleavings.ts'
import { ENGINES, NO_K6, SMALL } from '../proof/support.ts'
import { testDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { admitOnce, launch, newHome, run } from './support.ts'

// A home and folders with all that a shell would trip over.
const home = newHome(` it's "$HOME"`)
const db = await testDatabase()
const PORT = String(await freePort())
const env = { DATABASE_URL: db.url, ADMIT_ONCE_HOME: home, PORT }
const server = launch(['start', '--no-demo'], env)
await server.printed(/Ctrl-C stops it/)
after(async () => {
  server.signal('SIGTERM')
  await server.ended
})

const folder = `${home}/results of 'mine'`

test('the exports of a fixture, evaluated by a shell, are all that an order needs', async () => {
  const order = await inShell(
    `eval "$(npx admit-once fixtures concurrent-checkout --results "$FOLDER")" && test -d "$RESULTS_DIR" && curl -sS "$BASE_URL/create-ticket-checkout" \\
       -H "Authorization: Bearer $TEST_USER_TOKEN" -H "apikey: $SUPABASE_ANON_KEY" -H 'Content-Type: application/json' \\
       -d '{"eventId":"'$EVENT_ID'","items":[{"tierId":"'$TIER_ID'","quantity":1}],"customerName":"Ada","customerEmail":"ada@example.org"}'`,
  )
  assert.equal(JSON.parse(order.stdout).success, true, order.stderr)
  assert.equal(await db.value('select count(*)::int from tickets'), 1)
})

test('every variable of the contract is there, and only scanners get tickets', async () => {
  const checkout = await variablesOf('concurrent-checkout')
  const common = [
    'SUPABASE_URL BASE_URL SUPABASE_ANON_KEY SUPABASE_SERVICE_ROLE_KEY EVENT_ID TIER_ID TEST_EVENT_ID TEST_TIER_ID',
    'TEST_USER_TOKEN TEST_BUSINESS_ID TEST_SCANNER_TOKEN TEST_SCANNER_ID',
  ].flatMap((line) => line.split(' '))
  assert.deepEqual([...checkout.keys()].sort(), [...common].sort())
  const scanner = await variablesOf('scanner-burst', '--tickets', '10000')
  const names = [...common, 'TEST_TICKET_TOKENS', 'RACE_TEST_TICKET_ID', 'DOOR_CODES']
  assert.deepEqual([...scanner.keys()].sort(), names.sort())
  const tokens = scanner.get('TEST_TICKET_TOKENS') ?? ''
  assert.ok(tokens.length < 128 * 1024 && tokens.split(',').length >= 100)
  const paid = await variablesOf('ticket-purchase')
  assert.deepEqual([...paid.keys()].sort(), [...common, 'STRIPE_WEBHOOK_SECRET'].sort())
  const race = await variablesOf('reserve-race')
  assert.equal(race.get('TEST_DATABASE_URL'), db.url, 'pgbench goes to the database itself')
})

/** A run of which a report shows commands; how fast this machine answers is no matter here. */
const reported = { profile: { ...SMALL, patience: 100 }, seed: 1, engines: ENGINES }
const hurried = HTTP_SCENARIOS.filter(({ isHurried }) => isHurried)

suite('the command that a report shows of a scenario over HTTP', () => {
  const checkout = `${home}/checkout`
  before(async () => {
    for (const name of ['data', 'results']) await mkdir(`${checkout}/load-tests/${name}`, { recursive: true })
    for (const name of ['config', 'helpers', 'scenarios'])
      await symlink(resolve('load-tests', name), `${checkout}/load-tests/${name}`)
  })

  for (const scenario of HTTP_SCENARIOS.filter((one) => !hurried.includes(one))) {
    // The built-in runner is slower: it runs those whose fixture has sizes of its own.
    const isSized = Object.keys(scenario.fixture(reported)).length > 0
    test(`${scenario.name}: runs it by hand`, { skip: !isSized && NO_K6 }, async () => {
      // The carts of the profile are left for two seconds.
      await setLifetime(scenario.name === 'abandoned-carts' ? `'2 seconds'` : 'default')
      const ended = await inShell(commandByHand(reported, scenario), checkout)
      const told = [ended.code, ended.stdout.includes(`${scenario.name}: PASS`)]
      assert.deepEqual(told, [0, true], `${ended.stdout}${ended.stderr}`)
    })
  }
  const setLifetime = (lifetime: string) =>
    db.rows(`update ticketing.settings set hold_lifetime = ${lifetime}`)
})

test('fixtures takes every size that a profile wants of a scenario', () => {
  for (const profile of Object.values(PROFILES)) {
    for (const { name, fixture } of HTTP_SCENARIOS) {
      const beyond = Object.entries(fixture({ profile })).filter(
        ([flag, size]) => !(size <= (FIXTURE_FLAGS[flag as FixtureFlagName]?.max ?? -1)),
      )
      assert.deepEqual(beyond, [], `${name} of ${profile.name}`)
    }
  }
})

test('what cannot be run by hand has a command that prove takes', async () => {
  const asked = { profile: PROFILES.quick, seed: 1, engines: BUILT_IN }
  const commands = [
    ...hurried.map((scenario) => commandByHand(asked, scenario)),
    ...[...DATABASE_SCENARIOS, ...FAULT_SCENARIOS, INTERLEAVINGS].map((name) =>
      reproduceCommand(asked, name),
    ),
    ...REPEATED.map((name) => reproduceCommand({ ...asked, profile: { ...PROFILES.quick, runs: 3 } }, name)),
  ]
  assert.match(commands.at(-1) ?? '', / --runs 3 /)
  assert.ok(hurried.length > 0)
  for (const command of commands) {
    assert.match(command, /^npx admit-once prove /)
    // What is understood goes on to a database, of which there is none.
    const ended = await inShell(`DATABASE_URL=postgres://127.0.0.1:1/none ${command}`, home)
    assert.deepEqual(
      [ended.code, /ECONNREFUSED/.test(ended.stderr)],
      [3, true],
      `${command}: ${ended.stderr}`,
    )
  }
})

test('without a scenario it lists them, where no shell evaluates it', async () => {
  const listed = await admitOnce(['fixtures'], env)
  assert.deepEqual([listed.code, listed.stdout], [0, ''])
  for (const name of Object.keys(FIXTURES)) assert.match(listed.stderr, new RegExp(`^  ${name}$`, 'm'))
})

test('no load is made ready with a live key of Stripe, even where one is meant', async () => {
  const live = { ...env, STRIPE_SECRET_KEY: 'sk_live_51Nothing', STRIPE_LIVE: 'yes' }
  for (const command of [['fixtures', 'reserve-race'], ['fixtures', 'reserve-race', '--remove'], ['prove']]) {
    const refused = await admitOnce(command, live)
    assert.deepEqual([refused.code, refused.stdout], [3, ''])
    assert.match(refused.stderr, /live key.* never runs with one/)
    assert.doesNotMatch(refused.stderr, /51Nothing/)
  }
})

test('a server that listens everywhere is reached here', async () => {
  const urlOf = async (HOST: string) => {
    const { stdout } = await admitOnce(['fixtures', 'reserve-race'], { ...env, HOST, PORT: '1234' })
    return /^export SUPABASE_URL='(.*)'$/m.exec(stdout)?.[1]
  }
  assert.equal(await urlOf('0.0.0.0'), 'http://127.0.0.1:1234')
  assert.equal(await urlOf('::'), 'http://[::1]:1234')
  assert.equal(await urlOf('::1'), 'http://[::1]:1234')
  assert.equal(await urlOf('box-office.example'), 'http://box-office.example:1234')
})

test('--slug and --tier-slug name it, --remove takes it away wholly, and a stranger of that name stays', async () => {
  const options = ['reserve-race', '--slug', 'my-sale']
  assert.equal(
    (await admitOnce(['fixtures', ...options, '--tier-slug', 'balcony', '--stock', '3'], env)).code,
    0,
  )
  const tier = 'select t.slug from ticket_tiers t join events e on e.id = t.event_id where e.slug = $1'
  assert.equal(await db.value(tier, ['my-sale']), 'balcony')
  const removed = await admitOnce(['fixtures', ...options, '--remove'], env)
  assert.deepEqual([removed.code, removed.stdout], [0, ''])
  assert.equal(removed.stderr, 'Removed the fixture "my-sale".\n')
  assert.equal(await db.value('select count(*)::int from events where slug = $1', ['my-sale']), 0)
  const again = await admitOnce(['fixtures', ...options, '--remove'], env)
  assert.deepEqual(again, { code: 0, stdout: '', stderr: 'There is no fixture "my-sale".\n' })
  await db.rows(`with b as (insert into businesses (slug, name) values ('theirs', 'Theirs') returning id)
    insert into events (business_id, slug, title, start_at, end_at) select id, 'my-sale', 'Theirs', now(), now() + interval '1 day' from b`)
  for (const more of [[], ['--remove']]) {
    const refused = await admitOnce(['fixtures', ...options, ...more], env)
    assert.deepEqual([refused.code, refused.stdout], [3, ''])
    assert.match(refused.stderr, /^the event "my-sale" is not a fixture and stays as it is/)
  }
})

/** `npx admit-once` is this checkout's. */
function inShell(script: string, cwd?: string) {
  const npx = 'npx() { shift; "$NODE" "$PROGRAM" "$@"; }'
  const more = { NODE: process.execPath, PROGRAM: resolve('bin/admit-once.js'), FOLDER: folder }
  return run('sh', ['-c', `${npx}\n${script}`], { ...env, ...more }, cwd).ended
}

async function variablesOf(...args: string[]): Promise<Map<string, string>> {
  const { stdout } = await admitOnce(['fixtures', ...args], env)
  return new Map(
    [...stdout.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name = '', value = '']) => [name, value]),
  )
}
