import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, beforeEach, describe, it } from 'node:test'
import { createClient } from '@supabase/supabase-js'
import { type Ask, ask, makeScratch, type Scratch, startServer, type TestServer } from './scratch.ts'

let scratch: Scratch
let server: TestServer
before(async () => {
  scratch = await makeScratch()
  await scratch.admin(await readFile(new URL('library.sql', import.meta.url), 'utf8'))
  await scratch.admin(`
    create table public.notes_kept (
      id integer primary key, kind text not null default 'plain', text text unique, shelf_id integer references public.shelves (id),
      size integer check (size < 100), made timestamptz default '2020-01-01', secret text);
    grant select (id, kind, text, shelf_id, size, made), insert, update, delete on public.notes_kept to anon;
    grant select, insert on public.shelves to anon;
    create table public.drop_box (word text); grant insert on public.drop_box to anon`)
  server = await startServer(scratch, { max: 2 })
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await scratch[Symbol.asyncDispose]()
})
beforeEach(async () => {
  await scratch.admin(
    `truncate public.notes_kept; insert into public.notes_kept (id, text, size) values (1, 'one', 1), (2, 'two', 2)`,
  )
})
const send = (method: string, query: string, body?: unknown, headers: Record<string, string> = {}) =>
  ask(server, `/rest/v1/${query}`, { method, headers, ...(body === undefined ? {} : { body }) } satisfies Ask)
const kept = async (columns = 'id,text') =>
  scratch.admin(`select ${columns} from public.notes_kept order by id`)
const FULL = { prefer: 'return=representation' }

/** Writes that are taken: the status and body of the answer. */
const writes: readonly (readonly [
  method: string,
  query: string,
  body: unknown,
  prefer: string,
  status: number,
  answer: unknown,
])[] = [
  ['POST', 'notes_kept', { id: 3, text: 'three' }, '', 201, ''],
  ['POST', 'notes_kept', { id: 3 }, 'return=minimal', 201, ''],
  [
    'POST',
    'notes_kept?select=id,kind,text',
    { id: 3, text: 'three' },
    'return=representation',
    201,
    [{ id: 3, kind: 'plain', text: 'three' }],
  ],
  [
    'POST',
    'notes_kept?select=id',
    [{ id: 3 }, { id: 4 }],
    'return=representation',
    201,
    [{ id: 3 }, { id: 4 }],
  ],
  [
    'POST',
    'notes_kept?select=id,kind,text&columns="id","kind","text"',
    [
      { id: 3, kind: 'a' },
      { id: 4, text: 't', kind: 'b' },
    ],
    'return=representation',
    201,
    [
      { id: 3, kind: 'a', text: null },
      { id: 4, kind: 'b', text: 't' },
    ],
  ],
  [
    'POST',
    'notes_kept?select=id,kind&columns=id,kind',
    [{ id: 3 }, { id: 4, kind: 'b' }],
    'return=representation, missing=default',
    201,
    [
      { id: 3, kind: 'plain' },
      { id: 4, kind: 'b' },
    ],
  ],
  [
    'POST',
    'notes_kept?columns=id&select=id,text',
    { id: 3, text: 'ignored' },
    'return=representation',
    201,
    [{ id: 3, text: null }],
  ],
  [
    'POST',
    'notes_kept?select=id,shelves(label)',
    { id: 3, shelf_id: 2 },
    'return=representation',
    201,
    [{ id: 3, shelves: { label: 'South' } }],
  ],
  [
    'POST',
    'notes_kept?select=id,text',
    { id: 1, text: 'uno' },
    'return=representation, resolution=merge-duplicates',
    200,
    [{ id: 1, text: 'uno' }],
  ],
  [
    'POST',
    'notes_kept?select=id,text',
    [
      { id: 1, text: 'uno' },
      { id: 3, text: 'tres' },
    ],
    'return=representation, resolution=ignore-duplicates',
    201,
    [{ id: 3, text: 'tres' }],
  ],
  [
    'POST',
    'notes_kept?on_conflict=text&select=id,size',
    { id: 9, text: 'two', size: 7 },
    'return=representation, resolution=merge-duplicates',
    200,
    [{ id: 9, size: 7 }],
  ],
  ['POST', 'notes_kept', [], 'return=representation', 201, []],
  ['POST', 'drop_box', { word: 'psst' }, 'return=minimal', 201, ''],
  ['PATCH', 'notes_kept?id=eq.1', { text: 'uno' }, '', 204, ''],
  [
    'PATCH',
    'notes_kept?id=eq.1&select=id,text',
    { text: 'uno' },
    'return=representation',
    200,
    [{ id: 1, text: 'uno' }],
  ],
  [
    'PATCH',
    'notes_kept?id=gt.0&select=id&order=id.desc',
    { kind: 'x' },
    'return=representation',
    200,
    [{ id: 2 }, { id: 1 }],
  ],
  [
    'PATCH',
    'notes_kept?id=gt.0&select=id&order=id.desc&limit=1',
    { kind: 'x' },
    'return=representation',
    200,
    [{ id: 2 }],
  ],
  ['PATCH', 'notes_kept?id=eq.9', { text: 'x' }, 'return=representation', 200, []],
  ['PATCH', 'notes_kept?id=eq.1', {}, 'return=representation', 200, []],
  ['PATCH', 'notes_kept?id=eq.1', [], 'return=representation', 200, []],
  [
    'PATCH',
    'notes_kept?or=(id.eq.1,text.eq.two)&select=id&order=id',
    { size: null },
    'return=representation',
    200,
    [{ id: 1 }, { id: 2 }],
  ],
  ['DELETE', 'notes_kept?id=eq.1', undefined, '', 204, ''],
  [
    'DELETE',
    'notes_kept?id=in.(1,2)&select=id&order=id',
    undefined,
    'return=representation',
    200,
    [{ id: 1 }, { id: 2 }],
  ],
  ['DELETE', 'notes_kept?id=eq.9', undefined, 'return=representation', 200, []],
]

