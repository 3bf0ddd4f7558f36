import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { functions } from '../src/api/functions/index.ts'
import { GUARANTEES } from '../src/core/guarantees.ts'
import { FIXTURES } from '../src/proof/fixtures/fixtures.ts'
import { removals } from '../src/proof/sabotage/sabotage.ts'

const readme = readFileSync('README.md', 'utf8')
const architecture = readFileSync('ARCHITECTURE.md', 'utf8')

test("the README's guarantees are the registry's", () => {
  const rows = GUARANTEES.map((g) => {
    const refusing = g.protections.filter((p) => p.role === 'refuses').length
    const counting = g.protections.filter((p) => p.role === 'counts').length
    return `| ${g.number} | \`${g.name}\` | ${g.promise} | ${refusing} | ${counting} |`
  })
  const table = [
    '| # | guarantee | the promise | refused by | counted by |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n')
  assert.equal(between('guarantees'), table)
})

test('the verdict that the README shows is one of these guarantees, protections and sabotages, and says PASS', () => {
  const verdict = between('verdict')
  for (const { name, protections } of GUARANTEES) {
    const count = protections.length
    assert.match(verdict, new RegExp(`${name} +✓ PASS +${count} of ${count} `))
  }
  const taken = removals().length
  assert.match(verdict, new RegExp(`${taken} of ${taken} sabotages`))
  assert.match(verdict, /^✓ PASS$/m)
})

test('the README names every verb, and no other', () => {
  const verbs = globSync('sql/public/*.sql').map((file) => basename(file, '.sql'))
  const section = readme.slice(readme.indexOf('| verb | does |'), readme.indexOf('A refusal is an answer'))
  const named = [...section.matchAll(/`(\w+)`/g)].map(([, name]) => name)
  assert.deepEqual(named.sort(), verbs.sort())
})

test('the README names every function, and no other', () => {
  const section = readme.slice(readme.indexOf('| function | does |'), readme.indexOf('They stand under'))
  const named = [...section.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name)
  assert.deepEqual(named.sort(), [...functions.keys()].sort())
})

test("the README's commands are the CLI's", () => {
  const usage = execFileSync(process.execPath, ['bin/admit-once.js', '--help'], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  const commands = [...usage.matchAll(/^\s+([a-z][a-z-]+) {2,}[A-Z]/gm)].map(([, name]) => name)
  const section = readme.slice(readme.indexOf('| command | does |'), readme.indexOf('Inside this checkout'))
  const named = [...section.matchAll(/`admit-once ([\w-]+)/g)].map(([, name]) => name)
  assert.equal(commands.length, 9)
  assert.deepEqual(named.sort(), commands.sort())
})

test("the README's variables are the ones that config.ts reads", () => {
  const config = readFileSync('src/config.ts', 'utf8')
  const read = [...config.matchAll(/^ {2}([A-Z_]+): z$|^ {2}([A-Z_]+): z\./gm)].map(
    ([, long, short]) => long ?? short,
  )
  const section = /Variables: ([^.]*(?:\.admit-once[^.]*)?)\./s.exec(readme)?.[1] ?? ''
  const named = [...section.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name)
  assert.deepEqual(named.sort(), read.sort())
})

test('every scenario that fixtures knows is shown by hand', () => {
  for (const name of Object.keys(FIXTURES)) assert.match(readme, new RegExp(`admit-once fixtures ${name}`))
})

test('every file and folder that the documents name exists', () => {
  const named = [readme, architecture].flatMap((text) =>
    [
      ...text.matchAll(
        /`((?:sql|src|load-tests|database-tests|tests|bench)\/[\w./-]*)`|(?:run|-f) ((?:load|database)-tests\/\S+)/g,
      ),
    ].map(([, quoted, argument]) => quoted ?? argument ?? ''),
  )
  assert.ok(named.length > 10)
  assert.deepEqual(
    named.filter((path) => !existsSync(path)),
    [],
  )
})

test('every package has its reason in ARCHITECTURE', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
  const packages = Object.keys({
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
  })
  const section = architecture.slice(architecture.indexOf('## Packages'))
  const reasons = [...section.matchAll(/`([@\w/*-]+)`/g)].map(([, name = '']) => name)
  const missing = packages.filter(
    (name) =>
      !reasons.some(
        (reason) => reason === name || (reason.endsWith('*') && name.startsWith(reason.slice(0, -1))),
      ) && !/^node-(linux|win|darwin)-/.test(name),
  )
  assert.deepEqual(missing, [])
})

function between(marker: string): string {
  const text = new RegExp(`<!-- ${marker} -->\\n([\\s\\S]*?)<!-- /${marker} -->`).exec(readme)?.[1]
  assert.ok(text, `the README has no section ${marker}`)
  return text.trim()
}
