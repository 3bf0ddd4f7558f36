import { check } from 'k6'
import { hmac, sha256 } from 'k6/crypto'

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
    'what nobody knows is refused': () => refused('nope', 'hex') && refused('sha256', 'nope'),
  })
}

function refused(algorithm: string, encoding: string): boolean {
  try {
    hmac(algorithm as 'sha256', 'secret', 'text', encoding as 'hex')
    return false
  } catch (error) {
    return /invalid (algorithm|output encoding): nope/.test(String(error))
  }
}
