import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { newHome, run, startOffice } from '../cli/support.ts'
import { assertLawful } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'

const page = readFileSync('docs/an-evening.md', 'utf8')
const [house = '', lookBack = ''] = blocks('sql')
const [order = '', claimAndBook = '', scan = '', undo = '', refund = '', callOff = ''] = blocks('sh')

interface Answer {
  readonly success?: boolean
  readonly code?: string
  readonly orderId?: string
  readonly outcome?: string
  readonly status?: string
  readonly details?: { readonly checkedInAt?: string }
}

test('an evening, as docs/an-evening.md tells it: each line does what it says', async (t) => {
  if ((await run('sh', ['-c', 'command -v curl']).ended).code !== 0) {
    t.skip('curl is not installed')
    return
  }
  const db = await testDatabase()
  const env = { DATABASE_URL: db.url, ADMIT_ONCE_HOME: newHome() }
  const office = await startOffice(env, '--no-demo')
  after(() => office.signal('SIGKILL'))
  await db.rows(house)
  const shell = async (lines: string, variables: Readonly<Record<string, string>> = {}) => {
    const ended = await run('sh', ['-c', lines], { ...env, SUPABASE_URL: office.url, ...variables }).ended
    assert.equal(ended.code, 0, ended.stderr)
    return [...ended.stdout.matchAll(/\{.*?\}(?=\{|$)/gs)].map(([json]) => JSON.parse(json) as Answer)
  }

  const [bought] = await shell(order)
  assert.equal(bought?.success, true)
  const own = await shell(claimAndBook)
  assert.deepEqual(
    own.map(({ success }) => success),
    [true, true],
  )
  const [first] = await db.rows<{ id: string; qr_code: string }>(
    'select id, qr_code from tickets where order_id = $1',
    [bought?.orderId],
  )
  const ticket = first?.qr_code ?? ''
  const [claim, booking] = own.map(({ code = '' }) => code)
  for (const [code, outcome] of [
    [ticket, 'ADMITTED'],
    [ticket, 'ALREADY_USED'],
    [claim, 'ADMITTED'],
    [booking, /ADMITTED|TOO_EARLY/],
  ] as const) {
    const [judged] = await shell(scan.replace('…', code ?? ''))
    assert.match(String(judged?.outcome), new RegExp(outcome))
  }
  const door = scan.split('\n')[0] ?? ''
  const [again] = await shell(scan.replace('…', ticket))
  const CHECKED_IN_AT = again?.details?.checkedInAt ?? ''
  const [undone] = await shell(`${door}\n${undo}`, { TICKET_ID: first?.id ?? '', CHECKED_IN_AT })
  assert.deepEqual([undone?.success, undone?.status], [true, 'valid'])
  assert.equal((await shell(scan.replace('…', ticket)))[0]?.outcome, 'ADMITTED')
  const force = refund.replace('"reason"', '"force": true, "reason"')
  const [refunded] = await shell(force, { ORDER_ID: bought?.orderId ?? '' })
  assert.deepEqual([refunded?.success, refunded?.status], [true, 'succeeded'])
  assert.equal((await (await fetch(`${office.url}/events/tonight`)).text()).includes('Tonight'), true)
  const owner = refund.split('\n')[0] ?? ''
  const [cancelled] = await shell(`${owner}\n${callOff}`)
  assert.equal(cancelled?.success, true)
  for (const statement of lookBack.split(';\n')) await db.rows(statement)
  await assertLawful(db)
})

/** The page's blocks of one language, in their order. */
function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, text = '']) => text,
  )
}
