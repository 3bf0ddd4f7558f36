import { Buffer } from 'node:buffer'
import { createHash, createHmac, getHashes, randomBytes } from 'node:crypto'
import { hmacMd4, md4 } from '../md4.ts'
import { refuse } from '../test.ts'
import type { VirtualUser } from '../vu.ts'

/** `k6/crypto`: digests, signatures and random bytes. */
export function cryptoModule(user: VirtualUser): object {
  const hasher = (algorithm: unknown, key?: Key) => {
    const parts: unknown[] = []
    return {
      update: (part: unknown) => void parts.push(part),
      digest: (encoding: unknown) => digest(user, algorithm, key, parts, encoding),
    }
  }
  const hashes = hashNames.map((name) => [
    name,
    (input: unknown, encoding: unknown) => digest(user, name, undefined, [input], encoding),
  ])
  return {
    ...Object.fromEntries(hashes),
    hmac: (algorithm: unknown, secret: unknown, input: unknown, encoding: unknown) =>
      digest(user, algorithm, { secret }, [input], encoding),
    createHash: (algorithm: unknown) => hasher(algorithm),
    createHMAC: (algorithm: unknown, secret: unknown) => hasher(algorithm, { secret }),
    randomBytes: (count: unknown) => randomBuffer(count),
    hexEncode: (input: unknown) => Buffer.from(bytesOf(input)).toString('hex'),
  }
}

export interface Key {
  readonly secret: unknown
}

/** The digest of all parts, or their signature where there is a key. */
export function digest(
  user: VirtualUser,
  algorithm: unknown,
  key: Key | undefined,
  parts: readonly unknown[],
  encoding: unknown,
): string | ArrayBuffer {
  const name = algorithmOf(user, algorithm)
  if (name === 'md4') return encode(weakDigest(key, parts), encoding)
  const hash = key === undefined ? createHash(name) : createHmac(name, bytesOf(key.secret))
  for (const part of parts) hash.update(bytesOf(part))
  return encode(hash.digest(), encoding)
}

function weakDigest(key: Key | undefined, parts: readonly unknown[]): Buffer {
  const message = Buffer.concat(parts.map((part) => Buffer.from(bytesOf(part))))
  return key === undefined ? md4(message) : hmacMd4(Buffer.from(bytesOf(key.secret)), message)
}

export function randomBuffer(count: unknown): ArrayBuffer {
  if (!Number.isSafeInteger(count) || Number(count) < 1) throw new Error(`invalid size: ${String(count)}`)
  return new Uint8Array(randomBytes(Number(count))).buffer
}

export function bytesOf(given: unknown): string | Uint8Array {
  if (typeof given === 'string' || given instanceof Uint8Array) return given
  if (given instanceof ArrayBuffer) return new Uint8Array(given)
  throw new Error('invalid type: expected a string or an ArrayBuffer')
}

const hashNames = [
  ...['md4', 'md5', 'sha1', 'sha256', 'sha384', 'sha512', 'sha512_224', 'sha512_256', 'ripemd160'],
] as const

/** OpenSSL may be built without the old ones. */
function algorithmOf(user: VirtualUser, given: unknown): string {
  if (!hashNames.some((name) => name === given)) throw new Error(`invalid algorithm: ${String(given)}`)
  const name = String(given).replace('_', '-')
  if (name !== 'md4' && !getHashes().includes(name))
    refuse(user.test, `the algorithm ${name}`, 'use another one of k6/crypto')
  return name
}

function encode(bytes: Buffer, encoding: unknown): string | ArrayBuffer {
  switch (encoding) {
    case 'hex':
    case 'base64':
      return bytes.toString(encoding)
    case 'base64rawurl':
      return bytes.toString('base64url')
    case 'base64url':
      return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
    case 'binary':
      return new Uint8Array(bytes).buffer
    default:
      throw new Error(`invalid output encoding: ${String(encoding ?? '')}`)
  }
}
