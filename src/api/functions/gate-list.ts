import { createHash } from 'node:crypto'
import { z } from 'zod'
import { moment } from '../../desk/answers.ts'
import { type GateList, gateList as readList } from '../../desk/scans.ts'
import type { CodeSigner } from '../code-signer.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, refusalIn, requireSigningKey } from './contract.ts'
import { named, parseQuery, text } from './requests.ts'
import { publicKey, shownKeys } from './ticket-keys.ts'

const CURSOR_LENGTH_MAX = 100

const query = z.object({ event: named, since: text(CURSOR_LENGTH_MAX).optional() })

const list = z.object({
  event: z.object({
    id: z.guid(),
    title: z.string(),
    status: z.string(),
    entryFrom: moment,
    entryUntil: moment,
  }),
  since: z.string().nullable(),
  cursor: z.string(),
  full: z.boolean(),
  keys: z.array(publicKey),
  tickets: z.object({ valid: z.string(), used: z.string(), gone: z.string() }),
  signedAt: moment,
  kid: z.int(),
  signature: z.string(),
})

/**
 * What a gate keeps so that it can judge without network: `GET ?event=<id or slug>&since=<cursor>`, for staff of the event.
 *
 * A ticket is the first 8 bytes of the SHA-256 of its code's 32 hex digits, as 11 characters of base64url; `valid`, `used`
 * and `gone` hold these one after the other. With the `cursor` of an earlier list as `since` it holds what changed: each ticket in it moves
 * to where it stands now, and it may be applied twice. Where `full` is true it stands for everything that the gate had, also
 * where a `since` was sent that this database knows nothing of. With `If-None-Match` a list that
 * still stands is a 304.
 *
 * `signature` is Ed25519 by the key `kid` over the body's UTF-8 text without its last member, `,"signature":"…"`; in JavaScript
 * over `JSON.stringify` of the parsed body without it. 50,000 tickets have 550 KB, 414 KB as gzip.
 */
export const gateList: EdgeFunction = {
  methods: ['GET'],
  needs: 'user',
  query,
  answer: list,
  refusals: [...readList.definition.refusals, 'SIGNING_KEY_REVOKED'],
  lane: readList.definition.lane,
  handle,
}

async function handle(request: Request, context: FunctionContext): Promise<Reply> {
  const { codes } = context
  const { event, since = null } = parseQuery(request, query)
  const [, tag, known] = TAG.exec(request.headers.get('if-none-match') ?? '') ?? []
  if (known !== undefined) {
    const later = await read(event, known, context)
    if (isNothing(later) && tag === tagOf(later, since, known, codes)) return unchanged(tag)
  }
  const answer = await read(event, since, context)
  const { cursor, full, tickets, read_at } = answer
  const unsigned: Omit<z.output<typeof list>, 'signature'> = {
    event: shownEvent(answer),
    since,
    cursor,
    full,
    keys: shownKeys(codes),
    tickets: { valid: tickets.valid, used: tickets.used, gone: tickets.gone },
    signedAt: read_at,
    kid: codes.kid,
  }
  const signed = { ...unsigned, signature: codes.sign(JSON.stringify(unsigned)) }
  return json(200, signed, headersOf(tagOf(answer, since, cursor, codes)))
}

async function read(
  event: string,
  since: string | null,
  { database, caller, codes }: FunctionContext,
): Promise<GateList> {
  const answer = await readList(database, caller, { event, since })
  if (!answer.success) throw refusalIn(answer)
  await codes.refresh()
  requireSigningKey(codes)
  return answer
}

function shownEvent({ event }: GateList) {
  return {
    id: event.id,
    title: event.title,
    status: event.status,
    entryFrom: event.entry_from,
    entryUntil: event.entry_until,
  }
}

/**
 * Names a list by its cursor and all of it but tickets and times: where no ticket changed since that cursor, and nothing
 * else, the list of then still stands.
 */
function tagOf(answer: GateList, since: string | null, cursor: string, codes: CodeSigner): string {
  const rest = JSON.stringify([shownEvent(answer), since, shownKeys(codes), codes.kid])
  return `${cursor}.${createHash('sha256').update(rest).digest('hex').slice(0, 16)}`
}

const TAG = /"(([\da-f]{12}-\d{1,19})\.[\da-f]{16})"/

function isNothing({ full, tickets }: GateList): boolean {
  return !full && Object.values(tickets).every((list) => list === '')
}

function unchanged(tag: string): Reply {
  return { status: 304, body: null, headers: headersOf(tag) }
}

/** Weak: it is the same list, compressed or not, at whatever time it was signed. */
function headersOf(tag: string): Record<string, string> {
  return { ETag: `W/"${tag}"`, 'Cache-Control': 'private, no-cache' }
}
