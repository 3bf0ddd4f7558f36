import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { startEmbedded } from '../../src/embedded/embedded.ts'
import { type Results, results as schema } from '../../src/proof/results.ts'
import { removals } from '../../src/proof/sabotage/sabotage.ts'
import { testDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { admitOnce, type Ended, familyOf, goneAll, launch, newHome } from './support.ts'

test('kill -9 of a run, early and under load, stops no later run and leaves nothing; Ctrl-C neither', async (t) => {
  const home = newHome()
  const prove = (...args: string[]) => {
    return launch(['prove', ...args, '--results', join(home, 'results')], { ADMIT_ONCE_HOME: home })
  }
  const blows: readonly (readonly [string, NodeJS.Signals, RegExp, number | null])[] = [
    ['while PostgreSQL starts', 'SIGKILL', /Starting PostgreSQL/, null],
    ['under load', 'SIGKILL', /Functional SQL +PASS/, null],
    ['under load', 'SIGINT', /Functional SQL +PASS/, 130],
  ]
  for (const [when, signal, words, code] of blows) {
    await t.test(`${signal} ${when}`, async () => {
      const run = prove('reserve-race')
      await run.printed(words)
      const family = await familyOf(run.pid)
      run.signal(signal, signal === 'SIGINT' ? 'group' : 'process')
      assert.equal((await run.ended).code, code)
      await goneAll(family)
      const left = (await readdir(home)).filter((name) => name.startsWith('prove-'))
      assert.deepEqual(left, [], 'no folder of the run is left')
    })
  }

  await t.test(
    'the next run: one scenario alone is a PASS with 0 that says what was not asked for, and a pipe gets no escape codes',
    async () => {
      const ended = await prove('concurrent-checkout', '--seed', '7').ended
      assert.deepEqual([ended.code, ended.stderr], [0, ''])
      assert.match(ended.stdout, /Not asked\s+for:\s[^.]*Sabotage\./)
      assert.match(ended.stdout, /^HTTP load +PASS/m)
      assert.match(ended.stdout, /^Sabotage +SKIPPED +only some scenarios were asked for$/m)
      assert.ok(!ended.stdout.includes('\u001b'))
      const results = await resultsOf(ended, join(home, 'results'))
      assert.equal(results.verdict, 'PASS')
      assert.equal(results.run.command, 'npx admit-once prove concurrent-checkout --profile quick --seed 7')
    },
  )
})

test('the whole proof is a PASS with 0, and each sabotage ended as expected', async () => {
  const home = newHome()
  const ended = await admitOnce(['prove', '--results', home], { ADMIT_ONCE_HOME: home })
  assert.deepEqual([ended.code, ended.stderr], [0, ''], ended.stdout)
  const results = await resultsOf(ended, home)
  assert.deepEqual([results.verdict, results.reasons], ['PASS', []])
  const faults = results.stages.find((stage) => stage.name === 'faults')
  assert.deepEqual(
    faults?.leftOut?.map(({ name }) => name),
    ['failover', 'failover-patroni', 'random-faults'],
  )
  assert.deepEqual(
    results.sabotage.map(({ kind, seen, named }) => `${kind}: ${seen}, ${named ? 'named' : 'not named'}`),
    removals().map(({ kind }) => `${kind}: ${kind === 'one refusing' ? 'survived' : 'caught'}, named`),
  )
  // SQLSTATE 42…: a raw write that PostgreSQL cannot even run attacks nothing.
  const invalid = results.sabotage
    .flatMap(({ outcomes }) => Object.keys(outcomes))
    .filter((code) => /^raw: 42/.test(code))
  assert.deepEqual(invalid, [])
  for (const name of ATTACKED) {
    const all = results.sabotage.find(({ guarantee, kind }) => guarantee === name && kind === 'all refusing')
    assert.ok(all?.laws.includes(name.replaceAll('-', '_')), `${name}: its own law saw it`)
    assert.ok(all?.witness, `${name}: a row shows what broke`)
    assert.equal(results.guarantees.find((guarantee) => guarantee.name === name)?.verdict, 'PASS')
  }
})

test('on a server that takes a protection away: FAIL with 1 without a box office, and 3 where that refuses to sell', async () => {
  const home = newHome()
  await using cluster = await startEmbedded({ dataFolder: join(home, 'weak'), ephemeral: true })
  await weaken(cluster.url)
  const env = { ADMIT_ONCE_HOME: home, DATABASE_URL: cluster.url }
  const failed = await admitOnce(['prove', 'reserve-race', '--results', home], env)
  assert.deepEqual([failed.code, failed.stderr], [1, ''], failed.stdout)
  const results = await resultsOf(failed, home)
  assert.equal(results.verdict, 'FAIL')
  assert.match(results.reasons.join('\n'), /^Protections in place: /m)
  const refused = await admitOnce(['prove', 'concurrent-checkout', '--results', home], env)
  assert.equal(refused.code, 3)
  assert.match(
    refused.stderr,
    /^HTTP load could not run: the server ended with 3 before it was ready:\nNot selling:/,
  )
  assert.match(refused.stderr, /trg_refuse_truncate on public\.scan_logs: disabled/)
  assert.ok(!refused.stderr.includes('    at '), 'a sentence, not a stack')
  assert.deepEqual(await databasesOf(cluster.url), ['postgres'], 'nothing is left on the server')
})

test('a database that cannot be reached is 3', async () => {
  const url = new URL((await testDatabase(null)).url)
  url.port = String(await freePort())
  const home = newHome()
  const ended = await admitOnce(['prove', '--results', home], {
    DATABASE_URL: url.href,
    ADMIT_ONCE_HOME: home,
  })
  assert.equal(ended.code, 3)
  assert.match(ended.stderr, /^No connection to PostgreSQL at .*Start it, or correct DATABASE_URL\.\n$/)
})

const ATTACKED = [
  ...['never-oversold', 'paid-once-issued-once', 'admitted-once', 'same-request-same-answer'],
  'books-balance',
]

/** From here on every new database loses one trigger as soon as it is made. */
async function weaken(url: string): Promise<void> {
  const template = new URL(url)
  template.pathname = '/template1'
  const client = new pg.Client({ connectionString: template.href })
  await client.connect()
  await client.query(`create function public.weaken() returns event_trigger language plpgsql as $$ begin
      if exists (select from pg_trigger where tgname = 'trg_refuse_truncate' and tgrelid = to_regclass('public.scan_logs')
                 and tgenabled <> 'D') then
        alter table public.scan_logs disable trigger trg_refuse_truncate;
      end if;
    end $$;
    create event trigger weaken on ddl_command_end when tag in ('CREATE TRIGGER', 'ALTER TABLE') execute function public.weaken()`)
  await client.end()
}

async function databasesOf(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ datname: string }>(
    'select datname from pg_database where not datistemplate',
  )
  await client.end()
  return rows.map(({ datname }) => datname)
}

/** What the run wrote beside the report that it names. */
async function resultsOf(ended: Ended, folder: string): Promise<Results> {
  const run = /^report +.*\/([\w-]+)\/report\.html$/m.exec(ended.stdout)?.[1]
  assert.ok(run, ended.stdout)
  assert.match(await readFile(join(folder, run, 'report.html'), 'utf8'), /^<!doctype html>/i)
  return schema.parse(JSON.parse(await readFile(join(folder, run, 'results.json'), 'utf8')))
}
