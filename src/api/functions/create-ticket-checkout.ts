import { createHash } from 'node:crypto'
import { z } from 'zod'
import { callVault } from '../../db/call.ts'
import { isErrorCode } from '../errors.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, Refusal, readJson } from './contract.ts'

const ITEMS_MAX = 50
const QUANTITY_MAX = 10_000
const KEY_LENGTH_MAX = 255
const NAME_LENGTH_MAX = 200
const EMAIL_LENGTH_MAX = 254

/** Text that PostgreSQL can store: no NUL, no half of a surrogate pair. */
const text = (lengthMax: number) =>
  z
    .string()
    .trim()
    .max(lengthMax)
    .refine((value) => value.isWellFormed() && !value.includes('\0'), 'has characters that cannot be stored')

/** Events and tiers go by id or by slug; prices in the request are ignored. */
const checkoutSchema = z.object({
  eventId: text(NAME_LENGTH_MAX).min(1),
  items: z
    .array(z.object({ tierId: text(NAME_LENGTH_MAX).min(1), quantity: z.number() }))
    .min(1)
    .max(ITEMS_MAX),
  customerName: text(NAME_LENGTH_MAX).nullish(),
  customerEmail: text(EMAIL_LENGTH_MAX)
    .regex(/^[^\s@]+@[^\s@]+$/)
    .nullish(),
})

/** Buys tickets in one step; free ones are issued at once. */
export const createTicketCheckout: EdgeFunction = { methods: ['POST'], handle }

async function handle(request: Request, context: FunctionContext): Promise<Reply> {
  const parsed = checkoutSchema.safeParse(await readJson(request))
  if (!parsed.success) throw new Refusal('INVALID_REQUEST', ...issueOf(parsed.error))
  const answer = await callVault<Answer>(context.database, context.caller, 'checkout', {
    p_request: checkoutRequest(parsed.data, request.headers.get('idempotency-key')),
  })
  return answer.success ? bought(answer, context.publicUrl) : refuse(answer)
}

interface Bought {
  readonly success: true
  readonly order_id: string
  readonly is_free: boolean
  readonly tickets?: readonly { readonly id: string; readonly tier_id: string; readonly qr_code: string }[]
  readonly replayed?: boolean
}

interface Refused {
  readonly success: false
  readonly error_code: string
  readonly error?: string
}

type Answer = Bought | Refused

function checkoutRequest(body: z.output<typeof checkoutSchema>, key: string | null) {
  if (body.items.some(({ quantity }) => !isQuantity(quantity))) throw new Refusal('INVALID_QUANTITY')
  if (key !== null && !KEY.test(key)) {
    throw new Refusal('INVALID_REQUEST', `Idempotency-Key: 1 to ${KEY_LENGTH_MAX} printable characters`)
  }
  const relevant = {
    endpoint: 'create-ticket-checkout',
    event: body.eventId,
    items: body.items.map(({ tierId, quantity }) => ({ tier: tierId, quantity })),
    customer_name: body.customerName ?? null,
    customer_email: body.customerEmail ?? null,
  }
  return { ...relevant, idempotency_key: key, fingerprint: fingerprintOf(relevant) }
}

const KEY = new RegExp(`^[\\x20-\\x7e]{1,${KEY_LENGTH_MAX}}$`)

function isQuantity(quantity: number): boolean {
  return Number.isInteger(quantity) && quantity >= 1 && quantity <= QUANTITY_MAX
}

/** SHA-256 of the JSON whose keys always stand in the same order. */
function fingerprintOf(relevant: object): string {
  return createHash('sha256').update(JSON.stringify(relevant)).digest('hex')
}

function bought({ order_id, is_free, replayed, tickets }: Bought, publicUrl: string): Reply {
  const url = `${publicUrl}/orders/${order_id}`
  const headers: Record<string, string> = replayed ? { 'X-Idempotent-Replay': 'true' } : {}
  return json(200, { success: true, orderId: order_id, url, isFree: is_free, tickets }, headers)
}

/** What the database adds to a refusal, such as `available`, is passed on. */
function refuse({ success: _, error_code, error, ...more }: Refused): never {
  if (!isErrorCode(error_code)) throw new Error(`the database refused with an unknown code: ${error_code}`)
  throw new Refusal(error_code, undefined, error === undefined ? more : { ...more, message: error })
}

function issueOf({ issues }: z.ZodError): [string, { field: string }] {
  const [issue] = issues
  const field = issue?.path.join('.') ?? ''
  return [`${field === '' ? 'body' : field}: ${issue?.message ?? 'is not valid'}`, { field }]
}
