import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { readStatements } from '../../../src/load/pgbench/report.ts'
import { engines, openBench } from './support.ts'

const folder = await mkdtemp(join(tmpdir(), 'admit-once-mix-'))
after(() => rm(folder, { recursive: true, force: true }))

async function fileOf(name: string, script: string): Promise<string> {
  const file = join(folder, name)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, script)
  return file
}

const seconds = 30
const times = (run: { scripts: readonly { latencyMs: { count: number } }[] }) =>
  run.scripts.map(({ latencyMs }) => latencyMs.count)

suite('several pgbench scripts', () => {
  test('are chosen by weight, never where that is 0, and each has its own latencies, under both engines', async (t) => {
    await using bench = await openBench()
    const files = await Promise.all(
      [3, 1, 0].map(async (weight) => ({
        weight,
        // An @ in a path is not a weight.
        file: await fileOf(`at@home/${weight}.sql`, `insert into chosen values (${weight});`),
      })),
    )
    for (const engine of engines(t)) {
      await bench.query('drop table if exists chosen; create table chosen (weight int)')
      const run = await engine.run({
        ...{ scripts: files, url: bench.url, clients: 4, transactions: 100, timeoutMs: seconds * 1000 },
        seed: 5,
      })
      const [often = 0, seldom = 0, never] = times(run)
      assert.equal(often + seldom, 400, run.output)
      assert.equal(never, 0)
      assert.ok(often > 250 && often < 350, `${engine.name}: ${often} of 400`)
      const rows =
        'select count(*) filter (where weight = 3)::int, count(*) filter (where weight = 1)::int from chosen'
      assert.deepEqual(await bench.query(rows), [[often, seldom]], engine.name)
    }
  })

  test('say what each statement took, by its first line, in branches too', async (t) => {
    await using bench = await openBench()
    const slow = `
    \\set n 1
    select pg_sleep(0.02)
      as slept;
    \\if :n = 1
      select 3 as quick;
    \\else
      select 4 as never;
    \\endif`
    const scripts = [
      { file: await fileOf('slow.sql', slow), weight: 1 },
      { file: await fileOf('other.sql', 'select 5 as other;'), weight: 1 },
    ]
    for (const engine of engines(t)) {
      const options = { url: bench.url, clients: 2, transactions: 20, timeoutMs: seconds * 1000, seed: 1 }
      for (const maxTries of [1, 3]) {
        const run = await engine.run({ ...options, scripts, maxTries })
        const [one, other] = run.scripts
        assert.deepEqual(
          one?.statements.map(({ text }) => text),
          ['select pg_sleep(0.02)', 'select 3 as quick;', 'select 4 as never;'],
          run.output,
        )
        const [slept = 0, quick = 0, never] = one?.statements.map(({ avgMs }) => avgMs) ?? []
        assert.ok(slept >= 20 && slept > quick && quick > 0, `${slept} and ${quick} ms`)
        assert.equal(never, 0)
        assert.deepEqual(
          other?.statements.map(({ text, failures, retries }) => [text, failures, retries]),
          [['select 5 as other;', 0, 0]],
        )
      }
    }
  })

  test('say which statement made transactions begin again, and which made them fail', async (t) => {
    await using bench = await openBench()
    const script = `begin;
    select fail();
    end;`
    const scripts = [{ file: await fileOf('fail.sql', script), weight: 1 }]
    await bench.query(`create sequence calls; create function fail() returns void language plpgsql as
      $$ begin if nextval('calls') <= 5 then raise exception using errcode = '40001'; end if; end $$`)
    for (const engine of engines(t)) {
      await bench.query('alter sequence calls restart')
      const run = await engine.run({
        ...{ scripts, url: bench.url, clients: 1, transactions: 4, maxTries: 3, timeoutMs: seconds * 1000 },
      })
      assert.deepEqual(
        run.scripts[0]?.statements.map(({ text, failures, retries }) => [text, failures, retries]),
        [
          ['begin;', 0, 0],
          // The first transaction fails three times, the second one twice.
          ['select fail();', 1, 4],
          ['end;', 0, 0],
        ],
        engine.name,
      )
    }
  })

  test('without a weight, or with none that is a number, are refused before anything runs', async (t) => {
    await using bench = await openBench()
    const file = await fileOf('refused.sql', 'create table never ();')
    for (const engine of engines(t)) {
      for (const weight of [0, -1, Number.NaN]) {
        const run = engine.run({
          ...{
            scripts: [
              { file, weight: 0 },
              { file, weight },
            ],
            url: bench.url,
            clients: 1,
            transactions: 1,
          },
          timeoutMs: seconds * 1000,
        })
        await assert.rejects(run, /could not run .*weight/is, `${engine.name} ${weight}`)
      }
    }
    assert.deepEqual(await bench.query(`select to_regclass('never')`), [[null]])
  })

  test('a report without statements has none', () => {
    assert.deepEqual(readStatements('tps = 5.0 (without initial connection time)\n'), [])
  })
})
