import { parseCsv } from './csv.ts'
import type { Preferences } from './negotiate.ts'
import { contentTypeOf, invalidBody, parseBody } from './payload.ts'
import type { TableQuery } from './table-query.ts'

/** The rows that a write makes, by the columns of the body. */
export interface Written {
  readonly text: string
  readonly isArray: boolean
  readonly columns: readonly string[]
  /** What the body leaves out gets the column's default, not null. */
  readonly missing: 'default' | 'null'
}

export type Method = 'POST' | 'PATCH' | 'PUT' | 'DELETE'

const NO_BODY: Written = { text: '{}', isArray: false, columns: [], missing: 'null' }

/** The body's rows, and which of their columns are written. */
export function writtenIn(
  request: Request,
  text: string,
  method: Method,
  query: TableQuery,
  { missing = 'null' }: Preferences,
): Written {
  if (method === 'DELETE') return NO_BODY
  const type = contentTypeOf(request.headers.get('content-type'))
  if (type === 'text/csv') {
    const rows = parseCsv(text)
    return oneOrMany(method, { rows, keys: Object.keys(rows[0] ?? {}), isArray: true }, missing)
  }
  const payload = parseBody(text, type)
  if (payload.kind === 'raw') throw invalidBody(`Content-Type not acceptable: ${type}`)
  if (payload.kind === 'direct') {
    const fields = Object.fromEntries([...payload.values].map(([name, values]) => [name, values.at(-1)]))
    return { text: JSON.stringify(fields), isArray: false, columns: payload.keys, missing }
  }
  if (text === '') throw invalidBody('Empty or invalid json')
  const columns = method === 'PUT' ? undefined : query.columns
  const value: unknown = JSON.parse(payload.text)
  const rows: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (!rows.every(isObject)) throw invalidBody('The body must be an object or an array of objects')
  if (columns === undefined && !payload.named) throw invalidBody('All object keys must match')
  const { array: isArray, text: json } = payload
  return oneOrMany(method, { rows, keys: columns ?? payload.keys, isArray, json }, missing)
}

interface Rows {
  readonly rows: readonly unknown[]
  readonly keys: readonly string[]
  readonly isArray: boolean
  /** As they were sent: numbers keep all their digits. */
  readonly json?: string
}

/** A change is one row's values, or none. */
function oneOrMany(
  method: Method,
  { rows, keys, isArray, json }: Rows,
  missing: Written['missing'],
): Written {
  if (method === 'PATCH' && isArray && rows.length > 1) throw invalidBody('PATCH takes one object')
  return { text: json ?? JSON.stringify(rows), isArray, columns: keys, missing }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
