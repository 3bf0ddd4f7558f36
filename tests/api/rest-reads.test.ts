import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { createClient } from '@supabase/supabase-js'
import { type Ask, ask, makeScratch, type Scratch, startServer, type TestServer } from './scratch.ts'

let scratch: Scratch
let server: TestServer
before(async () => {
  scratch = await makeScratch()
  await scratch.admin(await readFile(new URL('library.sql', import.meta.url), 'utf8'))
  await scratch.admin(`create table public.many (id integer primary key, shelf integer references public.shelves);
    insert into public.many select n, 2 from generate_series(1, 1200) n; grant select on public.many to anon`)
  server = await startServer(scratch, { max: 2 })
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await scratch[Symbol.asyncDispose]()
})
const get = (query: string, options: Ask = {}) => ask(server, `/rest/v1/${query}`, options)

/** Read queries, and the rows that they give. */
const reads: readonly (readonly [query: string, rows: unknown])[] = [
  // select
  ['books?select=id,title&id=eq.2', [{ id: 2, title: 'Letters' }]],
  ['books?select=no:id,id&id=eq.2', [{ no: 2, id: 2 }]],
  ['books?select=id::text&id=eq.2', [{ id: '2' }]],
  ['books?select=price::text,id&id=eq.1', [{ price: '10.50', id: 1 }]],
  ['books?select="id"&id=eq.2', [{ id: 2 }]],
  ['shelves?id=eq.1', [{ id: 1, label: 'North' }]],
  ['shelves?select=&id=eq.1', [{ id: 1, label: 'North' }]],
  ['shelves?select=*,label&id=eq.1', [{ id: 1, label: 'North' }]],
  ['authors?select=facts->>city&id=eq.1', [{ city: 'London' }]],
  ['authors?select=facts->langs->0&id=eq.1', [{ langs: 'en' }]],
  ['authors?select=first:facts->langs->>0,facts->depth->a&id=eq.1', [{ first: 'en', a: 1 }]],
  ['authors?select=facts->depth->>a::int&id=eq.1', [{ a: 1 }]],
  ['books?select=tags->0&id=eq.1', [{ tags: 'math' }]],
  ['books?select=count', [{ count: 4 }]],
  ['books?select=count&author_id=eq.1', [{ count: 2 }]],
  [
    'new_books?order=id',
    [
      { id: 1, title: 'Notes on engines' },
      { id: 4, title: 'A cat and a dog_x' },
    ],
  ],
  // Column privileges: * is what the role may read
  ['authors?id=eq.2', [{ id: 2, name: 'Émile', born: null, facts: null }]],
  // embedding
  ['books?select=id,authors!books_author_id_fkey(name)&id=eq.1', [{ id: 1, authors: { name: 'Ada' } }]],
  [
    'books?select=id,author:author_id(name)&id=in.(1,4)&order=id',
    [
      { id: 1, author: { name: 'Ada' } },
      { id: 4, author: null },
    ],
  ],
  [
    'books?select=id,by:authors!author_id(name),ed:authors!editor_id(name)&id=eq.1',
    [{ id: 1, by: { name: 'Ada' }, ed: { name: 'Émile' } }],
  ],
  ['books?select=books_editor_fkey(name)&id=eq.1', [{ books_editor_fkey: { name: 'Émile' } }]],
  [
    'authors?select=id,books!author_id(id)&order=id&books.order=id.desc',
    [
      { id: 1, books: [{ id: 2 }, { id: 1 }] },
      { id: 2, books: [{ id: 3 }] },
      { id: 3, books: [] },
    ],
  ],
  [
    'authors?select=id,books!author_id(id)&id=eq.1&books.order=id&books.limit=1',
    [{ id: 1, books: [{ id: 1 }] }],
  ],
  [
    'authors?select=id,books!author_id(id)&id=eq.1&books.order=id&books.offset=1',
    [{ id: 1, books: [{ id: 2 }] }],
  ],
  ['authors?select=id,books!author_id!inner(id)&books.price=gt.5', [{ id: 1, books: [{ id: 1 }] }]],
  ['authors?select=id,books!author_id!left(id)&books.price=gt.5&id=eq.2', [{ id: 2, books: [] }]],
  ['authors?select=id,books!author_id()&books=is.null', [{ id: 3 }]],
  ['authors?select=id,books!author_id()&books=not.is.null&order=id', [{ id: 1 }, { id: 2 }]],
  ['authors?select=id,books!author_id()&or=(books.is.null,id.eq.1)&order=id', [{ id: 1 }, { id: 3 }]],
  [
    'authors?select=id,b:books!author_id(id)&b.or=(id.eq.1,id.eq.3)&order=id&id=lt.3',
    [
      { id: 1, b: [{ id: 1 }] },
      { id: 2, b: [{ id: 3 }] },
    ],
  ],
  [
    'books?select=id,covers(color)&order=id&id=in.(1,3)',
    [
      { id: 1, covers: { color: 'red' } },
      { id: 3, covers: null },
    ],
  ],
  ['covers?select=color,books(title)&book_id=eq.2', [{ color: 'blue', books: { title: 'Letters' } }]],
  [
    'books?select=id,shelves(label)&id=in.(1,4)&order=id&shelves.order=label.desc',
    [
      { id: 1, shelves: [{ label: 'South' }, { label: 'North' }] },
      { id: 4, shelves: [] },
    ],
  ],
  [
    'shelves?select=label,books!shelved(id)&label=eq.North&books.order=id',
    [{ label: 'North', books: [{ id: 1 }, { id: 2 }] }],
  ],
  ['shelves?select=label,books!inner(id)&books.id=eq.2', [{ label: 'North', books: [{ id: 2 }] }]],
  ['books?select=id,...authors!author_id(writer:name)&id=eq.1', [{ id: 1, writer: 'Ada' }]],
  [
    'books?select=id,...covers(color)&order=id&id=in.(1,3)',
    [
      { id: 1, color: 'red' },
      { id: 3, color: null },
    ],
  ],
  [
    'authors?select=id,...books!author_id(titles:title)&id=eq.1&books.order=id',
    [{ id: 1, titles: ['Notes on engines', 'Letters'] }],
  ],
  [
    'covers?select=color,books(title,authors!author_id(name))&book_id=eq.1',
    [{ color: 'red', books: { title: 'Notes on engines', authors: { name: 'Ada' } } }],
  ],
  [
    'covers?select=color,books!inner(authors!author_id!inner(name))&books.authors.name=eq.Ada&order=color',
    [
      { color: 'blue', books: { authors: { name: 'Ada' } } },
      { color: 'red', books: { authors: { name: 'Ada' } } },
    ],
  ],
  // operators
  ['books?select=id&id=neq.1&order=id', [{ id: 2 }, { id: 3 }, { id: 4 }]],
  ['books?select=id&id=gt.1&id=lte.3&order=id', [{ id: 2 }, { id: 3 }]],
  ['books?select=id&id=gte.2&id=lt.3', [{ id: 2 }]],
  ['books?select=id&title=like.*cat*', [{ id: 4 }]],
  ['books?select=id&title=like.%25cat%25', [{ id: 4 }]],
  ['books?select=id&title=ilike.letters', [{ id: 2 }]],
  ['books?select=id&title=match.^L', [{ id: 2 }]],
  ['books?select=id&title=imatch.^l', [{ id: 2 }]],
  ['books?select=id&title=like(any).{L*,N*}&order=id', [{ id: 1 }, { id: 2 }]],
  ['books?select=id&title=like(all).{*e*,*s}&order=id', [{ id: 1 }, { id: 2 }]],
  ['books?select=id&id=eq(any).{1,3}&order=id', [{ id: 1 }, { id: 3 }]],
  ['books?select=id&id=gt(all).{1,3}', [{ id: 4 }]],
  ['books?select=id&id=not.eq(any).{1,2,3}', [{ id: 4 }]],
  ['books?select=id&id=in.(1,3)&order=id', [{ id: 1 }, { id: 3 }]],
  ['books?select=id&id=in.()', []],
  ['authors?select=id&name=in.("Nobody, \\"Jr\\"",Ada)&order=id', [{ id: 1 }, { id: 3 }]],
  ['books?select=id&title=in.("100% (of it), really")'.replace('%', '%25'), [{ id: 3 }]],
  ['books?select=id&id=not.in.(1,2)&order=id', [{ id: 3 }, { id: 4 }]],
  ['books?select=id&price=is.null', [{ id: 2 }]],
  ['books?select=id&price=not.is.null&order=id', [{ id: 1 }, { id: 3 }, { id: 4 }]],
  ['books?select=id&price=is.not_null&order=id', [{ id: 1 }, { id: 3 }, { id: 4 }]],
  ['books?select=id&is_new=is.true&order=id', [{ id: 1 }, { id: 4 }]],
  ['books?select=id&is_new=is.FALSE', [{ id: 2 }]],
  ['books?select=id&is_new=is.unknown', [{ id: 3 }]],
  ['books?select=id&is_new=isdistinct.true&order=id', [{ id: 2 }, { id: 3 }]],
  ['books?select=id&words=fts.engine', [{ id: 1 }]],
  ['books?select=id&title=fts(english).engine', [{ id: 1 }]],
  ['books?select=id&title=plfts.a cat', [{ id: 4 }]],
  ['books?select=id&title=phfts(simple).a cat', [{ id: 4 }]],
  ['books?select=id&title=wfts(english).cat -mouse', [{ id: 4 }]],
  ['books?select=id&title=not.fts(english).engine&order=id', [{ id: 2 }, { id: 3 }, { id: 4 }]],
  ['books?select=id&tags=cs.{old}&order=id', [{ id: 1 }, { id: 4 }]],
  ['books?select=id&tags=cd.{old,math}&order=id', [{ id: 1 }, { id: 3 }, { id: 4 }]],
  ['books?select=id&tags=ov.{letters,math}&order=id', [{ id: 1 }, { id: 2 }]],
  ['authors?select=id&facts=cs.{"city":"Rome"}', [{ id: 3 }]],
  ['books?select=id&pages=sl.[10,12)&order=id', [{ id: 1 }, { id: 3 }]],
  ['books?select=id&pages=sr.[1,9)', [{ id: 2 }]],
  ['books?select=id&pages=nxr.[1,9)&order=id', [{ id: 3 }]],
  ['books?select=id&pages=nxl.[5,9)&order=id', [{ id: 2 }, { id: 3 }]],
  ['books?select=id&pages=adj.[20,22)', [{ id: 2 }]],
  ['books?select=id&lent=cs.[2021-05-05,2021-05-06)', [{ id: 3 }]],
  ['authors?select=id&facts->>city=eq.Rome', [{ id: 3 }]],
  ['authors?select=id&facts->depth->>a=eq.1', [{ id: 1 }]],
  ['authors?select=id&facts->langs=cs.["fr"]', [{ id: 1 }]],
  ['books?select=id&title=eq.', []],
  // logic
  ['books?select=id&or=(id.eq.1,title.like.L*)&order=id', [{ id: 1 }, { id: 2 }]],
  ['books?select=id&and=(id.gt.1,or(id.lt.3,title.like."A*"))&order=id', [{ id: 2 }, { id: 4 }]],
  ['books?select=id&not.or=(id.eq.1,id.eq.2)&order=id', [{ id: 3 }, { id: 4 }]],
  ['books?select=id&not.and=(id.gt.1,id.lt.4)&order=id', [{ id: 1 }, { id: 4 }]],
  ['books?select=id&or=(not.and(id.gt.1,id.lt.4),id.eq.2)&order=id', [{ id: 1 }, { id: 2 }, { id: 4 }]],
  [
    'books?select=id&or=(id.in.(1,2),tags.cs.{old},price.is.null)&order=id',
    [{ id: 1 }, { id: 2 }, { id: 4 }],
  ],
  [
    'books?select=id&or=(title.eq."100%25 (of it), really",id.not.in.(1,2,3))&order=id',
    [{ id: 3 }, { id: 4 }],
  ],
  ['authors?select=id&or=(facts->>city.eq.Rome,id.eq.2)&order=id', [{ id: 2 }, { id: 3 }]],
  // order and pages
  ['books?select=id&order=price.desc.nullslast,id', [{ id: 1 }, { id: 4 }, { id: 3 }, { id: 2 }]],
  ['books?select=id&order=price.nullsfirst', [{ id: 2 }, { id: 3 }, { id: 4 }, { id: 1 }]],
  ['books?select=id&order=price.desc', [{ id: 2 }, { id: 1 }, { id: 4 }, { id: 3 }]],
  ['authors?select=id&order=facts->>city.desc.nullslast', [{ id: 3 }, { id: 1 }, { id: 2 }]],
  [
    'covers?select=color,books(title)&order=books(title).desc',
    [
      { color: 'red', books: { title: 'Notes on engines' } },
      { color: 'blue', books: { title: 'Letters' } },
    ],
  ],
  ['books?select=id&order=id&limit=2&offset=1', [{ id: 2 }, { id: 3 }]],
  ['books?select=id&limit=0', []],
]

