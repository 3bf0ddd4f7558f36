import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

test('the lock table names every advisory key that the SQL takes, and no other', () => {
  const sources = globSync('sql/**/*.sql').map((file) => readFileSync(file, 'utf8'))
  const taken = new Set(
    sources.flatMap((text) =>
      [...text.matchAll(/(?:lock_key|hashtextextended)\('([\w:-]+?)(?::?'|:[<'])/g)].map(([, key]) => key),
    ),
  )
  const page = readFileSync('docs/changing/locks.md', 'utf8')
  const listed = new Set(
    [...page.matchAll(/^\|(?: \d \|)? [^|]+ \| `([\w:-]+?)(?:`|:<)/gm)].map(([, key]) => key),
  )
  assert.ok(taken.size > 5)
  assert.deepEqual([...listed].sort(), [...taken].sort())
})
