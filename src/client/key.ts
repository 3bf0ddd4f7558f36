/**
 * An idempotency key that nobody else draws: a UUID of version 4. Pages that came by plain HTTP have no `crypto.randomUUID`.
 */
export function drawKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const hex = [...bytes].map((byte, at) => {
    const bits = at === 6 ? (byte & 0x0f) | 0x40 : at === 8 ? (byte & 0x3f) | 0x80 : byte
    return bits.toString(16).padStart(2, '0')
  })
  return hex.join('').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** Throws a `RangeError` for what no server takes as a key. */
export function checkedKey(key: string): string {
  if (!KEY.test(key)) throw new RangeError('an idempotency key has 1 to 255 printable ASCII characters')
  return key
}

const KEY = /^[\x20-\x7e]{1,255}$/
