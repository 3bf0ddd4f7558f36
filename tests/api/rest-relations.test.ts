import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { createClient } from '@supabase/supabase-js'
import { ask, makeScratch, type Scratch, startServer, type TestServer } from './scratch.ts'

const MORE = `
  create table public.tree (id integer primary key, parent integer, data jsonb,
    constraint tree_parent_fkey foreign key (parent) references public.tree (id));
  insert into public.tree values (1, null, '{}'), (2, 1, '{}'), (3, 1, '{}'), (4, 2, '{}');
  create table public.tallies (id integer primary key, count integer);
  insert into public.tallies values (1, 7);
  grant select on public.tree, public.tallies to anon;
  grant select, update on public.shelves to anon;
  create function public.shout(public.shelves) returns text language sql immutable return upper($1.label);
  create function public.facts_of(public.shelves) returns jsonb language sql immutable
    return jsonb_build_object('label', $1.label);
  create function public.lexemes(public.shelves) returns tsvector language sql immutable
    return to_tsvector('simple', $1.label);
  create function public.shelves_of(public.shelves) returns setof public.shelves language sql stable
    begin atomic select * from public.shelves; end;`

let scratch: Scratch
let server: TestServer
before(async () => {
  scratch = await makeScratch()
  await scratch.admin(await readFile(new URL('library.sql', import.meta.url), 'utf8'))
  await scratch.admin(MORE)
  server = await startServer(scratch, { max: 2 })
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await scratch[Symbol.asyncDispose]()
})

type Reads = readonly (readonly [query: string, rows: unknown])[]

function reading(reads: Reads): void {
  for (const [query, rows] of reads) {
    it(query, async () => {
      const got = await ask(server, `/rest/v1/${query}`)
      assert.deepEqual([got.status, got.json()], [200, rows])
    })
  }
}

function refusing(refusals: readonly (readonly [query: string, status: number, code: string])[]): void {
  for (const [query, status, code] of refusals) {
    it(`${query}: ${status} ${code}`, async () => {
      const got = await ask(server, `/rest/v1/${query}`)
      assert.deepEqual([got.status, got.json().code], [status, code], got.text)
    })
  }
}

describe('how many rows are embedded', () => {
  reading([
    [
      'authors?select=id,books!author_id(count)&order=id',
      [
        { id: 1, books: [{ count: 2 }] },
        { id: 2, books: [{ count: 1 }] },
        { id: 3, books: [{ count: 0 }] },
      ],
    ],
    ['authors?select=id,n:books!author_id(count)&n.price=gt.5&id=eq.1', [{ id: 1, n: [{ count: 1 }] }]],
    ['authors?select=id,books!author_id!inner(count)&id=in.(2,3)', [{ id: 2, books: [{ count: 1 }] }]],
    ['books?select=id,shelves(n:count::text)&id=eq.1', [{ id: 1, shelves: [{ n: '2' }] }]],
    ['books?select=total:count', [{ total: 4 }]],
    // A column of that name is what is meant.
    ['tallies?select=count', [{ count: 7 }]],
  ])
  refusing([['books?select=author_id,count', 400, '42803']])

  it('by supabase-js', async () => {
    const client = createClient(server.url, server.authenticator.keys.anon)
    const { data } = await client.from('shelves').select('label, books(count)').eq('id', 1)
    assert.deepEqual(data, [{ label: 'North', books: [{ count: 2 }] }])
  })
})

describe('lists beside the columns of a row', () => {
  reading([
    [
      'authors?select=id,...books!author_id(title,tags->>0,...covers(color))&id=eq.1&books.order=is_new.desc',
      [{ id: 1, title: ['Notes on engines', 'Letters'], tags: ['math', 'letters'], color: ['red', 'blue'] }],
    ],
    // Equals are in the order of their keys, in each list.
    [
      'books?select=id,...shelves(label,shelf:id)&id=eq.1',
      [{ id: 1, label: ['North', 'South'], shelf: [1, 2] }],
    ],
    ['authors?select=id,...books!author_id(count)&id=eq.1', [{ id: 1, count: [2] }]],
  ])
})

describe('a table that refers to itself', () => {
  reading([
    [
      'tree?select=id,tree(id)&id=lt.3&order=id&tree.order=id',
      [
        { id: 1, tree: [{ id: 2 }, { id: 3 }] },
        { id: 2, tree: [{ id: 4 }] },
      ],
    ],
    [
      'tree?select=id,parent(id)&id=in.(1,4)&order=id',
      [
        { id: 1, parent: null },
        { id: 4, parent: { id: 2 } },
      ],
    ],
    ['tree?select=id,up:parent(id,up:parent(id))&id=eq.4', [{ id: 4, up: { id: 2, up: { id: 1 } } }]],
  ])
  refusing([['tree?select=id,tree!tree_parent_fkey(id)', 300, 'PGRST201']])
})

describe('a parameter without a value', () => {
  reading([
    ['shelves?id=eq.1&_&order', [{ id: 1, label: 'North' }]],
    ['shelves?select&id=eq.1', [{ id: 1, label: 'North' }]],
    ['rpc/rows_to?p_last=1&_', [{ n: 1, label: null }]],
  ])
  refusing([['shelves?id=eq.1&order=', 400, 'PGRST100']])
})

describe('one to one, by the column', () => {
  reading([
    ['covers?select=book_id(title)&book_id=eq.2', [{ book_id: { title: 'Letters' } }]],
    ['covers?select=of:book_id(title)&book_id=eq.2', [{ of: { title: 'Letters' } }]],
  ])
  // The book's own column names nothing that it refers to.
  refusing([['books?select=id(color)', 400, 'PGRST200']])
})

describe('computed columns', () => {
  reading([
    ['shelves?id=eq.1', [{ id: 1, label: 'North' }]],
    ['shelves?select=*,shout&id=eq.1', [{ id: 1, label: 'North', shout: 'NORTH' }]],
    ['shelves?select=s:shout::text&shout=eq.SOUTH', [{ s: 'SOUTH' }]],
    ['shelves?select=id&order=shout.desc', [{ id: 2 }, { id: 1 }]],
    ['shelves?select=id&or=(shout.in.(NORTH),id.eq.9)', [{ id: 1 }]],
    ['shelves?select=facts_of->>label&facts_of->>label=eq.South', [{ label: 'South' }]],
    ['shelves?select=id&lexemes=fts(simple).south', [{ id: 2 }]],
    [
      'books?select=id,shelves(shout)&shelves.shout=like.N*&id=eq.1',
      [{ id: 1, shelves: [{ shout: 'NORTH' }] }],
    ],
  ])
  refusing([
    ['shelves?select=shelves_of', 400, '42703'],
    ['books?select=shout', 400, '42703'],
  ])

  it('filter what is written, and are not in what it answers', async () => {
    const patch = (query: string) =>
      ask(server, `/rest/v1/shelves?${query}`, {
        method: 'PATCH',
        body: { label: 'North' },
        headers: { prefer: 'return=representation' },
      })
    assert.deepEqual((await patch('shout=eq.NORTH')).json(), [{ id: 1, label: 'North' }])
    const got = await patch('shout=eq.NORTH&select=shout')
    assert.deepEqual([got.status, got.json().code], [400, '42703'])
  })
})
