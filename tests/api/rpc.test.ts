import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Ask, ask, makeScratch, type Scratch, startServer, type TestServer } from './scratch.ts'

const OBJECT = { accept: 'application/vnd.pgrst.object+json' }

describe('POST, GET and HEAD /rest/v1/rpc', () => {
  let scratch: Scratch
  let server: TestServer
  before(async () => {
    scratch = await makeScratch()
    server = await startServer(scratch, { max: 1 })
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    await scratch[Symbol.asyncDispose]()
  })
  const rpc = (call: string, options: Ask = {}) => ask(server, `/rest/v1/rpc/${call}`, options)
  const notes = async (note: string) =>
    (await scratch.admin(`select from public.notes where note = '${note}'`)).length

  const shapes: readonly [name: string, body: unknown, answer: unknown, range?: string][] = [
    ['add', { p_left: 1, p_right: 2 }, 3],
    ['add', { p_left: 1, p_right: null }, null],
    ['nothing', {}, null],
    ['echo', { p_value: { a: "it's \\ \n ✓" } }, { a: "it's \\ \n ✓" }],
    ['echo', { p_value: null }, null],
    ['identify', { p_id: '00000000-0000-0000-0001-000000000099' }, '00000000-0000-0000-0001-000000000099'],
    ['count_to', { p_last: 3 }, [1, 2, 3], '0-2/*'],
    ['count_to', { p_last: 0 }, [], '*/*'],
    ['rows_to', { p_last: 1 }, [{ n: 1, label: null }], '0-0/*'],
    ['rows_to', { p_last: 0 }, [], '*/*'],
    ['one_column', { p_last: 2 }, [{ n: 1 }, { n: 2 }], '0-1/*'],
    ['make_pair', { p_name: 'a', p_size: 2 }, { name: 'a', size: 2 }],
    ['divide', { p_left: 7, p_right: 2 }, { quotient: 3, rest: 1 }],
    ['out_first', { p_value: 2 }, { doubled: 4, tripled: 6 }],
    ['greet', { p_name: 'Ann' }, 'hello Ann'],
    ['greet', { p_name: 'Ann', p_greeting: 'bye' }, 'bye Ann'],
    ['greet', { p_name: null }, 'hello nobody'],
    ['greet', { p_name: 'Ann', p_greeting: null }, null],
    ['twice', { p_number: 1 }, 'number'],
    ['twice', { p_word: '1' }, 'word'],
    ['joined', { p_words: ['a', 'b'] }, 'a-b'],
    ['whole_body', { any: 'thing' }, { any: 'thing' }],
    ['whole_body', [1, 2], [1, 2]],
    ['whole_body', 'null', null],
    ['add', [{ p_left: 1, p_right: 2 }], 3],
    ['nothing', '', null],
    ['nothing', [], null],
  ]
  for (const [name, body, answer, range = '0-0/*'] of shapes) {
    it(`${name}(${JSON.stringify(body)}) answers ${JSON.stringify(answer)}`, async () => {
      const got = await rpc(name, { body })
      assert.deepEqual([got.status, got.json(), got.headers.get('content-range')], [200, answer, range])
      assert.equal(got.headers.get('content-type'), 'application/json; charset=utf-8')
    })
  }

  it('a void function answers 204 with nothing, not even a content type', async () => {
    const got = await rpc('note', { body: { p_note: 'void' } })
    assert.deepEqual([got.status, got.text, got.headers.get('content-type')], [204, '', null])
    assert.equal(await notes('void'), 1)
  })

  it('takes arguments from the query of a GET as text, and null as the word', async () => {
    assert.equal((await rpc('add?p_left=1&p_right=2')).text, '3')
    assert.equal((await rpc('echo_text?p_text=null')).text, '"null"')
    assert.equal((await rpc(`echo_text?p_text=${encodeURIComponent("it's ✓ \\")}`)).json(), "it's ✓ \\")
    assert.equal((await rpc('joined?p_words=a&p_words=b')).text, '"a-b"')
    assert.equal((await rpc('joined?p_words={a,b}')).text, '"a-b"')
  })

  it('answers a HEAD without a body', async () => {
    const got = await rpc('rows_to?p_last=2', { method: 'HEAD' })
    assert.deepEqual([got.status, got.text, got.headers.get('content-range')], [200, '', '0-1/*'])
  })

  it('takes a form like a query, and plain text as one unnamed argument', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    assert.equal((await rpc('add', { body: 'p_left=1&p_right=2', headers: form })).text, '3')
    const plain = { 'content-type': 'text/plain; charset=utf-8' }
    assert.equal((await rpc('whole_text', { body: 'a "text"', headers: plain })).json(), 'a "text"')
  })

  it('runs in the surroundings that PostgREST gives', async () => {
    const got = await rpc('surroundings', { body: {}, headers: { 'user-agent': "it's me" } })
    assert.deepEqual(got.json(), {
      role: 'anon',
      claims: { role: 'anon' },
      method: 'POST',
      path: '/rpc/surroundings',
      agent: "it's me",
      search_path: 'public, extensions',
      timezone: got.json().timezone,
      statement_timeout: '8s',
      read_only: 'off',
      isolation: 'read committed',
    })
  })

  it('reads only by GET, and where the function is not volatile', async () => {
    assert.equal((await rpc('surroundings')).json().read_only, 'on')
    assert.equal((await rpc('surroundings_stable', { body: {} })).text, '"on"')
    for (const got of [
      await rpc('note?p_note=get'),
      await rpc('write_stable', { body: { p_note: 'get' } }),
    ]) {
      assert.deepEqual([got.status, got.json().code], [405, '25006'])
    }
    assert.equal(await notes('get'), 0)
  })

  it('sets a statement timeout and an isolation level of the function before it starts', async () => {
    const got = await rpc('bounded', { body: {} })
    assert.deepEqual([got.status, got.json().code], [500, '57014'])
    assert.equal((await rpc('serial', { body: {} })).text, '"serializable"')
  })

  it('keeps nothing of a call that fails half way', async () => {
    const got = await rpc('write_then_fail', { body: { p_note: 'half' } })
    assert.deepEqual([got.status, got.json().message], [400, 'too late'])
    assert.equal(await notes('half'), 0)
  })

  it('gives exactly one row as an object, and else 406 with everything rolled back', async () => {
    const one = await rpc('rows_to', { body: { p_last: 1 }, headers: OBJECT })
    assert.deepEqual([one.status, one.text], [200, '{"n":1,"label":null}'])
    assert.equal(one.headers.get('content-type'), 'application/vnd.pgrst.object+json; charset=utf-8')
    for (const [name, rows] of [
      ['rows_to', 0],
      ['insert_notes', 2],
    ] as const) {
      const got = await rpc(name, { body: { p_last: rows }, headers: OBJECT })
      assert.equal(got.status, 406)
      assert.deepEqual(got.json(), {
        code: 'PGRST116',
        message: 'Cannot coerce the result to a single JSON object',
        details: `The result contains ${rows} rows`,
        hint: null,
      })
    }
    assert.equal(await notes('n1'), 0)
  })

  it('leaves nulls out where that is asked for', async () => {
    const accept = 'application/vnd.pgrst.object+json;nulls=stripped'
    assert.equal((await rpc('rows_to', { body: { p_last: 1 }, headers: { accept } })).text, '{"n":1}')
  })

  it('gives a page, and counts when asked', async () => {
    const page = await rpc('count_to?limit=2&offset=1', {
      body: { p_last: 5 },
      headers: { prefer: 'count=exact' },
    })
    assert.deepEqual([page.status, page.text], [206, '[2, 3]'])
    assert.equal(page.headers.get('content-range'), '1-2/5')
    assert.equal(page.headers.get('preference-applied'), 'count=exact')
    const beyond = await rpc('count_to?offset=9', { body: { p_last: 5 }, headers: { prefer: 'count=exact' } })
    assert.deepEqual([beyond.status, beyond.json().code], [416, 'PGRST103'])
  })

  it('refuses unknown preferences only when told to be strict, and limits affected rows then', async () => {
    assert.equal(
      (await rpc('add', { body: { p_left: 1, p_right: 1 }, headers: { prefer: 'what=ever' } })).status,
      200,
    )
    const strict = { prefer: 'handling=strict, what=ever' }
    const refused = await rpc('add', { body: { p_left: 1, p_right: 1 }, headers: strict })
    assert.deepEqual([refused.status, refused.json().details], [400, 'Invalid preferences: what=ever'])
    const atMost = { prefer: 'handling=strict, max-affected=1' }
    const many = await rpc('insert_notes', { body: { p_last: 2 }, headers: atMost })
    assert.deepEqual([many.status, many.json().code], [400, 'PGRST124'])
    assert.equal(await notes('n2'), 0)
    const single = await rpc('add', { body: { p_left: 1, p_right: 1 }, headers: atMost })
    assert.deepEqual([single.status, single.json().code], [400, 'PGRST128'])
  })

  it('answers in the time zone that is preferred', async () => {
    const got = await rpc('surroundings', { body: {}, headers: { prefer: 'timezone=Europe/Athens' } })
    assert.equal(got.json().timezone, 'Europe/Athens')
    assert.equal(got.headers.get('preference-applied'), 'timezone=Europe/Athens')
  })

  it('lets a function set status and headers, and says so when they make no sense', async () => {
    const respond = (p_status: string, p_headers: string) => rpc('respond', { body: { p_status, p_headers } })
    const got = await respond('202', '[{"X-Own": "yes"}]')
    assert.deepEqual([got.status, got.text, got.headers.get('x-own')], [202, '"done"', 'yes'])
    assert.deepEqual((await respond('999', '')).json().code, 'PGRST112')
    for (const headers of ['{}', '[1]', '[{"a b": "x"}]', 'nonsense', '[{"a": "line\\nline"}]']) {
      assert.deepEqual((await respond('', headers)).json().code, 'PGRST111')
    }
  })

  it('exposes one schema, echoes it, and hides triggers, other schemas and unnamed pairs', async () => {
    const profile = (name: string) => ({ body: {}, headers: { 'content-profile': name } })
    assert.equal((await rpc('nothing', profile('public'))).headers.get('content-profile'), 'public')
    const other = await rpc('hidden', profile('ticketing'))
    assert.deepEqual(
      [other.status, other.json().code, other.json().hint],
      [406, 'PGRST106', 'Only the following schemas are exposed: public'],
    )
    const reading = await rpc('nothing', { headers: { 'accept-profile': 'ticketing' } })
    assert.equal(reading.status, 406)
    for (const name of ['hidden', 'on_change', 'two_unnamed', 'pg_sleep']) {
      assert.equal((await rpc(name, { body: {} })).json().code, 'PGRST202')
    }
  })

  it('says which methods a function allows', async () => {
    const allow = async (name: string) => (await rpc(name, { method: 'OPTIONS' })).headers.get('allow')
    assert.equal(await allow('note'), 'OPTIONS,POST')
    assert.equal(await allow('add'), 'OPTIONS,GET,HEAD,POST')
    assert.equal((await rpc('no_such', { method: 'OPTIONS' })).status, 404)
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const got = await rpc('add', { body: {}, method })
      assert.deepEqual([got.status, got.json().code], [405, 'PGRST101'])
      assert.equal(got.headers.get('allow'), 'GET,HEAD,POST,OPTIONS')
    }
  })

  it('finds functions made after it started, and forgets dropped ones', async () => {
    await scratch.admin('create function public.late() returns integer language sql return 1')
    await becomes(async () => (await rpc('late', { body: {} })).status, 200)
    await scratch.admin('drop function public.late()')
    await becomes(async () => (await rpc('late', { body: {} })).json().code, 'PGRST202')
  })
})

const BECOMES_MS_MAX = 5_000

/** Asks until the answer is the expected one: the catalogue is read again at a bounded rate. */
async function becomes(question: () => Promise<unknown>, expected: unknown): Promise<void> {
  const untilMs = performance.now() + BECOMES_MS_MAX
  let answer = await question()
  while (answer !== expected && performance.now() < untilMs) answer = await question()
  assert.equal(answer, expected)
}
