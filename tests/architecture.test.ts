import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

/** Who may import what: DESIGN's arrows. A folder may always import itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  db: ['core'],
  embedded: ['core'],
  desk: ['core', 'db'],
  payments: ['core', 'db', 'desk'],
  jobs: ['core', 'db', 'desk', 'payments'],
  api: ['core', 'db', 'desk', 'payments', 'jobs'],
  load: ['core', 'db'],
  proof: ['core', 'db', 'load'],
  cli: ['core', 'db', 'desk', 'embedded', 'payments', 'jobs', 'api', 'load', 'proof', 'config.ts'],
}

/** Packages that only some rooms may know. */
const PACKAGES: Record<string, readonly string[]> = {
  pg: ['db', 'embedded', 'cli', 'load', 'proof'],
  hono: ['api', 'payments', 'proof'],
  '@hono/node-server': ['api'],
  jose: ['api'],
  'lru-cache': ['api'],
  tinyqueue: ['payments'],
  stripe: ['payments'],
  uqr: ['api'],
  zod: ['api', 'payments', 'load', 'proof', 'config.ts'],
  citty: ['cli'],
  listr2: ['cli'],
  'string-width': ['proof'],
  'wrap-ansi': ['proof'],
}

interface Import {
  readonly file: string
  readonly from: string
  readonly to: string
}

test('imports point one way', () => {
  const wrong = importsOf('src/**/*.ts')
    .filter(({ to }) => to.startsWith('src/'))
    .map(({ file, from, to }) => ({ file, from, room: to.split('/')[1] ?? '' }))
    .filter(({ from, room }) => room !== from && !MAY_IMPORT[from]?.includes(room))
    .map(({ file, room }) => `${file} -> ${room}`)
  assert.deepEqual(wrong, [])
})

test('core imports nothing, not even node:', () => {
  assert.deepEqual(
    importsOf('src/core/**/*.ts').filter(({ to }) => !to.startsWith('src/core/')),
    [],
  )
})

test('each package is known to the rooms that need it, and to no other', () => {
  const wrong = importsOf('src/**/*.ts')
    .filter(({ to }) => !to.startsWith('src/') && !to.startsWith('node:'))
    .filter(({ from, to }) => !PACKAGES[packageOf(to)]?.includes(from))
    .map(({ file, to }) => `${file} -> ${to}`)
  assert.deepEqual(wrong, [])
})

test('load scripts import k6 and their own helpers only', () => {
  const wrong = importsOf('load-tests/**/*.ts').filter(({ to }) => !/^(k6($|\/)|load-tests\/)/.test(to))
  assert.deepEqual(wrong, [])
})

test('only config.ts reads the environment', () => {
  const readers = globSync('src/**/*.ts').filter((file) => /process\.env\b/.test(code(file)))
  assert.deepEqual(readers, ['src/config.ts'])
})

test('the desk alone calls the vault; load and proof are strangers, who speak SQL', () => {
  const callers = globSync('src/{api,payments,jobs,cli}/**/*.ts').filter((file) =>
    /(?:ticketing|public)\.\w+\(|verify_protections\(/.test(code(file)),
  )
  assert.deepEqual(callers, [])
})

test('core calls no clock', () => {
  const files = globSync('src/core/**/*.ts')
  assert.deepEqual(
    files.filter((file) => /Date\.now|new Date\(\)|now\(\)|clock_timestamp/.test(code(file))),
    [],
  )
})

test('laws read tables, never the functions that they judge', () => {
  const wrong = globSync('sql/laws/*.sql').filter((file) =>
    /ticketing\.(?!law_|slot_days|ledger_entries|payments|refunds|disputes|checkout_sessions)/.test(
      code(file),
    ),
  )
  assert.deepEqual(wrong, [])
})

test('the sources run on Node 22.18, which has no `using`', () => {
  const wrong = globSync('src/**/*.ts').filter((file) => /^\s*(await )?using \w+ =/m.test(code(file)))
  assert.deepEqual(wrong, [])
})

test('no file is longer than 400 lines', () => {
  const long = [...globSync('src/**/*.ts'), ...globSync('sql/**/*.sql')].filter(
    (file) => readFileSync(file, 'utf8').split('\n').length > 400,
  )
  assert.deepEqual(long, [])
})

function importsOf(pattern: string): Import[] {
  return globSync(pattern).flatMap((file) =>
    [...code(file).matchAll(/(?:from|import\()\s*'([\w@./:-]+)'/g)].map(([, target = '']) => ({
      file,
      from: file.split('/')[1] ?? '',
      to: target.startsWith('.') ? normalize(join(dirname(file), target)) : target,
    })),
  )
}

function packageOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

/** The source without its comments. */
function code(file: string): string {
  return readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*(\/\/|--).*$/gm, '')
}
