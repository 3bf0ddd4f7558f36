import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Caller } from '../../src/db/call.ts'
import { type Database, openPool } from '../../src/db/pool.ts'
import { integer, json, optional, text } from '../../src/desk/parameters.ts'
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

describe('a verb', () => {
  let scratch: Scratch
  let database: Database
  before(async () => {
    scratch = await makeScratch()
    database = await openPool(scratch.url, { max: 1, name: 'desk-test' })
    await scratch.admin(
      `create function ticketing.echo(p_answer jsonb) returns jsonb language sql as 'select p_answer'`,
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
