import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { explain } from '../../src/cli/failure.ts'
import { loadAdapter } from '../../src/proof/target/load-adapter.ts'
import { proofOf } from '../proof/target-support.ts'
import { freePort } from '../support/free-port.ts'
import { admitOnce, launch } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'admit-once-target-'))
after(() => rmSync(folder, { recursive: true, force: true }))

type Answer = readonly [status: number, body: string] | undefined
/** Every request that reaches the system, and what it answers: a status and a body, or nothing at all. */
const seen: string[] = []
let answer: Answer
const server = createServer((request, response) => {
  seen.push(`${request.method} ${request.url}`)
  if (answer !== undefined) response.writeHead(answer[0]).end(answer[1])
})
const port = await freePort()
await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${port}`
after(() => {
  server.closeAllConnections()
  server.close()
})

const PREPARE = "(await http.post('/items')).json()"
const GOOD = `export const adapter = { name: 'shop', urls: ['${url}'], holds: 'none', callSecondsMax: 1,
  open: async () => ({ outcome: 'open', cart: null }),
  commit: async ({ http }) => (await http.post('/order')).json(),
  truth: async ({ http }) => (await http.get('/orders')).json(),
  prepare: async ({ http, sql }) => ${PREPARE},
}`

/** The good adapter with another `prepare`. */
function preparing(body: string): string {
  return GOOD.replace(PREPARE, body)
}

/** A file, what the system answers, and what is said, without a stack. */
const BAD: readonly (readonly [what: string, source: string, answer: Answer, said: RegExp])[] = [
  [
    'is no TypeScript',
    'export const adapter = {',
    undefined,
    /^ADAPTER_UNREADABLE: \S+ cannot be imported: /,
  ],
  ['is not erasable', 'enum A { B }\nexport const adapter = A', undefined, /^ADAPTER_UNREADABLE: .*enum/],
  ['throws at once', "throw new Error('no password')", undefined, /ts:1 cannot be imported: no password$/m],
  [
    'exports nothing',
    'export const shop = {}',
    undefined,
    /^ADAPTER_INCOMPLETE: .* exports no `adapter`\. Write /,
  ],
  [
    'lacks functions',
    "export const adapter = { name: 'a', urls: [], holds: 'some' }",
    undefined,
    /`urls` names no URL; `holds` is none of .*; `prepare` is not a function: /,
  ],
  [
    'has a misspelt name',
    GOOD.replace("name: 'shop',", "name: 'shop', cleanUp() {},"),
    undefined,
    /`adapter` has cleanUp, which nothing reads; is it misspelt\.$/m,
  ],
  [
    'meets silence',
    GOOD,
    undefined,
    /^(ADAPTER_TIMED_OUT: `prepare` did not end within 1 s; POST \/items was not answered\. `callSecondsMax`|NO_ANSWER: \S+ did not answer in time\.$)/m,
  ],
  [
    'meets a page',
    GOOD,
    [502, '<html>Bad Gateway</html>'],
    /^NO_JSON: POST \/items answered 502 and no JSON: <html>Bad Gateway<\/html>$/m,
  ],
  [
    'meets what is no outcome',
    GOOD,
    [200, '{"ok":true,"orders":[]}'],
    /^FIRST_PURCHASE: one buyer could not buy .* commit: unknown \(ADAPTER_ANSWER\).*`commit` gave \{"ok":true,"orders":\[\]\}, which has no `outcome`/,
  ],
  [
    'is told yes and sees no order',
    GOOD,
    [200, '{"outcome":"sold","orders":[]}'],
    /^FIRST_PURCHASE: one buyer was sold one unit, and `truth` sees 0\. /,
  ],
  [
    'asks another host',
    preparing("http.post('https://example.com/items')"),
    [200, '{}'],
    /^FOREIGN_HOST: https:\/\/example\.com is none of the adapter's `urls`\. /,
  ],
  [
    'asks without end',
    preparing("{ for (;;) await http.get('/') }").replace('callSecondsMax: 1', 'callSecondsMax: 60'),
    [200, '{}'],
    /^TOO_MANY_REQUESTS: one call of the adapter made more than 200 requests\. /,
  ],
  ['needs a database that was not named', preparing("sql('select')"), [200, '{}'], /^NO_DATABASE_URL: /],
  [
    'throws',
    preparing('undefined.id'),
    [200, '{}'],
    /^ADAPTER_FAILED: `prepare` threw Cannot read .*'id'\) \(\S+\.ts:5\)\.$/m,
  ],
  [
    'throws at an answer that it did not expect',
    preparing("(await http.post('/items')).headers.location.split('/')"),
    [401, 'no'],
    /^ADAPTER_FAILED: `prepare` threw .* \(\S+\.ts:5\); POST \/items was answered 401 no\.$/m,
  ],
]

describe('an adapter that', () => {
  for (const [what, source, answers, said] of BAD)
    test(what, async () => {
      answer = answers
      const failure = await failureOf(fileOf(what, source))
      assert.match(failure, said)
      assert.ok(!failure.includes('    at '), failure)
    })

  test('is not there', async () => {
    assert.match(await failureOf(join(folder, 'nowhere.ts')), /^ADAPTER_NOT_FOUND: there is no file /)
  })

  test('asks a system that is down', async () => {
    const ended = await prove(fileOf('down', GOOD.replace(url, `http://127.0.0.1:${await freePort()}`)))
    assert.equal(ended.code, 3)
    assert.match(
      ended.stderr,
      /^UNREACHABLE: nothing answers at http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\)\.$/m,
    )
  })

  test('waits for what never comes', async () => {
    const ended = await prove(fileOf('never', preparing('new Promise(() => {})')))
    assert.equal(ended.code, 3)
    assert.match(
      ended.stderr,
      /^ADAPTER_TIMED_OUT: `prepare` did not end within 1 s\. `callSecondsMax` gives it longer\.$/m,
    )
  })

  test('leaves a promise alone', async () => {
    answer = [200, '{}']
    const alone = "(Promise.reject(new Error('left alone')), await new Promise(() => {}))"
    const ended = await prove(fileOf('alone', preparing(alone)))
    assert.equal(ended.code, 3)
    assert.match(
      ended.stderr,
      /^ADAPTER_FAILED: it threw where nobody waited for it: left alone \(\S+\.ts:5\)\. Await every promise\.\n$/,
    )
  })
})

