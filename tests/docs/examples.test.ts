import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { newHome, run, startOffice } from '../cli/support.ts'
import { testDatabase } from '../support/database.ts'

const pages = ['README.md', ...globSync('docs/{operating,changing}/*.md')]

test('the first order, as the README shows it: two free tickets, and the same order when it is sent again', async (t) => {
  if ((await run('sh', ['-c', 'command -v curl']).ended).code !== 0) {
    t.skip('curl is not installed')
    return
  }
  const db = await testDatabase()
  const office = await startOffice({ DATABASE_URL: db.url, ADMIT_ONCE_HOME: newHome() })
  after(() => office.signal('SIGKILL'))
  const curl = blocks('README.md', 'sh').find((text) => text.includes('curl')) ?? ''
  const order = async () => {
    const { code, stdout } = await run('sh', ['-c', curl.replace('http://127.0.0.1:54321', office.url)]).ended
    assert.equal(code, 0)
    return JSON.parse(stdout) as { orderId: string; url: string; isFree: boolean; tickets: object[] }
  }
  const first = await order()
  assert.deepEqual([first.isFree, first.tickets.length], [true, 2])
  assert.equal((await order()).orderId, first.orderId)
  assert.equal((await fetch(first.url)).status, 200)
  assert.equal((await fetch(`${office.url}/events/summer-night`)).status, 200)
})

test('every statement that the pages for operators show runs', async () => {
  const db = await testDatabase()
  for (const page of pages) {
    // A number of a key that is not there is refused, which is an answer.
    for (const statements of blocks(page, 'sql')) await db.rows(statements)
  }
})

test('every command line is one that a shell can read', async () => {
  for (const page of pages) {
    for (const lines of blocks(page, 'sh')) {
      const { code, stderr } = await run('sh', ['-n', '-c', lines.replaceAll(/<[\w -]+>/g, 'placeholder')])
        .ended
      assert.equal(code, 0, `${page}: ${stderr}`)
    }
  }
})

/** A page's blocks of one language, in their order. */
function blocks(page: string, language: string): string[] {
  return [
    ...readFileSync(page, 'utf8').matchAll(new RegExp(`^ *\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\`$`, 'gm')),
  ].map(([, text = '']) => text)
}
