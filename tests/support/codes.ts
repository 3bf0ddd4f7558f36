import { type CodeSigner, openCodeSigner, publicKeyOf } from '../../src/api/code-signer.ts'
import type { CodeKey } from '../../src/desk/keys.ts'
import type { TestDatabase } from './database.ts'

/** A seed that is nobody's secret. */
export const SEED = Buffer.alloc(32, 7).toString('base64url')

/** Codes that no database has heard of. */
export const CODES = openCodeSigner({
  seed: SEED,
  kid: 1,
  keys: [{ kid: 1, public_key: publicKeyOf(SEED), revoked: false }],
})

/** Codes whose key is registered, as a server's is; it learns of other keys as they are. */
export async function codesOf(
  db: TestDatabase,
  seed: string = SEED,
  nowMs: () => number = Date.now,
): Promise<CodeSigner> {
  const { kid, keys } = await db.value<{ kid: number; keys: readonly CodeKey[] }>(
    'select ticketing.register_code_key($1)',
    [publicKeyOf(seed)],
  )
  const reload = () => db.value<readonly CodeKey[]>('select ticketing.list_code_keys()')
  return openCodeSigner({ seed, kid, keys, reload, nowMs })
}

/** A clock that is two seconds further each time it is read, so that no refresh comes too soon. */
export function everLater(): () => number {
  let ms = 0
  return () => {
    ms += 2000
    return ms
  }
}
