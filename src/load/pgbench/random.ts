import { ScriptError } from './value.ts'

/**
 * pgbench's random numbers: the xoroshiro128** generator of Blackman and Vigna, seeded by splitmix64, drawn
 * from in the order pgbench draws. One seed therefore gives one client the same numbers under both engines.
 */
export interface Random {
  s0: bigint
  s1: bigint
}

export function seedRandom(seed: bigint): Random {
  const s0 = mix(BigInt.asUintN(64, seed + GOLDEN))
  const s1 = mix(BigInt.asUintN(64, seed + 2n * GOLDEN))
  return { s0, s1 }
}

/** The next 64 random bits, as an unsigned integer. */
export function nextBits(random: Random): bigint {
  const { s0 } = random
  const sx = random.s1 ^ s0
  random.s0 = rotateLeft(s0, 24n) ^ sx ^ BigInt.asUintN(64, sx << 16n)
  random.s1 = rotateLeft(sx, 37n)
  return BigInt.asUintN(64, rotateLeft(BigInt.asUintN(64, s0 * 5n), 7n) * 9n)
}

/** Uniform from min to max, both included. */
export function uniform(random: Random, min: bigint, max: bigint): bigint {
  const range = max - min
  if (range === 0n) return min
  const shift = BigInt(64 - range.toString(2).length)
  let offset: bigint
  do offset = nextBits(random) >> shift
  while (offset > range)
  return min + offset
}

/** The larger the parameter (above 0), the more often a number near min. */
export function exponential(random: Random, min: bigint, max: bigint, parameter: number): bigint {
  if (!(parameter > 0)) throw new ScriptError('exponential parameter must be greater than zero')
  const cut = Math.exp(-parameter)
  const unit = 1 - nextUnit(random)
  return scale(-Math.log(cut + (1 - cut) * unit) / parameter, min, max)
}

/** A bell around the middle; the larger the parameter (2 at least), the narrower. */
export function gaussian(random: Random, min: bigint, max: bigint, parameter: number): bigint {
  if (!(parameter >= 2)) throw new ScriptError('gaussian parameter must be at least 2')
  let deviation: number
  do deviation = nextNormal(random)
  while (deviation < -parameter || deviation >= parameter)
  return scale((deviation + parameter) / (parameter * 2), min, max)
}

/** The larger the parameter (1.001 to 1000), the more often a number near min; rejection after Devroye. */
export function zipfian(random: Random, min: bigint, max: bigint, parameter: number): bigint {
  if (!(parameter >= 1.001 && parameter <= 1000)) {
    throw new ScriptError('zipfian parameter must be in range [1.001, 1000]')
  }
  const count = Number(max - min + 1n)
  if (count <= 1) return min
  const b = 2 ** (parameter - 1)
  for (;;) {
    const u = nextUnit(random)
    const v = nextUnit(random)
    const x = Math.floor(u ** (-1 / (parameter - 1)))
    const t = (1 + 1 / x) ** (parameter - 1)
    if ((v * x * (t - 1)) / (b - 1) <= t / b && x <= count) return min - 1n + BigInt(x)
  }
}

const GOLDEN = 0x9e3779b97f4a7c15n

function mix(state: bigint): bigint {
  const first = BigInt.asUintN(64, (state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n)
  const second = BigInt.asUintN(64, (first ^ (first >> 27n)) * 0x94d049bb133111ebn)
  return second ^ (second >> 31n)
}

function rotateLeft(value: bigint, bits: bigint): bigint {
  return BigInt.asUintN(64, value << bits) | (value >> (64n - bits))
}

/** In [0, 1), with 52 random bits. */
function nextUnit(random: Random): number {
  return Number(nextBits(random) >> 12n) * 2 ** -52
}

/** Box and Muller. */
function nextNormal(random: Random): number {
  const u1 = 1 - nextUnit(random)
  const u2 = 1 - nextUnit(random)
  return Math.sqrt(-2 * Math.log(u1)) * Math.sin(2 * Math.PI * u2)
}

function scale(unit: number, min: bigint, max: bigint): bigint {
  return min + BigInt(Math.trunc(Number(max - min + 1n) * unit))
}
