import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { createClient } from '@supabase/supabase-js'
import { type Ask, ask, makeScratch, type Scratch, startServer, type TestServer } from './scratch.ts'

const FUNCTIONS = `
  create function public.books_by(p_author integer) returns setof public.books language sql stable
    begin atomic select * from public.books where author_id = p_author; end;
  create function public.book(p_id integer) returns public.books language sql stable
    begin atomic select * from public.books where id = p_id; end;
  create function public.authors() returns table (name text) language sql stable return 'not the table';
  create function public.all_authors() returns setof public.authors language sql stable security definer
    begin atomic select * from public.authors; end;`

let scratch: Scratch
let server: TestServer
before(async () => {
  scratch = await makeScratch()
  await scratch.admin(await readFile(new URL('library.sql', import.meta.url), 'utf8'))
  await scratch.admin(FUNCTIONS)
  server = await startServer(scratch, { max: 2 })
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await scratch[Symbol.asyncDispose]()
})
const rpc = (call: string, options: Ask = {}) => ask(server, `/rest/v1/rpc/${call}`, options)

/** Calls by GET, and what they give; by POST the arguments are in the body, and all else is the same. */
const calls: readonly (readonly [
  name: string,
  args: Record<string, number>,
  query: string,
  rows: unknown,
])[] = [
  [
    'books_by',
    { p_author: 1 },
    'select=id,title',
    [
      { id: 1, title: 'Notes on engines' },
      { id: 2, title: 'Letters' },
    ],
  ],
  ['books_by', { p_author: 1 }, 'select=no:id,price::text&price=not.is.null', [{ no: 1, price: '10.50' }]],
  ['books_by', { p_author: 1 }, 'select=id&id=gt.1&id=lt.5', [{ id: 2 }]],
  ['books_by', { p_author: 1 }, 'select=id&or=(id.eq.2,title.like.Nothing*)', [{ id: 2 }]],
  ['books_by', { p_author: 1 }, 'select=id&not.and=(id.eq.2,title.eq.Letters)', [{ id: 1 }]],
  ['books_by', { p_author: 1 }, 'select=id&order=id.desc', [{ id: 2 }, { id: 1 }]],
  ['books_by', { p_author: 1 }, 'select=id&order=id.desc&limit=1', [{ id: 2 }]],
  ['books_by', { p_author: 1 }, 'select=id&order=id&offset=1', [{ id: 2 }]],
  ['books_by', { p_author: 1 }, 'select=count', [{ count: 2 }]],
  [
    'books_by',
    { p_author: 1 },
    'select=id,covers(color),shelves(label)&shelves.order=label.desc&order=id',
    [
      { id: 1, covers: { color: 'red' }, shelves: [{ label: 'South' }, { label: 'North' }] },
      { id: 2, covers: { color: 'blue' }, shelves: [{ label: 'North' }] },
    ],
  ],
  [
    'books_by',
    { p_author: 1 },
    'select=id,by:authors!author_id(name)&id=eq.1',
    [{ id: 1, by: { name: 'Ada' } }],
  ],
  [
    'books_by',
    { p_author: 1 },
    'select=id,...covers!inner(color)&covers.color=eq.blue',
    [{ id: 2, color: 'blue' }],
  ],
  [
    'books_by',
    { p_author: 1 },
    'select=id,shelves(label)&shelves.limit=1&shelves.order=label&id=eq.1',
    [{ id: 1, shelves: [{ label: 'North' }] }],
  ],
  ['book', { p_id: 1 }, 'select=id,covers(color)', { id: 1, covers: { color: 'red' } }],
  ['rows_to', { p_last: 3 }, 'select=n&n=gte.2&order=n.desc', [{ n: 3 }, { n: 2 }]],
  ['rows_to', { p_last: 3 }, 'label=eq.row 2', [{ n: 2, label: 'row 2' }]],
  ['one_column', { p_last: 3 }, 'n=in.(1,3)', [{ n: 1 }, { n: 3 }]],
  ['divide', { p_left: 7, p_right: 2 }, 'select=rest', { rest: 1 }],
  ['authors', {}, 'name=like.not*', [{ name: 'not the table' }]],
  // A definer function shows what it shows; who may call it may read it.
  ['all_authors', {}, 'select=secret&id=eq.1', [{ secret: 'x' }]],
  ['all_authors', {}, 'select=id&facts->>city=eq.Rome', [{ id: 3 }]],
]

describe('what a function gives is read like a table', () => {
  for (const [name, args, query, rows] of calls) {
    it(`${name}?${query}`, async () => {
      const given = Object.entries(args).map(([key, value]) => `${key}=${value}&`)
      const got = await rpc(`${name}?${given.join('')}${query}`)
      assert.deepEqual([got.status, got.json()], [200, rows])
      const posted = await rpc(`${name}?${query}`, { body: args })
      assert.deepEqual([posted.status, posted.json()], [200, rows])
    })
  }

  it('by supabase-js', async () => {
    const client = createClient(server.url, server.authenticator.keys.anon)
    const { data, count } = await client
      .rpc('books_by', { p_author: 1 }, { count: 'exact' })
      .select('id')
      .gt('id', 0)
      .order('id', { ascending: false })
      .limit(1)
    assert.deepEqual([data, count], [[{ id: 2 }], 2])
    const one = await client.rpc('books_by', { p_author: 1 }).eq('id', 2).select('title').single()
    assert.deepEqual(one.data, { title: 'Letters' })
    const none = await client.rpc('books_by', { p_author: 1 }).eq('id', 9).maybeSingle()
    assert.deepEqual([none.data, none.error], [null, null])
  })
})

