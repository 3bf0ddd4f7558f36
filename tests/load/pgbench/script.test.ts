import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanScript } from '../../../src/load/pgbench/runner/scan.ts'
import { parseScript } from '../../../src/load/pgbench/runner/script.ts'
import { builtIn, engines, openBench } from './support.ts'

test('a command ends at a semicolon outside quotes, comments and parentheses, and at a backslash', () => {
  const script = String.raw`-- a comment; with a semicolon, and a \backslash
select ';', "a;b", e'it\'s;', $$;$$, $x$;$$;$x$ /* ; /* ; */ ; */ -- ;
  from (select 1; ) as a$b;
select 1\; select 2 as two \gset p_
\set a 1 + \
  2
update t set a = :a
\if :a = 3
begin;
\endif
commit`
  assert.deepEqual(
    scanScript(script, 'x.sql').map(({ kind, line, text }) => [kind, line, text.split('\n', 1)[0]]),
    [
      ['sql', 2, String.raw`select ';', "a;b", e'it\'s;', $$;$$, $x$;$$;$x$ /* ; /* ; */ ; */ -- ;`],
      ['sql', 4, 'select 1; select 2 as two'],
      ['meta', 4, 'gset p_'],
      ['meta', 5, 'set a 1 +    2'],
      ['sql', 7, 'update t set a = :a'],
      ['meta', 8, 'if :a = 3'],
      ['sql', 9, 'begin;'],
      ['meta', 10, 'endif'],
      ['sql', 11, 'commit'],
    ],
  )
})

/** Scripts that are refused before anything runs, and what the refusal says. */
const REFUSED: readonly (readonly [script: string, message: string])[] = [
  ['select 1;\n\\setshell x date', 'x.sql:2: \\setshell is not supported'],
  ['\\shell date', 'x.sql:1: \\shell is not supported'],
  ['select 1;\n\n\\startpipeline\n', 'x.sql:3: \\startpipeline is not supported'],
  ['select 1 \\;\nselect 2;\n\\endpipeline', 'x.sql:3: \\endpipeline is not supported'],
  ['select 1 \\aset', 'x.sql:1: \\aset is not supported'],
  ['\\echo hello', 'x.sql:1: \\echo is not supported'],
  ['\\set x hash(1)', 'x.sql:1: unsupported function "hash" in expression'],
  [
    'select 1;\n\\set x random_zipfian(1, 9, 2)',
    'x.sql:2: unsupported function "random_zipfian" in expression',
  ],
  ['\\if :x is null\n\\endif', 'x.sql:1: unsupported word "is" in expression'],
  ['\\set x 1.5', 'x.sql:1: unsupported number "1.5" in expression: not whole'],
  ['\\set x 1;', 'x.sql:1: unsupported character or operator ";" in expression'],
  ['\\set 1x 1', 'x.sql:1: \\set: invalid variable name "1x"'],
  ['\\set x 1 \\\n+\nselect 1;', 'x.sql:1: expression ends too early'],
  ['select 1;\n\\if 1\nselect 2;', 'x.sql:2: \\if without \\endif'],
  ['\\endif', 'x.sql:1: \\endif without \\if'],
  ['\\else', 'x.sql:1: \\else without \\if'],
  ['\\if 1\n\\else\n\\elif 2\n\\endif', 'x.sql:3: \\elif after \\else'],
  ['\\if 1\n\\else\n\\else\n\\endif', 'x.sql:3: \\else after \\else'],
  ['\\gset', 'x.sql:1: \\gset must follow an SQL command'],
  ['select 1 as a \\gset\n\\gset', 'x.sql:2: \\gset must follow an SQL command'],
  ['select 1 as a \\gset a b', 'x.sql:1: \\gset takes one prefix, not "a b"'],
  ['\\sleep 1 day', 'x.sql:1: \\sleep takes a whole number or :variable, and us, ms or s, not "1 day"'],
  ["select 1;\nselect 'open;\n", "x.sql:2: quote ' is never closed"],
  ['select $a$ $b$;', 'x.sql:1: dollar quote $a$ is never closed'],
  ['/* open', 'x.sql:1: comment /* is never closed'],
  [
    'create function f() returns int\nbegin atomic select 1; end;',
    'x.sql:2: "begin atomic" is not supported',
  ],
  ['-- nothing here', 'x.sql:1: the script has no commands'],
]

test('what the built-in runner cannot run is refused with file, line and name', () => {
  for (const [script, message] of REFUSED) {
    assert.throws(() => parseScript(script, 'x.sql'), { name: 'ScriptRefused', message })
  }
})

test('a refused script sends nothing to the database', async () => {
  await using bench = await openBench()
  await bench.query('create table touched (id int)')
  for (const [line, refusal] of [
    ['\\shell date', /built-in could not run .*\(exit 1\).*script\.sql:2: \\shell is not supported/s],
    ['\\set x random_gaussian(1, 2, 3)', /script\.sql:2: unsupported function "random_gaussian"/],
  ] as const) {
    const script = `insert into touched values (1);\n${line}`
    await assert.rejects(bench.run(builtIn, script, { transactions: 1 }), refusal)
  }
  assert.deepEqual(await bench.query('table touched'), [])
})

test('variables reach SQL as text under both engines, inside quotes too, and casts are left alone', async (t) => {
  await using bench = await openBench()
  const script = `
    -- :word in a comment; and a quote '
    select 'first' as a\\; select 10 as two, null as three, 'x''y' as four \\gset g_
    \\set n :g_two + 1
    \\if :n > 11 or not :client_id = 0
      insert into answers values ('wrong');
    \\elif :n = 11
      \\if 0
        insert into answers values ('wrong');
      \\else
        insert into answers values (':n|:g_two|:g_three|:unknown|:word:word|' || :g_two::text || $q$|:n$q$);
      \\endif
    \\else
      insert into answers values ('wrong');
    \\endif
    \\sleep 1 ms
    \\sleep :g_two us
    insert into answers values (:quoted)`
  for (const engine of engines(t)) {
    await bench.query('drop table if exists answers; create table answers (answer text)')
    const defines = { word: '$&', quoted: "'it''s'", text: 'wrong' }
    const run = await bench.run(engine, script, { transactions: 1, defines })
    assert.equal(run.exitCode, 0, run.output)
    const answers = await bench.query('table answers')
    assert.deepEqual(answers, [['11|10||:unknown|$&$&|10|11'], ["it's"]], engine.name)
  }
})
