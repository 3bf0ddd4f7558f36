import { Buffer } from 'node:buffer'
import { bytesOf } from './crypto.ts'

/** `k6/encoding`: base64 in the four alphabets of Go. */
export function encodingModule(): object {
  return { b64encode, b64decode }
}

export function b64encode(input: unknown, encoding: unknown = 'std'): string {
  const bytes = Buffer.from(bytesOf(input))
  const text = alphabetOf(encoding).isUrl
    ? bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
    : bytes.toString('base64')
  return alphabetOf(encoding).isPadded ? text : text.replaceAll('=', '')
}

/** Bytes, or text where `format` is `s`. */
export function b64decode(
  input: unknown,
  encoding: unknown = 'std',
  format: unknown = 'b',
): string | ArrayBuffer {
  const { isUrl, isPadded } = alphabetOf(encoding)
  const text = String(input)
  const pattern = isUrl ? /^[\w-]*={0,2}$/ : /^[A-Za-z0-9+/]*={0,2}$/
  if (!pattern.test(text) || (isPadded ? text.length % 4 !== 0 : text.includes('=')))
    throw new Error('illegal base64 data')
  const bytes = Buffer.from(text, 'base64')
  return format === 's' ? bytes.toString('utf8') : new Uint8Array(bytes).buffer
}

const alphabets: Readonly<Record<string, { readonly isUrl: boolean; readonly isPadded: boolean }>> = {
  std: { isUrl: false, isPadded: true },
  rawstd: { isUrl: false, isPadded: false },
  url: { isUrl: true, isPadded: true },
  rawurl: { isUrl: true, isPadded: false },
}

function alphabetOf(encoding: unknown) {
  const alphabet = alphabets[String(encoding)]
  if (alphabet === undefined) throw new Error(`unsupported encoding: ${String(encoding)}`)
  return alphabet
}
