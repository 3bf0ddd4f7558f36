import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { canonicalEmail, EMAIL_LENGTH_MAX } from '../../src/core/email.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()

const longest = `${'a'.repeat(EMAIL_LENGTH_MAX - '@b.cd'.length)}@b.cd`

const ADA = 'ada@example.org'

/** What is typed, and the one spelling of it; none where it is no address. */
const addresses: readonly (readonly [typed: string, canonical: string | undefined])[] = [
  [ADA, ADA],
  ['ada+tickets@mail.example.co.uk', 'ada+tickets@mail.example.co.uk'],
  ["o'hara@example.org", "o'hara@example.org"],
  ['Ada@EXAMPLE.org', 'Ada@example.org'],
  ['ａｄａ＠ｅｘａｍｐｌｅ．ｏｒｇ', ADA],
  ['ada@example\u3002org', ADA],
  ['a\u200bda@example.org', ADA],
  ['ada\u200d@exam\u00adple.org', ADA],
  ['\u202eada@example.org\u202c', ADA],
  ['\ufeffada@example.org', ADA],
  ['ada\ufe0f@example.org', ADA],
  ['jose\u0301@example.org', 'josé@example.org'],
  ['JOSÉ@example.org', 'josé@example.org'],
  ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
  ['ada@BU\u0308CHER.example', 'ada@xn--bcher-kva.example'],
  ['ada@xn--bcher-kva.example', 'ada@xn--bcher-kva.example'],
  ['ἄδα@παράδειγμα.gr', 'ἄδα@xn--hxajbheg2az3al.gr'],
  [longest, longest],
  [`a${longest}`, undefined],
  ['', undefined],
  ['ada', undefined],
  ['example.org', undefined],
  ['www.example.org', undefined],
  ['ada@example', undefined],
  ['@example.org', undefined],
  ['ada@', undefined],
  ['a@b@example.org', undefined],
  ['ada@.org', undefined],
  ['ada@example.', undefined],
  ['ada@example..org', undefined],
  ['a..da@example.org', undefined],
  ['ada lovelace@example.org', undefined],
  ['ada@exam\u00a0ple.org', undefined],
  ['ada@exam\u2003ple.org', undefined],
  ['ada@example.org\n', undefined],
  ['\tada@example.org', undefined],
  ['Ada <ada@example.org>', undefined],
  ['"ada"@example.org', undefined],
  ['mailto:ada@example.org', undefined],
  ['ada@example.org?subject=x', undefined],
  ['ada@example.org:25', undefined],
  ['ada@example.org/x', undefined],
  ['ada,bob@example.org', undefined],
  ['ada(comment)@example.org', undefined],
  ['ada@127.0.0.1', undefined],
]

describe('an e-mail address', () => {
  it('with a NUL, which no text in SQL has, is none', () => {
    assert.equal(canonicalEmail('ada\0@example.org'), undefined)
  })

  for (const [typed, canonical] of addresses) {
    const name = JSON.stringify(typed.slice(0, 40))
    it(`${name} is ${canonical === undefined ? 'none' : canonical.slice(0, 40)}, and SQL takes that spelling only`, async () => {
      assert.equal(canonicalEmail(typed), canonical)
      const taken = await db.value('select ticketing.is_email($1)', [typed])
      assert.equal(taken, typed === canonical || typed.toLowerCase() === canonical?.toLowerCase())
      if (canonical !== undefined)
        assert.equal(await db.value('select ticketing.is_email($1)', [canonical]), true)
    })
  }

  it('is refused by a checkout by the same rule', async () => {
    const problem = (customer_email: string) =>
      db.value('select ticketing.request_problem($1)', [JSON.stringify({ customer_email })])
    assert.equal(await problem('ada@example.org'), null)
    assert.equal(await problem('ada@example'), 'The e-mail address is none.')
  })
})

it('what is longer than any address is not composed: that is quadratic in marks', (t) => {
  const normalize = t.mock.method(String.prototype, 'normalize')
  assert.equal(canonicalEmail(`a${'\u0301\u0316'.repeat(8_000)}@example.org`), undefined)
  assert.equal(normalize.mock.callCount(), 0)
})
