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
import { named, parseQuery, text } from './requests.ts'
import { shownKeys } from './ticket-keys.ts'

const CURSOR_LENGTH_MAX = 100

const query = z.object({ event: named, since: text(CURSOR_LENGTH_MAX).optional() })

/**
 * What a gate keeps so that it can judge without network: `GET ?event=<id or slug>&since=<cursor>`, for staff of the event.
 *
 * A ticket is the first 8 bytes of the SHA-256 of its code's 32 hex digits, as 11 characters of base64url; `valid`, `used`
 * and `gone` hold these one after the other. With the `cursor` of an earlier list as `since` it holds what changed: each ticket in it moves
 * to where it stands now, and it may be applied twice. Where `full` is true it stands for everything that the gate had, also
 * where a `since` was sent that this database knows nothing of.
 *
 * `signature` is Ed25519 by the key `kid` over the body's UTF-8 text without its last member, `,"signature":"…"`; in JavaScript
 * over `JSON.stringify` of the parsed body without it. 50,000 tickets have 550 KB, 414 KB as gzip.
 */
export const gateList: EdgeFunction = { methods: ['GET'], lane: 'gates', handle }

async function handle(request: Request, { database, caller, codes }: FunctionContext): Promise<Reply> {
  if (caller.role === 'anon') throw new Refusal('UNAUTHORIZED')
  const { event: name, since = null } = parseQuery(request, query)
  const answer = await callVault<GateList | Refused>(database, caller, 'gate_list', {
    p_event: name,
    p_since: since,
  })
  if (!answer.success) throw refusalIn(answer)
  await codes.refresh()
  requireSigningKey(codes)
  const { event, cursor, full, tickets, read_at } = answer
  const list = {
    event: {
      id: event.id,
      title: event.title,
      status: event.status,
      entryFrom: event.entry_from,
      entryUntil: event.entry_until,
    },
    since,
    cursor,
    full,
    keys: shownKeys(codes),
    tickets: { valid: tickets.valid, used: tickets.used, gone: tickets.gone },
    signedAt: read_at,
    kid: codes.kid,
  }
  return json(200, { ...list, signature: codes.sign(JSON.stringify(list)) })
}

interface GateList {
  readonly success: true
  readonly event: Readonly<Record<'id' | 'title' | 'status' | 'entry_from' | 'entry_until', string>>
  readonly cursor: string
  readonly full: boolean
  readonly tickets: Readonly<Record<'valid' | 'used' | 'gone', string>>
  readonly read_at: string
}
