import type { Caller } from '../db/call.ts'
import type { Runner, Setting } from '../db/pool.ts'
import { SERVICE } from './callers.ts'
import { isUuid } from './values.ts'

/** In whose name a request of a batch is made. */
export interface BatchedCaller {
  /** As which the call would be made alone. */
  readonly role: string
  /** `auth.uid()`. */
  readonly callerId: string | null
}

/** The caller of a call that may be made with others'. Undefined for one that PostgreSQL would treat in a way of its own: it is made alone. */
export function batchedCallerOf(
  { role, claims }: Caller,
  database: Pick<Runner, 'roleSettings'>,
): BatchedCaller | undefined {
  if (!ROLES.has(role) || [role, SERVICE.role].some((one) => differs(database.roleSettings(one))))
    return undefined
  const { sub = null } = JSON.parse(claims) as { readonly sub?: unknown }
  return sub === null || isUuid(sub) ? { role, callerId: sub } : undefined
}

/** Those that the installation makes; a role of somebody else's may be more, or less. */
const ROLES: ReadonlySet<string> = new Set(['anon', 'authenticated', 'service_role'])

/** Settings of a role that make its answers others. */
function differs(settings: readonly Setting[]): boolean {
  return settings.some(([name]) => name === 'default_transaction_isolation' || name === 'TimeZone')
}
