import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { restStatuses, sqlStatus, sqlStatuses } from '../../src/api/rest/errors.ts'
import { type Ask, ask, makeScratch, type Scratch, startServer, type TestServer } from './scratch.ts'

/** SQLSTATE and status, copied by hand from PostgREST's documentation; each is raised by a real function. */
const documented: readonly (readonly [state: string, status: number])[] = [
  ['P0001', 400],
  ['23505', 409],
  ['23503', 409],
  ['23P01', 400],
  ['23514', 400],
  ['23502', 400],
  ['22P02', 400],
  ['42703', 400],
  ['40001', 500],
  ['40P01', 500],
  ['55P03', 500],
  ['55000', 500],
  ['21000', 500],
  ['P0002', 500],
  ['P0003', 500],
  ['42501', 401],
  ['42883', 404],
  ['42P01', 404],
  ['42P17', 500],
  ['22023', 400],
  ['25000', 500],
  ['53400', 500],
  ['57P01', 503],
  ['57014', 500],
  ['08000', 503],
  ['09000', 500],
  ['0L000', 403],
  ['0P000', 403],
  ['28000', 403],
  ['2D000', 500],
  ['38000', 500],
  ['39000', 500],
  ['3B000', 500],
  ['54001', 500],
  ['58000', 500],
  ['F0000', 500],
  ['HV000', 500],
  ['XX000', 500],
  ['PT409', 409],
  ['PT503', 503],
  ['PT200', 200],
  ['PT999', 500],
  ['PTabc'.toUpperCase(), 500],
  ['45000', 400],
  ['99999', 400],
]

/** Of a transaction that we made read-only, since a GET asked for it. */
const READING = [['25006', 405]] as const

