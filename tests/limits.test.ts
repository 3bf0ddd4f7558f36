import assert from 'node:assert/strict'
import { test } from 'node:test'
import { functionsOf, type Source, sourcesOf } from './support/source.ts'

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 60
const GENERATED = '// Written by `npm run generate`'
const SQL_FUNCTION_LINES_MAX = 80

const typeScript = sourcesOf('{src,tests,load-tests,bench,examples,docs,sql}/**/*.ts', 'bin/*.js')
const sql = sourcesOf('{sql,database-tests,tests}/**/*.sql')

test('no file is longer than 400 lines, but for types that are generated: they are looked up, not read', () => {
  const long = (sources: readonly Source[]) =>
    sources
      .filter(({ text }) => linesOf(text) > FILE_LINES_MAX && !text.startsWith(GENERATED))
      .map(({ file }) => file)
  assert.deepEqual(long([...typeScript, ...sql]), [])
  assert.deepEqual(long([linesFixture(FILE_LINES_MAX + 1)]), ['a.ts'])
  assert.deepEqual(long([linesFixture(FILE_LINES_MAX)]), [])
})

test('no function is longer than 60 lines; what a describe holds is read as a list', () => {
  const long = (sources: readonly Source[]) =>
    sources
      .flatMap(functionsOf)
      .filter(({ lines, isSuite }) => lines > FUNCTION_LINES_MAX && !isSuite)
      .map(({ file, line, lines }) => `${file}:${line} ${lines}`)
  assert.deepEqual(long(typeScript), [])
  const body = '\n  call()'.repeat(FUNCTION_LINES_MAX - 1)
  for (const [before, after] of [
    ['function a() {', '}'],
    ['const a = async () => {', '}'],
    ['const a = { b() {', '} }'],
    ["describe('a', () => { it('b', () => {", '})})'],
    ["test('a', async () => {", '})'],
  ] as const)
    assert.equal(long([{ file: 'a.ts', text: `${before}${body}\n${after}` }]).length, 1, before)
  assert.deepEqual(long([{ file: 'a.ts', text: `describe('a', () => {${body}\n})` }]), [])
  assert.deepEqual(long([{ file: 'a.ts', text: `function a() {${body.slice(9)}\n}` }]), [])
})

test('no SQL function is longer than 80 lines', () => {
  const long = (sources: readonly Source[]) =>
    sources.flatMap(({ file, text }) =>
      [...text.matchAll(SQL_FUNCTION)]
        .filter(([whole]) => linesOf(whole) > SQL_FUNCTION_LINES_MAX)
        .map(([, name]) => `${file} ${name}`),
    )
  assert.ok(sql.flatMap(({ text }) => [...text.matchAll(SQL_FUNCTION)]).length > 100, 'functions are found')
  assert.deepEqual(long(sql), [])
  const body = (lines: number) =>
    `create or replace function ticketing.a()\nas $$${'\n'.repeat(lines - 2)}$$;`
  assert.deepEqual(long([{ file: 'a.sql', text: body(81) }]), ['a.sql ticketing.a'])
  assert.deepEqual(long([{ file: 'a.sql', text: body(80) }]), [])
})

/** From its name to the end of its dollar-quoted body. */
const SQL_FUNCTION =
  /create (?:or replace )?(?:function|procedure)\s+([\w.]+)[\s\S]*?\bas\s+(\$\w*\$)[\s\S]*?\2[^;]*;/gi

function linesOf(text: string): number {
  return text.trimEnd().split('\n').length
}

function linesFixture(lines: number): Source {
  return { file: 'a.ts', text: 'call()\n'.repeat(lines) }
}
