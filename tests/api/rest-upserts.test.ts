import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { ask, makeScratch, type Scratch, startServer, type TestServer } from './scratch.ts'

let scratch: Scratch
let server: TestServer
before(async () => {
  scratch = await makeScratch()
  await scratch.admin(`
    create table public.pens (
      id integer, color text default 'blue', size integer, primary key (id, color));
    create table public.jars (id integer primary key, label text default 'empty', size numeric);
    create table public.heap (word text);
    grant select, insert, update, delete on public.pens, public.jars, public.heap to anon`)
  server = await startServer(scratch, { max: 2 })
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await scratch[Symbol.asyncDispose]()
})
beforeEach(async () => {
  await scratch.admin(
    `truncate public.jars, public.pens, public.heap; insert into public.jars values (1, 'one', 1), (2, 'two', 2)`,
  )
})
const send = (method: string, query: string, body: unknown, headers: Record<string, string> = {}) =>
  ask(server, `/rest/v1/${query}`, { method, headers, body })
const CSV = { 'content-type': 'text/csv' }
const FULL = { prefer: 'return=representation' }
const MERGE = { prefer: 'resolution=merge-duplicates' }
const KEEP = { prefer: 'resolution=ignore-duplicates' }
const jars = () => scratch.admin('select id, label, size::text from public.jars order by id')

type Sent = readonly [method: string, query: string, body: unknown, headers: Record<string, string>]

const taken: readonly (readonly [...Sent, status: number, answer: unknown])[] = [
  // PUT: the one row that the address names.
  ['PUT', 'jars?id=eq.3', { id: 3, label: 'c' }, FULL, 201, [{ id: 3, label: 'c', size: null }]],
  ['PUT', 'jars?id=eq.1', { id: 1, label: 'uno' }, FULL, 200, [{ id: 1, label: 'uno', size: 1 }]],
  ['PUT', 'jars?id=eq.1&select=label', [{ id: 1, label: 'uno' }], FULL, 200, [{ label: 'uno' }]],
  ['PUT', 'jars?id=eq.3', { id: 3 }, {}, 204, ''],
  ['PUT', 'jars?id=eq.1', { id: 1, size: 9 }, { prefer: 'return=minimal' }, 204, ''],
  ['PUT', 'jars?id=eq.1&columns=id', { id: 1, label: 'uno' }, FULL, 200, [{ id: 1, label: 'uno', size: 1 }]],
  [
    'PUT',
    'pens?id=eq.1&color=eq.red',
    { id: 1, color: 'red' },
    FULL,
    201,
    [{ id: 1, color: 'red', size: null }],
  ],
  // An upsert says whether it made a row.
  ['POST', 'jars', { id: 1, label: 'uno' }, MERGE, 200, ''],
  ['POST', 'jars', [{ id: 1 }, { id: 3 }], MERGE, 201, ''],
  ['POST', 'jars', { id: 1, label: 'uno' }, KEEP, 201, ''],
  ['POST', 'jars', { id: 3 }, MERGE, 201, ''],
  ['POST', 'jars', [{ id: 3 }, { id: 4 }], { prefer: 'handling=strict, max-affected=1' }, 201, ''],
  // CSV
  [
    'POST',
    'jars?select=id,label',
    'id,label\n3,c\n4,"d, ""e""\nf"\n',
    { ...CSV, ...FULL },
    201,
    [
      { id: 3, label: 'c' },
      { id: 4, label: 'd, "e"\nf' },
    ],
  ],
  [
    'POST',
    'jars?select=id,label',
    'id,label\r\n3,NULL\r\n\r\n4,',
    { ...CSV, ...FULL },
    201,
    [
      { id: 3, label: null },
      { id: 4, label: '' },
    ],
  ],
  ['POST', 'jars?select=id', 'id,label\n', { ...CSV, ...FULL }, 201, []],
  ['PATCH', 'jars?id=eq.1&select=label', 'label\nuno', { ...CSV, ...FULL }, 200, [{ label: 'uno' }]],
  ['PUT', 'jars?id=eq.1&select=label', 'id,label\n1,uno', { ...CSV, ...FULL }, 200, [{ label: 'uno' }]],
  // Digits stay as they were sent, and defaults come where they are asked for.
  [
    'POST',
    'jars?select=size::text',
    '{"id":3,"size":12345678901234567890.123}',
    FULL,
    201,
    [{ size: '12345678901234567890.123' }],
  ],
  [
    'PATCH',
    'jars?id=eq.1&columns=label,size&select=label,size',
    { size: 7 },
    { prefer: 'return=representation, missing=default' },
    200,
    [{ label: 'empty', size: 7 }],
  ],
  [
    'PATCH',
    'jars?id=eq.1&columns=label,size&select=label,size',
    { size: 7 },
    FULL,
    200,
    [{ label: null, size: 7 }],
  ],
]

