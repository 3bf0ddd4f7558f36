import type { Lane } from '../core/capacity.ts'
import * as events from './events.ts'
import * as figures from './figures.ts'
import * as holds from './holds.ts'
import * as keys from './keys.ts'
import * as orders from './orders.ts'
import * as parties from './parties.ts'
import * as protections from './protections.ts'
import * as refunds from './refunds.ts'
import * as scans from './scans.ts'
import * as sessions from './sessions.ts'
import * as users from './users.ts'
import type { Definition } from './verb.ts'
import * as webhooks from './webhooks.ts'

/** The registry: every verb that a caller may ask the vault for, by the name of its SQL function. */
export const VERBS: ReadonlyMap<string, Definition> = new Map(
  [events, holds, orders, sessions, webhooks, refunds, parties, scans, keys, protections, figures, users]
    .flatMap((group) => Object.values(group))
    .flatMap((exported) =>
      typeof exported === 'function' && 'definition' in exported ? [exported.definition] : [],
    )
    .map((definition) => [definition.name, definition]),
)

/** Where a request for a function of this name works; a stranger's works among the buyers. */
export function laneOf(name: string): Lane {
  return VERBS.get(name)?.lane ?? 'buyers'
}