type Variables = Readonly<Record<string, string>>
const REFUSALS: readonly (readonly [when: string, words: readonly string[], env: Variables, said: RegExp])[] =
  [
    [
      'to a system elsewhere, unless --yes says so',
      ['--url', 'http://192.0.2.1'],
      {},
      /^NOT_CONFIRMED: 192\.0\.2\.1 is not this machine\. --yes says /,
    ],
    [
      'to a database elsewhere, either',
      ['--database-url', 'postgres://shop@192.0.2.1/shop'],
      {},
      /^NOT_CONFIRMED: 192\.0\.2\.1 is /,
    ],
    [
      'with a live key for us',
      [],
      { STRIPE_SECRET_KEY: 'sk_live_1', STRIPE_LIVE: 'yes' },
      /^STRIPE_SECRET_KEY is a live key: a proof never runs with one/,
    ],
    [
      'with a live key that the adapter could read',
      [],
      { SHOP_KEY: 'sk_live_1' },
      /^SHOP_KEY is a live key: a proof never runs with one/,
    ],
    ['where an option is of our own proof', ['--seed', '1'], {}, /^--seed does not go with --target\.$/m],
    [
      'where nobody knows the scenario',
      ['nothing'],
      {},
      /^There is no scenario "nothing": one-after-another, /,
    ],
  ]

describe('nothing is sent', () => {
  for (const [when, words, env, said] of REFUSALS)
    test(when, async () => {
      answer = [200, '{}']
      seen.length = 0
      const ended = await admitOnce(['prove', '--target', fileOf('good', GOOD), ...words], env)
      assert.equal(ended.code, 3, ended.stdout)
      assert.match(ended.stderr, said)
      assert.deepEqual(seen, [])
    })
})

test('Ctrl-C ends the run with 130, and what it made is cleaned up', async () => {
  answer = [200, '{"outcome":"sold"}']
  seen.length = 0
  const source = GOOD.replace(
    "truth: async ({ http }) => (await http.get('/orders')).json()",
    `truth: async () => ({ orders: isSold ? [{ id: '1' }] : [] }),
  cleanup: async ({ http }) => { await http.send('DELETE', '/items') }`,
  ).replace(
    "(await http.post('/order'))",
    "(isSold = true, await new Promise((go) => setTimeout(go, 500)), await http.post('/order'))",
  )
  const command = launch([
    'prove',
    '--target',
    fileOf('slow', `let isSold = false\n${source}`),
    '--results',
    join(folder, 'results'),
  ])
  await command.printed(/First purchase +PASS/)
  const times = (request: string) => seen.filter((one) => one === request).length
  while (times('POST /items') < 2) await new Promise((resolve) => setTimeout(resolve, 10))
  command.signal('SIGINT')
  const ended = await command.ended
  assert.equal(ended.code, 130, ended.stdout + ended.stderr)
  assert.equal(times('DELETE /items'), times('POST /items'))
})

function fileOf(what: string, source: string): string {
  const file = join(folder, `${what.replaceAll(/\W+/g, '-')}.ts`)
  writeFileSync(file, source)
  return file
}

/** What the command says before it ends with 3. */
async function failureOf(file: string): Promise<string> {
  try {
    const results = await proofOf(await loadAdapter(file), { file })
    return `it ended: ${results.verdict}`
  } catch (error) {
    return explain(error)
  }
}

function prove(file: string) {
  return admitOnce(['prove', '--target', file, '--results', join(folder, 'results')])
}
