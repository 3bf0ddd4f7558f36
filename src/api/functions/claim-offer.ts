import { z } from 'zod'
import { callVault } from '../../db/call.ts'
import { json, type Reply } from '../http.ts'
import {
  type EdgeFunction,
  type FunctionContext,
  Refusal,
  type Refused,
  refusalIn,
  requireSigningKey,
} from './contract.ts'
import { parseJson } from './requests.ts'

const PARTY_MAX = 1000

/** As the verb's own parameters, or in the spelling of the other functions. */
const body = z.preprocess(
  (value) =>
    typeof value === 'object' && value !== null && 'discountId' in value && 'partySize' in value
      ? { p_discount_id: value.discountId, p_party_size: value.partySize }
      : value,
  z.object({ p_discount_id: z.guid(), p_party_size: z.number() }),
)

/** Claims places in an offer, as the RPC of `claim_offer_spots_atomically` does, and gives the code that the door reads. */
export const claimOffer: EdgeFunction = { methods: ['POST'], handle }

async function handle(request: Request, { database, caller, codes }: FunctionContext): Promise<Reply> {
  requireSigningKey(codes)
  const claim = await parseJson(request, body)
  const { p_party_size: size } = claim
  if (!Number.isInteger(size) || size < 1 || size > PARTY_MAX) throw new Refusal('INVALID_PARTY_SIZE')
  const answer = await callVault<Claimed | Refused>(database, caller, 'claim_offer_spots_atomically', claim)
  if (!answer.success) throw refusalIn(answer)
  const { success, remaining, claim_id: claimId, qr_token } = answer
  return json(200, { success, remaining, claimId, code: codes.token('claim', claim.p_discount_id, qr_token) })
}

interface Claimed {
  readonly success: true
  readonly remaining: number
  readonly claim_id: string
  /** What is signed into the code that the guest shows. */
  readonly qr_token: string
}
