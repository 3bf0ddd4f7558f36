import { invalidBody } from './payload.ts'

/** A field, in quotes or without, and what ends it. */
const FIELD = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n|\n|\r|$)/gy

/** Rows of text by the names in the first line, as RFC 4180 has it; blank lines are none, and `NULL` is null. */
export function parseCsv(text: string): readonly Readonly<Record<string, string | null>>[] {
  const [names, ...lines] = linesOf(text)
  if (names === undefined) throw invalidBody('Empty or invalid csv')
  return lines.map((fields) => {
    if (fields.length !== names.length) throw invalidBody('All lines must have same number of fields')
    return Object.fromEntries(names.map((name, i) => [name, meaning(fields[i] ?? '')]))
  })
}

function meaning(field: string): string | null {
  return field === 'NULL' ? null : field
}

function linesOf(text: string): readonly (readonly string[])[] {
  const lines: string[][] = []
  let fields: string[] = []
  let end = 0
  for (const [whole, field = '', mark] of text.matchAll(FIELD)) {
    fields.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field)
    end += whole.length
    if (mark === ',') continue
    if (fields.length > 1 || field !== '') lines.push(fields)
    fields = []
    if (mark === '') break
  }
  if (end !== text.length) throw invalidBody('Empty or invalid csv')
  return lines
}