describe('how much of it', () => {
  it('counts what the filters leave, and says which rows these are', async () => {
    const exact = { prefer: 'count=exact' }
    for (const [query, status, range] of [
      ['n=gte.2', 200, '0-2/3'],
      ['n=gte.2&limit=1&offset=1', 206, '1-1/3'],
      ['n=gte.9', 200, '*/0'],
    ] as const) {
      const got = await rpc(`rows_to?${query}`, { body: { p_last: 4 }, headers: exact })
      assert.deepEqual([got.status, got.headers.get('content-range')], [status, range], query)
    }
    const far = await rpc('rows_to?n=gte.2&offset=5', { body: { p_last: 4 }, headers: exact })
    assert.deepEqual([far.status, far.json().code], [416, 'PGRST103'])
  })

  it('heeds the Range header of a GET alone', async () => {
    const range = { range: '1-1' }
    const got = await rpc('rows_to?p_last=4&select=n', { headers: range })
    assert.deepEqual([got.json(), got.headers.get('content-range')], [[{ n: 2 }], '1-1/*'])
    const plain = await rpc('one_column?p_last=3', { headers: { ...range, prefer: 'count=exact' } })
    assert.deepEqual(
      [plain.status, plain.json(), plain.headers.get('content-range')],
      [206, [{ n: 2 }], '1-1/3'],
    )
    const posted = await rpc('one_column', { body: { p_last: 3 }, headers: range })
    assert.deepEqual(posted.json(), [{ n: 1 }, { n: 2 }, { n: 3 }])
  })

  it('is not bounded as tables are: a function bounds itself', async () => {
    const got = await rpc('one_column?select=n', { body: { p_last: 1_500 } })
    assert.equal((got.json() as unknown[]).length, 1_500)
  })

  it('runs the function once, however its rows are read', async () => {
    const headers = { prefer: 'count=exact' }
    const got = await rpc('insert_notes?select=note&note=eq.n2', { body: { p_last: 3 }, headers })
    assert.deepEqual([got.json(), got.headers.get('content-range')], [[{ note: 'n2' }], '0-0/1'])
    const [{ count } = {}] = await scratch.admin(
      `select count(*)::int from public.notes where note like 'n_'`,
    )
    assert.equal(count, 3)
  })

  it('is one object, or 406 and nothing of it stays', async () => {
    const headers = { accept: 'application/vnd.pgrst.object+json' }
    const one = await rpc('rows_to?n=eq.2', { body: { p_last: 3 }, headers })
    assert.deepEqual([one.status, one.json()], [200, { n: 2, label: 'row 2' }])
    const two = await rpc('insert_notes?note=neq.m1', { body: { p_last: 2 }, headers })
    assert.deepEqual([two.status, two.json().code], [406, 'PGRST116'])
  })
})

describe('other forms', () => {
  it('CSV, of rows, of a part of them, of one, and of values', async () => {
    const csv = async (call: string, body: object) => {
      const got = await rpc(call, { body, headers: { accept: 'text/csv' } })
      assert.deepEqual([got.status, got.headers.get('content-type')], [200, 'text/csv; charset=utf-8'])
      return got.text
    }
    assert.equal(await csv('rows_to', { p_last: 2 }), 'n,label\n1,\n2,"row 2"')
    assert.equal(await csv('rows_to?select=label&n=eq.2', { p_last: 2 }), 'label\n"row 2"')
    assert.equal(await csv('make_pair', { p_name: 'a', p_size: 2 }), 'name,size\na,2')
    assert.equal(await csv('count_to', { p_last: 2 }), 'pgrst_scalar\n1\n2')
    assert.equal(await csv('add', { p_left: 1, p_right: 2 }), 'pgrst_scalar\n3')
  })

  it('nulls left out', async () => {
    const headers = { accept: 'application/vnd.pgrst.array+json;nulls=stripped' }
    assert.deepEqual((await rpc('rows_to?n=eq.1', { body: { p_last: 2 }, headers })).json(), [{ n: 1 }])
  })

  it('only the arguments that `columns` names', async () => {
    const body = { p_last: 2, p_more: 'x' }
    assert.equal((await rpc('count_to', { body })).json().code, 'PGRST202')
    assert.deepEqual((await rpc('count_to?columns=p_last', { body })).json(), [1, 2])
  })
})

describe('what is refused', () => {
  for (const [call, status, code] of [
    ['rows_to?select=m', 400, '42703'],
    ['rows_to?m=eq.1', 400, '42703'],
    ['rows_to?n=eq.x', 400, '22P02'],
    ['rows_to?order=m', 400, '42703'],
    ['rows_to?select=n,covers(color)', 400, 'PGRST200'],
    ['rows_to?covers.color=eq.red', 400, 'PGRST108'],
    ['rows_to?n=what.1', 400, 'PGRST100'],
    ['rows_to?what=ever', 400, 'PGRST100'],
    ['rows_to?limit=-1', 416, 'PGRST103'],
    ['count_to?n=eq.1', 400, '42703'],
  ] as const) {
    it(`${call}: ${status} ${code}`, async () => {
      const got = await rpc(call, { body: { p_last: 2 } })
      assert.deepEqual([got.status, got.json().code], [status, code])
    })
  }

  it('filters beside arguments of a GET are not taken for arguments', async () => {
    assert.equal((await rpc('rows_to?p_last=2&what=ever')).json().code, 'PGRST202')
    assert.deepEqual((await rpc('rows_to?p_last=2&select=n&n=eq.2')).json(), [{ n: 2 }])
  })
})
