import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { testDatabase } from '../support/database.ts'
import { schemaOf } from '../support/schema.ts'

const golden = new URL('schema.golden.txt', import.meta.url)

/** Written anew by `GOLDEN=write node --test --test-global-setup=tests/setup.ts tests/sql/schema.test.ts`. */
test('the installed schema is the one of schema.golden.txt', async () => {
  const schema = await schemaOf(await testDatabase())
  if (process.env['GOLDEN'] === 'write') writeFileSync(golden, schema)
  assert.equal(schema, readFileSync(golden, 'utf8'))
})
