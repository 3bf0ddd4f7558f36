import { createReadStream } from 'node:fs'
import type { z } from 'zod'
import {
  footer,
  type Header,
  HISTORY_SCHEMA,
  header,
  type LedgerRow,
  ledgerRow,
  type Operation,
  operation,
} from './format.ts'

/** A whole history, as the checkers judge it. */
export interface RecordedHistory {
  readonly header: Header
  readonly operations: readonly Operation[]
  readonly rows: readonly LedgerRow[]
}

/** The file is no history that this version can judge. */
class HistoryError extends Error {
  readonly code:
    | 'HISTORY_UNREADABLE'
    | 'HISTORY_EMPTY'
    | 'HISTORY_FOREIGN'
    | 'HISTORY_CUT'
    | 'HISTORY_LINE_TOO_LONG'
    | 'HISTORY_LINE_INVALID'
    | 'HISTORY_SECOND_HEADER'

  constructor(code: HistoryError['code'], message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options)
    this.code = code
  }
}

/** No operation comes near it: a cart has 50 tiers at most. */
export const LINE_CHARS_MAX = 65_536

/** Reads a file line by line; a million operations are not in memory as text. Throws a HistoryError with the number of the line. */
export async function readHistory(file: string): Promise<RecordedHistory> {
  let first: Header | undefined
  const operations: Operation[] = []
  const rows: LedgerRow[] = []
  const intern = internTable()
  let isEnded = false
  for await (const { text, number } of linesOf(file)) {
    const value = parseLine(text, number)
    if (isEnded) throw new HistoryError('HISTORY_LINE_INVALID', `line ${number} stands behind the last one.`)
    if (first === undefined) first = parseHeader(value, number)
    else if ('end' in value) isEnded = isWhole(valid(footer, value, number), operations, rows, number)
    else if ('history' in value)
      throw new HistoryError('HISTORY_SECOND_HEADER', `line ${number}: there is one run a file.`)
    else if ('row' in value) rows.push(intern(valid(ledgerRow, value, number)))
    else operations.push(intern(valid(operation, value, number)))
  }
  if (first === undefined) throw new HistoryError('HISTORY_EMPTY', 'the file has no line.')
  if (!isEnded)
    throw new HistoryError(
      'HISTORY_CUT',
      'the last line, which counts the others, is missing: the file was cut off, or is still written.',
    )
  return { header: first, operations, rows }
}

function isWhole(
  counted: z.infer<typeof footer>,
  operations: readonly unknown[],
  rows: readonly unknown[],
  number: number,
): true {
  if (counted.operations === operations.length && counted.rows === rows.length) return true
  throw new HistoryError(
    'HISTORY_CUT',
    `line ${number} counts ${counted.operations} operations and ${counted.rows} rows, and there are ${operations.length} and ${rows.length}.`,
  )
}

interface Line {
  readonly text: string
  readonly number: number
}

/** Bounded: a line that never ends is refused before it fills the memory. */
async function* linesOf(file: string): AsyncGenerator<Line> {
  let rest = ''
  let number = 0
  try {
    for await (const chunk of createReadStream(file, 'utf8')) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const text of lines) yield bounded({ text, number: ++number })
      bounded({ text: rest, number: number + 1 })
    }
  } catch (error) {
    if (error instanceof HistoryError || !(error instanceof Error && 'code' in error)) throw error
    throw new HistoryError('HISTORY_UNREADABLE', error.message, { cause: error })
  }
  if (rest !== '')
    throw new HistoryError(
      'HISTORY_CUT',
      `line ${number + 1} has no end: the file was cut off, or is still written.`,
    )
}

function bounded(line: Line): Line {
  if (line.text.length <= LINE_CHARS_MAX) return line
  throw new HistoryError(
    'HISTORY_LINE_TOO_LONG',
    `line ${line.number} has more than ${LINE_CHARS_MAX.toLocaleString('en')} characters.`,
  )
}

function parseLine(text: string, number: number): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Said below, without the text: it may be anything.
  }
  throw new HistoryError('HISTORY_LINE_INVALID', `line ${number} is no JSON object.`)
}

function parseHeader(value: object, number: number): Header {
  if (!('history' in value))
    throw new HistoryError('HISTORY_FOREIGN', `line ${number} is no header: a history begins with one.`)
  if (value.history !== HISTORY_SCHEMA)
    throw new HistoryError(
      'HISTORY_FOREIGN',
      `line ${number}: this is ${JSON.stringify(value.history).slice(0, 80)}, and this version judges "${HISTORY_SCHEMA}".`,
    )
  return valid(header, value, number)
}

function valid<Schema extends z.ZodType>(schema: Schema, value: object, number: number): z.output<Schema> {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  const [issue] = error.issues
  const where = issue?.path.join('.') ?? ''
  throw new HistoryError(
    'HISTORY_LINE_INVALID',
    `line ${number}${where === '' ? '' : `, ${where}`}: ${issue?.message ?? 'not valid'}`,
  )
}

/** Interning: of a string that stands in every line, one copy is kept; of an object's fields the short ones are such. */
function internTable(): <T extends object>(value: T) => T {
  const known = new Map<string, string>()
  return (value) => {
    for (const name of INTERNED) {
      const text = Reflect.get(value, name)
      if (typeof text !== 'string') continue
      const kept = known.get(text)
      if (kept === undefined) known.set(text, text)
      else Reflect.set(value, name, kept)
    }
    return value
  }
}

const INTERNED = ['process', 'code', 'scenario', 'database', 'fault', 'tier', 'status', 'event'] as const
