import assert from 'node:assert/strict'
import { test } from 'node:test'
import { functionsOf, type Source, sourcesOf } from './support/source.ts'

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 60

const typeScript = sourcesOf('{src,tests,load-tests,bench,examples,docs,sql}/**/*.ts', 'bin/*.js')
const sql = sourcesOf('{sql,database-tests,tests}/**/*.sql')

test('no file is longer than 400 lines', () => {
  const long = (sources: readonly Source[]) =>
    sources.filter(({ text }) => linesOf(text) > FILE_LINES_MAX).map(({ file }) => file)
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

function linesOf(text: string): number {
  return text.trimEnd().split('\n').length
}

function linesFixture(lines: number): Source {
  return { file: 'a.ts', text: 'call()\n'.repeat(lines) }
}