describe('writes', () => {
  for (const [method, query, body, prefer, status, answer] of writes) {
    it(`${method} ${query} ${JSON.stringify(body) ?? ''} (${prefer})`, async () => {
      const got = await send(method, query, body, prefer === '' ? {} : { prefer })
      assert.deepEqual([got.status, got.text === '' ? '' : got.json()], [status, answer])
    })
  }

  it('says what it applied, what it counted, and where the row is', async () => {
    const got = await send('POST', 'notes_kept', { id: 3 }, { prefer: 'return=headers-only,count=exact' })
    assert.deepEqual(
      [
        got.status,
        got.headers.get('location'),
        got.headers.get('content-range'),
        got.headers.get('preference-applied'),
      ],
      [201, '/notes_kept?id=eq.3', '*/1', 'return=headers-only, count=exact'],
    )
    const two = await send('PATCH', 'notes_kept?id=lt.3', { kind: 'x' }, { prefer: 'count=exact' })
    assert.deepEqual([two.status, two.headers.get('content-range')], [204, '0-1/2'])
  })

  it('takes a form, and one object back where one was asked for', async () => {
    const form = await send('POST', 'notes_kept?select=id,text', 'id=3&text=a+b', {
      'content-type': 'application/x-www-form-urlencoded',
      ...FULL,
      accept: 'application/vnd.pgrst.object+json',
    })
    assert.deepEqual([form.status, form.json()], [201, { id: 3, text: 'a b' }])
  })
})

