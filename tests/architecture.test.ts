import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { codeOf, importsOf, type Source, sourcesOf } from './support/source.ts'

/** Who may import what: the arrows of ARCHITECTURE.md. A folder may always import itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  db: ['core'],
  embedded: ['core'],
  desk: ['core', 'db'],
  payments: ['core', 'db', 'desk'],
  jobs: ['core', 'db', 'desk', 'payments'],
  api: ['core', 'db', 'desk', 'payments', 'jobs'],
  edge: ['core', 'db', 'desk', 'payments', 'jobs', 'api', 'config.ts'],
  load: ['core', 'db'],
  adapter: [],
  report: [],
  proof: ['core', 'db', 'load', 'adapter', 'report'],
  bench: ['core', 'db', 'desk', 'load', 'proof', 'report'],
  client: ['core'],
  cli: [
    'core',
    'db',
    'desk',
    'embedded',
    'payments',
    'jobs',
    'api',
    'load',
    'proof',
    'adapter',
    'bench',
    'config.ts',
  ],
  'config.ts': ['core', 'environment.ts'],
  'environment.ts': ['core'],
}

/** Packages that only some folders may know. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  pg: ['db', 'embedded', 'cli', 'load', 'proof', 'bench'],
  hono: ['api', 'payments', 'report'],
  '@hono/node-server': ['api'],
  jose: ['api'],
  'lru-cache': ['api', 'desk'],
  tinyqueue: ['payments'],
  stripe: ['payments'],
  uqr: ['api'],
  'prom-client': ['api'],
  zod: ['api', 'desk', 'edge', 'payments', 'load', 'proof', 'bench', 'config.ts', 'environment.ts'],
  nodemailer: ['api'],
  ws: ['api', 'load'],
  '@jitl/quickjs-wasmfile-release-sync': ['load'],
  parse5: ['load'],
  'parse5-htmlparser2-tree-adapter': ['load'],
  'css-select': ['load'],
  domutils: ['load'],
  domhandler: ['load'],
  'pg-logical-replication': ['db'],
  citty: ['cli'],
  'd3-scale': ['proof', 'bench'],
  'd3-shape': ['proof', 'bench'],
  listr2: ['cli'],
  'string-width': ['proof', 'report'],
  'wrap-ansi': ['report'],
}

/** A rule gives what breaks it; here each is seen to find what it is there for. */
type Rule = (sources: readonly Source[]) => string[]

const againstArrows: Rule = (sources) =>
  sources
    .flatMap(importsOf)
    .filter(({ to }) => !isPackage(to))
    .filter(({ file, to }) => {
      const [from, room] = [folderOf(file), folderOf(to)]
      return !to.startsWith('src/') || (room !== from && !MAY_IMPORT[from]?.includes(room))
    })
    .map(({ file, to }) => `${file} -> ${to}`)