describe('refusals', () => {
  let scratch: Scratch
  let server: TestServer
  before(async () => {
    scratch = await makeScratch()
    server = await startServer(scratch)
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    await scratch[Symbol.asyncDispose]()
  })
  const rpc = (name: string, options: Ask) => ask(server, `/rest/v1/rpc/${name}`, options)

  for (const [state, status] of documented) {
    it(`SQLSTATE ${state} is ${status}`, async () => {
      const body = { p_state: state, p_message: 'naïve\nmessage ✓', p_detail: 'a detail' }
      const got = await rpc('fail', { body })
      assert.equal(got.status, status)
      assert.deepEqual(got.json(), {
        code: state,
        message: body.p_message,
        details: 'a detail',
        hint: 'a hint',
      })
      assert.equal(got.headers.get('proxy-status'), `PostgREST; error=${state}`)
      assert.equal(got.headers.get('www-authenticate'), status === 401 ? 'Bearer' : null)
    })
  }

  for (const [state, code] of [
    ['25006', 'DATABASE_READ_ONLY'],
    ['53100', 'DATABASE_FULL'],
  ] as const)
    it(`SQLSTATE ${state} is a database that fails: 503 PGRST001, with ${code} in its hint`, async () => {
      const got = await rpc('fail', { body: { p_state: state } })
      const { code: told, hint } = got.json()
      assert.deepEqual([got.status, told, hint], [503, 'PGRST001', code])
    })

  it('the documented table reaches every line of ours', () => {
    for (const [start, status] of sqlStatuses) {
      const [line] = [...documented, ...READING].filter(([state]) => state.startsWith(start))
      assert.ok(line, `no documented SQLSTATE begins with ${start}`)
      if (start !== '42501')
        assert.equal([...documented, ...READING].find(([state]) => state === line[0])?.[1], line[1])
      assert.ok([400, 401, 403, 404, 405, 409, 500, 503].includes(status))
    }
  })

  it('42501 is 401 for anon and 403 for anyone who is known', async () => {
    const { keys } = server.authenticator
    const refused = {
      code: '42501',
      message: 'permission denied for function secret_function',
      details: null,
      hint: null,
    }
    const anon = await rpc('secret_function', { body: {} })
    assert.deepEqual([anon.status, anon.json()], [401, refused])
    const user = await rpc('fail', { body: { p_state: '42501' }, headers: { apikey: keys.serviceRole } })
    assert.equal(user.status, 403)
    const service = await rpc('secret_function', { body: {}, headers: { apikey: keys.serviceRole } })
    assert.deepEqual([service.status, service.text], [200, '"secret"'])
  })

  it('two statuses depend on the message', () => {
    const of = (code: string, message: string) =>
      sqlStatus({ code, message, detail: null, hint: null }, 'anon')
    assert.equal(of('21000', 'DELETE requires a WHERE clause'), 400)
    assert.equal(of('22023', 'role "nobody" does not exist'), 401)
  })

  it('a function may write the whole answer by SQLSTATE PGRST', async () => {
    const raise = (p_message: string, p_detail?: string) =>
      rpc('fail', { body: { p_state: 'PGRST', p_message, p_detail } })
    const message = '{"code":"OWN","message":"mine","details":"d","hint":"h"}'
    const got = await raise(message, '{"status":402,"headers":{"X-Own":"yes"}}')
    assert.equal(got.status, 402)
    assert.deepEqual(got.json(), { code: 'OWN', message: 'mine', details: 'd', hint: 'h' })
    assert.equal(got.headers.get('x-own'), 'yes')
    for (const [text, detail] of [
      ['no json', '{"status":402,"headers":{}}'],
      [message, 'no json'],
      [message, '{"status":9000,"headers":{}}'],
      [message, '{"status":402,"headers":{"bad name":"x"}}'],
      [message, undefined],
    ] as const) {
      assert.deepEqual([(await raise(text, detail)).json().code], ['PGRST121'])
    }
  })

  it('an unknown function names the nearest one, and unfit arguments the nearest list', async () => {
    const name = await rpc('rows_two', { body: { p_last: 1 } })
    assert.deepEqual(
      [name.status, name.json()],
      [
        404,
        {
          code: 'PGRST202',
          message: 'Could not find the function public.rows_two(p_last) in the schema cache',
          details:
            'Searched for the function public.rows_two with parameter p_last or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache.',
          hint: 'Perhaps you meant to call the function public.rows_to',
        },
      ],
    )
    const keys = await rpc('add', { body: { p_right: 1, p_leftt: 1 } })
    assert.equal(
      keys.json().message,
      'Could not find the function public.add(p_leftt, p_right) in the schema cache',
    )
    assert.equal(keys.json().hint, 'Perhaps you meant to call the function public.add(p_left, p_right)')
    const none = await rpc('add', { body: {} })
    assert.equal(
      none.json().message,
      'Could not find the function public.add without parameters in the schema cache',
    )
    for (const body of [{ p_left: 1 }, { p_left: 1, p_right: 1, p_more: 1 }]) {
      assert.equal((await rpc('add', { body })).json().code, 'PGRST202')
    }
  })

  it('two functions with the same argument names cannot be told apart', async () => {
    const got = await rpc('unclear', { body: { p_a: 1 } })
    assert.deepEqual([got.status, got.json().code], [300, 'PGRST203'])
    assert.match(String(got.json().message), /public\.unclear\(p_a => integer\)/)
  })

  const DEEP = 20_000
  const bodies: readonly (readonly [title: string, body: string | Uint8Array])[] = [
    ['nothing', ''],
    ['null', 'null'],
    ['a number', '5'],
    ['a text', '"x"'],
    ['true', 'true'],
    ['an empty object', '{}'],
    ['an empty array', '[]'],
    ['an array of numbers', '[1,2]'],
    ['an array of unlike objects', '[{"p_last":1},{"p_left":1}]'],
    ['an array of arrays', '[[{"p_last":1}]]'],
    ['malformed JSON', '{"p_last":'],
    ['two values', '{} {}'],
    ['a comment', '{/**/}'],
    ['a single quote', "{'p_last':1}"],
    ['a NUL byte', '{"p_last":"\0"}'],
    ['an escaped NUL', '{"p_last":"\\u0000","p_text":"\\u0000","p_note":"\\u0000"}'],
    ['half a surrogate', '{"p_text":"\\ud800"}'],
    ['half a surrogate in a key', '{"\\ud800":1}'],
    ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d)],
    ['a huge number', '{"p_last":1e400}'],
    ['a number beyond integer', '{"p_last":99999999999}'],
    ['a negative number', '{"p_last":-1}'],
    ['a fraction', '{"p_last":1.5}'],
    ['a text for a number', '{"p_last":"many"}'],
    ['an object for a number', '{"p_last":{}}'],
    ['an array for a number', '{"p_last":[1]}'],
    ['null for a number', '{"p_last":null}'],
    ['a wrong uuid', '{"p_id":"no-uuid"}'],
    ['a number for a uuid', '{"p_id":7}'],
    ['a long uuid', `{"p_id":"${'f'.repeat(99_999)}"}`],
    ['duplicate keys', '{"p_last":"x","p_last":1}'],
    ['an empty key', '{"":1}'],
    ['a prototype', '{"__proto__":{"p_last":1}}'],
    ['SQL in a value', `{"p_text":"'; drop table notes; --"}`],
    ['SQL in a key', `{"p_last\\"; drop table notes; --":1}`],
    ['a backslash and a quote', `{"p_text":"\\\\'; drop table notes; --"}`],
    ['deep arrays', '['.repeat(DEEP) + ']'.repeat(DEEP)],
    ['a deep value', `{"p_value":${'['.repeat(DEEP)}1${']'.repeat(DEEP)}}`],
    ['deep objects', `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`],
    ['brackets in a text', `{"p_text":"${'['.repeat(DEEP)}"}`],
    ['many keys', JSON.stringify(Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i])))],
    ['a body of more than 1 MiB', `{"p_text":"${'x'.repeat(1024 * 1024)}"}`],
  ]
  const names = [
    'add',
    'nothing',
    'echo',
    'echo_text',
    'note',
    'count_to',
    'rows_to',
    'make_pair',
    'insert_notes',
    'identify',
    'greet',
    'joined',
    'whole_body',
    'twice',
    'no_such_function',
    'surroundings',
  ]
  for (const [title, body] of bodies) {
    it(`${title} is answered from the documented table by functions of every shape`, async () => {
      for (const name of names) assertDocumented(await rpc(name, { body }), `${name} with ${title}`)
    })
  }

  const queries = [
    'p_last=',
    'p_last=%00',
    'p_last=x',
    'p_last=99999999999',
    'p_last=%ff',
    'p_last=%',
    'p_last[]=1',
    'p_last=1&p_last=2',
    '=',
    '&&&',
    'p_last',
    'limit=x',
    'offset=-1',
    'limit=99999999999999999999',
    `p_last=${'1'.repeat(5000)}`,
    "p_last=1'--",
    'p_words={',
    'p_words=%7B%22',
    'p_id=x',
    '%00=1',
  ]
  for (const query of queries) {
    it(`the query ${query.slice(0, 30)} is answered from the documented table`, async () => {
      for (const name of names) {
        assertDocumented(await ask(server, `/rest/v1/rpc/${name}?${query}`), `${name}?${query.slice(0, 30)}`)
      }
    })
  }

  const exact: readonly (readonly [name: string, body: string, status: number, code: string])[] = [
    ['add', '{"p_left":', 400, 'PGRST102'],
    ['add', '[{"p_left":1},{"p_right":1}]', 400, 'PGRST102'],
    ['add', '{"p_left":"x","p_right":1}', 400, '22P02'],
    ['add', '{"p_left":99999999999,"p_right":1}', 400, '22003'],
    ['add', '{"p_left":2147483647,"p_right":1}', 400, '22003'],
    ['echo_text', '{"p_text":"\\u0000"}', 400, '22P05'],
    ['identify', '{"p_id":"x"}', 400, '22P02'],
    ['echo', `{"p_value":${'['.repeat(DEEP)}1${']'.repeat(DEEP)}}`, 400, 'PGRST102'],
    ['note', '{"p_note":null}', 400, '23502'],
    ['divide', '{"p_left":1,"p_right":0}', 400, '22012'],
  ]
  for (const [name, body, status, code] of exact) {
    it(`${name} with ${body.slice(0, 40)} is ${status} ${code}`, async () => {
      const got = await rpc(name, { body })
      assert.deepEqual([got.status, got.json().code], [status, code])
    })
  }

  it('other bodies are refused: another content type, more than 1 MiB, also when sent in chunks', async () => {
    const got = await rpc('add', { body: 'x', headers: { 'content-type': 'image/png' } })
    assert.deepEqual(got.json().message, 'Content-Type not acceptable: image/png')
    const accept = await rpc('nothing', { body: {}, headers: { accept: 'text/html' } })
    assert.deepEqual([accept.status, accept.json().code], [406, 'PGRST107'])
    const chunk = new TextEncoder().encode('x'.repeat(64 * 1024))
    const stream = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(chunk) })
    const endless = await fetch(`${server.url}/rest/v1/rpc/add`, {
      method: 'POST',
      body: stream,
      headers: { apikey: server.authenticator.keys.anon },
      duplex: 'half',
    } as RequestInit)
    assert.equal(endless.status, 413)
  })

  it('nothing above left a row behind that was not acknowledged, nor a bug in the log', async () => {
    const rows = await scratch.admin(`select from public.notes where note like '%drop%'`)
    assert.equal(rows.length, 0)
    assert.deepEqual(
      server.logged.filter((line) => 'error' in JSON.parse(line)),
      [],
    )
  })
})

/** An answer that the tables know: the code in the body has the status of the answer, and it is no fault of ours. */
function assertDocumented(got: Awaited<ReturnType<typeof ask>>, what: string): void {
  assert.ok(got.status < 500, `${what}: ${got.status} ${got.text}`)
  if (got.status < 300) return
  const { code, message } = got.json()
  assert.equal(typeof message, 'string', what)
  const own = Object.hasOwn(restStatuses, String(code))
    ? restStatuses[code as keyof typeof restStatuses]
    : undefined
  const large = code === 'PAYLOAD_TOO_LARGE' ? 413 : undefined
  const expected =
    own ??
    large ??
    sqlStatus({ code: String(code), message: String(message), detail: null, hint: null }, 'anon')
  assert.equal(got.status, expected, `${what}: ${got.text}`)
}
