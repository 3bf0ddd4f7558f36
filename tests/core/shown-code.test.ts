import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { decodeToken, qrSpelling } from '../../src/core/code-token.ts'
import { MISTYPINGS } from '../../src/core/keyboards.ts'
import { MISTYPED_MAX, readShown } from '../../src/core/shown-code.ts'
import { CODES } from '../support/codes.ts'
import { KEYBOARDS } from '../support/keyboards.ts'

const EVENT = '0b000000-0000-4000-8000-00000000000c'
const newCode = () => randomBytes(16).toString('hex')
const tokenOf = (code: string) => CODES.token('ticket', EVENT, code)
/** What a gate makes of it: the code, or why not. */
const read = (shown: string) => {
  const reading = CODES.read(shown)
  return reading.ok ? reading.code : reading.reason
}

const code = newCode()
const old = tokenOf(code)
const qr = qrSpelling(old)
const other = qrSpelling(tokenOf(newCode()))

describe('a code in the spelling of QR codes', () => {
  it('is 140 digits and capitals, the same 86 bytes, and is read in small letters too', () => {
    assert.match(qr, /^A1[\dA-V]{138}$/)
    assert.deepEqual(decodeToken(qr), decodeToken(old))
    assert.deepEqual(decodeToken(qr.toLowerCase()), decodeToken(old))
    assert.equal(qrSpelling(qr), qr)
    assert.throws(() => qrSpelling('A1'), RangeError)
  })

  it('has one spelling: the bits that base32 leaves over are zero', () => {
    const accepted = [...'0123456789ABCDEFGHIJKLMNOPQRSTUV'].filter((last) =>
      decodeToken(qr.slice(0, -1) + last),
    )
    assert.equal(accepted.length, 8, 'the last letter carries three bits')
  })
})

/** Spelled either way, each is the same code. */
const MADE_BY_SCANNERS: Readonly<Record<string, (token: string) => string>> = {
  'as it is': (token) => token,
  'with a line end': (token) => `${token}\r\n`,
  'with a tab': (token) => `${token}\t`,
  'between spaces': (token) => `  ${token} \u00a0`,
  'between STX and ETX': (token) => `\u0002${token}\u0003`,
  'with NUL': (token) => `${token}\0`,
  'with a BOM': (token) => `\ufeff${token}`,
  'with zero-width spaces inside': (token) => token.replaceAll(/(.{20})/g, '$1\u200b'),
  'with soft hyphens and joiners': (token) => `\u00ad${token}\u200d\u2060`,
  'between marks of direction': (token) => `\u202a\u200e${token}\u202c\u2069`,
  'broken into lines, as in a mail': (token) => token.replaceAll(/(.{60})/g, '$1\r\n'),
  'in letters of full width': (token) =>
    token.replaceAll(/[!-~]/g, (it) => String.fromCharCode(it.charCodeAt(0) + 0xfee0)),
  'after ]Q1': (token) => `]Q1${token}`,
  'after ]Q3': (token) => `]Q3${token}\r`,
  'after ]d2': (token) => `]d2${token}`,
  'as the path of an address': (token) => `https://example.org/t/${token}`,
  'as a path with a slash behind it': (token) => `HTTPS://EXAMPLE.ORG/${token}/`,
  'in a query': (token) => `https://example.org/t?a=1&code=${token}&b=2`,
  'in a query of a query': (token) => `https://example.org/?to=https%3A%2F%2Fx.example%2F${token}%0D%0A`,
  'in a fragment': (token) => `https://example.org/t#${token}`,
  'after ]Q1 and an address': (token) => `]Q1https://example.org/${token}\n`,
  'after a word': (token) => `Ticket: ${token}.`,
  'in JSON': (token) => JSON.stringify({ code: token }),
  twice: (token) => `https://example.org/${token}#${token}`,
}

describe('what scanners put around a code', () => {
  for (const [what, make] of Object.entries(MADE_BY_SCANNERS)) {
    it(`is taken away: ${what}`, () => {
      for (const token of [old, qr]) assert.equal(read(make(token)), code)
      assert.deepEqual(readShown(make(code)), { kind: 'plain', code })
    })
  }
})

/** Base64url that a keyboard breaks up, as a code with - or _ is. */
const signed = Array.from({ length: 1000 }, () => tokenOf(newCode())).filter((token) => /[-_]/.test(token))
const PAIRS: Readonly<Record<string, readonly [string, string]>> = {
  'a code of either spelling': [signed[0] ?? '', other],
  'two codes in base64url': [signed[1] ?? '', signed[2] ?? ''],
  'two codes in base32': [qr, other],
  'a code in base64url and a plain one': [signed[3] ?? '', newCode()],
  'a code in base32 and a plain one': [qr, newCode()],
}

