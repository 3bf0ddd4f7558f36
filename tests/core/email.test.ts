import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EMAIL_LENGTH_MAX, isEmail } from '../../src/core/email.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()

const longest = `${'a'.repeat(EMAIL_LENGTH_MAX - '@b.cd'.length)}@b.cd`

const addresses: readonly (readonly [address: string, isGood: boolean])[] = [
  ['ada@example.org', true],
  ['ada+tickets@mail.example.co.uk', true],
  ["o'hara@example.org", true],
  ['ἄδα@παράδειγμα.gr', true],
  [longest, true],
  [`a${longest}`, false],
  ['', false],
  ['ada', false],
  ['ada@example', false],
  ['@example.org', false],
  ['ada@', false],
  ['a@b@example.org', false],
  ['ada@.org', false],
  ['ada@example.', false],
  ['ada@example..org', false],
  ['a..da@example.org', false],
  ['ada lovelace@example.org', false],
  ['ada@exam\u00a0ple.org', false],
  ['ada@exam\u2003ple.org', false],
  ['ada@example.org\n', false],
  ['\tada@example.org', false],
  ['Ada <ada@example.org>', false],
  ['"ada"@example.org', false],
]

describe('an e-mail address', () => {
  for (const [address, isGood] of addresses) {
    it(`${JSON.stringify(address.slice(0, 40))} is ${isGood ? 'one' : 'none'}, in SQL too`, async () => {
      assert.equal(isEmail(address), isGood)
      assert.equal(await db.value('select ticketing.is_email($1)', [address]), isGood)
    })
  }

  it('is refused by a checkout by the same rule', async () => {
    const problem = (customer_email: string) =>
      db.value('select ticketing.request_problem($1)', [JSON.stringify({ customer_email })])
    assert.equal(await problem('ada@example.org'), null)
    assert.equal(await problem('ada@example'), 'The e-mail address is none.')
  })
})