describe('GET /rest/v1/<table>', () => {
  for (const [query, rows] of reads) {
    it(query, async () => {
      const got = await get(query.replaceAll(' ', '%20'))
      assert.deepEqual([got.status, got.json()], [200, rows])
    })
  }
})

/** Queries that are refused, with PostgREST's status and code. */
const refusals: readonly (readonly [query: string, status: number, code: string, message?: RegExp])[] = [
  ['nothing', 404, 'PGRST205', /Could not find the table 'public.nothing' in the schema cache/],
  ['book', 404, 'PGRST205'],
  ['a/b', 404, 'PGRST125'],
  ['books?select=nope', 400, '42703', /column books.nope does not exist/],
  ['books?nope=eq.1', 400, '42703'],
  ['books?order=nope', 400, '42703'],
  ['books?id=eq.x', 400, '22P02'],
  ['books?id=1', 400, 'PGRST100', /failed to parse filter \(1\)/],
  ['books?id=foo.1', 400, 'PGRST100'],
  ['books?id=eq(any)', 400, 'PGRST100'],
  ['books?id=neq(any).{1}', 400, 'PGRST100'],
  ['books?id=is.5', 400, 'PGRST100'],
  ['books?id=in.1', 400, 'PGRST100'],
  ['books?id=in.(1', 400, 'PGRST100'],
  ['books?or=(id.eq.1', 400, 'PGRST100', /failed to parse logic tree/],
  ['books?or=()', 400, 'PGRST100'],
  ['books?or=id.eq.1', 400, 'PGRST100'],
  ['books?select=id,', 400, 'PGRST100', /failed to parse select parameter/],
  ['books?select=id,authors(', 400, 'PGRST100'],
  ['books?select=id::int;drop', 400, 'PGRST100'],
  ['books?select=id::nosuch', 400, '42704'],
  ['books?order=id.sideways', 400, 'PGRST100', /failed to parse order/],
  ['books?limit=x', 400, 'PGRST100'],
  ['books?limit=-1', 416, 'PGRST103'],
  ['books?offset=-1', 416, 'PGRST103'],
  ['books?select=id,authors(name)', 300, 'PGRST201', /more than one relationship/],
  [
    'books?select=id,nothing(name)',
    400,
    'PGRST200',
    /Could not find a relationship between 'books' and 'nothing'/,
  ],
  ['books?select=id,authors!nohint(name)', 400, 'PGRST200'],
  ['books?select=id&authors.name=eq.Ada', 400, 'PGRST108', /'authors' is not an embedded resource/],
  ['books?select=id&order=authors(name)', 400, 'PGRST108'],
  ['authors?select=id,books!author_id(id)&order=books(id)', 400, 'PGRST118'],
  ['books?select=id.sum()', 400, 'PGRST123'],
  ['books?select=count()', 400, 'PGRST123'],
  ['authors?select=secret', 401, '42501'],
  ['authors?secret=eq.x', 401, '42501'],
  ['books?id=eq.%00', 400, 'PGRST100'],
  [`books?select=${'authors!author_id('.repeat(20)}id${')'.repeat(20)}`, 400, 'PGRST100'],
  [`books?${'not.and=('}${'and('.repeat(100)}id.eq.1${')'.repeat(101)}`, 400, 'PGRST100'],
  ['books?title=fts(klingon).x', 400, '42704'],
]

