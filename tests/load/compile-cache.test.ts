import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../bin/admit-once.js', import.meta.url))
const module = new URL('../../src/load/compile-cache.ts', import.meta.url).href
const print = [
  '--input-type=module',
  '--eval',
  `import { compileCache } from '${module}'; console.log(JSON.stringify(compileCache()))`,
]

test('a command fills the compile cache that it is given', () => {
  const folder = emptyFolder()
  execFileSync(process.execPath, [bin, '--version'], { env: { NODE_COMPILE_CACHE: folder } })
  assert.equal(readdirSync(folder).length, 1)
})

test('a child that inherits nothing is given the compile cache of its parent', () => {
  const folder = emptyFolder()
  assert.deepEqual(told({ NODE_COMPILE_CACHE: folder }), { NODE_COMPILE_CACHE: folder })
})

test('and none where the parent has none', () => {
  assert.deepEqual(told({}), {})
})

function told(env: Record<string, string>): unknown {
  return JSON.parse(execFileSync(process.execPath, print, { env, encoding: 'utf8' }))
}

function emptyFolder(): string {
  return mkdtempSync(join(tmpdir(), 'admit-once-compile-cache-'))
}
