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