/** Writes that are refused, and change nothing. */
const refusals: readonly (readonly [
  method: string,
  query: string,
  body: unknown,
  status: number,
  code: string,
  headers?: Record<string, string>,
])[] = [
  ['POST', 'notes_kept', { id: 1 }, 409, '23505'],
  ['POST', 'notes_kept', [{ id: 3 }, { id: 1 }], 409, '23505'],
  ['POST', 'notes_kept', { id: 3, shelf_id: 9 }, 409, '23503'],
  ['POST', 'notes_kept', { id: 3, size: 100 }, 400, '23514'],
  ['POST', 'notes_kept', { id: null }, 400, '23502'],
  ['POST', 'notes_kept', { text: 'x' }, 400, '23502'],
  ['POST', 'notes_kept', { id: 'x' }, 400, '22P02'],
  ['POST', 'notes_kept', { id: 1e20 }, 400, '22003'],
  ['POST', 'notes_kept', { id: 3, nope: 1 }, 400, 'PGRST204'],
  ['POST', 'notes_kept?columns=nope', { id: 3 }, 400, 'PGRST204'],
  [
    'POST',
    'notes_kept?on_conflict=nope',
    { id: 3 },
    400,
    'PGRST204',
    { prefer: 'resolution=merge-duplicates' },
  ],
  ['POST', 'notes_kept?on_conflict=size', { id: 3 }, 400, '42P10', { prefer: 'resolution=merge-duplicates' }],
  ['POST', 'notes_kept', [{ id: 3 }, { id: 4, text: 'x' }], 400, 'PGRST102'],
  ['POST', 'notes_kept', '{"id":', 400, 'PGRST102'],
  ['POST', 'notes_kept', '', 400, 'PGRST102'],
  ['POST', 'notes_kept', '5', 400, 'PGRST102'],
  ['POST', 'notes_kept', [1], 400, 'PGRST102'],
  ['POST', 'notes_kept', { id: 3, text: 'a\u0000b' }, 400, '22P05'],
  ['POST', 'notes_kept', 'id;3', 400, 'PGRST102', { 'content-type': 'text/plain' }],
  ['POST', 'notes_kept?select=secret', { id: 3 }, 401, '42501', FULL],
  ['POST', 'shelved', { book_id: 4, shelf_id: 1 }, 401, '42501'],
  ['POST', 'new_books', { id: 3 }, 401, '42501'],
  ['POST', 'nothing', { id: 3 }, 404, 'PGRST205'],
  ['POST', 'notes_kept', { id: 3 }, 400, 'PGRST122', { prefer: 'handling=strict, foo=bar' }],
  [
    'POST',
    'notes_kept',
    [{ id: 3 }, { id: 4 }],
    406,
    'PGRST116',
    { ...FULL, accept: 'application/vnd.pgrst.object+json' },
  ],
  ['PATCH', 'notes_kept', { text: null }, 400, '21000'],
  ['PATCH', 'notes_kept?limit=1', { text: null }, 400, '21000'],
  ['PATCH', 'notes_kept?id=gt.0&limit=1', { text: null }, 400, 'PGRST109'],
  ['PATCH', 'notes_kept?nope=eq.1', { text: null }, 400, '42703'],
  ['PATCH', 'notes_kept?id=eq.1', { nope: null }, 400, 'PGRST204'],
  ['PATCH', 'notes_kept?id=eq.1', [{ size: 1 }, { size: 2 }], 400, 'PGRST102'],
  [
    'PATCH',
    'notes_kept?id=gt.0',
    { kind: 'x' },
    400,
    'PGRST124',
    { prefer: 'handling=strict, max-affected=1' },
  ],
  [
    'PATCH',
    'notes_kept?id=gt.0',
    { kind: 'x' },
    406,
    'PGRST116',
    { ...FULL, accept: 'application/vnd.pgrst.object+json' },
  ],
  ['DELETE', 'notes_kept', undefined, 400, '21000'],
  ['DELETE', 'notes_kept?id=gt.0', undefined, 400, 'PGRST124', { prefer: 'handling=strict, max-affected=1' }],
]

describe('what writes refuse', () => {
  for (const [method, query, body, status, code, headers] of refusals) {
    it(`${method} ${query} ${JSON.stringify(body) ?? ''}: ${status} ${code}`, async () => {
      const before = await kept('*')
      const got = await send(method, query, body, headers)
      assert.deepEqual([got.status, got.json().code], [status, code], got.text)
      assert.deepEqual(await kept('*'), before)
    })
  }
})

describe('supabase-js writes', () => {
  it('in every form that it has', async () => {
    const notes = () => createClient(server.url, server.authenticator.keys.anon).from('notes_kept')
    assert.deepEqual((await notes().insert({ id: 3, text: 'c' }).select('id,text').single()).data, {
      id: 3,
      text: 'c',
    })
    assert.equal((await notes().insert([{ id: 4 }, { id: 5, text: 'e' }])).status, 201)
    assert.deepEqual((await notes().upsert({ id: 4, text: 'd' }).select('text')).data, [{ text: 'd' }])
    assert.deepEqual(
      (
        await notes()
          .upsert({ id: 9, text: 'd' }, { onConflict: 'text', ignoreDuplicates: true })
          .select('id')
      ).data,
      [],
    )
    assert.equal((await notes().update({ kind: 'x' }).eq('id', 4)).status, 204)
    const { data, count } = await notes()
      .update({ kind: 'y' }, { count: 'exact' })
      .in('id', [4, 5])
      .select('id')
      .order('id')
    assert.deepEqual([data, count], [[{ id: 4 }, { id: 5 }], 2])
    assert.equal((await notes().delete().eq('id', 5)).error, null)
    assert.deepEqual(
      (
        await notes()
          .insert([{ id: 6 }, { id: 7, kind: 'k' }], { defaultToNull: false })
          .select('id,kind')
      ).data,
      [
        { id: 6, kind: 'plain' },
        { id: 7, kind: 'k' },
      ],
    )
    assert.equal((await kept()).length, 6)
  })
})
