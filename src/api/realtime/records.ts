import type { Change, Values } from '../../db/feed.ts'
import type { Column, Relation } from '../rest/relations.ts'

const NUMBERS: ReadonlySet<string> = new Set(['smallint', 'integer', 'real', 'double precision'])
const PAYLOAD_BYTES_MAX = 1024 * 1024
const SMALL_FIELD = 64

/** What a subscriber of a role is told of a change: the columns that the role may read. */
export function dataOf(change: Change, relation: Relation, role: string): object | undefined {
  const columns = change.columns.flatMap((name) => {
    const column = relation.columns.get(name)
    return column?.readers.includes(role) ? [column] : []
  })
  if (columns.length === 0) return undefined
  const { schema, table, type, committedAt } = change
  const data = {
    schema,
    table,
    commit_timestamp: committedAt,
    type,
    columns: columns.map((column) => ({ name: column.name, type: shortType(column.type) })),
    ...(change.record === undefined ? {} : { record: recordOf(change.record, columns) }),
    ...(change.old === undefined ? {} : { old_record: recordOf(change.old, columns) }),
    errors: null,
  }
  return isTooLarge(change) ? { ...data, ...smallOf(data), errors: ['Error 413: Payload Too Large'] } : data
}

function isTooLarge({ record }: Change): boolean {
  let length = 0
  for (const value of Object.values(record ?? {})) length += value?.length ?? 0
  return length > PAYLOAD_BYTES_MAX
}

function smallOf({ record }: { readonly record?: Record<string, unknown> }): object {
  const isSmall = (value: unknown) => JSON.stringify(value ?? null).length <= SMALL_FIELD
  return { record: Object.fromEntries(Object.entries(record ?? {}).filter(([, value]) => isSmall(value))) }
}

function recordOf(values: Values, columns: readonly Column[]): Record<string, unknown> {
  const record: Record<string, unknown> = {}
  for (const { name, type } of columns) {
    const value = values[name]
    if (value !== undefined) record[name] = value === null ? null : jsonOf(value, type)
  }
  return record
}

/** As to_jsonb would write it. */
function jsonOf(text: string, type: string): unknown {
  if (NUMBERS.has(type)) return Number(text)
  if (type === 'bigint' || type.startsWith('numeric')) return exactly(text)
  if (type === 'boolean') return text === 't'
  if (type === 'json' || type === 'jsonb') return JSON.parse(text)
  if (type.startsWith('timestamp')) return isoOf(text)
  return text
}

/** A number where it is one in JavaScript too, else its text. */
function exactly(text: string): number | string {
  const number = Number(text)
  return Number.isSafeInteger(number) || String(number) === text ? number : text
}

/** `2026-11-29 06:40:00.5+00` as JSON has it: `2026-11-29T06:40:00.5+00:00`. */
function isoOf(text: string): string {
  return text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')
}

/** The names that clients convert by. */
function shortType(type: string): string {
  const base = type.replace(/\(.*\)/, '')
  const short = SHORT[base] ?? base
  return short.endsWith('[]') ? `_${short.slice(0, -2)}` : short
}

const SHORT: Readonly<Record<string, string>> = {
  integer: 'int4',
  bigint: 'int8',
  smallint: 'int2',
  boolean: 'bool',
  real: 'float4',
  'double precision': 'float8',
  'character varying': 'varchar',
  'timestamp with time zone': 'timestamptz',
  'timestamp without time zone': 'timestamp',
  'time without time zone': 'time',
}