describe('what GET /rest/v1/<table> refuses', () => {
  for (const [query, status, code, message = /./] of refusals) {
    it(query.slice(0, 80), async () => {
      const got = await get(query)
      assert.deepEqual([got.status, got.json().code], [status, code], got.text)
      assert.match(String(got.json().message), message)
    })
  }
})

describe('how the answer is wanted', () => {
  const ranged = async (query: string, headers: Record<string, string>) => {
    const got = await get(query, { headers })
    return [got.status, got.headers.get('content-range'), got.text]
  }
  it('counts: exact, planned, estimated, and none', async () => {
    const exact = { prefer: 'count=exact' }
    assert.deepEqual(await ranged('books?select=id&limit=1&order=id', exact), [206, '0-0/4', '[{"id":1}]'])
    assert.deepEqual((await ranged('books?select=id', exact)).slice(0, 2), [200, '0-3/4'])
    assert.deepEqual(await ranged('books?select=id&id=eq.9', exact), [200, '*/0', '[]'])
    assert.deepEqual(await ranged('books?select=id&offset=4', exact), [206, '*/4', '[]'])
    assert.deepEqual((await ranged('books?offset=5', exact)).slice(0, 1), [416])
    assert.deepEqual((await ranged('books?select=id&limit=1', { prefer: 'count=estimated' })).slice(0, 2), [
      206,
      '0-0/4',
    ])
    const [status, range] = await ranged('books?select=id&limit=1', { prefer: 'count=planned' })
    assert.ok(status === 206 || status === 200)
    assert.match(String(range), /^0-0\/\d+$/)
    assert.deepEqual((await ranged('books?select=id&limit=1', {})).slice(0, 2), [200, '0-0/*'])
    const inner = 'authors?select=id,books!author_id!inner(id)&limit=1&order=id'
    assert.deepEqual((await ranged(inner, exact)).slice(0, 2), [206, '0-0/2'])
  })

  it('takes the Range header, within limit and offset', async () => {
    assert.deepEqual(await ranged('books?select=id&order=id', { range: '1-2' }), [
      200,
      '1-2/*',
      '[{"id":2}, \n {"id":3}]',
    ])
    assert.deepEqual((await ranged('books?select=id&order=id', { range: '3-' })).slice(0, 2), [200, '3-3/*'])
    assert.deepEqual((await ranged('books?select=id&limit=1', { range: '0-2' })).slice(0, 2), [200, '0-0/*'])
    assert.deepEqual((await ranged('books?select=id', { range: '2-1' })).slice(0, 1), [416])
  })

  it('HEAD has the headers and no body', async () => {
    const got = await get('books?select=id', { method: 'HEAD', headers: { prefer: 'count=exact' } })
    assert.deepEqual([got.status, got.text, got.headers.get('content-range')], [200, '', '0-3/4'])
    assert.equal(got.headers.get('preference-applied'), 'count=exact')
  })

  it('one object, or 406', async () => {
    const headers = { accept: 'application/vnd.pgrst.object+json' }
    const one = await get('books?select=id&id=eq.1', { headers })
    assert.deepEqual(
      [one.status, one.json(), one.headers.get('content-type')],
      [200, { id: 1 }, 'application/vnd.pgrst.object+json; charset=utf-8'],
    )
    for (const [query, rows] of [
      ['books?id=eq.9', 0],
      ['books', 4],
    ] as const) {
      const got = await get(query, { headers })
      assert.deepEqual(
        [got.status, got.json().code, got.json().details],
        [406, 'PGRST116', `The result contains ${rows} rows`],
      )
    }
    const stripped = await get('authors?id=eq.2', {
      headers: { accept: 'application/vnd.pgrst.object+json;nulls=stripped' },
    })
    assert.deepEqual(stripped.json(), { id: 2, name: 'Émile' })
  })

  it('CSV', async () => {
    const headers = { accept: 'text/csv' }
    const got = await get('authors?select=id,name&order=id', { headers })
    assert.deepEqual([got.status, got.text], [200, 'id,name\n1,Ada\n2,Émile\n3,"Nobody, ""Jr"""'])
    assert.equal(got.headers.get('content-type'), 'text/csv; charset=utf-8')
    assert.equal((await get('authors?id=eq.9', { headers })).text.trim(), '')
    assert.equal((await get('books', { headers: { accept: 'image/png' } })).status, 406)
  })

  it('gives at most 1,000 rows, embedded ones too', async () => {
    const got = await get('many?select=id&order=id', { headers: { prefer: 'count=exact' } })
    assert.deepEqual([got.status, got.headers.get('content-range')], [206, '0-999/1200'])
    const [shelf] = (await get('shelves?select=many(id)&id=eq.2')).json() as unknown as [{ many: unknown[] }]
    assert.equal(shelf.many.length, 1000)
  })
})

