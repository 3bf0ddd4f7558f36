import { z } from 'zod'
import { callVault } from '../../db/call.ts'
import { json, type Reply } from '../http.ts'
import {
  type EdgeFunction,
  type FunctionContext,
  Refusal,
  type Refused,
  readJson,
  refusalIn,
  requireSigningKey,
} from './contract.ts'
import { idempotencyKeyOf, parse, replayHeader } from './requests.ts'

const PARTY_MAX = 1000

const ours = z.object({ discountId: z.guid(), partySize: z.number() })
/** As the verb's own parameters. */
const theVerbs = z
  .object({ p_discount_id: z.guid(), p_party_size: z.number() })
  .transform((body) => ({ discountId: body.p_discount_id, partySize: body.p_party_size }))

/**
 * Claims places in an offer, as the RPC of `claim_offer_spots_atomically` does, and gives the code that the door reads; for
 * guests who are signed in. Takes `discountId` and `partySize`.
 */
export const claimOffer: EdgeFunction = { methods: ['POST'], handle }

async function handle(request: Request, { database, caller, codes }: FunctionContext): Promise<Reply> {
  requireSigningKey(codes)
  const key = idempotencyKeyOf(request)
  const body = await readJson(request)
  const { discountId, partySize } = parse(body, isTheVerbs(body) ? theVerbs : ours)
  if (!Number.isInteger(partySize) || partySize < 1 || partySize > PARTY_MAX) {
    throw new Refusal('INVALID_PARTY_SIZE')
  }
  const { claim_id, qr_token, replayed, ...answer } = await callVault<Partial<Claim> & (Granted | Refused)>(
    database,
    caller,
    'claim_offer_spots_atomically',
    { p_discount_id: discountId, p_party_size: partySize, p_idempotency_key: key },
  )
  const code = qr_token === undefined ? undefined : codes.token('claim', discountId, qr_token)
  // Who has claimed before is given that claim's code again; a refusal's own code has the name.
  if (!answer.success) throw refusalIn({ ...answer, ...(code && { claimId: claim_id, claimCode: code }) })
  return json(200, { ...answer, claimId: claim_id, code }, replayHeader(replayed))
}

function isTheVerbs(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'p_discount_id' in body
}

interface Claim {
  readonly claim_id: string
  /** What is signed into the code that the guest shows. */
  readonly qr_token: string
  readonly replayed: boolean
}

interface Granted {
  readonly success: true
  readonly remaining: number
  /** One that is asked for again may have been given back meanwhile. */
  readonly status: 'claimed' | 'released' | 'redeemed'
}
