import { createECDH, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, type JWK, SignJWT } from 'jose'
import { signingKey } from './keys.ts'

/** What signs users' tokens from now on. */
export type TokenAlgorithm = 'ES256' | 'HS256'

export interface SigningKeys {
  /** Signs claims with the current key. */
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>
  /** The keys that may have signed a token with this header: each fits one algorithm alone, so that none is taken for another. */
  verifying(alg: string, kid: string | undefined): readonly (Uint8Array | KeyObject)[]
  /** The public ones, for whoever verifies tokens elsewhere. */
  readonly jwks: { readonly keys: readonly JWK[] }
}

interface Pair {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly jwk: JWK
}

/**
 * Every secret stands for two keys: itself (HS256), and a pair on P-256 that is derived from it (ES256), so that servers that share
 * a secret share both. Tokens of `former` secrets are still verified: that is how a secret is changed without signing people out.
 */
export async function openSigningKeys(
  secret: string,
  former: readonly string[] = [],
  algorithm: TokenAlgorithm = 'ES256',
): Promise<SigningKeys> {
  const secrets = [secret, ...former]
  const shared = secrets.map(signingKey)
  const pairs = await Promise.all(secrets.map(derivePair))
  const [current] = pairs
  if (current === undefined) throw new RangeError('there is no secret')
  return {
    sign: (claims) =>
      algorithm === 'ES256'
        ? new SignJWT(claims)
            .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: current.kid })
            .sign(current.privateKey)
        : new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(signingKey(secret)),
    verifying: (alg, kid) => {
      if (alg === 'HS256') return shared
      return alg === 'ES256' ? pairs.filter((pair) => pair.kid === kid).map(({ publicKey }) => publicKey) : []
    },
    jwks: { keys: pairs.map(({ jwk }) => jwk) },
  }
}

/** The order of P-256 (SEC 2, secp256r1). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
/** 64 bits more than the order, so that the remainder shows no bias (FIPS 186-5, A.2.1). */
const SEED_BYTES = 40
const SCALAR_HEX = 64

async function derivePair(secret: string): Promise<Pair> {
  const seed = hkdfSync('sha256', signingKey(secret), '', 'admit-once ES256', SEED_BYTES)
  const scalar = (BigInt(`0x${Buffer.from(seed).toString('hex')}`) % (ORDER - 1n)) + 1n
  const d = Buffer.from(scalar.toString(16).padStart(SCALAR_HEX, '0'), 'hex')
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(d)
  // 0x04, then both coordinates.
  const point = curve.getPublicKey()
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((bytes) => bytes.toString('base64url'))
  const plain = { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' }
  const kid = await calculateJwkThumbprint(plain)
  return {
    kid,
    privateKey: createPrivateKey({ format: 'jwk', key: { ...plain, d: d.toString('base64url') } }),
    publicKey: createPublicKey({ format: 'jwk', key: plain }),
    jwk: { ...plain, kid, alg: 'ES256', use: 'sig', key_ops: ['verify'] },
  }
}
