import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { openCodeSigner, publicKeyOf, scopeOf } from '../../src/api/code-signer.ts'
import { QR_TOKEN_LENGTH, qrSpelling } from '../../src/core/code-token.ts'
import { type Random, randomFrom } from '../../src/core/random.ts'
import type { CodeKey } from '../../src/desk/keys.ts'
import { CODES, codesOf } from '../support/codes.ts'
import { testDatabase } from '../support/database.ts'

const EVENT = randomUUID()
const code = () => randomBytes(16).toString('hex')
const seedOf = () => randomBytes(32).toString('base64url')

describe('codes', () => {
  it('are read as they were signed, by everybody who has the public key', () => {
    const plain = code()
    const token = CODES.token('claim', EVENT.toUpperCase(), plain)
    const read = { ok: true, kind: 'claim', kid: 1, scope: scopeOf(EVENT), code: plain }
    assert.deepEqual(CODES.read(token), read)
    const scanner = openCodeSigner({ seed: seedOf(), kid: 2, keys: CODES.publicKeys })
    assert.deepEqual(scanner.read(token), read)
  })

  it('are refused by what is wrong with them', () => {
    const seed = seedOf()
    const other = openCodeSigner({ seed, kid: 1, keys: [] })
    const third = openCodeSigner({ seed, kid: 3, keys: [] })
    const revoked = openCodeSigner({
      seed,
      kid: 3,
      keys: [{ kid: 3, public_key: publicKeyOf(seed), revoked: true }],
    })
    const reasons = [
      [CODES.read('hello'), 'UNREADABLE', false],
      [CODES.read(other.token('ticket', EVENT, code())), 'FORGED'],
      [CODES.read(third.token('ticket', EVENT, code())), 'UNKNOWN_KEY'],
      [revoked.read(third.token('ticket', EVENT, code())), 'REVOKED_KEY'],
    ] satisfies [object, string, boolean?][]
    for (const [reading, reason, mayBeNew = true] of reasons)
      assert.deepEqual(reading, { ok: false, reason, mayBeNew })
  })

  it('of 100,000 that somebody changed, in either spelling, none is believed that is not the same ticket', () => {
    const random = randomFrom(20_261_121)
    const tokens = Array.from({ length: 50 }, () => CODES.token('ticket', EVENT, code()))
    const own = tokens.map((token) => CODES.read(token))
    const reasons: Record<string, number> = {}
    for (let n = 0; n < 100_000; n++) {
      const token = tokens[n % tokens.length] ?? ''
      const shown = n % 100 < 50 ? token : qrSpelling(token)
      const changed = change(shown, random)
      const reading = CODES.read(changed)
      // A letter in another case, or a sign before the code, leaves it the same ticket's.
      if (reading.ok) assert.deepEqual(reading, own[n % tokens.length], `believed: ${changed}`)
      else reasons[reading.reason] = (reasons[reading.reason] ?? 0) + 1
    }
    assert.ok((reasons['FORGED'] ?? 0) > 50_000, JSON.stringify(reasons))
    assert.ok((reasons['UNREADABLE'] ?? 0) > 10_000, JSON.stringify(reasons))
    assert.ok(tokens.every((token) => CODES.read(token).ok && CODES.read(qrSpelling(token)).ok))
  })

  it('take a seed of 32 bytes and nothing else', () => {
    assert.throws(() => openCodeSigner({ seed: 'short', kid: 1, keys: [] }), /32 bytes/)
  })
})

