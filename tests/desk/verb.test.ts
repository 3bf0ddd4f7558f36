import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Caller } from '../../src/db/call.ts'
import { type Database, openPool } from '../../src/db/pool.ts'
import { integer, json, listOf, optional, text, uuid } from '../../src/desk/parameters.ts'
import { verb } from '../../src/desk/verb.ts'
import { makeScratch, type Scratch } from '../api/scratch.ts'

const USER: Caller = { role: 'authenticated', claims: '{"role":"authenticated","sub":"ada"}' }

/** A verb of functions.sql, which says what it was given. */
const who = verb('who', 'buyers', {
  number: integer,
  list: json,
  text: optional(text),
  nothing: optional(text),
}).gives<unknown>()
/** A verb that answers what it is told to. */
const echo = verb('echo', 'buyers', { answer: json })
  .refuses('SLOT_FULL', 'LOCK_TIMEOUT')
  .answers<{ readonly left: number }>()

/** A verb that gives back a row for each place of its lists. */
const places = verb('places', 'buyers', {
  texts: listOf(text),
  numbers: listOf(integer),
  lists: listOf(json),
  ids: optional(listOf(uuid)),
}).givesTexts()

describe('a verb', () => {
  let scratch: Scratch
  let database: Database
  before(async () => {
    scratch = await makeScratch()
    database = await openPool(scratch.url, { max: 1, name: 'desk-test' })
    await scratch.admin(
      `create function ticketing.echo(p_answer jsonb) returns jsonb language sql as 'select p_answer'`,
    )
    await scratch.admin(
      `create function ticketing.places(p_texts text[], p_numbers integer[], p_lists jsonb[], p_ids uuid[] default '{}')
       returns setof jsonb language sql as
       'select case when t is not null then jsonb_build_array(t, n, l, i) end from unnest(p_texts, p_numbers, p_lists, p_ids) as a(t, n, l, i)'`,
    )
  })
  after(async () => {
    await database.close()
    await scratch[Symbol.asyncDispose]()
  })

  it('is called by name as its caller, with arguments of every kind', async () => {
    const answer = await who(database, USER, { number: 3, list: [{ a: "it's" }], text: '\\', nothing: null })
    assert.deepEqual(answer, {
      role: 'authenticated',
      number: 3,
      list: [{ a: "it's" }],
      text: '\\',
      nothing: null,
    })
  })

  it('leaves to SQL what is undefined', async () => {
    await assert.rejects(who(database, USER, { number: 3, list: [] }), { code: '42883' })
  })

  for (const number of [1.5, 1e20, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`is given no number where ${number} is no integer, and judges that itself`, async () => {
      const answer = await who(database, USER, { number, list: [], text: '', nothing: '' })
      assert.equal((answer as { number: unknown }).number, null)
    })
  }

  it('is given lists as they are, whatever they hold, and gives texts as PostgreSQL writes them', async () => {
    const texts = ['', 'NULL', 'null', `it's "that", \\ {or} this`, ' ', '\n', 'ü🎫', null]
    const numbers = [0, 1, -1, null, 1.5, 2 ** 31 - 1, Number.NaN, 8]
    const lists = [{ a: 'b"\\' }, [], [null], { '': "'" }, null, ['{,}'], [1.5], {}]
    const id = '0192f0c0-0000-7000-8000-000000000000'
    const ids = [id, null]
    const given = await places(database, USER, { texts, numbers, lists, ids })
    const expected = [0, 1, -1, null, null, 2 ** 31 - 1, null].map((number, n) => [
      texts[n],
      number,
      lists[n],
      ids[n] ?? null,
    ])
    assert.deepEqual(
      given.map((row) => (row === null ? null : JSON.parse(row))),
      [...expected, null],
    )
    assert.equal(given[1], `["NULL", 1, [], null]`)
    assert.deepEqual(await places(database, USER, { texts: [], numbers: [], lists: [] }), [])
  })

  it('answers a success as it is', async () => {
    const answer = await echo(database, USER, { answer: { success: true, left: 3 } })
    assert.deepEqual(answer, { success: true, left: 3 })
  })

  it('refuses in one shape, whichever of the two SQL uses', async () => {
    const one = { success: false, error: 'SLOT_FULL', message: 'Full.', left: 0 }
    const cart = { success: false, error_code: 'SLOT_FULL', error: 'Full.', left: 0 }
    const expected = { success: false, code: 'SLOT_FULL', message: 'Full.', more: { left: 0 } }
    assert.deepEqual(await echo(database, USER, { answer: one }), expected)
    assert.deepEqual(await echo(database, USER, { answer: cart }), expected)
  })

  for (const answer of [{ success: false, error: 'NO_SUCH_CODE' }, { success: false }, {}, []]) {
    it(`is a bug where it answers ${JSON.stringify(answer)}`, async () => {
      await assert.rejects(echo(database, USER, { answer }), /^Error: echo /)
    })
  }
})
