import { SLUG_PATTERN } from '../../core/limits.ts'
import type { Database } from '../../db/pool.ts'
import { ANON } from '../../desk/callers.ts'
import { type EventView, eventPage } from '../../desk/events.ts'

/** An event that is published or cancelled; undefined where there is none of this name. */
export async function readEvent(database: Database, slug: string): Promise<EventView | undefined> {
  if (!SLUG_PATTERN.test(slug)) return undefined
  const answer = await eventPage(database, ANON, { slug })
  return answer.success ? answer.event : undefined
}
