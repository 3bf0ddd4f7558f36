import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Expression, parseExpression } from '../../../src/load/pgbench/expression.ts'
import { seedRandom } from '../../../src/load/pgbench/random.ts'
import type { Variables } from '../../../src/load/pgbench/value.ts'
import { engines, openBench } from './support.ts'

const SEED = 42

/** What pgbench 15 writes into SQL for each expression, run in this order with the seed above. */
const TABLE: readonly (readonly [expression: string, text: string])[] = [
  ['1 + 2 * 3', '7'],
  ['(1 + 2) * 3', '9'],
  ['-7 / 2', '-3'],
  ['-7 % 3', '-1'],
  ['7 / 2.0', '3.5'],
  ['1.0 / 3', '0.333333333333333'],
  ['2e3', '2000'],
  ['.5 + .25', '0.75'],
  ['1e15', '1e+15'],
  ['123456789.125', '123456789.125'],
  ['1e-5', '1e-05'],
  ['0.0001', '0.0001'],
  ['1.5e300 * 1e10', 'Infinity'],
  ['-1.0 / 0', '-Infinity'],
  ['sqrt(-1)', 'NaN'],
  ['-0.0 * 1', '0'],
  ['10 - 4 - 3', '3'],
  ['2 * -3', '-6'],
  ['- - 5', '5'],
  ['+4', '4'],
  ['-9223372036854775808', '-9223372036854775808'],
  ['9223372036854775807', '9223372036854775807'],
  ['1 < 2', 'true'],
  ['1 >= 1.0', 'true'],
  ['1 <> 2', 'true'],
  ['1 != 1', 'false'],
  ['1 = 1.0', 'true'],
  ['2 > 3 or 3 > 2', 'true'],
  ['true and false', 'false'],
  ['not true', 'false'],
  ['not 1 = 2 and true', 'true'],
  ['null and false', 'NULL'],
  ['false and null', 'false'],
  ['true or null', 'true'],
  ['null or true', 'NULL'],
  ['null + 1', 'NULL'],
  ['null is null', 'true'],
  ['1 is null', 'false'],
  ['1 is not null', 'true'],
  ['null isnull', 'true'],
  ['null notnull', 'false'],
  ['true is true', 'true'],
  ['1 is true', 'false'],
  ['not null is null', 'false'],
  ['(1 = 2) is not false', 'false'],
  ['case when 1 = 2 then 10 when null then 20 when 3 then 30 else 40 end', '30'],
  ['case when false then 1 end', 'NULL'],
  ['CASE WHEN TRUE THEN Greatest(1, 2) ELSE 0 END', '2'],
  ['abs(-5)', '5'],
  ['abs(-5.5)', '5.5'],
  ['abs(-17 + 2) * 2', '30'],
  ['greatest(1, 2.5, 2)', '2.5'],
  ['least(3, 1, 2)', '1'],
  ['least(3, 1.0)', '1'],
  ['greatest(1, null)', 'NULL'],
  ['mod(17, 5)', '2'],
  ['mod(7.6, 3)', '2'],
  ['int(2.5)', '2'],
  ['int(3.5)', '4'],
  ['int(-2.5)', '-2'],
  ['int(2.4999)', '2'],
  ['double(3)', '3'],
  ['double(10) / 4', '2.5'],
  ['pi()', '3.14159265358979'],
  ['sqrt(2)', '1.4142135623731'],
  ['sqrt(16)', '4'],
  ['ln(10)', '2.30258509299405'],
  ['exp(1)', '2.71828182845905'],
  ['pow(2, 10)', '1024'],
  ['power(2, 0.5)', '1.4142135623731'],
  ['pow(10, 20)', '1e+20'],
  [':seven * 6', '42'],
  [':seven + :half', '7.5'],
  [':half * 2', '1'],
  [':yes', 'true'],
  [':yes and true', 'true'],
  [':nothing is null', 'true'],
  [':client_id', '0'],
  [':scale', '1'],
  [':random_seed', '42'],
  ['random(1, 6)', '6'],
  ['random(1, 1000000)', '855542'],
  ['random(5, 5)', '5'],
  ['random(-9, 9)', '-8'],
  ['random(1, 1000000000000)', '324170456011'],
  ['random(0, 9223372036854775806)', '6079151505264665004'],
  ['random_zipfian(1, 1000, 1.5)', '12'],
  ['random_zipfian(1, 1000000, 1.01)', '100259'],
  ['random_zipfian(1, 10, 3)', '1'],
  ['random_gaussian(1, 1000, 2.5)', '666'],
  ['random_gaussian(-100, 100, 4.0)', '10'],
  ['random_exponential(1, 1000, 3.0)', '273'],
  ['random_exponential(1, 1000000, 10)', '47367'],
  ['random(1, 6) + random(1, 6) * 10', '26'],
  ['case when random(1, 2) = 1 then random(1, 9) else random(100, 900) end', '778'],
  ['random(1, :seven)', '7'],
  ['1=1and 2=2', 'true'],
]

