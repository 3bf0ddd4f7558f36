import type { Caller } from '../../db/call.ts'
import type { Setting } from '../../db/pool.ts'
import type { ReserveRequest } from '../../desk/reserving.ts'
import type { Routine } from './catalogue.ts'
import type { Payload } from './payload.ts'

/** A call as far as it decides whether others may be sent with it. */
interface PlainCall {
  readonly routine: Routine
  readonly payload: Payload
  readonly caller: Caller
  readonly roleSettings: readonly Setting[]
}

/**
 * A call that reserves, where sending it with others answers what sending it alone would. Undefined for every other: one whose values
 * PostgreSQL would read differently, or refuse with an error of its own, is sent alone.
 */
export function reserveRequestOf({
  routine,
  payload,
  caller,
  roleSettings,
}: PlainCall): ReserveRequest | undefined {
  const read = READERS.get(signatureOf(routine))
  if (read === undefined || payload.kind !== 'json' || payload.array || !ROLES.has(caller.role)) {
    return undefined
  }
  if (routine.isolation !== null || routine.settings.length > 0 || roleSettings.some(isIsolation)) {
    return undefined
  }
  const args = exactly(payload.text)
  const callerId = uuidOrNull(claimsOf(caller)['sub'])
  if (args === undefined || callerId === undefined) return undefined
  const asked = read(args)
  return asked && { role: caller.role, callerId, ...asked }
}

/** Those that our installation makes; a role of somebody else's may be more, or less. */
const ROLES: ReadonlySet<string> = new Set(['anon', 'authenticated', 'service_role'])

function isIsolation([name]: Setting): boolean {
  return name === 'default_transaction_isolation'
}

/** The values of JSON that says nothing which its values do not: no 1.0, no key twice, no escape that only PostgreSQL refuses. */
function exactly(text: string): Values | undefined {
  if (text.length > TEXT_MAX || text.includes('\\u')) return undefined
  const values: unknown = JSON.parse(text)
  const again = JSON.stringify(values)
  if (text !== again && withoutBlanks(text) !== again) return undefined
  return typeof values === 'object' && values !== null ? (values as Values) : undefined
}

type Values = Readonly<Record<string, unknown>>

/** Many are sent together: a cart of fifty tiers has 4,000 characters. */
const TEXT_MAX = 5_000

function withoutBlanks(json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1')
}

type Asked = ReserveRequest extends infer R
  ? R extends unknown
    ? Omit<R, 'role' | 'callerId'>
    : never
  : never

const READERS: ReadonlyMap<string, (args: Values) => Asked | undefined> = new Map([
  ['reserve_tickets_atomically(p_tier_id uuid,p_quantity integer)', oneTier],
  [
    'reserve_tickets_batch(p_reservations jsonb,p_session_id text,p_user_id uuid,p_expires_minutes integer)',
    cart,
  ],
])

function signatureOf({ name, parameters }: Routine): string {
  return `${name}(${parameters.map((parameter) => `${parameter.name} ${parameter.type}`).join()})`
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

function isCart(value: unknown): value is readonly { readonly tier_id: string }[] {
  return Array.isArray(value) && value.length > 0 && value.every((line) => isUuid(line?.tier_id))
}

function uuidOrNull(value: unknown): string | null | undefined {
  if (value === null || value === undefined) return null
  return isUuid(value) ? value : undefined
}

function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value)
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i

function isInt4(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31
}

function claimsOf({ claims }: Caller): Values {
  return JSON.parse(claims) as Values
}
