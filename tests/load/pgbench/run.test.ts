import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { PgbenchRun } from '../../../src/load/engine.ts'
import { findPgbench } from '../../../src/load/pgbench/find.ts'
import { builtIn, engines, openBench } from './support.ts'

/** A run waits for its program and its database more than it computes. */
const testsAtOnce = 3

suite('a pgbench script', { concurrency: testsAtOnce }, () => {
  test('one seed leaves the same rows in each run of the built-in runner, and both engines count alike', async (t) => {
    await using bench = await openBench()
    const script = `
    \\set tier random(1, 5)
    \\set want random(1, 10) / 8 * 2 + 1
    select coalesce(max(n), 0) + 1 as next from sales where client = :client_id \\gset
    \\if :next % 5 = 0
      insert into sales values (:client_id, :next, -1, 0);
    \\else
      insert into sales values (:client_id, :next, :tier, :want);
    \\endif`
    for (const engine of engines(t)) {
      const effects: unknown[] = []
      // That pgbench repeats itself is not ours to show.
      for (const seed of engine === builtIn ? [7, 7, 8] : [7]) {
        await bench.query(
          'drop table if exists sales; create table sales (client int, n int, tier int, want int)',
        )
        const run = await bench.run(engine, script, { clients: 3, threads: 2, transactions: 25, seed })
        assert.deepEqual(counts(run), { exitCode: 0, transactions: 75, failed: NONE, retried: 0, retries: 0 })
        effects.push(await bench.query('select * from sales order by client, n'))
      }
      if (engine !== builtIn) continue
      assert.deepEqual(effects[0], effects[1])
      assert.notDeepEqual(effects[0], effects[2])
    }
  })

  test('forty buyers and ten tickets: ten are sold under both engines, and outcomes are counted in the database', async (t) => {
    await using bench = await openBench()
    const script = `
    insert into outcomes
    select case when exists (select from buy()) then 'sold' else 'refused' end;`
    for (const engine of engines(t)) {
      await bench.query(`
      drop table if exists stock, outcomes cascade;
      create table stock as select 10 as left_over;
      create unlogged table outcomes (outcome text);
      create or replace function buy() returns setof int language sql as
      $$ update stock set left_over = left_over - 1 where left_over > 0 returning left_over $$`)
      const run = await bench.run(engine, script, { clients: 40, transactions: 1 })
      assert.equal(run.transactions, 40, run.output)
      const outcomes = await bench.query('select outcome, count(*)::int from outcomes group by 1 order by 1')
      assert.deepEqual(
        outcomes,
        [
          ['refused', 30],
          ['sold', 10],
        ],
        engine.name,
      )
    }
  })

  test('a transaction that fails with 40001 is tried again with the same numbers, and counted alike by both engines', async (t) => {
    await using bench = await openBench()
    const options = { clients: 4, transactions: 5, defines: { tries: '0' }, seed: 3 }
    for (const engine of engines(t)) {
      await bench.query(FAIL_TWICE('40001'))
      const run = await bench.run(engine, RETRY_SCRIPT, { ...options, maxTries: 1000 })
      const { retried, ...others } = counts(run)
      assert.deepEqual(others, { exitCode: 0, transactions: 20, failed: NONE, retries: 40 }, engine.name)
      assert.ok(retried > 0 && retried <= 20, run.output)
      // Variables live through a retry, so the last one of each client has counted all its tries.
      const tries =
        'select sum(last)::int from (select max(tries) as last from done group by client) as lasts'
      assert.deepEqual(await bench.query(tries), [[60]], engine.name)

      const drawn = await bench.query(DRAWN)
      await bench.query(`${FAIL_TWICE('40001')}; ${NEVER_FAIL}`)
      await bench.run(engine, RETRY_SCRIPT, options)
      assert.deepEqual(await bench.query(DRAWN), drawn, engine.name)
    }
  })

  for (const [state, kind] of [
    ['40001', 'serialization'],
    ['40P01', 'deadlock'],
  ] as const) {
    test(`a transaction that goes on failing with ${state} is given up after its last try`, async (t) => {
      await using bench = await openBench()
      const options = { clients: 4, transactions: 5, defines: { tries: '0' }, maxTries: 2 }
      for (const engine of engines(t)) {
        await bench.query(`${FAIL_TWICE(state)}; alter sequence calls increment 3`)
        const run = await bench.run(engine, RETRY_SCRIPT, options)
        const failed = { ...NONE, [kind]: 20 }
        const expected = { exitCode: 0, transactions: 0, failed, retried: 20, retries: 20 }
        assert.deepEqual(counts(run), expected, engine.name)
        assert.deepEqual(await bench.query('table done'), [], engine.name)
      }
    })
  }

  test('real conflicts under SERIALIZABLE are retried until every transaction is done', async (t) => {
    await using bench = await openBench()
    const url = new URL(bench.url)
    url.searchParams.set('options', '-c default_transaction_isolation=serializable')
    for (const engine of engines(t)) {
      await bench.query('drop table if exists counter; create table counter as select 0 as n')
      const script = `
      select current_setting('transaction_isolation') = 'serializable' as serializable \\gset
      \\if :serializable
        update counter set n = n + 1;
      \\endif`
      const options = { url: url.href, clients: 6, transactions: 20, maxTries: 10_000 }
      const run = await bench.run(engine, script, options)
      assert.deepEqual([run.exitCode, run.transactions, run.failed], [0, 120, NONE], run.output)
      assert.deepEqual(await bench.query('table counter'), [[120]], engine.name)
    }
  })

  test('a constraint violation ends the client, the others go on, and the run exits with 2 under both engines', async (t) => {
    await using bench = await openBench()
    const script = 'update stock set left_over = left_over - 1;\n'
    for (const engine of engines(t)) {
      await bench.query(
        'drop table if exists stock; create table stock (left_over int check (left_over >= 0))',
      )
      await bench.query('insert into stock values (5)')
      const run = await bench.run(engine, script, { clients: 3, transactions: 10, maxTries: 5 })
      const expected = { exitCode: 2, transactions: 5, failed: { ...NONE, other: 3 }, retried: 0, retries: 0 }
      assert.deepEqual(counts(run), expected, engine.name)
      assert.match(run.output, /violates check constraint/)
      assert.match(run.output, /Run was aborted; the above results are incomplete/)
    }
  })

  test('gset without exactly one row, an open transaction and a syntax error each end a client', async (t) => {
    await using bench = await openBench()
    const commands = [
      'select 1 as a where false \\gset',
      'select 1 from (values (1), (2)) as v \\gset',
      'begin;',
      'selec 1;',
      'select 1;',
    ]
    const branches = commands.map((command, id) => `\\if :client_id = ${id}\n${command}\n\\endif`)
    for (const engine of engines(t)) {
      const run = await bench.run(engine, branches.join('\n'), { clients: commands.length, transactions: 3 })
      // Three, and the one that was left open.
      const expected = { exitCode: 2, transactions: 4, failed: { ...NONE, other: 4 }, retried: 0, retries: 0 }
      assert.deepEqual(counts(run), expected, `${engine.name}: ${run.output}`)
    }
  })

  test('no transaction of the built-in runner begins before every client is connected', async () => {
    await using bench = await openBench()
    const script = `
    insert into seen select count(*) from pg_stat_activity
    where datname = current_database() and application_name = 'pgbench';`
    await bench.query('create table seen (connections int)')
    await bench.run(builtIn, script, { clients: 30, transactions: 1 })
    assert.deepEqual(await bench.query('select min(connections), count(*)::int from seen'), [[30, 30]])
  })

  test('a run in seconds ends, reports its progress, and knows the latency of every transaction', async (t) => {
    await using bench = await openBench()
    await Promise.all(
      engines(t).map(async (engine) => {
        const heard: number[] = []
        const onProgress = ({ seconds }: { seconds: number }) => heard.push(seconds)
        const run = await bench.run(engine, 'select 1;', { clients: 2, seconds: 2, onProgress })
        const { p50, p90, p95, p99, p999, max, avg, count } = run.latencyMs
        assert.equal(count, run.transactions)
        assert.ok(count > 0 && run.tps > 0 && avg > 0 && avg <= max, run.output)
        assert.deepEqual(
          [p50, p90, p95, p99, p999, max].toSorted((a, b) => a - b),
          [p50, p90, p95, p99, p999, max],
        )
        assert.ok(heard.length > 0, run.output)
        assert.match(run.engineVersion, engine.name === 'pgbench' ? /^\d+\.\d+$|^\d+\w+$/ : /^node \d+\./)
      }),
    )
  })

  test('what is told of a run has no password in it', async (t) => {
    await using bench = await openBench()
    await Promise.all(
      engines(t).map(async (engine) => {
        const run = await bench.run(engine, 'select 1;', { transactions: 1 })
        assert.ok(!JSON.stringify(run).includes(bench.secret))
      }),
    )
  })

  test('a run that takes too long, or is aborted, is killed', async (t) => {
    await using bench = await openBench()
    await Promise.all(
      engines(t).map(async (engine) => {
        const options = { transactions: 1 }
        const late = bench.run(engine, '\\sleep 60 s', { ...options, timeoutMs: 300 })
        await assert.rejects(late, /did not end within 300 ms and was killed/)
        const signal = AbortSignal.timeout(300)
        await assert.rejects(bench.run(engine, '\\sleep 60 s', { ...options, signal }), {
          name: 'TimeoutError',
        })
      }),
    )
  })

  test('a run that cannot start says why', async (t) => {
    await using bench = await openBench()
    const url = new URL(bench.url)
    url.pathname = 'no_such_database'
    await Promise.all(
      engines(t).map(async (engine) => {
        const run = bench.run(engine, 'select 1;', { url: url.href, transactions: 1 })
        await assert.rejects(run, /could not run .*\(exit 1\).*database "no_such_database" does not exist/s)
        await assert.rejects(bench.run(engine, 'select 1;'), /either transactions or seconds/)
      }),
    )
    await assert.rejects(findPgbench(process.execPath), /is not a pgbench of version 15 or newer/)
  })
})

/** Fails with the given state unless its call, counted over all clients, is a third one. */
const FAIL_TWICE = (state: string) => `
  create or replace function third_time() returns void language plpgsql as $$ begin
    if nextval('calls') % 3 <> 0 then raise exception using errcode = '${state}'; end if;
  end $$;
  drop sequence if exists calls; create sequence calls;
  drop table if exists done; create table done (client int, tries int, draw int)`

const RETRY_SCRIPT = `
  \\set tries :tries + 1
  \\set draw random(1, 1000000)
  begin;
  insert into done values (:client_id, :tries, :draw);
  select third_time();
  commit;`

const DRAWN = 'select client, draw from done order by client, tries'
const NEVER_FAIL = 'create or replace function third_time() returns void begin atomic end'

const NONE = { serialization: 0, deadlock: 0, other: 0 }

type Counts = Pick<PgbenchRun, 'exitCode' | 'transactions' | 'failed' | 'retried' | 'retries'>

function counts({ exitCode, transactions, failed, retried, retries }: PgbenchRun): Counts {
  return { exitCode, transactions, failed, retried, retries }
}