describe('keys in the database', () => {
  it('are followed by others, which read what the first one signed until it is revoked', async () => {
    const db = await testDatabase()
    const before = await codesOf(db)
    const token = before.token('ticket', EVENT, code())
    const after = await codesOf(db, seedOf())
    assert.deepEqual([before.kid, after.kid], [1, 2])
    assert.ok(after.read(token).ok)
    // The server that runs since before learns of the new key when it is shown a code of it.
    const fresh = after.token('ticket', EVENT, code())
    assert.deepEqual(before.read(fresh), { ok: false, reason: 'UNKNOWN_KEY', mayBeNew: true })
    await before.reload()
    assert.ok(before.read(fresh).ok)
    await db.rows('select ticketing.revoke_code_key(1)')
    await after.reload()
    assert.deepEqual(after.read(token), { ok: false, reason: 'REVOKED_KEY', mayBeNew: true })
    assert.ok(after.read(fresh).ok)
  })

  const first = seedOf()
  const second = seedOf()
  const keyOf = (seed: string, kid: number, revoked = false) => ({
    kid,
    public_key: publicKeyOf(seed),
    revoked,
  })
  /** A server whose readings of the keys end when and as the test says. */
  const reader = () => {
    const readings: PromiseWithResolvers<readonly CodeKey[]>[] = []
    let ms = 0
    const codes = openCodeSigner({
      seed: first,
      kid: 1,
      keys: [keyOf(first, 1)],
      reload: () => {
        const reading = Promise.withResolvers<readonly CodeKey[]>()
        readings.push(reading)
        return reading.promise
      },
      nowMs: () => ms,
    })
    return { codes, readings, to: (at: number) => (ms = at) }
  }

  it('are read at most once a second for whoever asks, counted from the last time that they could be read', async () => {
    const { codes, readings, to } = reader()
    const failing = codes.refresh()
    readings[0]?.reject(new Error('the database is busy'))
    await assert.rejects(failing, /busy/)
    to(10)
    const both = [codes.refresh(), codes.refresh()]
    readings[1]?.resolve([keyOf(first, 1)])
    await Promise.all(both)
    to(1009)
    await codes.refresh()
    assert.equal(readings.length, 2)
    to(1010)
    const third = codes.refresh()
    readings[2]?.resolve([keyOf(first, 1)])
    await third
  })

  it('are read anew for a code that was shown after the last reading began, once for all who wait', async () => {
    const { codes, readings } = reader()
    const stranger = codes.refresh()
    // The reading under way may have begun before the other server registered its key.
    const gates = Array.from({ length: 10 }, () => codes.reload())
    readings[0]?.resolve([keyOf(first, 1)])
    await stranger
    await Promise.resolve()
    assert.equal(readings.length, 2)
    readings[1]?.resolve([keyOf(first, 1), keyOf(second, 2)])
    await Promise.all(gates)
    const token = openCodeSigner({ seed: second, kid: 2, keys: [] }).token('ticket', EVENT, code())
    assert.ok(codes.read(token).ok)
    assert.equal(readings.length, 2)
  })

  it('say whether the one that signs was revoked, also when its number is another’s since', async () => {
    const { codes, readings } = reader()
    assert.equal(codes.isRevoked, false)
    for (const [at, keys] of [[keyOf(first, 1, true)], [keyOf(second, 1)]].entries()) {
      const reloaded = codes.reload()
      readings[at]?.resolve(keys)
      await reloaded
      assert.equal(codes.isRevoked, true)
    }
  })
})

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** One bit, or one to three letters, are others; now and then something goes, comes, or changes places. */
function change(token: string, random: Random): string {
  const at = random.below
  const letters = [...token]
  switch (at(8)) {
    case 0:
      letters.splice(at(letters.length), 1)
      break
    case 1:
      letters.splice(at(letters.length), 0, LETTERS[at(64)] ?? '')
      break
    case 2: {
      const [a, b] = [at(letters.length), at(letters.length)]
      ;[letters[a], letters[b]] = [letters[b] ?? '', letters[a] ?? '']
      break
    }
    case 3:
      letters[at(letters.length)] = LETTERS[at(64)] ?? ''
      break
    default:
      return withBit(token, at(86), at(8))
  }
  const changed = letters.join('')
  return changed === token ? change(token, random) : changed
}

/** The token, in its own spelling, with one bit of its 86 bytes turned. */
function withBit(token: string, place: number, bit: number): string {
  const isQr = token.length === QR_TOKEN_LENGTH
  const bytes = isQr ? bytesIn(token) : Buffer.from(token.slice(2), 'base64url')
  bytes[place] = (bytes[place] ?? 0) ^ (1 << bit)
  const changed = `A1${bytes.toString('base64url')}`
  return isQr ? `A1${base32hex(bytes)}` : changed
}

const BASE32HEX = '0123456789ABCDEFGHIJKLMNOPQRSTUV'

/** RFC 4648 by big numbers, not as the product does it. */
function bytesIn(token: string): Buffer {
  let value = 0n
  for (const letter of token.slice(2)) value = value * 32n + BigInt(BASE32HEX.indexOf(letter))
  return Buffer.from((value >> 2n).toString(16).padStart(172, '0'), 'hex')
}

function base32hex(bytes: Buffer): string {
  let value = BigInt(`0x${bytes.toString('hex')}`) << 2n
  let text = ''
  for (let n = 0; n < 138; n++, value /= 32n) text = BASE32HEX[Number(value % 32n)] + text
  return text
}