/** Expressions that end a client when they are evaluated. */
const ENDING = [
  '1 / 0',
  '7 % 0',
  '9223372036854775807 + 1',
  '-9223372036854775808 / -1',
  ':missing + 1',
  'int(1e30)',
  'random(2, 1)',
  'random(-9223372036854775808, 9223372036854775807)',
  'random_gaussian(1, 2, 1.9)',
  'random_zipfian(1, 2, 1.0)',
  'random_exponential(1, 2, 0.0)',
  'true + 1',
  'true = true',
  'not 1',
  '1 and true',
  ':word + 1',
]

const DEFINES = { seven: '7', half: '0.5', yes: 'yes', nothing: 'null', word: 'hello' }

test('an expression gives the same text under pgbench and the built-in runner', async (t) => {
  await using bench = await openBench()
  const script = TABLE.map(([expression], index) => {
    return `\\set v ${expression}\ninsert into answers values (${index}, ':v');`
  })
  for (const engine of await engines(t)) {
    await bench.query('drop table if exists answers; create table answers (id int, answer text)')
    const run = await bench.run(script.join('\n'), { engine, transactions: 1, seed: SEED, defines: DEFINES })
    assert.equal(run.exitCode, 0, run.output)
    const answers = await bench.query<[string]>('select answer from answers order by id')
    const got = TABLE.map(([expression], index) => [expression, answers[index]?.[0]])
    assert.deepEqual(got, TABLE, engine)
  }
})

test('an expression that has no value ends the client under both engines', async (t) => {
  await using bench = await openBench()
  for (const expression of ENDING)
    assert.throws(() => evaluate(parseExpression(expression)), { name: 'ScriptError' })
  for (const engine of await engines(t)) {
    // One client an expression: each of them must end, so none gets to its insert.
    const branches = ENDING.map((expression, id) => `\\if :client_id = ${id}\n\\set v ${expression}\n\\endif`)
    const script = `${branches.join('\n')}\ninsert into survivors values (:client_id);`
    await bench.query('drop table if exists survivors; create table survivors (id int)')
    const run = await bench.run(script, {
      engine,
      clients: ENDING.length + 1,
      transactions: 1,
      defines: DEFINES,
    })
    assert.equal(run.exitCode, 2, run.output)
    assert.equal(run.failed.other, ENDING.length, run.output)
    assert.deepEqual(await bench.query('select id from survivors'), [[ENDING.length]], engine)
  }
})

test('what the expression language has beyond the supported part is refused by name', () => {
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['1 << 2', /unexpected "<"/],
    ['5 & 1', /"&"/],
    ['~1', /"~"/],
    ['hash(1)', /unsupported function "hash"/],
    ['permute(1, 2)', /unsupported function "permute"/],
    ['debug(1)', /unsupported function "debug"/],
    ['abs(1, 2)', /"abs" takes 1 arguments, not 2/],
    ['least()', /"least" takes one or more arguments, not 0/],
    ['1 2', /unexpected "2"/],
    ['1 < 2 < 3', /unexpected "<"/],
    ['(1', /expected \), found the end/],
    ['case 1 end', /expected when/],
    ["'text'", /"'"/],
    ['9223372036854775808', /bigint constant overflow/],
    ['', /ends too early/],
  ]
  for (const [expression, message] of refusals) {
    assert.throws(() => parseExpression(expression), message, expression)
  }
})

function evaluate(expression: Expression): unknown {
  const variables: Variables = new Map(Object.entries(DEFINES))
  return expression({ variables, random: seedRandom(BigInt(SEED)) })
}
