/** A text or a number as SQL writes it. */
export function literal(value: string | number): string {
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`
}

/** One row of a `values` list. */
export function row(...values: readonly (string | number)[]): string {
  return `  (${values.map(literal).join(', ')})`
}