describe('supabase-js', () => {
  it('reads in every form that it has', async () => {
    const client = createClient(server.url, server.authenticator.keys.anon)
    const ids = (data: readonly { readonly id: number }[] | null) => data?.map(({ id }) => id)
    const books = () => client.from('books').select('id')
    assert.deepEqual(
      ids((await books().order('price', { ascending: false, nullsFirst: false }).range(0, 1)).data),
      [1, 4],
    )
    assert.deepEqual(
      ids((await books().in('title', ['100% (of it), really', 'Letters']).order('id')).data),
      [2, 3],
    )
    assert.deepEqual(ids((await books().or('id.eq.1,title.ilike.a%').order('id')).data), [1, 4])
    assert.deepEqual(ids((await books().contains('tags', ['old']).order('id')).data), [1, 4])
    assert.deepEqual(ids((await books().overlaps('tags', ['math', 'letters']).order('id')).data), [1, 2])
    assert.deepEqual(ids((await books().rangeGt('pages', '[1,9)')).data), [2])
    assert.deepEqual(ids((await books().textSearch('title', 'cat & dog', { config: 'english' })).data), [4])
    assert.deepEqual(ids((await books().is('is_new', null)).data), [3])
    assert.deepEqual(ids((await books().not('id', 'in', '(1,2,3)')).data), [4])
    assert.deepEqual(ids((await books().match({ author_id: 1, is_new: true })).data), [1])
    assert.deepEqual(ids((await books().filter('id', 'gte', 4)).data), [4])
    assert.deepEqual(ids((await books().likeAnyOf('title', ['L%', 'N%']).order('id')).data), [1, 2])
    const nested = await client
      .from('authors')
      .select('name,books!author_id!inner(title,covers(color))')
      .eq('books.covers.color', 'red')
      .eq('id', 1)
    assert.equal(nested.error, null)
    const counted = await client.from('books').select('*', { count: 'exact', head: true })
    assert.deepEqual([counted.count, counted.data], [4, null])
    assert.equal((await client.from('books').select('title').eq('id', 2).single()).data?.title, 'Letters')
    assert.equal((await client.from('books').select('title').eq('id', 9).maybeSingle()).data, null)
    assert.equal((await client.from('books').select('title').single()).error?.code, 'PGRST116')
    assert.equal((await client.from('authors').select('id,name').csv()).data?.split('\n').length, 4)
    assert.equal((await client.from('authors').select('*').eq('id', 1)).error, null)
    assert.equal((await client.from('nope').select()).error?.code, 'PGRST205')
  })
})
