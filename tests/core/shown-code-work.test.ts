import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { qrSpelling, TOKEN_LENGTH } from '../../src/core/code-token.ts'
import { MISTYPINGS } from '../../src/core/keyboards.ts'
import { readShown, SHOWN_LENGTH_MAX } from '../../src/core/shown-code.ts'
import { CODES } from '../support/codes.ts'

const old = CODES.token('ticket', '0b000000-0000-4000-8000-00000000000c', randomBytes(16).toString('hex'))
const qr = qrSpelling(old)

/** What strangers may send to keep a server at it. */
const HOSTILE: Readonly<Record<string, (length: number) => string>> = {
  'marks that composing has to sort': (length) => '\u0301\u0316'.repeat(length / 2),
  'such marks between what is not seen': (length) => '\u0301\u200b\u0316\u200b'.repeat(length / 4),
  'such marks on each letter': (length) => `a${'\u0316\u0301'.repeat(9)}`.repeat(length / 19),
  'a long head before a code': (length) => `${'.'.repeat(length - qr.length)}${qr}`,
  'a long head before a code of the other spelling': (length) => `${'.'.repeat(length - old.length)}${old}`,
  'a long head of what could be codes': (length) => 'A1'.repeat(length / 2),
  'a long head of what caps lock makes of such': (length) => 'a!'.repeat(length / 2),
  'signs in percent': (length) => '%41'.repeat(length / 3),
}

describe('the work of reading what was shown', () => {
  for (const [what, make] of Object.entries(HOSTILE)) {
    it(`sorts no more than two marks on a letter: ${what}`, (t) => {
      const composed = composedIn(t, () => readAll(make(SHOWN_LENGTH_MAX)))
      assert.ok(composed.length > 0)
      for (const text of composed) assert.doesNotMatch(text, /\p{M}{3}/u)
    })

    it(`is no look at what is longer than any code in an address: ${what}`, (t) => {
      for (const length of [SHOWN_LENGTH_MAX + 20, 100 * SHOWN_LENGTH_MAX]) {
        const text = make(length)
        assert.ok(text.length > SHOWN_LENGTH_MAX)
        const composed = composedIn(t, () => {
          assert.equal(
            lookUpsIn(t, () => assert.equal(readAll(text), 'unreadable')),
            0,
          )
        })
        assert.deepEqual(composed, [])
      }
    })

    it(`looks each letter up at most three times a keyboard: ${what}`, (t) => {
      const lookUps = lookUpsIn(t, () => readAll(make(SHOWN_LENGTH_MAX)))
      assert.ok(lookUps <= 3 * MISTYPINGS.length * (SHOWN_LENGTH_MAX + TOKEN_LENGTH), String(lookUps))
    })
  }

  it('reads a code in the longest text that is looked at', () => {
    const head = 'https://example.org/?q='
    assert.equal(readAll(`${head.padEnd(SHOWN_LENGTH_MAX - old.length - 1, '.')}#${old}`), 'token')
  })
})

function readAll(text: string): string {
  const shown = readShown(text)
  if (shown.kind !== 'plain') shown.mistyped()
  return shown.kind
}

/** Every text that is composed while `work` runs. */
function composedIn(t: TestContext, work: () => void): string[] {
  const composed: string[] = []
  const normalize = t.mock.method(String.prototype, 'normalize', function (this: string) {
    composed.push(String(this))
    return String(this)
  })
  try {
    work()
  } finally {
    normalize.mock.restore()
  }
  return composed
}

/** How many letters are looked up in keyboards while `work` runs. */
function lookUpsIn(t: TestContext, work: () => void): number {
  const counted = MISTYPINGS.map((meantBy) => t.mock.method(meantBy as Map<string, string>, 'get'))
  try {
    work()
    return counted.reduce((sum, { mock }) => sum + mock.callCount(), 0)
  } finally {
    for (const { mock } of counted) mock.restore()
  }
}
