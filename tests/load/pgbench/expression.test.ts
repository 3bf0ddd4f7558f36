import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomFrom } from '../../../src/core/random.ts'
import { type Expression, parseExpression } from '../../../src/load/pgbench/runner/expression.ts'
import type { Variables } from '../../../src/load/pgbench/runner/variables.ts'
import { engines, openBench } from './support.ts'

/** What pgbench 15 writes into SQL for each expression. */
const TABLE: readonly (readonly [expression: string, text: string])[] = [
  ['1 + 2 * 3', '7'],
  ['(1 + 2) * 3', '9'],
  ['-7 / 2', '-3'],
  ['-7 % 3', '-1'],
  ['0 * -1', '0'],
  ['10 - 4 - 3', '3'],
  ['2 * -3', '-6'],
  ['- - 5', '5'],
  ['+4', '4'],
  ['9007199254740991', '9007199254740991'],
  ['1 < 2', 'true'],
  ['1 >= 1', 'true'],
  ['1 <> 2', 'true'],
  ['1 != 1', 'false'],
  ['1=1and 2=2', 'true'],
  ['2 > 3 or 3 > 2', 'true'],
  ['1 <= 0 and 1 = 1', 'false'],
  ['not 1 = 2', 'true'],
  ['not 1 = 2 AND not 2 = 1', 'true'],
  ['1 = 2 or 1 = 1 and 2 = 3', 'false'],
  ['1 = 2 and 1 / 0 = 1', 'false'],
  ['1 = 1 or 1 / 0 = 1', 'true'],
  [':seven * 6', '42'],
  [':yes and 1 = 1', 'true'],
  [':client_id', '0'],
  [':scale', '1'],
  [':random_seed', '42'],
  ['random(5, 5)', '5'],
  ['random(1, :seven) / 8', '0'],
]

/** Expressions that end a client when they are evaluated. */
const ENDING = [
  '1 / 0',
  '7 % 0',
  ':missing + 1',
  ':word + 1',
  'random(2, 1)',
  '(1 = 1) + 1',
  '(1 = 1) = (1 = 1)',
  'not 1',
  '1 and 1 = 1',
]

const SEED = 42
const DEFINES = { seven: '7', yes: 'yes', word: 'hello' }

test('an expression gives the same text under pgbench and the built-in runner', async (t) => {
  await using bench = await openBench()
  const script = TABLE.map(([expression], index) => {
    return `\\set v ${expression}\ninsert into answers values (${index}, ':v');`
  })
  for (const engine of engines(t)) {
    await bench.query('drop table if exists answers; create table answers (id int, answer text)')
    const options = { transactions: 1, seed: SEED, defines: DEFINES }
    const run = await bench.run(engine, script.join('\n'), options)
    assert.equal(run.exitCode, 0, run.output)
    const answers = await bench.query<[string]>('select answer from answers order by id')
    const got = TABLE.map(([expression], index) => [expression, answers[index]?.[0]])
    assert.deepEqual(got, TABLE, engine.name)
  }
})

test('an expression that has no value ends the client under both engines', async (t) => {
  await using bench = await openBench()
  // One client an expression: each of them must end, so none gets to its insert.
  const branches = ENDING.map((expression, id) => `\\if :client_id = ${id}\n\\set v ${expression}\n\\endif`)
  const script = `${branches.join('\n')}\ninsert into survivors values (:client_id);`
  for (const engine of engines(t)) {
    await bench.query('drop table if exists survivors; create table survivors (id int)')
    const options = { clients: ENDING.length + 1, transactions: 1, defines: DEFINES }
    const run = await bench.run(engine, script, options)
    assert.equal(run.exitCode, 2, run.output)
    assert.equal(run.failed.other, ENDING.length, run.output)
    assert.deepEqual(await bench.query('select id from survivors'), [[ENDING.length]], engine.name)
  }
})

test('numbers that the built-in runner could not count exactly end the client', () => {
  for (const expression of ['9007199254740991 + 1', '-9007199254740991 * 2', 'random(0, 4294967296)']) {
    assert.throws(() => evaluate(parseExpression(expression)), { name: 'ScriptError' }, expression)
  }
})

test('random numbers reach both ends of their range, and nothing beyond', () => {
  const die = parseExpression('random(1, 6)')
  const random = randomFrom(SEED)
  const seen = new Set(Array.from({ length: 200 }, () => die({ variables: new Map(), random })))
  assert.deepEqual([...seen].sort(), [1, 2, 3, 4, 5, 6])
})

test('what the expression language has beyond the supported part is refused by name', () => {
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['random_zipfian(1, 10, 1.5)', /unsupported function "random_zipfian"/],
    ['random_gaussian(1, 10, 2.5)', /unsupported function "random_gaussian"/],
    ['1 + random_exponential(1, 10, 3)', /unsupported function "random_exponential"/],
    ['abs(-1)', /unsupported function "abs"/],
    ['hash(1)', /unsupported function "hash"/],
    ['permute(1, 2)', /unsupported function "permute"/],
    ['null', /unsupported word "null"/],
    ['1 is null', /unsupported word "is"/],
    ['1 notnull', /unsupported word "notnull"/],
    ['true', /unsupported word "true"/],
    ['case when 1 = 1 then 2 end', /unsupported word "case"/],
    ['2.5 * 2', /unsupported number "2.5"/],
    ['1e3', /unsupported number "1e3"/],
    ['9007199254740992', /unsupported number 9007199254740992/],
    ['1 << 2', /unexpected "<"/],
    ['5 & 1', /"&"/],
    ['~1', /"~"/],
    ['random(1)', /expected ,, found "\)"/],
    ['1 2', /unexpected "2"/],
    ['1 < 2 < 3', /unexpected "<"/],
    ['(1', /expected \), found the end/],
    ["'text'", /"'"/],
    ['', /ends too early/],
  ]
  for (const [expression, message] of refusals) {
    assert.throws(() => parseExpression(expression), message, expression)
  }
})

function evaluate(expression: Expression): unknown {
  const variables: Variables = new Map(Object.entries(DEFINES))
  return expression({ variables, random: randomFrom(SEED) })
}
