import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { QUESTIONS } from '../../src/bench/questions/index.ts'
import { RIVALS } from '../../src/bench/questions/rivals.ts'
import { type Result, result } from '../../src/bench/result.ts'
import { resultsIn } from '../support/page.ts'
import { serverUrl } from '../support/server.ts'
import { admitOnce, type Ended, launch, newHome, nothingLeftOf } from './support.ts'

const NAMES =
  'hot-tier, many-tiers, open-loop, sold-out, checkout, webhooks, scans, growth-windows, standby, start-up, memory'

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['bench hot-tire', new RegExp(`^There is no question "hot-tire": ${NAMES}\\.\\n$`)],
  ['bench --json', new RegExp(`^--json is for one question: ${NAMES}\\.\\n$`)],
  ['bench scans sold-out --json', /^--json is for one question/],
  ['bench --compare x.json', /^--compare is for one question/],
  ['bench scans --rounds 0', /^--rounds must be a whole number from 1 to 100\.\n$/],
  ['bench scans --rounds 1.5', /^--rounds must be/],
  ['bench scans --seconds 61', /^--seconds must be a whole number from 1 to 60\.\n$/],
  [
    'bench scans --second 1',
    /^Unknown option '--second'\. `admit-once bench --help` lists what it takes\.\n$/,
  ],
  ['bench scans --pgbench /nowhere/pgbench', /^\/nowhere\/pgbench is not a pgbench of version 15 or newer/],
  ['bench scans --compare /nowhere/x.json', /^ENOENT: .*\n.*/],
  [
    'bench scans --html /nowhere/x.html',
    /^ENOENT: .* '\/nowhere\/x\.html'\nName a file or folder that can be/,
  ],
  ['bench --html tests', /^EISDIR: .* 'tests'\nA folder stands where a file is needed/],
]

test('what cannot be understood is refused with 3 and a sentence, before anything is started', async () => {
  const all = await Promise.all(REFUSED.map(async ([line]) => admitOnce(line.split(' '))))
  for (const [at, { code, stdout, stderr }] of all.entries()) {
    const [line, words] = REFUSED[at] ?? ['', /^$/]
    assert.match(stderr, words, line)
    assert.deepEqual([code, stdout], [3, ''], line)
  }
})

test('a live key of Stripe is refused', async () => {
  const env = { STRIPE_SECRET_KEY: 'sk_live_x', STRIPE_LIVE: 'yes' }
  const { code, stderr } = await admitOnce(['bench', 'scans'], env)
  assert.equal(code, 3)
  assert.match(stderr, /a bench never runs with one/)
})

/** With a PostgreSQL of the run's own; the others use the one of the tests. */
const OWN_SERVER = new Set(['hot-tier', 'start-up'])

const results = new Map<string, Result>()

// Side by side: it is not asked how fast they are.
describe('one window of each', { concurrency: 3 }, () => {
  for (const { name, ratios } of QUESTIONS)
    test(`${name} ends with a JSON object whose rows add up, and leaves nothing behind`, async () => {
      const home = newHome(`-${name}`)
      await mkdir(home, { recursive: true })
      const page = join(home, 'bench.html')
      const windows = ['--rounds', '1', '--seconds', '1', '--pgbench', 'off']
      const line = ['bench', name, '--json', '--html', page, ...windows]
      const server = OWN_SERVER.has(name) ? {} : { DATABASE_URL: serverUrl() }
      const ended = await admitOnce(line, { ADMIT_ONCE_HOME: home, ...server })
      assert.equal(ended.code, 0, ended.stderr)
      const measured = result.parse(JSON.parse(ended.stdout))
      results.set(name, measured)
      const without = measured.missing.flatMap(({ contestants }) => contestants)
      const named = ratios.filter(({ name: ratio }) => !/bare|batched|verbs/.test(ratio))
      assert.equal(without.length > 0, ratios.length > named.length)
      // On a machine that is busy a window of a second may have no answer, and its ratio is left out.
      for (const [ratio, { min, median, max }] of Object.entries(measured.ratios)) {
        assert.ok(
          named.some((one) => one.name === ratio),
          ratio,
        )
        assert.ok(0 < min && min <= median && median <= max, ratio)
      }
      for (const { of } of named) for (const one of of) assert.ok(measured.rates[one], one)
      assert.deepEqual(await readdir(home), ['bench.html'])
      assert.deepEqual(resultsIn(await readFile(page, 'utf8')), [measured])
      await nothingLeftOf(home)
    })

  test('Ctrl-C takes down what was started, gives no figure and exits as shells expect', async () => {
    const home = newHome('-stopped')
    await mkdir(home, { recursive: true })
    const line = ['bench', 'scans', '--seconds', '60', '--html', join(home, 'bench.html')]
    const command = launch(line, { ADMIT_ONCE_HOME: home })
    await command.printed(/round 1 of 5/)
    command.signal('SIGINT')
    const ended: Ended = await command.ended
    assert.deepEqual([ended.code, ended.stdout], [130, ''], ended.stderr)
    await nothingLeftOf(home)
    assert.deepEqual(await readdir(home), [])
  })
})

test('what is missing without pgbench is named, and how to get it', () => {
  const [missing] = results.get('hot-tier')?.missing ?? []
  for (const { label } of RIVALS) assert.ok(missing?.contestants.includes(label), label)
  assert.match(missing?.why ?? '', /apt install postgresql-contrib.*--pgbench PATH/)
})

test('a result is compared with its own question only', async () => {
  const home = newHome('-compare')
  await mkdir(home, { recursive: true })
  const file = join(home, 'earlier.json')
  await writeFile(file, JSON.stringify(results.get('start-up')))
  const [other, broken] = await Promise.all(
    [file, 'package.json'].map((path) => admitOnce(['bench', 'scans', '--compare', path])),
  )
  assert.match(other?.stderr ?? '', /answers "start-up", not "scans"\.\n$/)
  assert.match(broken?.stderr ?? '', /^package\.json is no result of `admit-once bench scans --json`\.\n$/)
})
