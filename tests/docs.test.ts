import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { generatedPages } from '../docs/generate.ts'
import { GUARANTEES } from '../src/core/guarantees.ts'
import { FIXTURES } from '../src/proof/fixtures/fixtures.ts'
import { removals } from '../src/proof/sabotage/sabotage.ts'

const readme = readFileSync('README.md', 'utf8')
const architecture = readFileSync('ARCHITECTURE.md', 'utf8')

test('every generated page is what its registry says: `npm run generate` writes them', async () => {
  for (const [path, text] of await generatedPages()) assert.equal(readFileSync(path, 'utf8'), text, path)
})

test('the verdict that the README shows is one of these guarantees, protections and sabotages, and says PASS', () => {
  const verdict = /<!-- verdict -->\n([\s\S]*?)<!-- \/verdict -->/.exec(readme)?.[1] ?? ''
  for (const { name, protections } of GUARANTEES) {
    const count = protections.length
    assert.match(verdict, new RegExp(`${name} +✓ PASS +${count} of ${count} `))
  }
  const taken = removals().length
  assert.match(verdict, new RegExp(`${taken} of ${taken} sabotages`))
  assert.match(verdict, /^✓ PASS$/m)
})

test('every scenario that fixtures knows is shown by hand', () => {
  const page = readFileSync('docs/operating/load-tests.md', 'utf8')
  for (const name of Object.keys(FIXTURES)) assert.match(page, new RegExp(`admit-once fixtures ${name}`))
})

test('every package has its reason in ARCHITECTURE', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
  const packages = Object.keys({
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
  })
  const section = architecture.slice(architecture.indexOf('## Packages'))
  const reasons = [...section.matchAll(/`([@\w/*.-]+)`/g)].map(([, name = '']) => name)
  const missing = packages.filter(
    (name) =>
      !reasons.some(
        (reason) => reason === name || (reason.endsWith('*') && name.startsWith(reason.slice(0, -1))),
      ) && !/^node-(linux|win|darwin)-/.test(name),
  )
  assert.deepEqual(missing, [])
})
