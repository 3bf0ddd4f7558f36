import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { AuthError } from './errors.ts'

/** scrypt as OWASP recommends it (Password Storage Cheat Sheet): 32 MiB and about a fifth of a second a password. */
const COST = { N: 2 ** 15, r: 8, p: 3 }
const MEMORY_MAX = 64 * 1024 * 1024
const SALT_BYTES = 16
const HASH_BYTES = 32
/** More would take all of the machine from those who buy. */
const AT_ONCE = 2
const WAITING_MAX = 40

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

export interface Passwords {
  /** `$scrypt$N=…,r=…,p=…$salt$hash` */
  hash(password: string): Promise<string>
  /** False for a user without a password, or for nobody, after the same work. */
  matches(password: string, hash: string | null | undefined): Promise<boolean>
}

/** Hashing with a bound: few at once, and not many waiting. */
export function openPasswords(): Passwords {
  let working = 0
  const waiting: (() => void)[] = []
  const inTurn = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (working >= AT_ONCE) {
      if (waiting.length >= WAITING_MAX) throw new AuthError('unavailable')
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else working += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) working -= 1
      else next()
    }
  }
  const nobody = `$scrypt$N=${COST.N},r=${COST.r},p=${COST.p}$${randomBytes(SALT_BYTES).toString('base64url')}$${randomBytes(HASH_BYTES).toString('base64url')}`
  return {
    hash: (password) =>
      inTurn(async () => {
        const salt = randomBytes(SALT_BYTES)
        const hash = await derive(canonical(password), salt, HASH_BYTES, { ...COST, maxmem: MEMORY_MAX })
        const cost = `N=${COST.N},r=${COST.r},p=${COST.p}`
        return `$scrypt$${cost}$${salt.toString('base64url')}$${hash.toString('base64url')}`
      }),
    matches: (password, kept) =>
      inTurn(async () => {
        const parsed = HASH.exec(kept ?? '') ?? HASH.exec(nobody)
        const [, N, r, p, salt = '', hash = ''] = parsed ?? []
        const options = { N: Number(N), r: Number(r), p: Number(p), maxmem: MEMORY_MAX }
        const expected = Buffer.from(hash, 'base64url')
        const given = await derive(
          canonical(password),
          Buffer.from(salt, 'base64url'),
          expected.length,
          options,
        )
        return HASH.test(kept ?? '') && timingSafeEqual(given, expected)
      }),
  }
}

const HASH = /^\$scrypt\$N=(\d{1,7}),r=(\d{1,2}),p=(\d{1,2})\$([\w-]+)\$([\w-]+)$/

/** The same letters however a keyboard composed them (NIST SP 800-63B). */
function canonical(password: string): string {
  return password.normalize('NFKC')
}
