import { type CryptoKey, createRemoteJWKSet, type FlattenedJWSInput, type JWSHeaderParameters } from 'jose'

/** Somebody else who signs in our users, and publishes the keys. */
export interface Issuer {
  /** Whose tokens alone are verified by its keys; null: by whomever they say that they are. */
  readonly name: string | null
  /** The key that signed; rejects where it is not known, or cannot be asked for. */
  key(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey>
}

const TIMEOUT_MS = 5_000
const FRESH_MS = 10 * 60 * 1000
/** Whoever invents key ids makes us ask no oftener. */
const ASK_AGAIN_MS = 30_000

/** Keys are kept while their issuer is away; they are looked up anew every ten minutes, and where an id is unknown. */
export function openIssuer(jwksUrl: string, name: string | null): Issuer {
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: TIMEOUT_MS,
    cooldownDuration: ASK_AGAIN_MS,
    cacheMaxAge: Number.POSITIVE_INFINITY,
  })
  let askedMs = performance.now()
  return {
    name,
    key: async (header, token) => {
      if (performance.now() - askedMs > FRESH_MS) {
        askedMs = performance.now()
        await keys.reload().catch(() => undefined)
      }
      return keys(header, token)
    },
  }
}
