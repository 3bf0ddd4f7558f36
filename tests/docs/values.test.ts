import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { LIMITS } from '../../src/api/admission.ts'

const limits = readFileSync('docs/operating/limits.md', 'utf8')

test('the settings that the documents list are those of the database, with its defaults', () => {
  const migrations = globSync('sql/migrations/*.sql')
    .sort()
    .map((file) => readFileSync(file, 'utf8'))
  const inDatabase = migrations.flatMap((text) =>
    [...text.matchAll(/^ +(?:add column )?(\w+) interval not null default '([^']+)'/gm)].map(
      ([, name, value]) => `${name} ${value}`,
    ),
  )
  const listed = [...limits.matchAll(/^\| `(\w+)` \| (\d+ \w+) \|/gm)].map(
    ([, name, value]) => `${name} ${value}`,
  )
  assert.ok(listed.length > 10)
  assert.deepEqual(listed.sort(), inDatabase.sort())
})

test('the limits of admission that the documents name are those of the server', () => {
  const { places, perSecond, burst, arrivingMax, arrivingPerAddress } = LIMITS
  const named = (count: number) => count.toLocaleString('en')
  assert.match(limits, new RegExp(`${perSecond} requests a second, bursts of ${burst}`))
  const lanes = Object.entries(places).map(([lane, count]) => `${lane} ${named(count)}`)
  assert.match(limits, new RegExp(lanes.join(' · ')))
  assert.match(limits, new RegExp(`${named(arrivingMax)} a lane, ${arrivingPerAddress} an address`))
})

test('the connections that the documents count are those that a server opens', () => {
  const [, pools = ''] = /POOL_MAX\b[^=]*= \{([^}]*)\}/.exec(readFileSync('src/cli/start.ts', 'utf8')) ?? []
  const [buyers = 0, gates = 0, webhooks = 0, health = 0] = [...pools.matchAll(/\d+/g)].map(Number)
  const counts = `buyers ${buyers} · gates ${gates} · payments and jobs ${webhooks} · health ${health}`
  assert.ok(limits.includes(counts))
  const page = readFileSync('docs/operating/several-servers.md', 'utf8')
  assert.ok(page.includes(`up to ${buyers + gates + webhooks + health} connections: ${buyers} for buyers`))
})

test('the events that monitoring lists are those that are logged', () => {
  const sources = globSync('src/{api,cli,jobs}/**/*.ts').map((file) => readFileSync(file, 'utf8'))
  const logged = sources.flatMap((text) =>
    [...text.matchAll(/\blog\(\s*(?:'\w+'|levelOf\([^)]*\)),\s*['`]([a-z_]+)/g)].map(
      ([, event = '']) => event,
    ),
  )
  const page = readFileSync('docs/operating/monitoring.md', 'utf8')
  const rows = [...page.matchAll(/^\| ((?:`[a-z_]+`(?:, )?)+) \| `(?:error|warn|info)`/gm)]
  const listed = rows.flatMap(([, names = '']) => [...names.matchAll(/[a-z_]+/g)].map(([name]) => name))
  assert.ok(listed.length > 5)
  const kinds = listed.map((name) => name.replace(/^(payment_call_)\w+$/, '$1'))
  assert.deepEqual([...new Set(kinds)].sort(), [...new Set(logged)].sort())
})
