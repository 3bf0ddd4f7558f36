/** An array as PostgreSQL reads one from text. */
export function arrayText(values: readonly (string | null)[]): string {
  let list = ''
  for (const value of values) {
    if (list !== '') list += ','
    list += value === null ? 'NULL' : quoted(value)
  }
  return `{${list}}`
}

function quoted(value: string): string {
  return `"${value.includes('"') || value.includes('\\') ? value.replace(/[\\"]/g, '\\$&') : value}"`
}
