import { looksLikeFilter } from './filter.ts'
import { parametersOf } from './parameters.ts'
import { parseTableQuery, type TableQuery } from './table-query.ts'

/** What a call's query string says of the rows that the function gives, and to the function itself. */
export interface CallQuery {
  readonly query: TableQuery
  /** More than a page of all rows as they are. */
  readonly isShaped: boolean
  /** Of a GET: what is no clause and no filter is an argument. */
  readonly args: readonly (readonly [string, string])[]
}

const NOTHING: CallQuery = { query: parseTableQuery([]), isShaped: false, args: [] }

export function parseQuery(request: Request): CallQuery {
  const parameters = parametersOf(request)
  if (parameters.length === 0) return NOTHING
  const isArgument = ([key, value]: readonly [string, string]) =>
    request.method !== 'POST' && key !== 'apikey' && !isClause(key) && !looksLikeFilter(value)
  const clauses = parameters.filter((one) => !isArgument(one))
  return {
    query: parseTableQuery(clauses),
    isShaped: clauses.some(([key, value]) => !PLAIN.has(key) && !(key === 'select' && isAll(value))),
    args: parameters.filter(isArgument),
  }
}

/** What leaves rows as they are. */
const PLAIN: ReadonlySet<string> = new Set(['apikey', 'limit', 'offset', 'columns', 'on_conflict'])

const CLAUSES: ReadonlySet<string> = new Set([
  ...['select', 'columns', 'on_conflict', 'order', 'limit', 'offset', 'and', 'or'],
])

/** What speaks of an embedded resource has a dot. */
function isClause(key: string): boolean {
  return CLAUSES.has(key) || key.includes('.')
}

function isAll(select: string): boolean {
  return select === '*' || select === ''
}
