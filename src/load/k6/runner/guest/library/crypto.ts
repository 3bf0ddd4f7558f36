import { askWithBytes } from './bridge.ts'

const hashOf =
  (algorithm: string) =>
  (input: unknown, encoding: unknown): unknown =>
    digest(algorithm, null, [input], encoding)

/** `k6/crypto`: digests and signatures, computed by the host. */
export const md4 = hashOf('md4')
export const md5 = hashOf('md5')
export const sha1 = hashOf('sha1')
export const sha256 = hashOf('sha256')
export const sha384 = hashOf('sha384')
export const sha512 = hashOf('sha512')
export const sha512_224 = hashOf('sha512_224')
export const sha512_256 = hashOf('sha512_256')
export const ripemd160 = hashOf('ripemd160')

export function hmac(algorithm: string, secret: unknown, input: unknown, encoding: unknown): unknown {
  return digest(algorithm, { secret }, [input], encoding)
}

export function createHash(algorithm: string): object {
  return hasher(algorithm, null)
}

export function createHMAC(algorithm: string, secret: unknown): object {
  return hasher(algorithm, { secret })
}

export function randomBytes(count: number): unknown {
  return askWithBytes('crypto.random', count)
}

export function hexEncode(input: unknown): unknown {
  return askWithBytes('crypto.hex', input)
}

export default {
  ...{ md4, md5, sha1, sha256, sha384, sha512, sha512_224, sha512_256, ripemd160 },
  ...{ hmac, createHash, createHMAC, randomBytes, hexEncode },
}

function hasher(algorithm: string, key: { readonly secret: unknown } | null): object {
  const parts: unknown[] = []
  return {
    update: (part: unknown) => void parts.push(part),
    digest: (encoding: unknown) => digest(algorithm, key, parts, encoding),
  }
}

function digest(
  algorithm: string,
  key: object | null,
  parts: readonly unknown[],
  encoding: unknown,
): unknown {
  return askWithBytes('crypto.digest', algorithm, key, { ...parts }, encoding ?? null)
}
