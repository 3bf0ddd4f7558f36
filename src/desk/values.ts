/** A uuid as everybody writes it; PostgreSQL takes other spellings too. */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value)
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i

/** A number that PostgreSQL takes as an integer. */
export function isInt4(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31
}

/** Escapes of JSON that PostgreSQL may refuse: NUL, half a surrogate pair. */
export function hasEscapes(json: string): boolean {
  return json.includes('\\u')
}
