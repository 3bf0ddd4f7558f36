import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { testDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { launch, newHome, run } from './support.ts'

const home = newHome()
const db = await testDatabase()
const env = { DATABASE_URL: db.url, ADMIT_ONCE_HOME: home, PORT: String(await freePort()), RATE_LIMIT: '0' }
const server = launch(['start', '--no-demo'], env)
await server.printed(/Ctrl-C stops it/)
after(async () => {
  server.signal('SIGTERM')
  await server.ended
})

/** What each needs to begin again within a moment. */
const STORIES = [
  ['concurrent-checkout', ''],
  ['ticketing-flow', 'PAUSE_S=0.1'],
  ['ticket-purchase', 'ARRIVAL_S=0'],
  ['refund-and-resell', 'ASK_S=0.1'],
  ['scanner-stress', 'SCANS=50 SCAN_PAUSE_S=0'],
  ['offer-rush', ''],
  ['slot-rush', ''],
  ['strangers', ''],
  ['webhook-burst', ''],
] as const

/** Thresholds that a second's work of a few users may miss. */
const MAY_BREAK =
  /^(successful_checkouts|sold_out_answers|cards_declined|booked_after_midnight|http_req_duration|forged_refused|unmatched_kept|reused_keys_refused|repeats_answered|repeats_refused|second_claims_refused)/

for (const [name, variables] of STORIES)
  test(`under a load profile ${name} is told again and again, and nothing unexpected is answered`, async () => {
    const ended = await inShell(
      `eval "$(admit fixtures ${name} --results "$FOLDER" --data "$FOLDER/data")" && PATIENCE=50 LOAD_PROFILE=light ${variables} \\
         admit k6 run --vus 4 --duration 2s load-tests/scenarios/${name}.ts`,
    )
    const broken = [...ended.stdout.matchAll(/^ {2}BROKEN {2}(.*)$/gm)].map(([, threshold = '']) => threshold)
    assert.deepEqual(
      broken.filter((threshold) => !MAY_BREAK.test(threshold)),
      [],
      `${ended.stdout}${ended.stderr}`,
    )
    assert.match(ended.stdout, new RegExp(`^${name}: (PASS|FAIL)$`, 'm'), ended.stderr)
    assert.match(ended.stdout, /met {5}unexpected_answers count==0/)
    const iterations = await inShell(`cat "$FOLDER/${name}.json"`)
    assert.ok(JSON.parse(iterations.stdout).metrics.iterations.values.count > 4, 'nobody began again')
  })

test('a rush under a load profile wants a guest for each user, and says how they are made', async () => {
  for (const name of ['offer-rush', 'slot-rush']) {
    const ended = await inShell(
      `eval "$(admit fixtures ${name})" && LOAD_PROFILE=stress admit k6 run load-tests/scenarios/${name}.ts`,
    )
    assert.notEqual(ended.code, 0)
    assert.match(ended.stderr, new RegExp(`needs 200 guests: npx admit-once fixtures ${name} --guests 200`))
  }
})

function inShell(script: string) {
  const admit = 'admit() { "$NODE" bin/admit-once.js "$@"; }'
  return run('sh', ['-c', `${admit}\n${script}`], { ...env, NODE: process.execPath, FOLDER: home }).ended
}
