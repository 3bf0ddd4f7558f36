import { z } from 'zod'
import { qrSpelling } from '../../core/code-token.ts'
import { claimOfferSpotsAtomically } from '../../desk/parties.ts'
import type { Refused } from '../../desk/verb.ts'
import type { CodeSigner } from '../code-signer.ts'
import { json, type Reply } from '../http.ts'
import {
  type EdgeFunction,
  type FunctionContext,
  readJson,
  refusalIn,
  requireSigningKey,
} from './contract.ts'
import { partySize } from './judged-number.ts'
import { idempotencyKeyOf, parse, replayHeader } from './requests.ts'
import { entryCode } from './shown.ts'

const ours = z.object({ discountId: z.guid(), partySize })
/** As the verb's own parameters. */
const theVerbs = z
  .object({ p_discount_id: z.guid(), p_party_size: partySize })
  .transform((body) => ({ discountId: body.p_discount_id, partySize: body.p_party_size }))

const answer = z.object({
  success: z.literal(true),
  claimId: z.guid(),
  /** -1 where the offer has no end. */
  remaining: z.int().min(-1),
  status: z.enum(['claimed', 'released', 'redeemed']),
  ...entryCode.shape,
})

/**
 * Claims places in an offer, as the RPC of `claim_offer_spots_atomically` does, and gives the code that the door reads; for
 * guests who are signed in. Takes `discountId` and `partySize`.
 */
export const claimOffer: EdgeFunction = {
  methods: ['POST'],
  body: z.union([ours, theVerbs]),
  isKeyed: true,
  answer,
  refusals: [...claimOfferSpotsAtomically.definition.refusals, 'SIGNING_KEY_REVOKED'],
  handle,
}

async function handle(request: Request, { database, caller, codes }: FunctionContext): Promise<Reply> {
  requireSigningKey(codes)
  const key = idempotencyKeyOf(request)
  const body = await readJson(request)
  const { discountId, partySize } = parse(body, isTheVerbs(body) ? theVerbs : ours)
  const claimed = await claimOfferSpotsAtomically(database, caller, {
    discount_id: discountId,
    party_size: partySize,
    idempotency_key: key,
  })
  if (!claimed.success) throw refusalIn(withCode(claimed, discountId, codes))
  const { claim_id, qr_token, replayed, ...claim } = claimed
  const code = codes.token('claim', discountId, qr_token)
  const shown: z.output<typeof answer> = { ...claim, claimId: claim_id, code, qr: qrSpelling(code) }
  return json(200, shown, replayHeader(replayed))
}

function isTheVerbs(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'p_discount_id' in body
}

/** Who has claimed before is given that claim's code again; a refusal's own code has the name `code`. */
function withCode(refused: Refused, discountId: string, codes: CodeSigner): Refused {
  const { claim_id, qr_token, status, ...more } = refused.more
  if (typeof qr_token !== 'string') return refused
  const claimCode = codes.token('claim', discountId, qr_token)
  const claim = { status, claimId: claim_id, claimCode, claimQr: qrSpelling(claimCode) }
  return { ...refused, more: { ...more, ...claim } }
}
