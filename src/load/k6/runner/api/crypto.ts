import type { Buffer } from 'node:buffer'
import { createHash, createHmac } from 'node:crypto'
import { refuse } from '../test.ts'
import type { VirtualUser } from '../vu.ts'

/** `k6/crypto`: what signs a webhook, and nothing more. */
export function cryptoModule(user: VirtualUser): object {
  const absent = Object.fromEntries(
    absentParts.map((name) => [name, () => refuse(user.test, `crypto.${name}()`, 'use sha256() or hmac()')]),
  )
  return {
    ...absent,
    sha256: (input: unknown, encoding: unknown) =>
      encode(createHash('sha256').update(bytesOf(input)).digest(), encoding),
    hmac: (algorithm: unknown, secret: unknown, input: unknown, encoding: unknown) =>
      encode(createHmac(algorithmOf(algorithm), bytesOf(secret)).update(bytesOf(input)).digest(), encoding),
  }
}

const absentParts = [
  ...['createHash', 'createHMAC', 'randomBytes', 'md4', 'md5', 'sha1', 'sha384', 'sha512'],
  ...['sha512_224', 'sha512_256', 'ripemd160', 'hexEncode'],
]
const algorithms: readonly unknown[] = ['md5', 'sha1', 'sha256', 'sha384', 'sha512']

function algorithmOf(given: unknown): string {
  if (algorithms.includes(given)) return String(given)
  throw new Error(`invalid algorithm: ${String(given)}`)
}

function bytesOf(given: unknown): string | Uint8Array {
  if (typeof given === 'string' || given instanceof Uint8Array) return given
  if (given instanceof ArrayBuffer) return new Uint8Array(given)
  throw new Error('invalid type: expected a string or an ArrayBuffer')
}

function encode(digest: Buffer, encoding: unknown): string | ArrayBuffer {
  switch (encoding) {
    case 'hex':
    case 'base64':
      return digest.toString(encoding)
    case 'base64rawurl':
      return digest.toString('base64url')
    case 'base64url':
      return digest.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
    case 'binary':
      return new Uint8Array(digest).buffer
    default:
      throw new Error(`invalid output encoding: ${String(encoding ?? '')}`)
  }
}
