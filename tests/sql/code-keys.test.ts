import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'

interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly kid?: number
  readonly is_new?: boolean
  readonly revoked_at?: string
  readonly keys?: readonly { readonly kid: number; readonly public_key: string; readonly revoked: boolean }[]
}

const db = await testDatabase()
const newKey = () => randomBytes(32).toString('base64url')
const register = (key: string | null, client: pg.Client = db.client) =>
  valueAs<Answer>(client, SERVICE, 'select ticketing.register_code_key($1)', [key])
const revoke = (kid: number) =>
  valueAs<Answer>(db.client, SERVICE, 'select ticketing.revoke_code_key($1)', [kid])
describe('keys that sign codes', () => {
  it('are numbered in their order; the same one again keeps its number and signs again', async () => {
    const [a, b] = [newKey(), newKey()]
    assert.deepEqual(await register(a), {
      success: true,
      kid: 1,
      is_new: true,
      keys: [{ kid: 1, public_key: a, revoked: false }],
    })
    const second = await register(b)
    assert.deepEqual([second.kid, second.keys?.map(({ kid }) => kid)], [2, [1, 2]])
    const again = await register(a)
    assert.deepEqual([again.kid, again.is_new], [1, false])
  })

  it('are registered by many servers at once, each under one number', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, () => db.connect()))
    const keys = [newKey(), newKey(), newKey()]
    const answers = await Promise.all(clients.map((client, n) => register(keys[n % 3] ?? '', client)))
    assert.ok(answers.every(({ success }) => success))
    assert.equal(new Set(answers.map(({ kid }) => kid)).size, 3)
  })

  it('that were revoked stay so, are not registered again, and keep their number', async () => {
    const key = newKey()
    const { kid = 0 } = await register(key)
    const revoked = await revoke(kid)
    assert.deepEqual([revoked.success, revoked.kid], [true, kid])
    assert.equal((await revoke(kid)).revoked_at, revoked.revoked_at, 'the first time counts')
    assert.deepEqual([(await register(key)).error, (await revoke(254)).error], ['KEY_REVOKED', 'NOT_FOUND'])
    assert.equal((await register(newKey())).kid, kid + 1)
  })

  it('have 32 bytes', async () => {
    for (const wrong of [null, '', 'x', `${newKey()}A`, `${newKey().slice(0, -1)}+`]) {
      assert.equal((await register(wrong)).error, 'INVALID_REQUEST')
    }
  })

  it('are at most 255 that admit; of those that were revoked the first gives its number, and never comes back', async () => {
    const own = await testDatabase()
    const ask = (call: string, parameter: unknown) =>
      valueAs<Answer>(own.client, SERVICE, `select ticketing.${call}($1)`, [parameter])
    const keys = Array.from({ length: 255 }, newKey)
    for (const key of keys) await ask('register_code_key', key)
    const another = newKey()
    assert.equal((await ask('register_code_key', another)).error, 'KEYS_EXHAUSTED')
    for (const kid of [7, 3]) await ask('revoke_code_key', kid)
    const given = await ask('register_code_key', another)
    assert.deepEqual(
      [given.kid, given.keys?.length, given.keys?.[6]],
      [7, 255, { kid: 7, public_key: another, revoked: false }],
    )
    assert.equal((await ask('register_code_key', keys[6])).error, 'KEY_REVOKED')
    assert.equal((await ask('register_code_key', newKey())).kid, 3)
    assert.equal((await ask('register_code_key', newKey())).error, 'KEYS_EXHAUSTED')
    assert.equal((await ask('register_code_key', keys[0])).kid, 1)
  })

  it('are not for users, nor is the table for anybody', async () => {
    const user = signedIn('00000000-0000-0000-0000-000000000001')
    for (const sql of [
      `select ticketing.register_code_key('${newKey()}')`,
      'select ticketing.revoke_code_key(1)',
      'select ticketing.list_code_keys()',
      'select public_key from ticketing.code_keys',
    ]) {
      await assert.rejects(valueAs(db.client, user, sql), { code: '42501' })
    }
    await assert.rejects(valueAs(db.client, SERVICE, 'update ticketing.code_keys set revoked_at = null'), {
      code: '42501',
    })
  })
})
