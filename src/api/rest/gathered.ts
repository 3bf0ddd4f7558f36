import type { Caller } from '../../db/call.ts'
import type { Runner } from '../../db/pool.ts'
import { batchedCallerOf } from '../../desk/batched-caller.ts'
import type { ReserveRequest } from '../../desk/reserving.ts'
import { hasEscapes, isInt4, isUuid } from '../../desk/values.ts'
import type { Routine } from './catalogue.ts'
import type { Payload } from './payload.ts'

/**
 * A call that reserves, where making it with others answers what making it alone would. Undefined for every other: one whose values
 * PostgreSQL would read differently, or refuse with an error of its own, is made alone.
 */
export function reserveRequestOf(
  routine: Routine,
  payload: Payload,
  { caller, database }: { readonly caller: Caller; readonly database: Pick<Runner, 'roleSettings'> },
): ReserveRequest | undefined {
  const verb = VERBS.get(routine.name)
  if (verb === undefined || signatureOf(routine) !== verb.signature) return undefined
  if (routine.isolation !== null || routine.settings.length > 0 || payload.kind !== 'json') return undefined
  const args = exactly(payload)
  const batched = batchedCallerOf(caller, database)
  const asked = args && verb.read(args)
  return asked && batched && { ...batched, ...asked }
}

/** The values of JSON that says nothing which its values do not: no 1.0, no key twice, no escape that only PostgreSQL refuses. */
function exactly({ text, value, array }: Extract<Payload, { kind: 'json' }>): Values | undefined {
  if (array || typeof value !== 'object' || value === null) return undefined
  if (text.length > TEXT_MAX || hasEscapes(text)) return undefined
  const again = JSON.stringify(value)
  return text === again || withoutBlanks(text) === again ? (value as Values) : undefined
}

type Values = Readonly<Record<string, unknown>>

/** Many are sent together: a cart of fifty lines has 4,000 characters. */
const TEXT_MAX = 5_000

function withoutBlanks(json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1')
}

type Asked = ReserveRequest extends infer R
  ? R extends unknown
    ? Omit<R, 'role' | 'callerId'>
    : never
  : never

/** The two verbs as the installation declares them; by another signature the name is somebody else's. */
const VERBS: ReadonlyMap<
  string,
  { readonly signature: string; readonly read: (args: Values) => Asked | undefined }
> = new Map([
  ['reserve_tickets_atomically', { signature: 'p_tier_id uuid,p_quantity integer', read: oneTier }],
  [
    'reserve_tickets_batch',
    {
      signature: 'p_reservations jsonb,p_session_id text,p_user_id uuid,p_expires_minutes integer',
      read: cart,
    },
  ],
])

function signatureOf({ parameters }: Routine): string {
  return parameters.map(({ name, type }) => `${name} ${type}`).join()
}

function oneTier({ p_tier_id: tierId, p_quantity: quantity }: Values): Asked | undefined {
  return isUuid(tierId) && isInt4(quantity) ? { tierId, quantity } : undefined
}

function cart(args: Values): Asked | undefined {
  const {
    p_reservations: reservations,
    p_session_id: sessionId = null,
    p_expires_minutes: minutes = 15,
  } = args
  const userId = uuidOrNull(args['p_user_id'])
  if (!isCart(reservations) || userId === undefined) return undefined
  if (sessionId !== null && typeof sessionId !== 'string') return undefined
  if (minutes !== null && !isInt4(minutes)) return undefined
  return { reservations, sessionId, userId, expiresMinutes: minutes }
}

/** Of one tier: a cart of several may be refused for one while it waits for another. */
function isCart(value: unknown): value is readonly { readonly tier_id: string }[] {
  if (!Array.isArray(value)) return false
  const ids = new Set(value.map((line) => (isUuid(line?.tier_id) ? line.tier_id.toLowerCase() : undefined)))
  return ids.size === 1 && !ids.has(undefined)
}

function uuidOrNull(value: unknown): string | null | undefined {
  if (value === null || value === undefined) return null
  return isUuid(value) ? value : undefined
}
