/** Pseudo-random numbers that one seed repeats: mulberry32, small and good enough to choose moves by; nothing secret. */
export interface Random {
  /** From 0 to below 1. */
  fraction(): number
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number
}

export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { fraction, below: (limit) => Math.floor(fraction() * limit) }
}
