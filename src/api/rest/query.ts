import { RestError } from './errors.ts'

/** Which rows of a set are wanted. */
export interface Page {
  readonly limit: number | undefined
  readonly offset: number
}

const ALL: Page = { limit: undefined, offset: 0 }

/** Splits a call's query string into the page and, for GET, the arguments. Filters are not part of this server. */
export function parseQuery(request: Request): { page: Page; args: readonly (readonly [string, string])[] } {
  const start = request.url.indexOf('?')
  if (start < 0) return { page: ALL, args: [] }
  const args: [string, string][] = []
  let page = ALL
  for (const [key, value] of new URLSearchParams(request.url.slice(start + 1))) {
    if (key === 'apikey' || (key === 'select' && (value === '*' || value === ''))) continue
    if (key === 'limit') page = { ...page, limit: countOf(key, value) }
    else if (key === 'offset') page = { ...page, offset: countOf(key, value) }
    else if (RESERVED.has(key) || FILTER.test(value)) throw notImplemented(key)
    else if (request.method === 'POST') throw new RestError('PGRST100', `"failed to parse filter (${value})"`)
    else args.push([key, value])
  }
  return { page, args }
}

const RESERVED = new Set(['select', 'order', 'columns', 'on_conflict', 'and', 'or', 'not.and', 'not.or'])
const FILTER =
  /^(not\.)?(eq|neq|gte?|lte?|i?like|i?match|in|is|isdistinct|(pl|ph|w)?fts|cs|cd|ov|sl|sr|nxr|nxl|adj)(\([^)]*\))?\./

function countOf(key: string, value: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value)
  if (/^-\d+$/.test(value)) {
    const details = `${key === 'limit' ? 'Limit' : 'Offset'} should be greater than or equal to zero.`
    throw new RestError('PGRST103', 'Requested range not satisfiable', details)
  }
  throw new RestError('PGRST100', `"failed to parse ${key} (${value})"`)
}

function notImplemented(key: string): RestError {
  const details = `The query parameter '${key}' does not work on functions here; only limit and offset do.`
  return new RestError('PGRST127', 'Feature not implemented', details)
}
