/** A query string's parameters, in order; as PostgREST has it, one without `=` says nothing. */
export function parametersOf({ url }: Request): readonly (readonly [string, string])[] {
  const start = url.indexOf('?')
  if (start < 0) return []
  const parts = url.slice(start + 1).split('&')
  return [...new URLSearchParams(parts.filter((part) => part.includes('=')).join('&'))]
}
