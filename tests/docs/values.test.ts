import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { z } from 'zod'
import { LIMITS } from '../../src/api/admission.ts'
import { BODY_BYTES_MAX, PLACES, POOLS, READ_LIMITS } from '../../src/core/capacity.ts'
import { environment } from '../../src/environment.ts'
import { clonesAtOnce } from '../../src/proof/sabotage/at-once.ts'

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
  const { perSecond, burst, arrivingMax, arrivingPerAddress } = LIMITS
  assert.match(limits, new RegExp(`${perSecond} requests a second, bursts of ${burst}`))
  assert.ok(limits.includes(`\`PLACES_…\` | ${sharesOf(PLACES)} |`))
  assert.ok(limits.includes(`${named(arrivingMax)} a lane, ${arrivingPerAddress} an address`))
})

test('the times and sizes of reading that the documents name are the defaults of their variables', () => {
  const row = (variable: string) => limits.split('\n').find((line) => line.includes(`\`${variable}\``)) ?? ''
  const { keepAliveMs, headersMs, requestMs, connectionsMax } = READ_LIMITS
  assert.match(row('KEEP_ALIVE_SECONDS'), new RegExp(`\\| ${keepAliveMs / 1000} s \\|`))
  assert.match(row('HEADER_SECONDS'), new RegExp(`\\| ${headersMs / 1000} s to arrive`))
  assert.match(row('REQUEST_SECONDS'), new RegExp(`\\| ${requestMs / 1000} s to arrive`))
  assert.match(row('CONNECTIONS_MAX'), new RegExp(`\\| ${named(connectionsMax)} \\|`))
  assert.match(row('BODY_KIB_MAX'), new RegExp(`${BODY_BYTES_MAX / 1024 ** 2} MiB`))
})

test('every bound of the server is a variable, with the default that the server has where nothing is set', () => {
  const { shape } = environment
  const defaultOf = (name: string) => (shape as Readonly<Record<string, z.ZodType>>)[name]?.parse(undefined)
  for (const [lane, places] of Object.entries(PLACES))
    assert.equal(defaultOf(`PLACES_${lane.toUpperCase()}`), places)
  for (const [lane, pool] of Object.entries(POOLS))
    assert.equal(defaultOf(`POOL_${lane.toUpperCase()}`), pool)
  const others = {
    KEEP_ALIVE_SECONDS: READ_LIMITS.keepAliveMs / 1000,
    HEADER_SECONDS: READ_LIMITS.headersMs / 1000,
    REQUEST_SECONDS: READ_LIMITS.requestMs / 1000,
    CONNECTIONS_MAX: READ_LIMITS.connectionsMax,
    BODY_KIB_MAX: BODY_BYTES_MAX / 1024,
    ARRIVING_MAX: LIMITS.arrivingMax,
    ARRIVING_PER_ADDRESS: LIMITS.arrivingPerAddress,
  }
  for (const [name, value] of Object.entries(others)) assert.equal(defaultOf(name), value, name)
})

test('the connections that the documents count are those that a server opens', () => {
  assert.ok(limits.includes(`\`POOL_…\` | ${sharesOf(POOLS)};`))
  // Health checks open one more for a moment.
  const all = Object.values(POOLS).reduce((sum, count) => sum + count, 1)
  const page = readFileSync('docs/operating/several-servers.md', 'utf8')
  assert.ok(page.includes(`up to ${all} connections: ${POOLS.buyers} for buyers`))
  assert.ok(page.includes(`default_pool_size = ${all}`))
})

const named = (count: number) => count.toLocaleString('en')

function sharesOf(shares: Readonly<Record<string, number>>): string {
  return Object.entries(shares)
    .map(([lane, count]) => `${lane} ${named(count)}`)
    .join(' · ')
}

test('as many attacks run at once as the guarantees say', () => {
  assert.deepEqual([1, 2, 3, 64].map(clonesAtOnce), [2, 3, 4, 4])
  const page = readFileSync('docs/concepts/guarantees.md', 'utf8')
  assert.match(page, /One attack more than there are cores runs at once, at most four,/)
})

test('the events that monitoring lists are those that are logged', () => {
  const sources = globSync('src/{api,cli,db,jobs,payments}/**/*.ts').map((file) => readFileSync(file, 'utf8'))
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
