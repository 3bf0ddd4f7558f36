import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { type Code, type CodeKind, type DecodedToken, encodeToken, signedBytes } from '../core/code-token.ts'
import { readShown, type ShownCode } from '../core/shown-code.ts'
import type { CodeKey } from '../desk/keys.ts'

type Reading =
  | ({ readonly ok: true } & Code)
  | {
      readonly ok: false
      readonly reason: 'UNREADABLE' | 'UNKNOWN_KEY' | 'REVOKED_KEY' | 'FORGED'
      /** Whether a key that was registered since would read it. */
      readonly mayBeNew: boolean
    }

/** Signs the codes that gates read, and reads them. */
export interface CodeSigner {
  /** The number of the key that signs. */
  readonly kid: number
  /** Whether that key was revoked: gates refuse what it signs. */
  readonly isRevoked: boolean
  /** What a QR shows of `code` (32 hex digits); `id` is that of the ticket's event, the claim's offer, the booking's business. */
  token(kind: CodeKind, id: string, code: string): string
  /** What was shown, whatever scanner or keyboard made of it; a plain code, which has no signature, is not read here. */
  read(shown: string | ShownCode): Reading
  /** Whether a key that is known, revoked or not, has signed this: what was printed stays what it is. */
  hasSigned(token: DecodedToken): boolean
  /** The Ed25519 signature by the same key over other text, in base64url. */
  sign(text: string): string
  readonly publicKeys: readonly CodeKey[]
  /** Learns the keys that were registered or revoked meanwhile, where it did not within the last second. */
  refresh(): Promise<void>
  /** Learns them surely as they are now, or throws: no key's word is held against a code that was shown after it was read. */
  reload(): Promise<void>
}

export interface CodeSignerOptions {
  /** The private key's seed, 32 bytes in base64url. */
  readonly seed: string
  /** The number under which the database knows its public key. */
  readonly kid: number
  readonly keys: readonly CodeKey[]
  /** All keys as they are now; without it they stay as they are. */
  readonly reload?: () => Promise<readonly CodeKey[]>
  readonly nowMs?: () => number
}

export function openCodeSigner({ seed, kid, keys, reload, nowMs = Date.now }: CodeSignerOptions): CodeSigner {
  const privateKey = privateKeyOf(seed)
  const publicKey = publicKeyOf(seed)
  let known = readKeys(keys)
  let knownAtMs = Number.NEGATIVE_INFINITY
  const reading = oneAtATime(async () => {
    const atMs = nowMs()
    if (reload !== undefined) known = readKeys(await reload())
    knownAtMs = atMs
  })
  return {
    kid,
    get isRevoked() {
      const own = known.get(kid)
      // The number of a revoked one may be another's by now.
      return own?.public_key !== publicKey || own.revoked
    },
    token: (kind, id, code) => {
      const signed = signedBytes({ kid, kind, scope: scopeOf(id), code })
      return encodeToken(signed, sign(null, signed, privateKey))
    },
    read: (shown) => readToken(typeof shown === 'string' ? readShown(shown) : shown, known),
    hasSigned: ({ kid, signed, signature }) => {
      const by = known.get(kid)
      return by !== undefined && verify(null, signed, by.key, signature)
    },
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString('base64url'),
    get publicKeys() {
      return [...known.values()].map(({ key: _, ...shown }) => shown)
    },
    refresh: async () => {
      if (nowMs() - knownAtMs >= REFRESH_MS_MIN) await reading.current()
    },
    reload: () => reading.next(),
  }
}

/** Single flight: at most one round is under way, whoever asks; all share it, or the one after it. */
function oneAtATime(work: () => Promise<void>) {
  let underWay: Promise<void> | undefined
  let following: Promise<void> | undefined
  const current = () => {
    underWay ??= work().finally(() => {
      underWay = undefined
    })
    return underWay
  }
  const after = (earlier: Promise<void>) =>
    earlier
      .catch(() => {})
      .then(() => {
        following = undefined
        return current()
      })
  /** A round that begins from now on. */
  const next = () => {
    if (underWay === undefined) return current()
    following ??= after(underWay)
    return following
  }
  return { current, next }
}

/** The public half of a seed, as the database wants it: 32 bytes in base64url. */
export function publicKeyOf(seed: string): string {
  return String(createPublicKey(privateKeyOf(seed)).export({ format: 'jwk' }).x)
}

/** The first 4 bytes, in hex, of the SHA-256 of an id in lower case. */
export function scopeOf(id: string): string {
  return createHash('sha256').update(id.toLowerCase()).digest('hex').slice(0, 8)
}

/** Anybody may ask for the keys. */
const REFRESH_MS_MIN = 1000

interface KnownKey extends CodeKey {
  readonly key: KeyObject
}

function readKeys(keys: readonly CodeKey[]): ReadonlyMap<number, KnownKey> {
  return new Map(keys.map((it) => [it.kid, { ...it, key: verifierOf(it.public_key) }]))
}

/** What a keyboard may have made of a code counts only where the signature says yes; each try costs 65 µs. */
function readToken(shown: ShownCode, known: ReadonlyMap<number, KnownKey>): Reading {
  if (shown.kind === 'plain') return { ok: false, reason: 'UNREADABLE', mayBeNew: false }
  const asItStands = shown.token && verified(shown.token, known)
  if (asItStands?.ok) return asItStands
  const mistyped = shown.mistyped()
  for (const token of mistyped) {
    const reading = verified(token, known)
    if (reading.ok) return reading
  }
  return {
    ...(asItStands ?? { ok: false, reason: shown.kind === 'token' ? 'FORGED' : 'UNREADABLE' }),
    mayBeNew: asItStands !== undefined || mistyped.length > 0,
  }
}

function verified(
  { signed, signature, ...code }: DecodedToken,
  known: ReadonlyMap<number, KnownKey>,
): Reading {
  const by = known.get(code.kid)
  if (by === undefined) return { ok: false, reason: 'UNKNOWN_KEY', mayBeNew: true }
  if (by.revoked) return { ok: false, reason: 'REVOKED_KEY', mayBeNew: true }
  if (verify(null, signed, by.key, signature)) return { ok: true, ...code }
  return { ok: false, reason: 'FORGED', mayBeNew: true }
}

function verifierOf(publicKey: string): KeyObject {
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: publicKey } })
}

/** Node takes a private key in PKCS #8: for Ed25519 a fixed beginning and the seed. */
function privateKeyOf(seed: string): KeyObject {
  const bytes = Buffer.from(seed, 'base64url')
  if (bytes.length !== SEED_BYTES) throw new RangeError(`a signing key's seed has ${SEED_BYTES} bytes`)
  return createPrivateKey({ format: 'der', type: 'pkcs8', key: Buffer.concat([PKCS8, bytes]) })
}

const SEED_BYTES = 32
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
