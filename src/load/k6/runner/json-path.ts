/**
 * The part of a JSON value that a path like `items.0.id` names; `#` is a list's length, or `items.#.id` each one's id; `\.` is
 * a dot in a name. Other selectors of k6 (GJSON: queries, wildcards, modifiers) are refused. Runs in guests too.
 */
export function selectJson(
  value: unknown,
  selector: string,
  refuse: (what: string, instead: string) => never,
): unknown {
  if (/[*?|@]|#\(/.test(selector))
    refuse(`the selector '${selector}' of response.json()`, "use paths like 'items.0.id' or 'items.#.id'")
  const keys = selector.match(/(?:\\.|[^.\\])+/g) ?? []
  return follow(
    value,
    keys.map((key) => key.replace(/\\(.)/g, '$1')),
  )
}

function follow(value: unknown, keys: readonly string[]): unknown {
  const [key, ...rest] = keys
  if (key === undefined) return value
  if (key === '#' && Array.isArray(value)) {
    if (rest.length === 0) return value.length
    return value.map((entry) => follow(entry, rest)).filter((found) => found !== undefined)
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return follow(Reflect.get(value, key), rest)
}
