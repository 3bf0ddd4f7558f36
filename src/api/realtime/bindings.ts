import { createHash } from 'node:crypto'
import type { Change, Values } from '../../db/feed.ts'
import type { Relation, Relations } from '../rest/relations.ts'

/** What a client asks to hear of: as it was asked, and how it is tested. */
export interface Binding {
  /** The same for all who ask the same, so that one message serves them all. */
  readonly id: number
  readonly asked: {
    readonly event: string
    readonly schema: string
    readonly table?: string
    readonly filter?: string
  }
  matches(change: Change): boolean
}

export class BindingError extends Error {}

const EVENTS: ReadonlySet<string> = new Set(['*', 'INSERT', 'UPDATE', 'DELETE'])
const SCHEMA = 'public'

/** One of `postgres_changes`. Throws a BindingError for what cannot be listened to. */
export function bindingOf(asked: unknown, relations: Relations): Binding {
  if (typeof asked !== 'object' || asked === null)
    throw new BindingError('postgres_changes must list objects')
  const { event: given, schema: named, table, filter } = asked as Readonly<Record<string, unknown>>
  const event = typeof given === 'string' ? given.toUpperCase() : '*'
  const schema = typeof named === 'string' ? named : SCHEMA
  if (!EVENTS.has(event)) throw new BindingError(`no such event: ${String(given)}`)
  if (schema !== SCHEMA && schema !== '*') throw new BindingError(`the schema ${schema} is not published`)
  const isAll = table === undefined || table === '*' || table === null
  const relation = isAll ? undefined : relations.tables.get(String(table))
  if (!isAll && relation === undefined) throw new BindingError(`the table ${String(table)} does not exist`)
  const test = filterOf(filter, relation)
  const kept = {
    event: typeof given === 'string' ? given : '*',
    schema,
    ...(typeof table === 'string' ? { table } : {}),
    ...(typeof filter === 'string' ? { filter } : {}),
  }
  return {
    id: idOf(JSON.stringify(kept)),
    asked: kept,
    matches: (change) =>
      (event === '*' || event === change.type) &&
      change.schema === SCHEMA &&
      (isAll || change.table === table) &&
      test(change.record ?? change.old),
  }
}

const ID_BYTES = 4
const ID_MASK = 0x7ffffff

function idOf(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, ID_BYTES) & ID_MASK
}

type Compare = (value: string | null | undefined) => boolean

const FILTER = /^([\p{L}_][\p{L}\p{N}_$]*)=(not\.)?([a-z]+)\.([\s\S]*)$/u

/** `column=op.value`, several joined by commas where each is one. */
function filterOf(filter: unknown, relation: Relation | undefined): (values: Values | undefined) => boolean {
  if (filter === undefined || filter === null || filter === '') return () => true
  const parsed = typeof filter === 'string' ? FILTER.exec(filter) : null
  if (parsed === null) throw new BindingError(`cannot read the filter ${String(filter)}`)
  const [, name = '', not, operator = '', value = ''] = parsed
  const column = relation?.columns.get(name)
  if (column === undefined) throw new BindingError(`invalid column for filter ${name}`)
  const compare = compareOf(operator, value, column.type)
  return (values) => values !== undefined && name in values && compare(values[name]) === (not === undefined)
}

function compareOf(operator: string, value: string, type: string): Compare {
  const order = orderOf(type)
  const by =
    (test: (difference: number) => boolean): Compare =>
    (given) =>
      given !== null && given !== undefined && test(order(given, value))
  switch (operator) {
    case 'eq':
      return by((difference) => difference === 0)
    case 'neq':
      return by((difference) => difference !== 0)
    case 'lt':
      return by((difference) => difference < 0)
    case 'lte':
      return by((difference) => difference <= 0)
    case 'gt':
      return by((difference) => difference > 0)
    case 'gte':
      return by((difference) => difference >= 0)
    case 'in':
      return inList(value, order)
    case 'is':
      return isValue(value)
    case 'isdistinct':
      return (given) => given === null || given === undefined || order(given, value) !== 0
    case 'like':
    case 'ilike':
      return matchesPattern(value, operator === 'ilike')
    default:
      throw new BindingError(`no such operator: ${operator}`)
  }
}

const LIST_MAX = 100

function inList(value: string, order: Order): Compare {
  const inner = /^\(([\s\S]*)\)$/.exec(value)?.[1]
  if (inner === undefined) throw new BindingError('in takes a list such as (a,b)')
  const items = inner.split(',').map((item) => item.trim().replace(/^"(.*)"$/, '$1'))
  if (items.length > LIST_MAX) throw new BindingError(`in takes at most ${LIST_MAX} values`)
  return (given) => given !== null && given !== undefined && items.some((item) => order(given, item) === 0)
}

function isValue(value: string): Compare {
  switch (value) {
    case 'null':
      return (given) => given === null
    case 'true':
      return (given) => given === 't'
    case 'false':
      return (given) => given === 'f'
    default:
      throw new BindingError('is takes null, true or false')
  }
}

/** Without backtracking: pieces between wildcards are looked for one after the other. */
function matchesPattern(pattern: string, ignoresCase: boolean): Compare {
  const fold = (text: string) => (ignoresCase ? text.toLowerCase() : text)
  const pieces = fold(pattern.replaceAll('*', '%')).split('%')
  if (pieces.some((piece) => piece.includes('_') || piece.includes('\\'))) {
    throw new BindingError('like takes % alone')
  }
  return (given) => {
    if (given === null || given === undefined) return false
    const text = fold(given)
    const [first = '', ...rest] = pieces
    const last = rest.pop()
    if (last === undefined) return text === first
    if (!text.startsWith(first) || !text.endsWith(last)) return false
    let at = first.length
    for (const piece of rest) {
      const found = text.indexOf(piece, at)
      if (found < 0) return false
      at = found + piece.length
    }
    return at <= text.length - last.length
  }
}

type Order = (left: string, right: string) => number

const NUMBERS: ReadonlySet<string> = new Set(['smallint', 'integer', 'bigint', 'real', 'double precision'])

/** How two values of a type compare, as far as their text shows it. */
function orderOf(type: string): Order {
  if (NUMBERS.has(type) || type.startsWith('numeric')) return (left, right) => Number(left) - Number(right)
  if (type === 'boolean') return (left, right) => Number(isTrue(left)) - Number(isTrue(right))
  if (type.startsWith('timestamp') || type === 'date') {
    return (left, right) => Date.parse(left.replace(' ', 'T')) - Date.parse(right.replace(' ', 'T'))
  }
  if (type === 'uuid') return (left, right) => compareTexts(left, right.toLowerCase())
  return compareTexts
}

function compareTexts(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

function isTrue(text: string): boolean {
  return text === 't' || text === 'true'
}
