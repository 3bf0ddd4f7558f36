import { z } from 'zod'
import { canonicalEmail, EMAIL_LENGTH_MAX } from '../../core/email.ts'
import {
  IDEMPOTENCY_KEY_LENGTH_MAX,
  PERSON_NAME_LENGTH_MAX,
  RETURN_URL_LENGTH_MAX,
  SESSION_ID_LENGTH_MAX,
} from '../../core/limits.ts'
import { Refusal, readJson } from './contract.ts'

const ID_OR_SLUG_LENGTH_MAX = 200
const QR_LENGTH_MAX = 7089

/** The JSON body as `schema` has it. Refuses with INVALID_REQUEST, which names the first field that is wrong. */
export async function parseJson<Body>(
  request: Request,
  schema: z.ZodType<Body>,
  bytesMax?: number,
): Promise<Body> {
  return parse(await readJson(request, bytesMax), schema)
}

/** The parameters of the URL, as {@link parseJson}. */
export function parseQuery<Query>(request: Request, schema: z.ZodType<Query>): Query {
  return parse(Object.fromEntries(new URL(request.url).searchParams), schema)
}

/** As {@link parseJson}, of what was read already. */
export function parse<Value>(value: unknown, schema: z.ZodType<Value>): Value {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  // First what a strict schema does not know: a misspelt field is why another one is missing.
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') throw invalid(issue.keys[0] ?? '', 'is no field of this function')
  }
  const [issue] = issues
  throw invalid(issue?.path.join('.') ?? '', issue?.message ?? 'is not valid')
}

/** INVALID_REQUEST about one field; an empty name is the body itself. */
function invalid(field: string, message: string): Refusal {
  return new Refusal('INVALID_REQUEST', `${field === '' ? 'body' : field}: ${message}`, { field })
}

/** Text that PostgreSQL can store: no NUL, no half of a surrogate pair. */
export const text = (lengthMax: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(lengthMax)
    .refine((value) => value.isWellFormed() && !value.includes('\0'), 'has characters that cannot be stored')
    .meta({ pattern: STORABLE })

/** As JSON Schema says it. */
const STORABLE = '^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$'

/** An id or a slug. */
export const named = text(ID_OR_SLUG_LENGTH_MAX)
export const personName = text(PERSON_NAME_LENGTH_MAX)
/** An address in the one spelling that a person has. */
export const email = text(EMAIL_LENGTH_MAX)
  .transform((value, { issues }) => {
    const canonical = canonicalEmail(value)
    if (canonical === undefined)
      issues.push({ code: 'custom', message: 'is no e-mail address', input: value })
    return canonical ?? value
  })
  .meta({ format: 'email' })

const NAMED_TICKETS_MAX = 1000
/** The tickets that a call of staff names: never none, which must not become "all". */
export const ticketIds = z.array(z.guid()).min(1).max(NAMED_TICKETS_MAX).optional()

export const pageUrl = text(RETURN_URL_LENGTH_MAX).meta({ format: 'uri' })

/** The session that holds tickets, by an id that its buyer chose or was given. */
export const holdSession = text(SESSION_ID_LENGTH_MAX).nullish()

/** What a buyer was shown: minor units, and their currency. */
export const shownTotal = z.int().min(0).nullish()
export const shownCurrency = z.string().length(3).nullish()

/** What a camera read: a QR code holds at most so many digits, and somebody may show any. */
export const shownCode = z.string().max(QR_LENGTH_MAX)

/** The `Idempotency-Key` header, null where there is none. */
export function idempotencyKeyOf(request: Request): string | null {
  const key = request.headers.get('idempotency-key')
  if (key !== null && !KEY.test(key)) {
    throw invalid('Idempotency-Key', `must be 1 to ${IDEMPOTENCY_KEY_LENGTH_MAX} printable ASCII characters`)
  }
  return key
}

/** Tells a caller that its key was known: this is what the first call won. */
export function replayHeader(replayed: boolean | undefined): Record<string, string> {
  return replayed ? { 'X-Idempotent-Replay': 'true' } : {}
}

const KEY = new RegExp(`^[\\x20-\\x7e]{1,${IDEMPOTENCY_KEY_LENGTH_MAX}}$`)

/**
 * An address that buyers may be sent to, as a browser understands it, so that nobody reads another host in it; the
 * provider's placeholder for the session id stays as it is.
 */
export function redirectOf(field: string, given: string, origins: readonly string[]): string {
  const url = URL.parse(given)
  if (url === null || !WEB.has(url.protocol)) throw invalid(field, 'must be an http:// or https:// URL')
  if (origins.length > 0 && !origins.includes(url.origin)) {
    throw invalid(field, `${url.origin} is not among the origins that this server sends buyers to`)
  }
  return url.href.replaceAll(encodeURI(SESSION_ID), SESSION_ID)
}

const WEB = new Set(['http:', 'https:'])
const SESSION_ID = '{CHECKOUT_SESSION_ID}'
