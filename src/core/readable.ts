/** Nesting: what lies deeper in a stranger's JSON is left out; the database's own bound is some thousand. */
const DEPTH_MAX = 100

/**
 * Sanitizing: a JSON value as PostgreSQL can keep it. NUL and lone surrogates, which JSON can write and jsonb cannot, become
 * U+FFFD; what lies deeper than `DEPTH_MAX` becomes null.
 */
export function readable(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return readableText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEPTH_MAX) return null
  if (Array.isArray(value)) return value.map((item) => readable(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [readableText(key), readable(item, depth + 1)]),
  )
}

const readableText = (text: string) => text.toWellFormed().replaceAll('\0', '\uFFFD')
