import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { GENERATED } from '../../sql/generate.ts'

const read = (path: string) => readFileSync(`sql/${path}`, 'utf8')
const contents = [...read('install.sql').matchAll(/^\\ir (.+)$/gm)].map(([, path]) => path)

test('every file of sql/ stands in its table of contents, once', () => {
  const files = globSync('**/*.sql', { cwd: 'sql' }).filter((path) => path !== 'install.sql')
  assert.deepEqual([...contents].sort(), files.sort())
})

test('what is written from a registry is as the registry says', () => {
  for (const [path, text] of Object.entries(GENERATED))
    assert.equal(read(path), text(), `sql/${path} is behind: npm run generate`)
})

test('a file of functions is named like the first one in it, and begins with what that one is', () => {
  const wrong = globSync('{verbs,triggers,rules,parts}/*.sql', { cwd: 'sql' }).filter((path) => {
    const [, first] = /^create or replace function ticketing\.(\w+)\(/m.exec(read(path)) ?? []
    return (
      first !== basename(path, '.sql') || !read(path).split('create or replace')[0]?.includes(`-- ${first}`)
    )
  })
  assert.deepEqual(wrong, [])
})

test('the verbs that somebody may call are the files of sql/verbs', () => {
  const granted = [...read('grants.sql').matchAll(/^ +\('(\w+)', +'(?:door|vault)',/gm)].map(
    ([, name]) => name,
  )
  const files = globSync('verbs/*.sql', { cwd: 'sql' }).map((path) => basename(path, '.sql'))
  assert.deepEqual(granted.sort(), files.sort())
})
