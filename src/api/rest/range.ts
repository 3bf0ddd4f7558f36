import { RestError } from './errors.ts'
import { ROWS_MAX } from './read-sql.ts'
import type { Clauses } from './table-query.ts'

/** Which rows of the whole result are wanted. */
export interface Range {
  readonly limit: number
  readonly offset: number
}

const RANGE = /^(?:items=)?(\d{1,15})-(\d{1,15})?$/

/** What `limit` and `offset` say and the Range header of a read says, together. */
export function rangeOf(request: Request, { limit, offset }: Clauses, rowsMax = ROWS_MAX): Range {
  const own = { limit: Math.min(limit ?? rowsMax, rowsMax), offset }
  const [, first, last] = RANGE.exec(request.headers.get('range') ?? '') ?? []
  if (first === undefined) return own
  const from = Math.max(Number(first), offset)
  const until = Math.min(
    last === undefined ? Number.POSITIVE_INFINITY : Number(last) + 1,
    limit === undefined ? Number.POSITIVE_INFINITY : offset + limit,
  )
  if (last !== undefined && Number(last) < Number(first)) {
    const details =
      'The lower boundary must be lower than or equal to the upper boundary in the Range header.'
    throw new RestError('PGRST103', 'Requested range not satisfiable', details)
  }
  return { limit: Math.min(Math.max(until - from, 0), rowsMax), offset: from }
}
