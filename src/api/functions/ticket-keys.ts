import { z } from 'zod'
import type { CodeSigner } from '../code-signer.ts'
import { json, type Reply } from '../http.ts'
import type { EdgeFunction, FunctionContext } from './contract.ts'

/** How long a scanner may go on with the keys that it has; a revocation is known to online gates at once. */
const CACHE_SECONDS = 300

/** As JSON Web Keys are written. */
export const publicKey = z.object({
  kid: z.int(),
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  revoked: z.boolean(),
})

/** The public keys with which anybody checks a code without network; asks for no key. */
export const ticketKeys: EdgeFunction = {
  methods: ['GET', 'HEAD'],
  answer: z.object({ keys: z.array(publicKey) }),
  refusals: [],
  handle,
}

async function handle(_request: Request, { codes }: FunctionContext): Promise<Reply> {
  await codes.refresh()
  return json(200, { keys: shownKeys(codes) }, { 'Cache-Control': `public, max-age=${CACHE_SECONDS}` })
}

export function shownKeys({ publicKeys }: CodeSigner): z.output<typeof publicKey>[] {
  return publicKeys.map(({ kid, public_key, revoked }) => ({
    kid,
    kty: 'OKP',
    crv: 'Ed25519',
    x: public_key,
    revoked,
  }))
}
