import { Buffer } from 'node:buffer'

/** MD4 (RFC 1320), which OpenSSL 3 no longer has: k6 has it for old protocols; it protects nothing. */
export function md4(message: Uint8Array): Buffer {
  const words = padded(message)
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]
  for (let block = 0; block < words.length; block += wordsOfBlock) {
    const [a = 0, b = 0, c = 0, d = 0] = mixed(state, words.subarray(block, block + wordsOfBlock))
    for (const [at, value] of [a, b, c, d].entries()) state[at] = ((state[at] ?? 0) + value) >>> 0
  }
  const digest = Buffer.alloc(wordBytes * state.length)
  for (const [at, value] of state.entries()) digest.writeUInt32LE(value, at * wordBytes)
  return digest
}

/** HMAC (RFC 2104) over MD4. */
export function hmacMd4(secret: Uint8Array, message: Uint8Array): Buffer {
  const key = Buffer.alloc(blockBytes)
  key.set(secret.length > blockBytes ? md4(secret) : secret)
  const masked = (mask: number) => key.map((byte) => byte ^ mask)
  return md4(Buffer.concat([masked(0x5c), md4(Buffer.concat([masked(0x36), message]))]))
}

const wordBytes = 4
const wordsOfBlock = 16
const blockBytes = wordBytes * wordsOfBlock
const lengthBytes = 8

interface Round {
  readonly mix: (x: number, y: number, z: number) => number
  readonly constant: number
  readonly order: readonly number[]
  readonly shifts: readonly number[]
}

const rounds: readonly Round[] = [
  {
    mix: (x, y, z) => (x & y) | (~x & z),
    constant: 0,
    order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    shifts: [3, 7, 11, 19],
  },
  {
    mix: (x, y, z) => (x & y) | (x & z) | (y & z),
    constant: 0x5a827999,
    order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    shifts: [3, 5, 9, 13],
  },
  {
    mix: (x, y, z) => x ^ y ^ z,
    constant: 0x6ed9eba1,
    order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    shifts: [3, 9, 11, 15],
  },
]

function mixed(state: readonly number[], words: Uint32Array): readonly number[] {
  let [a = 0, b = 0, c = 0, d = 0] = state
  for (const { mix, constant, order, shifts } of rounds) {
    for (const [step, word] of order.entries()) {
      const sum = (a + mix(b, c, d) + (words[word] ?? 0) + constant) >>> 0
      const shift = shifts[step % shifts.length] ?? 0
      ;[a, b, c, d] = [d, (sum << shift) | (sum >>> (32 - shift)), b, c]
    }
  }
  return [a, b, c, d]
}

/** A one, zeros, and how many bits there were, so that whole blocks come out. */
function padded(message: Uint8Array): Uint32Array {
  const size = Math.ceil((message.length + 1 + lengthBytes) / blockBytes) * blockBytes
  const bytes = Buffer.alloc(size)
  bytes.set(message)
  bytes[message.length] = 0x80
  bytes.writeBigUInt64LE(BigInt(message.length) * 8n, size - lengthBytes)
  return Uint32Array.from({ length: size / wordBytes }, (_, at) => bytes.readUInt32LE(at * wordBytes))
}
