import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admitOnce, run } from './support.ts'

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['sell', /^There is no command "sell"\. `admit-once --help` lists them\.\n$/],
  ['constructor', /^There is no command "constructor"/],
  ['start --prot 1', /^Unknown option '--prot'\. `admit-once start --help` lists what it takes\.\n$/],
  ['start --port', /^Option '--port <value>' argument missing/],
  ['start --port abc', /^PORT must be a port from 0 to 65535\.\n$/],
  ['verify now', /^Unexpected argument 'now'/],
  ['prove --profle quick', /^Unknown option '--profle'/],
  ['prove --profile fast', /^There is no profile "fast": quick, full, soak\.\n$/],
  [
    'prove oversell',
    /^There is no scenario "oversell": .*concurrent-checkout, .*reserve-race, .*webhook-chaos, sudden-death, failover, failover-patroni, random-faults, interleavings\.\n$/,
  ],
  ['prove --level 4', /^--level is 1, 2 or 3\.\n$/],
  ['prove hold-churn --level 2', /^Name scenarios or a --level, not both\.\n$/],
  [
    'prove --runs 3',
    /^--runs is for sudden-death, failover, failover-patroni, random-faults: name one of them\.\n$/,
  ],
  ['prove failover --runs 0', /^--runs must be a whole number from 1 to 10000\.\n$/],
  ['prove --seed 1.5', /^--seed must be a whole number from 0 to 2147483647\.\n$/],
  ['prove --k6 /nowhere/k6', /^\/nowhere\/k6 is not k6: give its path, "off", or leave it out\.\n$/],
  ['prove --pgbench /nowhere/pgbench', /^\/nowhere\/pgbench is not a pgbench of version 15 or newer/],
  [
    'fixtures oversell',
    /^There is no scenario "oversell": .*concurrent-checkout, .*reserve-race, .*webhook-burst\.\n$/,
  ],
  ['fixtures reserve-race scanner-burst', /^One scenario at a time/],
  ['fixtures reserve-race --stock -1', /--stock/],
  ['fixtures reserve-race --stock=1e3', /^--stock must be a whole number from 0 to 10000000\.\n$/],
  ['fixtures scanner-burst --tickets 10001', /^--tickets must be a whole number from 0 to 10000\.\n$/],
  ['fixtures offer-rush --guests 351', /^--guests must be a whole number from 0 to 350\.\n$/],
  ['fixtures reserve-race --slug Großer', /^--slug must have 1 to 80 small letters, digits and dashes\.\n$/],
  ['token', /^Name one user by id, a UUID/],
  ['token nobody', /^Name one user by id, a UUID/],
  [
    'token 8d3c0e2a-0000-4000-8000-000000000001 --hours 721',
    /^--hours must be a number above 0, at most 720\.\n$/,
  ],
  ['check', /^No database in .*: start one with `admit-once start`.*, or set DATABASE_URL\.\n$/],
]

test('what cannot be understood is refused with 3 and a sentence, before anything is started', async () => {
  for (const group of inGroups(REFUSED, 4)) {
    await Promise.all(
      group.map(async ([line, words]) => {
        const ended = await admitOnce(line.split(' '))
        assert.match(ended.stderr, words, line)
        assert.deepEqual([ended.code, ended.stdout], [3, ''], line)
      }),
    )
  }
})

test('help and version are printed with 0, in a pipe without escape codes', async () => {
  const lines = ['', '--help', 'prove --help', 'start -h', '--version']
  const [all, help, prove, start, version] = await Promise.all(
    lines.map((line) => admitOnce(line.split(' ').filter((word) => word !== ''))),
  )
  for (const ended of [all, help, prove, start, version]) {
    assert.deepEqual([ended?.code, ended?.stderr], [0, ''])
    assert.ok(!ended?.stdout.includes('\u001b'))
  }
  assert.equal(all?.stdout, help?.stdout)
  for (const command of ['start', 'prove', 'verify', 'check', 'fixtures', 'migrate', 'sql']) {
    assert.match(help?.stdout ?? '', new RegExp(`^ *${command} `, 'm'))
  }
  assert.match(prove?.stdout ?? '', /--profile.*quick \| full/)
  assert.match(version?.stdout ?? '', /^\d+\.\d+\.\d+\n$/)
})

test('a reader who has had enough of the output is no failure', async () => {
  const { code, stdout, stderr } = await run('sh', [
    '-c',
    `"${process.execPath}" bin/admit-once.js sql | head -1`,
  ]).ended
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^-- Admit Once: .*\n$/)
})

function inGroups<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) =>
    items.slice(n * size, (n + 1) * size),
  )
}
