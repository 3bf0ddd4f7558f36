import { arrayText } from '../../db/array-text.ts'
import { literal } from '../../db/call.ts'
import type { Field } from './scanner.ts'
import type { Scope } from './scope.ts'

/** As PostgreSQL reads one: hyphens after any four digits, braces around. */
const UUID = /^\{?[0-9a-f]{4}(?:-?[0-9a-f]{4}){7}\}?$/i
const SLUG = /^[a-z0-9][a-z0-9-]{0,99}$/

/**
 * CONTRACT: events and tiers by their slug. The ids that `values` stand for, as SQL of an array; undefined where all of them are
 * ids, or the column is none of an event or tier. A tier's slug is one within its event, which a filter beside it names.
 */
export function slugSource(
  { relation, relations }: Scope,
  field: Field,
  values: readonly string[],
): string | undefined {
  const table = field.arrows.length > 0 ? undefined : tableOf(relation.name, field.name)
  if (table === undefined || relations?.tables.get(table)?.columns.has('slug') !== true) return undefined
  if (relation.columns.get(field.name)?.type !== 'uuid') return undefined
  const ids = values.filter((value) => UUID.test(value))
  const slugs = values.filter((value) => !UUID.test(value))
  if (slugs.length === 0 || !slugs.every((slug) => SLUG.test(slug))) return undefined
  const list = slugs.map(literal).join(',')
  return `array(select s.id from public.${table} s where s.slug in (${list}))||${literal(arrayText(ids))}::uuid[]`
}

function tableOf(relation: string, column: string): 'events' | 'ticket_tiers' | undefined {
  if (column === 'event_id' || (relation === 'events' && column === 'id')) return 'events'
  if (column === 'tier_id' || (relation === 'ticket_tiers' && column === 'id')) return 'ticket_tiers'
  return undefined
}
