import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type Code,
  type CodeKind,
  decodeToken,
  encodeToken,
  plainCode,
  signedBytes,
  TOKEN_LENGTH,
} from '../../src/core/code-token.ts'

const CODE: Code = { kid: 7, kind: 'ticket', scope: '0a1b2c3d', code: '00112233445566778899aabbccddeeff' }
const SIGNATURE = Uint8Array.from({ length: 64 }, (_, at) => 255 - at)
const tokenOf = (code: Code) => encodeToken(signedBytes(code), SIGNATURE)

describe('a token', () => {
  it('is 117 characters without a comma, and says what it was made of', () => {
    for (const kind of ['ticket', 'claim', 'booking'] satisfies CodeKind[]) {
      const token = tokenOf({ ...CODE, kind })
      assert.match(token, /^A1[\w-]{115}$/)
      assert.equal(token.length, TOKEN_LENGTH)
      const decoded = decodeToken(token)
      assert.deepEqual(decoded, { ...CODE, kind, signed: decoded?.signed, signature: SIGNATURE })
    }
  })

  it('is signed over its mark and the 22 bytes before the signature', () => {
    const signed = signedBytes(CODE)
    const hex = Buffer.from(signed).toString('hex')
    assert.equal(hex, `41310701${CODE.scope}${CODE.code}`)
    assert.deepEqual(decodeToken(tokenOf(CODE))?.signed, signed)
  })

  it('has one spelling: the bits that base64url leaves over are zero', () => {
    const token = tokenOf(CODE)
    const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const accepted = [...last].filter((letter) => decodeToken(token.slice(0, -1) + letter))
    assert.equal(accepted.length, 16, 'the last letter carries four bits')
  })

  const token = tokenOf(CODE)
  const bytes = Buffer.from(token.slice(2), 'base64url')
  const withByte = (at: number, value: number) => {
    const changed = Buffer.from(bytes)
    changed[at] = value
    return `A1${changed.toString('base64url')}`
  }
  const malformed: Readonly<Record<string, string>> = {
    'nothing at all': '',
    'a plain code': CODE.code,
    'a character less': token.slice(0, -1),
    'a character more': `${token}A`,
    'another mark': `A2${token.slice(2)}`,
    'a mark in small letters': `a1${token.slice(2)}`,
    'a space inside': `${token.slice(0, 50)} ${token.slice(51)}`,
    'base64 that is not for URLs': `${token.slice(0, 50)}+${token.slice(51)}`,
    padding: `${token.slice(0, -1)}=`,
    'letters of another alphabet': `${token.slice(0, 50)}é${token.slice(51)}`,
    'the key number 0': withByte(0, 0),
    'the kind 0': withByte(1, 0),
    'the kind 4': withByte(1, 4),
  }
  for (const [what, text] of Object.entries(malformed)) {
    it(`is not ${what}`, () => assert.equal(decodeToken(text), undefined))
  }

  it('cannot be made of what it has no room for', () => {
    for (const wrong of [{ kid: 0 }, { kid: 256 }, { kid: 1.5 }, { scope: '0a1b' }, { code: 'xyz' }]) {
      assert.throws(() => signedBytes({ ...CODE, ...wrong }), RangeError)
    }
  })
})

it('a plain code is 32 hex digits, typed as it is on paper or not', () => {
  assert.equal(plainCode(' 0011 2233 4455 6677\n8899 AABB CCDD EEFF '), CODE.code)
  assert.equal(plainCode('00112233-4455-6677–8899—AABBCCDDEEFF'), CODE.code)
  for (const text of ['', CODE.code.slice(1), `${CODE.code}0`, tokenOf(CODE)]) {
    assert.equal(plainCode(text), undefined)
  }
})
