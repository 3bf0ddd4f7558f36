import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { generatedPages } from '../docs/generate.ts'
import { GUARANTEES } from '../src/core/guarantees.ts'
import { FIXTURES } from '../src/proof/fixtures/fixtures.ts'
import { NOT_STEPPED } from '../src/proof/results.ts'
import { removals } from '../src/proof/sabotage/sabotage.ts'

const pages = new Map(
  [...globSync('*.md'), ...globSync('docs/**/*.md')].map((path) => [path, readFileSync(path, 'utf8')]),
)

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

test('which orders of a race are not stepped is said in the same words, and nothing says that every one is', () => {
  const guarantees = pages.get(join('docs', 'concepts', 'guarantees.md')) ?? ''
  assert.ok(guarantees.replaceAll('\n', ' ').includes(`the others ${NOT_STEPPED}.`))
  for (const path of [...pages.keys(), ...globSync('src/proof/**/*.ts')])
    assert.doesNotMatch(readFileSync(path, 'utf8'), /\b(?:in|through)\s+every\s+order\b/, path)
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

test('every relative link leads to a file, and where it names a heading, to that heading', () => {
  const broken: string[] = []
  for (const [path, text] of pages) {
    for (const [, target = ''] of withoutCode(text).matchAll(/(?:\]\(|<img src=")([^)\s"]+)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [file = '', heading] = target.split('#')
      const found = file === '' ? path : join(dirname(path), file)
      const isThere = existsSync(found) && (heading === undefined || anchorsOf(found).has(heading))
      if (!isThere) broken.push(`${path}: ${target}`)
    }
  }
  assert.deepEqual(broken, [])
})

test('every page is linked from another one, so that a reader can come to it', () => {
  const linked = new Set(
    [...pages].flatMap(([path, text]) =>
      [...text.matchAll(/\]\(([^)#\s]+)/g)].map(([, target = '']) => join(dirname(path), target)),
    ),
  )
  const alone = [...pages.keys()].filter((path) => path !== 'README.md' && !linked.has(path))
  assert.deepEqual(alone, [])
})

test('every file and folder that a page names exists', () => {
  const missing: string[] = []
  for (const [path, text] of pages) {
    if (path === 'CHANGELOG.md') continue
    const named = text.matchAll(
      /`((?:bin|sql|src|docs|examples|load-tests|database-tests|tests|bench)\/[\w./-]*)`|[ "](?=(?:load-tests|database-tests|tests|sql)\/)([\w./-]+\.(?:ts|sql))(?=[\s"`]|$)/gm,
    )
    for (const [, quoted, argument] of named) {
      const file = quoted ?? argument ?? ''
      if (!existsSync(file)) missing.push(`${path}: ${file}`)
    }
  }
  assert.deepEqual(missing, [])
})

test('every command that a page shows is one of the CLI or of npm', () => {
  const cli = new Set(
    [...(pages.get('docs/reference/commands.md') ?? '').matchAll(/^## ([\w-]+)$/gm)].map(([, name]) => name),
  )
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
  const unknown: string[] = []
  for (const [path, text] of pages) {
    for (const [, name = ''] of text.matchAll(/npx admit-once ([a-z][\w-]*)/g)) {
      if (!cli.has(name)) unknown.push(`${path}: admit-once ${name}`)
    }
    for (const [, name = ''] of text.matchAll(/npm run ([\w:-]+)/g)) {
      if (scripts[name] === undefined) unknown.push(`${path}: npm run ${name}`)
    }
  }
  assert.deepEqual(unknown, [])
})

/** What stands in code is no link. */
function withoutCode(text: string): string {
  return text.replaceAll(/^\s*```[\s\S]*?^\s*```/gm, '').replaceAll(/`[^`\n]*`/g, '')
}

/** The headings of a page, as GitHub names them. */
function anchorsOf(path: string): ReadonlySet<string> {
  const text = (pages.get(path) ?? '').replaceAll(/^\s*```[\s\S]*?^\s*```/gm, '')
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  )
}
