import { askWithBytes } from './bridge.ts'

/** `k6/encoding`: base64. */
export function b64encode(input: unknown, encoding: unknown = 'std'): unknown {
  return askWithBytes('encoding.encode', input, encoding)
}

export function b64decode(input: unknown, encoding: unknown = 'std', format: unknown = 'b'): unknown {
  return askWithBytes('encoding.decode', input, encoding, format)
}

export default { b64encode, b64decode }