describe('what cannot be a code of ours', () => {
  const unreadable: Readonly<Record<string, string>> = {
    nothing: '',
    'a word': 'hello',
    'an address': 'https://example.org/menu',
    'an id': '0b000000-0000-4000-8000-00000000000c0',
    'half a code': qr.slice(0, 70),
    'a letter less': qr.slice(0, -1),
    'a letter less at the beginning': qr.slice(1),
    'a letter more': `${qr}0`,
    'a letter less of the other spelling': old.slice(0, -1),
    'a digit less of a plain code': code.slice(1),
    'a letter that base32hex has not': `${qr.slice(0, 60)}W${qr.slice(61)}`,
    'a sign that base64url has not': `${old.slice(0, 60)}!${old.slice(61)}`,
    'another mark': `A2${qr.slice(2)}`,
    'base64url in capitals only': old.toUpperCase(),
    'base64url in small letters only': old.toLowerCase(),
    'two codes in one': qr + other,
    'two codes, a line each': `${qr}\r\n${other}\r\n`,
    'two codes in an address': `https://example.org/${qr}/${other}`,
    'two codes, an address each': `https://x.example/${qr}https://x.example/${other}`,
    'two plain codes in an address': `https://example.org/${code}/${newCode()}`,
    'two codes in one, on an AZERTY keyboard': KEYBOARDS['AZERTY']?.(qr + other) ?? '',
    'two codes, an address each, on an AZERTY keyboard':
      KEYBOARDS['AZERTY']?.(`https://x.example/${qr}https://x.example/${other}`) ?? '',
    'an address with one code, and another one behind it': `https://example.org/${other}?${old}`,
  }
  for (const separator of ['&', ',', ';', '|', '/', '#', '?', '\n']) {
    for (const [what, [first, second]] of Object.entries(PAIRS)) {
      it(`is unreadable: ${what}, after ${JSON.stringify(separator)} or before it`, () => {
        for (const text of [`${first}${separator}${second}`, `${second}${separator}${first}`]) {
          for (const typed of [(it: string) => it, ...Object.values(KEYBOARDS)])
            assert.match(read(typed(text)), /^(UNREADABLE|FORGED|UNKNOWN_KEY)$/, typed(text))
        }
      })
    }
  }
  for (const [what, text] of Object.entries(unreadable)) {
    it(`is unreadable: ${what}`, () => {
      assert.equal(readShown(text).kind, 'unreadable')
      assert.equal(read(text), 'UNREADABLE')
    })
  }

  it('is not what has the shape of one: that is forged, or signed by a key that nobody knows', () => {
    const random = (length: number, letters: string) =>
      [...randomBytes(length)].map((byte) => letters[byte % letters.length]).join('')
    for (let n = 0; n < 200; n++) {
      const made = [
        `A1${random(138, '0123456789ABCDEFGHIJKLMNOPQRSTUV')}`,
        `A1${random(115, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')}`,
      ]
      for (const text of made) assert.match(read(text), /^(FORGED|UNKNOWN_KEY)$/, text)
    }
  })
})

describe('what a keyboard made of a code', () => {
  const codes = Array.from({ length: 100 }, newCode)
  for (const [name, typed] of Object.entries(KEYBOARDS)) {
    it(`is undone, in both spellings: ${name}`, () => {
      for (const plain of codes) {
        const token = tokenOf(plain)
        for (const text of [token, qrSpelling(token)]) {
          assert.equal(read(typed(text)), plain, typed(text))
          assert.equal(read(`${typed(`]Q1${text}`)}\r\n`), plain)
          assert.equal(read(typed(`https://example.org/t?c=${text}`)), plain)
        }
      }
    })

    it(`is undone of a plain code: ${name}`, () => {
      for (const plain of codes) assert.deepEqual(readShown(typed(plain)), { kind: 'plain', code: plain })
    })

    it(`is not believed where the signature says no: ${name}`, () => {
      const forged = `${qr.slice(0, 60)}${qr[60] === '0' ? '1' : '0'}${qr.slice(61)}`
      assert.match(read(typed(forged)), /^(UNREADABLE|FORGED)$/)
    })
  }

  it(`is at most ${MISTYPED_MAX} tries, whatever is shown`, () => {
    let most = 0
    for (const meantBy of MISTYPINGS) {
      for (const text of [old, qr]) {
        const typedBy = new Map([...meantBy].map(([typed, meant]) => [meant, typed]))
        const shown = readShown([...text].map((letter) => typedBy.get(letter) ?? letter).join(''))
        most = Math.max(most, shown.kind === 'plain' ? 0 : shown.mistyped().length)
      }
    }
    assert.ok(most > 0 && most <= MISTYPED_MAX, String(most))
  })
})