const refused: readonly (readonly [...Sent, status: number, code: string])[] = [
  ['PUT', 'jars?id=eq.3', { id: 4 }, FULL, 400, 'PGRST115'],
  ['PUT', 'jars?id=eq.3', [{ id: 3 }, { id: 4, size: 1 }], {}, 400, 'PGRST102'],
  ['PUT', 'jars?id=eq.3', { label: 'x' }, {}, 400, 'PGRST115'],
  ['PUT', 'jars?id=eq.3', [], {}, 400, 'PGRST115'],
  ['PUT', 'jars', { id: 3 }, {}, 405, 'PGRST105'],
  ['PUT', 'jars?id=gt.3', { id: 3 }, {}, 405, 'PGRST105'],
  ['PUT', 'jars?id=not.eq.3', { id: 3 }, {}, 405, 'PGRST105'],
  ['PUT', 'jars?id=eq.3&label=eq.a', { id: 3 }, {}, 405, 'PGRST105'],
  ['PUT', 'jars?or=(id.eq.3)', { id: 3 }, {}, 405, 'PGRST105'],
  ['PUT', 'jars?id=eq.3&id=eq.3', { id: 3 }, {}, 405, 'PGRST105'],
  ['PUT', 'pens?id=eq.3', { id: 3, color: 'red' }, {}, 405, 'PGRST105'],
  ['PUT', 'heap?word=eq.a', { word: 'a' }, {}, 405, 'PGRST105'],
  ['PUT', 'jars?id=eq.3&limit=1', { id: 3 }, {}, 400, 'PGRST114'],
  ['PUT', 'jars?id=eq.3&offset=1', { id: 3 }, {}, 400, 'PGRST114'],
  ['PUT', 'jars?id=eq.3', { id: 3, nope: 1 }, {}, 400, 'PGRST204'],
  ['POST', 'jars', [{ id: 1 }, { id: 1 }], MERGE, 400, '21000'],
  ['POST', 'jars', '', CSV, 400, 'PGRST102'],
  ['POST', 'jars', 'id,label\n3', CSV, 400, 'PGRST102'],
  ['POST', 'jars', 'id,label\n3,"c', CSV, 400, 'PGRST102'],
  ['POST', 'jars', 'id,label\n3,"c"d', CSV, 400, 'PGRST102'],
  ['POST', 'jars', 'id,nope\n3,c', CSV, 400, 'PGRST204'],
  ['POST', 'jars', 'id\nx', CSV, 400, '22P02'],
  ['PATCH', 'jars?id=eq.1', 'label\na\nb', CSV, 400, 'PGRST102'],
  ['PATCH', 'jars?id=eq.1&pens.id=eq.1', { label: 'x' }, {}, 400, 'PGRST108'],
  ['DELETE', 'jars?id=eq.1&pens.id=eq.1', undefined, {}, 400, 'PGRST108'],
]

describe('PUT, upserts and CSV', () => {
  for (const [method, query, body, headers, status, answer] of taken) {
    it(`${method} ${query} ${JSON.stringify(body)} ${JSON.stringify(headers)}: ${status}`, async () => {
      const got = await send(method, query, body, headers)
      assert.deepEqual([got.status, got.text === '' ? '' : got.json()], [status, answer], got.text)
    })
  }
  for (const [method, query, body, headers, status, code] of refused) {
    it(`${method} ${query} ${JSON.stringify(body)}: ${status} ${code}, and nothing is written`, async () => {
      const rows = await jars()
      const got = await send(method, query, body, headers)
      assert.deepEqual([got.status, got.json().code], [status, code], got.text)
      assert.deepEqual(await jars(), rows)
    })
  }

  const prefer =
    'resolution=merge-duplicates, missing=default, return=minimal, count=exact, handling=strict, timezone=UTC, max-affected=9, tx=commit'
  const common = 'return=minimal, count=exact, handling=strict, timezone=UTC'
  for (const [method, query, applied] of [
    ['GET', 'jars', 'count=exact, handling=strict, timezone=UTC'],
    ['POST', 'jars', `resolution=merge-duplicates, missing=default, ${common}`],
    ['PUT', 'jars?id=eq.1', common],
    ['PATCH', 'jars?id=eq.1', `missing=default, ${common}, max-affected=9`],
    ['DELETE', 'jars?id=eq.1', `${common}, max-affected=9`],
  ] as const)
    it(`${method} says which preferences it applied`, async () => {
      const got = await send(method, query, method === 'GET' ? undefined : { id: 1 }, { prefer })
      assert.equal(got.headers.get('preference-applied'), applied, got.text)
    })

  it('a table says that it takes them, and a PUT of two at once makes one row', async () => {
    const allows = await ask(server, '/rest/v1/jars', { method: 'OPTIONS' })
    assert.equal(allows.headers.get('allow'), 'OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE')
    const both = await Promise.all([3, 3].map((id) => send('PUT', `jars?id=eq.${id}`, { id }, FULL)))
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 201])
  })
})
