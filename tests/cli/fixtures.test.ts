import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { findK6 } from '../../src/load/k6/find.ts'
import { FIXTURES } from '../../src/proof/fixtures/fixtures.ts'
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
    `eval "$(admit concurrent-checkout --results "$FOLDER")" && test -d "$RESULTS_DIR" && curl -sS "$BASE_URL/create-ticket-checkout" \\
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

test('k6 runs every script by hand with nothing but the exports', async (t) => {
  const k6 = await findK6()
  if (k6 === undefined) return t.diagnostic('k6 is not installed: the scripts were not run by hand')
  const scripts = [
    ['concurrent-checkout', '', ''],
    ['scanner-stress', '--tickets 35', 'SCANS=50 SCAN_PAUSE_S=0'],
    ['offline-gates', '--tickets 50', 'SCAN_PAUSE_S=0.01'],
    ['scanner-burst', '--tickets 20', 'SCAN_PAUSE_S=0 RACE_START=1s'],
    ['offer-rush', '', ''],
    ['slot-rush', '', ''],
    ['strangers', '', ''],
    ['ticketing-flow', '', 'RAMP_S=1 PAUSE_S=0.1'],
    ['ticket-purchase', '', 'USERS=10 ARRIVAL_S=0'],
    ['webhook-burst', '--orders 12', 'EVENTS=10 BURST_S=1'],
  ]
  for (const [name, options, env] of scripts) {
    const ended = await inShell(
      `eval "$(admit ${name} --results "$FOLDER" --data "$FOLDER/data" ${options})" && PATIENCE=20 ${env} "$K6" run \\
         --no-usage-report -q load-tests/scenarios/${name}.ts`,
      { K6: k6.path },
    )
    const told = [ended.code, ended.stdout.includes(`${name}: PASS`)]
    assert.deepEqual(told, [0, true], `${ended.stdout}${ended.stderr}`)
  }
  const tickets = JSON.parse(await readFile(`${folder}/data/test-tickets.json`, 'utf8'))
  assert.equal(tickets.tickets.length, 20)
  assert.match(tickets.raceTestTicket.id, /^[0-9a-f-]{36}$/)
  const webhooks = JSON.parse(await readFile(`${folder}/data/webhook-orders.json`, 'utf8'))
  assert.equal(webhooks.orders.length, 12)
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

function inShell(script: string, more: Readonly<Record<string, string>> = {}) {
  const admit = 'admit() { "$NODE" bin/admit-once.js fixtures "$@"; }'
  return run('sh', ['-c', `${admit}\n${script}`], { ...env, NODE: process.execPath, FOLDER: folder, ...more })
    .ended
}

async function variablesOf(...args: string[]): Promise<Map<string, string>> {
  const { stdout } = await admitOnce(['fixtures', ...args], env)
  return new Map(
    [...stdout.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name = '', value = '']) => [name, value]),
  )
}