/** A connection without a listener for its errors ends the process when its backend dies under a call. */
const deafConnections: Rule = (sources) =>
  sources
    .filter(({ file }) => file !== 'src/db/connection.ts')
    .filter((source) => /new (pg\.)?(Client\b|Pool\b(?!\(\{\s*Client:))/.test(codeOf(source)))
    .map(({ file }) => file)

const outOfCore: Rule = (sources) =>
  sources
    .filter(({ file }) => file.startsWith('src/core/'))
    .flatMap(importsOf)
    .filter(({ to }) => !to.startsWith('src/core/'))
    .map(({ file, to }) => `${file} -> ${to}`)

const strangePackages: Rule = (sources) =>
  sources
    .flatMap(importsOf)
    .filter(({ to }) => isPackage(to) && !to.startsWith('node:'))
    .filter(({ file, to }) => !PACKAGES[packageOf(to)]?.includes(folderOf(file)))
    .map(({ file, to }) => `${file} -> ${to}`)

/** A client runs in browsers, and brings nothing with it. */
const needsMoreThanWeb: Rule = (sources) =>
  sources
    .filter(({ file }) => file.startsWith('src/client/'))
    .flatMap(importsOf)
    .filter(({ to }) => isPackage(to))
    .map(({ file, to }) => `${file} -> ${to}`)

/** What is deployed to the edge is what its imports reach, and no file beside them. */
const readsFilesAtTheEdge: Rule = (sources) => {
  const known = new Map(sources.map((one) => [one.file, one]))
  const reached = new Set(sources.map(({ file }) => file).filter((file) => file.startsWith('src/edge/')))
  const found: string[] = []
  for (const file of reached) {
    for (const { to } of importsOf(known.get(file) ?? source(file, ''))) {
      if (known.has(to)) reached.add(to)
      if (/^node:fs\b/.test(to)) found.push(`${file} -> ${to}`)
    }
  }
  return found
}

const outOfLoadTests: Rule = (sources) =>
  sources
    .flatMap(importsOf)
    .filter(({ to }) => !/^(k6($|\/)|load-tests\/)/.test(to))
    .map(({ file, to }) => `${file} -> ${to}`)

const beyondNode: Rule = (sources) =>
  sources
    .flatMap(importsOf)
    .filter(
      ({ to }) => !/^(node:|src\/core\/|examples\/(shops|adapters)\/|admit-once\/(client|adapter)$)/.test(to),
    )
    .filter(({ file, to }) => to !== 'pg' || !file.startsWith('examples/shops/'))
    .map(({ file, to }) => `${file} -> ${to}`)

const matching =
  (pattern: RegExp): Rule =>
  (sources) =>
    sources.filter((source) => pattern.test(codeOf(source))).map(({ file }) => file)

/** A law that called what it judges would agree with it. */
const beyondTables =
  (tables: readonly string[]): Rule =>
  (sources) =>
    sources.flatMap((source) => {
      const named = [...codeOf(source).matchAll(/\b(?:ticketing|public)\.(\w+)/g)]
      return named.flatMap(([, name = '']) =>
        name.startsWith('law_') || tables.includes(name) ? [] : [`${source.file} -> ${name}`],
      )
    })

const environment = matching(
  /process\s*\.\s*env\b|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b|import\s[^'\n]*\benv\b[^'\n]*'(node:)?process'/,
)
const clock = matching(/Date\.now|new Date\(\)|now\(\)|clock_timestamp/)
const vault = matching(/(?:ticketing|public)\.\w+\(|verify_protections\(/)
const using = matching(/^\s*(await )?using \w+ =/m)

const ours = sourcesOf('src/**/*.ts')
const inside = (...folders: readonly string[]) => ours.filter(({ file }) => folders.includes(folderOf(file)))
const tables = sourcesOf('sql/**/*.sql').flatMap((source) =>
  [...codeOf(source).matchAll(/create table (?:if not exists )?(?:\w+\.)?(\w+)/gi)].map(
    ([, name = '']) => name,
  ),
)

describe('imports', () => {
  test('point one way', () => assert.deepEqual(againstArrows(ours), []))
  for (const from of Object.keys(MAY_IMPORT))
    test(`of ${from} against the arrows are found, of types too, and those along them are not`, () => {
      for (const to of Object.keys(MAY_IMPORT)) {
        const isAllowed = to === from || MAY_IMPORT[from]?.includes(to)
        for (const line of [
          "import '%'",
          "import type { A } from '%'",
          "export * from '%'",
          "await import('%')",
        ])
          assert.equal(
            againstArrows([fixture(from, line, to)]).length,
            isAllowed ? 0 : 1,
            `${from} ${line} ${to}`,
          )
        const asType = fixture(from, "type A = import('%').A", to)
        assert.equal(againstArrows([asType]).length, isAllowed ? 0 : 1)
      }
    })
  test('stay in src', () => {
    assert.equal(againstArrows([source('src/cli/a.ts', "import '../../tests/setup.ts'")]).length, 1)
  })

  test('core has none of others, not even of node:', () => {
    assert.deepEqual(outOfCore(ours), [])
    for (const to of ['node:fs', 'zod', '../db/pool.ts'])
      assert.equal(outOfCore([source('src/core/a.ts', `import type { A } from '${to}'`)]).length, 1)
  })

  test('of the client are its own and those of core: no package, and nothing of Node', () => {
    assert.deepEqual(needsMoreThanWeb(ours), [])
    for (const to of ['node:crypto', 'zod'])
      assert.equal(needsMoreThanWeb([source('src/client/a.ts', `import '${to}'`)]).length, 1)
  })

  test('of the edge reach nothing that reads files', () => {
    assert.deepEqual(readsFilesAtTheEdge(ours), [])
    const edge = source('src/edge/a.ts', "import '../api/b.ts'")
    const reader = source('src/api/b.ts', "import { readFileSync } from 'node:fs'")
    assert.deepEqual(readsFilesAtTheEdge([edge, reader]), ['src/api/b.ts -> node:fs'])
  })

  test('of PostgreSQL are connections that all have a listener for their errors', () => {
    assert.deepEqual(deafConnections(ours), [])
    for (const text of ['new pg.Client(url)', 'new Client()', 'new pg.Pool({ max: 1 })'])
      assert.equal(deafConnections([source('src/cli/a.ts', text)]).length, 1)
  })

  test('of a package are in the folders that need it', () => {
    assert.deepEqual(strangePackages(ours), [])
    for (const to of ['pg', 'hono/html', '@hono/node-server', 'left-pad'])
      assert.equal(strangePackages([source('src/jobs/a.ts', `import '${to}'`)]).length, 1)
  })

  test('of load scripts are k6 and their own helpers', () => {
    assert.deepEqual(outOfLoadTests(sourcesOf('load-tests/**/*.ts')), [])
    for (const to of ['node:fs', '../../src/core/codes.ts'])
      assert.equal(outOfLoadTests([source('load-tests/helpers/a.ts', `import '${to}'`)]).length, 1)
  })

  test('of examples are of Node, of what is published, and of core, which imports nothing: they are copied; shops have a driver', () => {
    assert.deepEqual(beyondNode(sourcesOf('examples/**/*.ts')), [])
    for (const to of ['../src/api/keys.ts', 'pg'])
      assert.equal(beyondNode([source('examples/a.ts', `import '${to}'`)]).length, 1)
    assert.equal(beyondNode([source('examples/shops/a.ts', "import pg from 'pg'")]).length, 0)
  })
})

test('only config.ts reads the environment', () => {
  assert.deepEqual(environment(ours), ['src/config.ts'])
  for (const line of [
    'process.env.A',
    'const { env } = process',
    "import { env } from 'node:process'",
    "import process, { env } from 'process'",
  ])
    assert.equal(environment([source('src/cli/a.ts', line)]).length, 1, line)
})

test('the desk alone calls the vault; load and proof are strangers, who speak SQL', () => {
  assert.deepEqual(vault(inside('api', 'payments', 'jobs', 'cli')), [])
  assert.equal(vault([source('src/api/a.ts', "call('select ticketing.checkout($1)')")]).length, 1)
})

test('core calls no clock', () => {
  assert.deepEqual(clock(inside('core')), [])
  assert.equal(clock([source('src/core/a.ts', 'const at = Date.now()')]).length, 1)
})

test('laws read tables, and neither functions nor views of the schema', () => {
  const rule = beyondTables(tables)
  assert.deepEqual(rule(sourcesOf('sql/laws/*.sql')), [])
  for (const sql of ['select ticketing.take_payment(p.id)', 'select from ticketing.active_holds'])
    assert.equal(rule([source('sql/laws/a.sql', sql)]).length, 1, sql)
})

test('the sources run on Node 22.18, which has no `using`', () => {
  assert.deepEqual(using(ours), [])
  assert.equal(using([source('src/cli/a.ts', '  await using server = open()')]).length, 1)
})

function source(file: string, text: string): Source {
  return { file, text }
}

function fixture(from: string, line: string, to: string): Source {
  const file = from.endsWith('.ts') ? `src/${from}` : `src/${from}/a.ts`
  const up = from.endsWith('.ts') ? './' : '../'
  return source(file, line.replace('%', `${up}${to.endsWith('.ts') ? to : `${to}/b.ts`}`))
}

function folderOf(file: string): string {
  return file.split('/')[1] ?? ''
}

function isPackage(to: string): boolean {
  return !/^(\.|src\/|tests\/|sql\/|load-tests\/|bench\/|docs\/|examples\/)/.test(to)
}

function packageOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}
