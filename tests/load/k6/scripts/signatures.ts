import { check } from 'k6'
import { createHash, hmac, md4, sha256 } from 'k6/crypto'

export const options = { iterations: 1, thresholds: { checks: ['rate==1'] } }

/** The figures are those of k6 and of openssl. */
export default function (): void {
  const signed = hmac('sha256', 'whsec_é', '1.{"a":"ü"}', 'hex')
  const bytes = sha256('hello', 'binary')
  check(null, {
    'a signature': () => signed === '9adf2367d626b04bf2a96fb1ec444d5de47779d21ca70ef606170faf276f3994',
    base64: () => sha256('hello', 'base64') === 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=',
    base64url: () => sha256('hello', 'base64url') === 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=',
    base64rawurl: () => sha256('hello', 'base64rawurl') === 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ',
    'bytes, and of bytes': () =>
      bytes.byteLength === 32 && sha256(new Uint8Array([104, 105]).buffer, 'hex') === sha256('hi', 'hex'),
    'an old digest': () =>
      md4('', 'hex') === '31d6cfe0d16ae931b73c59d7e0c089c0' &&
      md4('1234567890'.repeat(8), 'hex') === 'e33b4ddc9c38f2199c3e7b164fcc0536' &&
      md4('x'.repeat(200), 'hex') === 'ebd2de6bd766c2812cd60598d8d1c69f',
    'of parts, and signed': () =>
      inParts('md4', 'a', 'bc') === 'a448017aaf21d8525fc10ae87aa6729d' &&
      hmac('md4', 'key', 'The quick brown fox jumps over the lazy dog', 'hex') ===
        '8d3366c440a9c65124ab0b5f4ca27338',
    'what nobody knows is refused': () => refused('nope', 'hex') && refused('sha256', 'nope'),
  })
}

function inParts(algorithm: 'md4', ...parts: readonly string[]): string {
  const hash = createHash(algorithm)
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

function refused(algorithm: string, encoding: string): boolean {
  try {
    hmac(algorithm as 'sha256', 'secret', 'text', encoding as 'hex')
    return false
  } catch (error) {
    return /invalid (algorithm|output encoding): nope/.test(String(error))
  }
}
