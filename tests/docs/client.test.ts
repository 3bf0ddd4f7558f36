import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { newHome, startOffice } from '../cli/support.ts'
import { testDatabase } from '../support/database.ts'
import { projectOf } from '../support/project.ts'

test('the page about the client is a program that compiles and runs, and makes one order', async () => {
  const db = await testDatabase()
  const office = await startOffice({ DATABASE_URL: db.url, ADMIT_ONCE_HOME: newHome() })
  after(() => office.signal('SIGKILL'))
  const blocks = [...readFileSync('docs/client.md', 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
  const program = blocks.map(([, text = '']) => text).join('\n')
  assert.ok(blocks.length >= 4)
  const project = await projectOf(program.replaceAll('http://127.0.0.1:54321', office.url))
  const compiled = await project.compile()
  assert.equal(compiled.code, 0, compiled.stdout)
  const { code, stdout, stderr } = await project.run([], { SUPABASE_ANON_KEY: office.anonKey })
  assert.equal(code, 0, stderr)
  const [url, time, status, sold] = stdout.trim().split('\n')
  assert.match(String(url), /\/orders\//)
  assert.match(String(time), /^there is no business /)
  assert.deepEqual([status, sold], ['ok', 'at most ten'])
  assert.equal(await db.value('select count(*)::int from orders'), 1)
})
